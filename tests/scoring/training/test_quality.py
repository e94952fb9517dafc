from pathlib import Path

import pytest

from scoring.errors import BookError
from scoring.plan import Plan, read_plan
from scoring.training.book import read_book
from scoring.training.quality import Quality, inspect_book
from scoring.training.quality_report import LISTED, contact_gaps, report_html, write_report
from tests.scoring.training.books import plan_of, write_tables
from tests.shared_data import CRM_EXPORTS

FILES = ["report.html", "rejects.csv", "merges.csv", "conflicts.csv", "contact_gaps.csv"]
ODD_BOOK = {
    "accounts": (
        "account_id,domain,name,country,parent_id,size,industry,founded,cac\n"
        "a,acme.de,Acme,DE,,10,<b>fintech</b>,03/04/2001,$5\n"
        "b,www.acme.de,Acme GmbH,DE,,20,media,31/12/2001,€6\n"
        "c,,Beta,DE,a,many,media,,\n"
        "d,,Beta,DE,lost,,retail,,7\n"
    ),
    "subscriptions": (
        "account_id,start,mrr,end,product\n"
        "a,2025-01-01,100,2025-12-31,x\na,2025-01-01,100,2025-12-31,x\nb,2025-06-01,50,,x\nc,2027-01-01,5,,x\n"
        "c,2025-01-01,-5,,x\nzz,2025-01-01,5,,x\n"
    ),
    "invoices": "account_id,date,amount\na,2025-01-01,-5\n",
    "contacts": "contact_id,account_id,email,name,title,phone\n1,a,x@acme.de,Al,CFO,5\n2,,bo@beta.de,,,\n",
    "notes": "nothing,to\nread,here\n",
}
AS_OF = plan_of(book={"as_of": "2026-06-30"})


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / "odd & old"
    folder.mkdir()
    return write_tables(folder, **ODD_BOOK)


def times(quality: Quality) -> dict[str, int]:
    return {finding.what: finding.times for finding in quality.findings}


def test_what_is_odd_is_counted(odd: Path) -> None:
    quality = inspect_book(odd, AS_OF)
    assert times(quality) == {
        "accounts with the domain of another": 1,
        "accounts with the name of another": 1,
        "values on which rows of one company disagree": 7,  # a and b: 5, c and d: 2
        "accounts with a parent in the book": 1,
        "accounts without a domain": 1,
        "subscription rows that are an earlier row again": 1,
        "subscription rows with a negative price": 1,
        "invoices with a negative amount": 1,
        "subscriptions whose start is after 2026-06-30": 1,
    }
    assert quality.unread == ["notes.csv"]
    assert quality.contact_gaps == {
        "no account": 1,
        "no name": 1,
        "no title": 1,
        "no telephone number": 1,
    }


def test_tables_say_how_many_rows_were_read_used_and_rejected(odd: Path) -> None:
    facts = {one.table: one for one in inspect_book(odd, AS_OF).tables}
    subscriptions = facts["subscriptions"]
    assert (subscriptions.rows, subscriptions.used, subscriptions.rejected_rows, subscriptions.orphans) == (
        6,
        3,
        3,
        1,
    )
    assert (facts["accounts"].rows, facts["accounts"].used) == (4, 2)


def test_columns_say_their_kind_how_they_are_filled_and_what_is_odd(odd: Path) -> None:
    columns = {(one.table, one.column): one for one in inspect_book(odd, AS_OF).columns}
    founded, size = columns["accounts", "founded"], columns["accounts", "size"]
    assert (founded.kind, founded.filled, founded.distinct, founded.remark) == (
        "date",
        0.5,
        2,
        "read day first",
    )
    assert (size.kind, size.filled, size.distinct) == ("category", 0.75, 3)
    assert size.remark == "mixed: 2 of 3 values are numbers; read as categories"
    assert columns["accounts", "cac"].remark == "currency signs: $ 1 times, € 1 times"
    assert columns["accounts", "domain"].filled == 0.5


def test_a_column_whose_points_may_part_thousands_is_called_ambiguous(tmp_path: Path) -> None:
    write_tables(
        tmp_path,
        accounts="account_id,staff,share\na,1.200,1.250\nb,950,0.5\n",
        subscriptions="account_id,start,mrr\na,2025-01-01,1.500\nb,2025-01-01,1.500\n",
    )
    quality = inspect_book(tmp_path, AS_OF)
    remarks = {one.column: one.remark for one in quality.columns}
    assert remarks["staff"] == "ambiguous: read 1.200 as 1.2, not 1,200"
    assert remarks["mrr"] == "ambiguous: read 1.500 as 1.5, not 1,500"
    assert remarks["share"] == ""
    assert "staff does not show whether a point parts thousands or decimals" in report_html(quality)


def test_the_report_escapes_what_the_book_says(odd: Path) -> None:
    html = report_html(inspect_book(odd, AS_OF))
    assert "<b>fintech" not in html
    assert "&lt;b&gt;fintech&lt;/b&gt;" in html
    assert "<h1>odd &amp; old</h1>" in html
    assert "NO LEDGER" not in html
    assert "30 June 2026" in html
    for section in ("Tables", "Findings", "Columns", "Rejects", "Merged duplicates", "Conflicts", "Contacts"):
        assert f">{section}</h2>" in html
    assert "http" not in html.replace("https://", "http://").split("</style>")[1]


def test_the_files_list_what_the_page_counts(odd: Path, tmp_path: Path) -> None:
    quality = inspect_book(odd, AS_OF)
    files = write_report(quality, tmp_path / "out")
    assert [file.name for file in files] == FILES
    rows = {file.name: len(file.read_text().splitlines()) - 1 for file in files}
    assert rows["rejects.csv"] == quality.book.rejects.height == 3
    assert rows["merges.csv"] == 2
    assert rows["conflicts.csv"] == 7
    assert rows["contact_gaps.csv"] == sum(quality.contact_gaps.values()) == 4
    assert (tmp_path / "out" / "contact_gaps.csv").read_text().splitlines()[:2] == [
        "row,contact_id,account_id,gap",
        "3,2,,no account",
    ]


def test_the_same_book_gives_the_same_bytes(odd: Path, tmp_path: Path, demo_book: Path) -> None:
    for place, (folder, plan) in enumerate([(odd, AS_OF), (demo_book, read_plan(demo_book / "plan.toml"))]):
        first, second = (write_report(inspect_book(folder, plan), tmp_path / f"{place}{run}") for run in "ab")
        assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_a_book_without_a_ledger_is_checked_and_says_so(tmp_path: Path) -> None:
    folder = write_tables(tmp_path, subscriptions=None)
    quality = inspect_book(folder, Plan())
    assert (quality.trainable, quality.as_of) == (False, None)
    assert "NO LEDGER" in report_html(quality)
    with pytest.raises(BookError, match="neither subscriptions nor invoices"):
        read_book(folder, Plan())


def test_a_ledger_without_a_usable_row_is_none(tmp_path: Path) -> None:
    folder = write_tables(tmp_path, subscriptions="account_id,start,mrr\nzz,2025-01-01,5\n")
    assert not inspect_book(folder, Plan()).trainable


def test_a_long_list_is_cut_on_the_page_and_whole_in_its_file(tmp_path: Path) -> None:
    accounts = "".join(f"{at},firm{at // 2}.com\n" for at in range(2 * LISTED + 20))
    folder = write_tables(tmp_path, accounts="account_id,domain\n" + accounts, subscriptions=None)
    quality = inspect_book(folder, Plan())
    assert quality.book.merges.height == LISTED + 10
    html = report_html(quality)
    assert "... and 10 more; the file has all" in html
    assert f"{LISTED + 10} rows, all in merges.csv" in html


def test_a_report_that_cannot_be_written_is_refused(odd: Path) -> None:
    with pytest.raises(BookError, match="cannot write the report into"):
        write_report(inspect_book(odd, AS_OF), odd / "accounts.csv")


def test_a_book_without_contacts_has_no_gaps() -> None:
    assert contact_gaps(None).rows() == []


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "deleted"), [("salesforce", 9), ("hubspot", 0)])
def test_real_exports_without_a_ledger_are_checked(tmp_path: Path, name: str, deleted: int) -> None:
    quality = inspect_book(CRM_EXPORTS / name, plan_of(book={"preset": name}))
    accounts = next(facts for facts in quality.tables if facts.table == "accounts")
    assert accounts.rows - accounts.used == deleted
    assert {facts.table for facts in quality.tables} == {"accounts", "opportunities", "contacts"}
    assert quality.contact_gaps["no telephone number"] > 0
    assert "NO LEDGER" in write_report(quality, tmp_path / "out")[0].read_text()
