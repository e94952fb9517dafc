from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scoring.registry import active_version, versions

if TYPE_CHECKING:
    from subprocess import CompletedProcess

    from tests.api.conftest import Run

COMMANDS = (
    ("demo-book",),
    ("train",),
    ("analyze",),
    ("score",),
    ("serve",),
    ("models", "list"),
    ("models", "show"),
    ("models", "activate"),
)


def refused(done: CompletedProcess[str], *says: object) -> None:
    """Exit 1, one message on stderr that says these, and no traceback."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert done.stderr.startswith("error (")
    assert "Traceback" not in done.stderr
    for part in says:
        assert str(part) in done.stderr, done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_shows_an_example(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert f"Example: firebrand {' '.join(command)}" in done.stdout


def test_help_lists_the_commands(run: Run) -> None:
    listed = run("--help").stdout
    assert all(command[0] in listed for command in COMMANDS)


def test_a_book_is_written_once(run: Run, tmp_path: Path) -> None:
    small = ("--accounts", 20, "--prospects", 5, "--seed", 3)
    done = run("demo-book", tmp_path / "book", *small)
    assert done.returncode == 0, done.stderr
    assert f"firebrand train {tmp_path / 'book'} --plan {tmp_path / 'book' / 'plan.toml'}" in done.stderr
    assert {"accounts.csv", "plan.toml", "truth.json"} <= {
        path.name for path in (tmp_path / "book").iterdir()
    }
    written = (tmp_path / "book" / "accounts.csv").read_bytes()
    refused(run("demo-book", tmp_path / "book", *small), tmp_path / "book")
    assert (tmp_path / "book" / "accounts.csv").read_bytes() == written


@pytest.fixture(scope="module")
def book(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("books") / "book"
    assert run("demo-book", folder, "--accounts", 800, "--prospects", 20).returncode == 0
    return folder


def test_train_ends_with_the_version_and_its_model_is_served_next(
    run: Run, book: Path, tmp_path: Path
) -> None:
    registry = tmp_path / "registry"
    done = run("train", book, "--plan", book / "plan.toml", "--artifacts", registry)
    assert done.returncode == 0, done.stderr
    version = done.stdout.splitlines()[-1]
    assert versions(registry) == [version] == [active_version(registry)]
    assert str(registry / version / "card.html") in done.stderr, "a path is not broken over two lines"
    assert "segment hiring-logistics: NRR 1" in done.stderr
    assert "backtest as of 2025-06-30: nrr of the band with the highest Fit was" in done.stderr
    scored = run("score", book / "prospects.csv", "--artifacts", registry, "--out", tmp_path / "scores.csv")
    assert scored.returncode == 0, scored.stderr
    assert f"scored 20 accounts into {tmp_path / 'scores.csv'}" in scored.stderr
    assert version in (tmp_path / "scores.csv").read_text()
    (tmp_path / "odd.csv").write_text(
        "domain,industry,employees\na.com,logistics,many [red]\nb.com,Alchemy,7\n"
    )
    scored = run("score", tmp_path / "odd.csv", "--artifacts", registry, "--out", tmp_path / "odd.out.csv")
    assert scored.stderr.splitlines()[-3:] == [
        f"scored 2 accounts into {tmp_path / 'odd.out.csv'}",
        "1 cells could not be read and count as missing: employees 1 (such as 'many [red]')",
        "1 cells have a category that the model does not know: industry 1 (such as 'Alchemy')",
    ]


def test_analyze_writes_a_page_and_its_files_and_shows_groups_and_candidates(
    run: Run, book: Path, tmp_path: Path
) -> None:
    done = run("analyze", book, "--out", tmp_path / "a")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'a' / 'analysis.html'}\n"
    assert "Everybody" in done.stderr
    assert "leak renewal_risk_notes" in done.stderr
    assert "the plan has it as" in done.stderr
    assert str(tmp_path / "a" / "candidates.csv") in done.stderr
    assert run("analyze", book, "--out", tmp_path / "b").returncode == 0
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["analysis.html", "attributes.csv", "candidates.csv", "metrics.csv", "segments.csv"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_analyze_needs_no_plan_and_says_that_nothing_was_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,[red]\na,x\nb,y\n")
    (tmp_path / "subscriptions.csv").write_text("account_id,start,mrr\na,2025-01-01,5\nb,2025-01-01,5\n")
    done = run("analyze", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "nothing found" in done.stderr
    assert "Default plan" in (tmp_path / "out" / "analysis.html").read_text(encoding="utf-8")


def test_what_analyze_cannot_read_is_named_and_nothing_is_written(
    run: Run, book: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "out")
    refused(run("analyze", tmp_path / "none", *out), tmp_path / "none")
    refused(run("analyze", book, "--plan", tmp_path / "none.toml", *out), tmp_path / "none.toml")
    assert not (tmp_path / "out").exists()


def damaged(book: Path, folder: Path, table: str, change: Callable[[str], str]) -> Path:
    copy = Path(shutil.copytree(book, folder / "book"))
    file = copy / table
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    ("table", "change", "says"),
    [
        ("accounts.csv", lambda text: text.replace("account_id", "customer", 1), "account_id"),
        ("accounts.csv", lambda _: "", "accounts.csv"),
        ("subscriptions.csv", lambda text: text.replace("mrr", "price", 1), "mrr"),
        ("plan.toml", lambda text: text + "\n[weights]\ngrowth = 1\n", "weights: unknown key"),
        ("plan.toml", lambda text: text + "\n[[[", "not valid TOML"),
    ],
)
def test_what_training_cannot_read_is_named_and_nothing_is_written(
    run: Run, book: Path, tmp_path: Path, table: str, change: Callable[[str], str], says: str
) -> None:
    copy = damaged(book, tmp_path, table, change)
    done = run("train", copy, "--plan", copy / "plan.toml", "--artifacts", tmp_path / "registry")
    refused(done, table, says)
    assert not (tmp_path / "registry").exists()


def test_missing_inputs_of_training_are_named(run: Run, book: Path, tmp_path: Path) -> None:
    refused(run("train", tmp_path / "none", "--plan", book / "plan.toml"), tmp_path / "none")
    refused(run("train", book, "--plan", tmp_path / "none.toml"), tmp_path / "none.toml")


def test_models_are_listed_shown_and_activated(
    run: Run, own_artifacts: Path, version: str, write_artifact_into: Callable[..., str]
) -> None:
    other = write_artifact_into(own_artifacts, name="Plan [/b] of [red]brackets", signed=False)
    registry = ("--artifacts", own_artifacts)

    def listed() -> list[str]:
        return run("models", "list", *registry).stdout.splitlines()

    assert listed() == sorted([f"{version}  active", other])
    shown = run("models", "show", other, *registry)
    assert shown.returncode == 0, shown.stderr
    assert "plan: Plan [/b] of [red]brackets; DRAFT: nobody signed it" in shown.stderr
    assert "leak renewal_date: filled only after the outcome" in shown.stderr
    assert "signed by Dana Reyes (CRO, 2026-07-01)" in run("models", "show", version, *registry).stderr

    assert run("models", "activate", other, *registry).returncode == 0
    assert listed() == sorted([version, f"{other}  active"])


def test_a_registry_without_models_says_so(run: Run, tmp_path: Path) -> None:
    done = run("models", "list", "--artifacts", tmp_path / "none")
    assert (done.returncode, done.stdout) == (0, "")
    assert str(tmp_path / "none") in done.stderr
    assert "firebrand train" in done.stderr


def test_the_registry_may_come_from_the_environment(run: Run, artifacts: Path, version: str) -> None:
    assert version in run("models", "list", artifacts=str(artifacts)).stdout


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("entries.npy", "serve --port 0"),
        ("manifest.json", "models activate"),
        ("model.json", "models show"),
        ("plan.toml", "score accounts.csv --out scores.csv"),
    ],
)
def test_one_flipped_bit_is_found_and_named(
    run: Run, own_artifacts: Path, version: str, name: str, command: str
) -> None:
    file = own_artifacts / version / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    before = (own_artifacts / "active").read_bytes()
    which = [version] if command.startswith("models") else []
    refused(run(*command.split(), *which, "--artifacts", own_artifacts), file)
    assert (own_artifacts / "active").read_bytes() == before


def test_a_version_that_is_not_there_is_refused(run: Run, artifacts: Path) -> None:
    for command in ("show", "activate"):
        wanted = "2026-06-30-0123456789ab"
        refused(run("models", command, wanted, "--artifacts", artifacts), wanted, artifacts)


def test_what_cannot_be_scored_is_named(run: Run, artifacts: Path, tmp_path: Path) -> None:
    to = ("--out", tmp_path / "out.csv", "--artifacts", artifacts)
    refused(run("score", tmp_path / "none.csv", *to), tmp_path / "none.csv")
    (tmp_path / "some.csv").write_text("account_id\n1\n")
    refused(run("score", tmp_path / "some.csv", *to, "--objective", "speed"), "preset")
    refused(run("score", tmp_path / "some.csv", *to, "--as-of", "yesterday"), "as_of")
    assert not (tmp_path / "out.csv").exists()
    assert run("score", tmp_path / "some.csv", *to, "--objective", "growth").returncode == 0
