from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from api.family_file import FamilyFileError
from api.score_file import score_file
from scoring.errors import StoreUnavailableError
from scoring.servers.embedded import EmbeddedStore
from scoring.servers.servers import Servers
from scoring.signals.log import SignalBatch
from scoring.signals.rolled_up import RolledUp, Rollup
from scoring.store.store import SignalStore

PERSON_KEY = "a key of sixteen and more"
BOOK = """Account ID,domain,name,parent_id,industry
top,top.com,Top,,fintech
one,one.com,One,top,fintech
two,gmail.com,Two,top,retail
leaf,,Leaf,one,
stray,stray.com,Stray,n/a,
"""


@pytest.fixture(scope="module")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedStore(tmp_path_factory.mktemp("store")) as embedded:
        yield embedded.url


@pytest.fixture(autouse=True)
def _settings(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBRAND_REDIS_URL", store_url)
    monkeypatch.setenv("FIREBRAND_PERSON_KEY", PERSON_KEY)


def run(file: Path) -> Result:
    return CliRunner().invoke(app, ["families", "import", str(file)], catch_exceptions=False)


def read(url: str, *names: str) -> RolledUp:
    async def work() -> SignalBatch:
        store = SignalStore(Servers(url, read_budget=5.0), person_key=PERSON_KEY.encode(), read_budget=5.0)
        try:
            return await store.read([names], rollups=[Rollup.FAMILY])
        finally:
            await store.close()

    return asyncio.run(work()).rolled_up[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_books_accounts_tell_who_is_whose_parent(delimiter: str, tmp_path: Path, store_url: str) -> None:
    file = tmp_path / "accounts.csv"
    text = BOOK.replace(",", delimiter)
    for name in ("top", "one", "two", "leaf", "stray"):
        text = text.replace(name, f"{name}{ord(delimiter)}")
    file.write_text(text, encoding="utf-8-sig")
    done = run(file)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "linked 3, unchanged 0, without a parent 2, not stored 0" in done.stderr
    assert "linked 0, unchanged 3" in run(file).stderr
    mark = str(ord(delimiter))
    for names in ((f"a:leaf{mark}",), (f"d:one{mark}.com",), (f"d:top{mark}.com",)):
        assert read(store_url, *names).accounts == 3
    assert read(store_url, f"d:stray{mark}.com").accounts == 0


def test_what_cannot_be_stored_is_listed_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    rows = [f"own{n},own{n}" for n in range(12)] + [",own1", "good,other"]
    file.write_text("account_id,parent_id\n" + "\n".join(rows) + "\n")
    done = run(file)
    assert done.exit_code == 1
    assert "linked 1, unchanged 0, without a parent 0, not stored 13" in done.stderr
    assert "line 2: family_cycle: " in done.stderr
    assert "line 11: family_cycle: " in done.stderr
    assert "and 3 more lines" in done.stderr
    assert "own1" not in done.stderr


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name,parent_id\nx,1\n", "needs a column account_id or domain; it has: name, parent_id"),
        ("account_id,name\n1,x\n", "needs a column parent_id or parent_domain"),
        ("account_id,Account ID,parent_id\n1,2,3\n", "more than one column that reads as account_id"),
        ("", "needs a column"),
    ],
)
def test_a_file_that_does_not_say_who_is_whose_parent_is_refused(
    text: str, what: str, tmp_path: Path
) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text(text)
    with pytest.raises(FamilyFileError, match=what):
        run(file)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FamilyFileError, match="cannot read"):
        run(tmp_path / "nothing.csv")
    (tmp_path / "accounts.csv").write_bytes(b"account_id,parent_id\n\xff\xfe,1\n")
    with pytest.raises(FamilyFileError, match="cannot read"):
        run(tmp_path / "accounts.csv")


def test_where_links_go_must_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("account_id,parent_id\n1,2\n")
    monkeypatch.setenv("FIREBRAND_REDIS_URL", "redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailableError):
        run(file)


def test_where_no_store_is_configured_that_of_the_state_folder_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("account_id,parent_id\n1,2\n")
    monkeypatch.delenv("FIREBRAND_REDIS_URL")
    monkeypatch.setenv("FIREBRAND_STATE", str(tmp_path / "state"))
    assert "linked 1" in run(file).stderr
    assert "unchanged 1" in run(file).stderr
    with EmbeddedStore(tmp_path / "state" / "store") as embedded:
        assert read(embedded.url, "a:2").accounts == 1


def test_a_scored_file_counts_children_where_it_is_asked_to(tmp_path: Path, artifacts: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,parent_id\nfile-child,file-parent\n")
    run(tmp_path / "accounts.csv")

    file, out = tmp_path / "score.csv", tmp_path / "out.csv"
    file.write_text("account_id,rollup\nfile-parent,\nfile-parent,none\nfile-parent,all\n")
    done = score_file(file, out, artifacts, objective="", as_of="", rollup="parent", on_step=lambda *_: None)
    assert (done.scored, done.failed) == (2, 1)
    first, second, third = out.read_text().splitlines()[1:]
    assert "with 1 subsidiary" in first
    assert "subsidiary" not in second
    assert "request_invalid: rollup" in third
