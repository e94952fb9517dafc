from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import polars as pl
import pytest

from api import score_file as module
from api.score_file import COLUMNS, ERROR, UNREADABLE, FileError, score_file
from api.settings import SettingsError
from scoring.errors import ArtifactError, RequestError
from scoring.registry import activate
from tests.api.conftest import write_tiny_artifact

if TYPE_CHECKING:
    from tests.api.conftest import Service

AS_OF = "2026-07-01T00:00:00Z"
ROWS = [
    {
        "account_id": "1",
        "domain": "acme.com",
        "industry": "fintech",
        "employees": "1,200",
        "technologies": "dbt",
    },
    {
        "account_id": "",
        "domain": "beta.io",
        "industry": "Fintech",
        "employees": "90",
        "technologies": "Snowflake",
    },
    {"account_id": "", "domain": "", "industry": "retail", "employees": "5", "technologies": ""},
    {"account_id": "4", "domain": "", "industry": "", "employees": "many", "technologies": "n/a"},
    {
        "account_id": "5",
        "domain": "gmail.com",
        "industry": "farming, fishing",
        "employees": "3",
        "technologies": "",
    },
]
Score = Callable[..., module.Done]


@pytest.fixture
def score(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> Score:
    monkeypatch.delenv("FIREBRAND_REDIS_URL", raising=False)

    def scored(file: Path, out: Path, **more: Any) -> module.Done:
        options = {"objective": "", "as_of": AS_OF, "on_step": lambda *_: None, **more}
        return score_file(file, out, options.pop("artifacts", artifacts), **options)

    return scored


@pytest.fixture
def book(tmp_path: Path) -> Path:
    file = tmp_path / "accounts.csv"
    with file.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.DictWriter(sink, list(ROWS[0]))
        writer.writeheader()
        writer.writerows(ROWS)
    return file


def lines(out: Path) -> list[dict[str, str]]:
    with out.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def left_beside(file: Path, *names: str) -> set[str]:
    return {path.name for path in file.parent.iterdir()} - {file.name, *names}


def test_every_row_in_gives_a_row_out_in_order(score: Score, book: Path, tmp_path: Path) -> None:
    done = score(book, tmp_path / "scores.csv")
    assert (done.scored, done.failed) == (4, 1)
    out = lines(tmp_path / "scores.csv")
    assert [(row["account_id"], row["domain"]) for row in out] == [
        (row["account_id"], row["domain"]) for row in ROWS
    ]
    assert list(out[0]) == [*COLUMNS, UNREADABLE, ERROR]
    assert [bool(row[ERROR]) for row in out] == [False, False, True, False, False]
    assert out[2][ERROR].startswith("identity_missing: ")
    assert out[2]["score"] == ""
    assert left_beside(book, "scores.csv") == set()


@pytest.mark.parametrize("source", ["csv", "parquet"])
@pytest.mark.parametrize("target", ["csv", "parquet"])
def test_csv_and_parquet_in_and_out_are_alike(
    score: Score, book: Path, tmp_path: Path, source: str, target: str
) -> None:
    rows = pl.read_csv(book, infer_schema=False)
    if source == "parquet":
        book = tmp_path / "accounts.parquet"
        rows.write_parquet(book)
    score(book, tmp_path / "expected.csv")
    out = tmp_path / f"out.{target}"
    score(book, out)
    if target == "parquet":
        frame = pl.read_parquet(out)
        assert dict(frame.schema) == {**COLUMNS, UNREADABLE: pl.String(), ERROR: pl.String()}
        frame.write_csv(out.with_suffix(".csv"))
    assert lines(out.with_suffix(".csv")) == lines(tmp_path / "expected.csv")


def test_typed_columns_of_parquet_are_read(score: Score, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "account_id": [1, 2],
            "employees": [1200, 90],
            "technologies": [["dbt", "snowflake"], None],
            "funded": [True, None],
            "industry": ["fintech", None],
        }
    ).with_columns(founded=pl.date(2016, 5, 1))
    frame.write_parquet(tmp_path / "typed.parquet")
    score(tmp_path / "typed.parquet", tmp_path / "out.parquet")
    out = pl.read_parquet(tmp_path / "out.parquet")
    assert out["account_id"].to_list() == ["1", "2"]
    assert out["segment"].to_list() == ["fintech-on-snowflake", ""]
    assert out["coverage"][0] == 1.0


def test_a_file_scores_as_requests_do(
    score: Score, book: Path, tmp_path: Path, service: Service, client: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    signals = [
        {"domain": "beta.io", "type": "demo_request", "event_id": "of a file", "occurred_at": "2026-06-29"}
    ]
    client.post("/signals", json=signals)
    monkeypatch.setenv("FIREBRAND_REDIS_URL", f"unix://{service.state / 'store' / 'store.sock'}")
    monkeypatch.setenv("FIREBRAND_PERSON_KEY", (service.state / "person.key").read_text().strip())
    score(book, tmp_path / "out.parquet", objective="growth")
    filed = pl.read_parquet(tmp_path / "out.parquet").to_dicts()
    sent = {"accounts": ROWS, "as_of": AS_OF, "objective": "growth"}
    answers = client.post("/score/bulk", json=sent).json()["results"]
    assert answers[1]["intent"] > 0
    for row, answer in zip(filed, answers, strict=True):
        if row[ERROR]:
            assert row[ERROR].startswith(answer["code"])
            continue
        flat = {**answer, "reasons": " | ".join(answer["reasons"])}
        assert {name: row[name] for name in COLUMNS} == {name: flat[name] for name in COLUMNS}


def test_without_a_store_scores_are_fit_alone_and_say_so(score: Score, book: Path, tmp_path: Path) -> None:
    score(book, tmp_path / "out.parquet")
    out = pl.read_parquet(tmp_path / "out.parquet").filter(pl.col(ERROR) == "")
    assert out["degraded"].all()
    assert out["intent"].null_count() == out.height


def test_a_row_may_name_its_own_objective_and_moment(score: Score, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(
        "account_id,reference,objective,as_of,employees\n"
        "1,a,efficiency,2026-01-01,20\n2,b,,,20\n3,c,speed,,20\n4,d,,yesterday,20\n"
    )
    score(file, tmp_path / "out.csv", objective="growth")
    first, second, third, fourth = lines(tmp_path / "out.csv")
    assert float(first["fit"]) > 50 > float(second["fit"])
    assert first["as_of"].startswith("2026-01-01")
    assert second["as_of"].startswith("2026-07-01")
    assert third[ERROR].startswith("objective_invalid")
    assert (fourth["account_id"], fourth["reference"]) == ("4", "d"), "a fault is found by its row's own id"
    assert "as_of" in fourth[ERROR]


def test_a_file_without_rows_gives_one_without_rows(score: Score, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("account_id,employees\n")
    assert score(tmp_path / "none.csv", tmp_path / "out.csv").scored == 0
    assert (tmp_path / "out.csv").read_text().strip() == ",".join([*COLUMNS, UNREADABLE, ERROR])


def test_chunks_make_no_difference(score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "many.csv"
    file.write_text("account_id,employees\n" + "".join(f"{n},{n}\n" for n in range(1, 2001)))
    score(file, tmp_path / "whole.csv")
    monkeypatch.setattr(module, "CHUNK", 300)
    steps: list[float] = []
    score(file, tmp_path / "parts.csv", on_step=lambda _, done: steps.append(done))
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert steps == sorted(steps)
    assert len(steps) > 1
    assert steps[-1] == 1.0


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.csv", None, "absent.csv"),
        ("empty.csv", b"", "empty"),
        (
            "no-id.csv",
            b"name,employees\nAcme,3\n",
            "needs a column account_id or domain; it has: name, employees",
        ),
        ("not.parquet", b"account_id\n1\n", "not.parquet"),
        ("ragged.csv", b"account_id,size\n" + b"1,2\n" * 9 + b"1,2,3\n", "more fields"),
        ("encoded.csv", b"account_id,name\n1,M\xfcller\n", "utf-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_nothing_is_written(
    score: Score, tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    (tmp_path / "out.csv").write_text("from before")
    with pytest.raises(FileError, match=str(file)) as caught:
        score(file, tmp_path / "out.csv")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "out.csv").read_text() == "from before"
    assert left_beside(file, "out.csv") == set()


@pytest.mark.parametrize("out", ["absent-folder/out.csv", "accounts.csv/out.parquet", "out.xlsx", "out"])
def test_a_target_that_cannot_be_written_is_named(score: Score, book: Path, tmp_path: Path, out: str) -> None:
    with pytest.raises(FileError, match=str(tmp_path / out)):
        score(book, tmp_path / out)
    assert left_beside(book) == set()


def test_what_was_asked_wrongly_is_refused_before_anything_is_read(
    score: Score, book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(RequestError, match="preset"):
        score(book, out, objective="speed")
    with pytest.raises(RequestError, match="as_of"):
        score(book, out, as_of="yesterday")
    with pytest.raises(ArtifactError, match=str(tmp_path / "none")):
        score(book, out, artifacts=tmp_path / "none")
    monkeypatch.setenv("FIREBRAND_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.delenv("FIREBRAND_PERSON_KEY", raising=False)
    with pytest.raises(SettingsError, match="FIREBRAND_PERSON_KEY"):
        score(book, out)
    assert left_beside(book) == set()


def test_the_file_to_score_is_not_overwritten(score: Score, book: Path) -> None:
    before = book.read_bytes()
    with pytest.raises(FileError, match="is the file to score"):
        score(book, book)
    assert book.read_bytes() == before


def test_what_the_model_cannot_use_is_said(score: Score, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("account_id,Employees,colour\n1,many,red\n")
    done = score(tmp_path / "in.csv", tmp_path / "out.csv")
    assert done.notes == ["columns that the model does not know: colour"]
    assert lines(tmp_path / "out.csv")[0][UNREADABLE] == "employees"
    (tmp_path / "in.csv").write_text("account_id,colour\n1,red\n")
    assert "no column that the model knows" in score(tmp_path / "in.csv", tmp_path / "out.csv").notes[0]


def test_what_could_not_be_read_and_what_the_model_does_not_know_is_counted(
    score: Score, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text(
        "domain,Employees,industry,founded,colour\n"
        "a.com,many,fintech,2001-01-01,red\n"
        "b.com,lots,Farming,soon,blue\n"
        "c.com,many,farming,n/a,\n"
        "d.com,few,mining,,\n"
        "e.com,plenty,,,\n"
        ",many,farming,soon,no id so no score\n"
    )
    unused = score(tmp_path / "in.csv", tmp_path / "out.csv").unused
    assert {name: (one.times, one.examples) for name, one in unused.unreadable.items()} == {
        "employees": (5, ["'many'", "'lots'", "'few'"]),
        "founded": (1, ["'soon'"]),
    }
    unreadable, unknown = unused.said()
    what, _, where = unreadable.partition(": ")
    assert what == "6 cells could not be read and count as missing"
    assert where == "employees 5 (such as 'many', 'lots', 'few'); founded 1 (such as 'soon')"
    what, _, where = unknown.partition(": ")
    assert what == "3 cells have a category that the model does not know"
    assert where == "industry 3 (such as 'Farming', 'farming', 'mining')"
    named = [set(filter(None, row[UNREADABLE].split(", "))) for row in lines(tmp_path / "out.csv")]
    assert sum(map(len, named)) == 6


def test_of_a_file_that_was_used_whole_nothing_is_counted(score: Score, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("domain,employees,industry\na.com,5,Retail\nb.com,,n/a\n")
    assert score(tmp_path / "in.csv", tmp_path / "out.csv").unused.said() == []


def test_fields_are_found_however_their_names_are_written(score: Score, tmp_path: Path) -> None:
    row = "1,www.acme.com,a,efficiency,2026-01-01,20,Acme"
    for name, header in (
        ("as-ours", "account_id,domain,reference,objective,as_of,employees,name"),
        ("as-theirs", "Account ID,DOMAIN,Reference,Objective,as-of,Employees,Name"),
    ):
        (tmp_path / f"{name}.csv").write_text(f"{header}\n{row}\n")
        assert score(tmp_path / f"{name}.csv", tmp_path / f"{name}.out.csv").notes == []
    assert lines(tmp_path / "as-theirs.out.csv") == lines(tmp_path / "as-ours.out.csv")
    assert lines(tmp_path / "as-ours.out.csv")[0]["reference"] == "a"


def test_a_crms_export_is_scored_under_the_names_it_was_learnt_under(score: Score, tmp_path: Path) -> None:
    registry = tmp_path / "models"
    sections = '\n[book]\npreset = "hubspot"\n\n[columns.accounts]\nfunded = "Backed"\n'
    activate(registry, write_tiny_artifact(registry, sections=sections))
    for name, header in (
        ("as-ours", "account_id,domain,employees,industry,funded"),
        ("as-theirs", "Record ID,Company Domain Name,Number of Employees,Industry,Backed"),
        ("as-theirs-nearly", "record_id,company-domain-name,NUMBER OF EMPLOYEES,industry,BACKED"),
    ):
        (tmp_path / f"{name}.csv").write_text(f"{header}\n1,acme.com,450,fintech,yes\n")
        assert score(tmp_path / f"{name}.csv", tmp_path / f"{name}.out.csv", artifacts=registry).notes == []
        assert lines(tmp_path / f"{name}.out.csv") == lines(tmp_path / "as-ours.out.csv")


def test_two_columns_of_one_field_are_refused(score: Score, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("domain,Domain,employees\na.com,b.com,3\n")
    with pytest.raises(FileError, match="more than one column that reads as domain: domain, Domain"):
        score(tmp_path / "in.csv", tmp_path / "out.csv")


def test_warehouse_decimals_score_as_numbers(score: Score, tmp_path: Path) -> None:
    rows = pl.DataFrame({"account_id": ["1"], "employees": ["1200.00"]})
    rows.write_csv(tmp_path / "in.csv")
    rows.with_columns(pl.col("employees").cast(pl.Decimal(10, 2))).write_parquet(tmp_path / "in.parquet")
    score(tmp_path / "in.csv", tmp_path / "csv.csv")
    score(tmp_path / "in.parquet", tmp_path / "parquet.csv")
    assert lines(tmp_path / "csv.csv") == lines(tmp_path / "parquet.csv")
