from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from scoring.errors import BookError, PlanError
from scoring.plan import Plan
from scoring.training.quality import inspect_book


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["book", "check", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "accounts.csv").write_text(
        "account_id,domain,size,[red]\na,ex.com,5,p\nb,www.ex.com,7,q\nc,,9,p\n"
    )
    (folder / "subscriptions.csv").write_text("account_id,start,mrr\na,2025-01-01,5\nzz,2025-01-01,5\n")
    (folder / "contacts.csv").write_text("contact_id,account_id\n1,a\n")
    return folder


def test_the_report_is_written_and_its_path_is_the_one_line_on_stdout(book: Path, tmp_path: Path) -> None:
    result = run(book, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'out' / 'report.html'}\n"
    assert "zz" not in result.stderr
    for said in ("[red]", "1 accounts with the domain of another", "contacts 1 have no name", "rejects.csv"):
        assert said in result.stderr
    assert (tmp_path / "out" / "rejects.csv").read_text().splitlines()[1:] == [
        "subscriptions,3,account_id,names no account of the book"
    ]


def test_a_book_without_a_ledger_is_checked(book: Path, tmp_path: Path) -> None:
    (book / "subscriptions.csv").unlink()
    result = run(book, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "no ledger" in result.stderr


def test_the_plan_in_the_folder_is_used_and_one_that_is_named_goes_before_it(
    book: Path, tmp_path: Path
) -> None:
    (book / "plan.toml").write_text('[attributes]\ndrop = ["size"]\n')
    assert "dropped by the plan" in run(book, "--out", tmp_path / "out").stderr
    (tmp_path / "other.toml").write_text('[columns.accounts]\nname = "size"\n')
    result = run(book, "--plan", tmp_path / "other.toml", "--out", tmp_path / "out")
    assert "dropped by the plan" not in result.stderr
    with pytest.raises(PlanError):
        run(book, "--plan", tmp_path / "none.toml", "--out", tmp_path / "out")


def test_a_folder_that_is_no_book_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"has no accounts\.csv"):
        run(tmp_path, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_shown_is_what_was_found(book: Path, tmp_path: Path) -> None:
    shown = run(book, "--out", tmp_path / "out").stderr
    for finding in inspect_book(book, Plan()).findings:
        assert f"{finding.times:,} {finding.what}: {finding.made_of_it}" in shown
