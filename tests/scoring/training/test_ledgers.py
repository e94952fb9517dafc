from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import BookError
from scoring.plan import Plan
from scoring.training.ledger_oddities import count_overlaps
from tests.scoring.training.books import ACCOUNTS, book_of, plan_of, rejects

HEADER = "account_id,start,mrr,end,product\n"


def test_a_subscription_row_that_stands_twice_counts_once(tmp_path: Path) -> None:
    accounts = "account_id,domain\na,x.com\nb,x.com\n"
    rows = (
        "a,2025-01-01,100,,core\na,2025-01-01,$100.00,,Core\nb,2025-01-01,100,,core\na,2025-01-01,100,,plus\n"
    )
    book = book_of(tmp_path, accounts=accounts, subscriptions=HEADER + rows)
    assert book.subscriptions is not None
    assert book.subscriptions.height == 3
    assert rejects(book) == [("subscriptions", 3, "", "the same as an earlier row")]


def test_rows_that_differ_in_a_column_we_do_not_read_are_two(tmp_path: Path) -> None:
    rows = "account_id,start,mrr,contract\na,2025-01-01,100,c1\na,2025-01-01,100,c2\n"
    book = book_of(tmp_path, subscriptions=rows)
    assert book.subscriptions is not None
    assert book.subscriptions.height == 2
    assert rejects(book) == []


def test_overlapping_contracts_are_kept_and_noted(tmp_path: Path) -> None:
    rows = "a,2025-01-01,100,2025-12-31,core\na,2025-06-01,50,,core\na,2025-06-01,50,,plus\n"
    book = book_of(tmp_path, subscriptions=HEADER + rows)
    assert book.subscriptions is not None
    assert book.subscriptions["mrr"].sum() == 200
    assert len(book.notes) == 1
    assert book.notes[0].startswith("subscriptions.csv: 1 rows begin before another row of the same account")
    assert book.notes[0].endswith("they are added up, as parallel contracts")


DAYS = st.dates(date(2025, 1, 1), date(2025, 1, 20))
SPANS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["x", None]), DAYS, DAYS | st.none()), max_size=8
)


@settings(deadline=None)
@given(SPANS)
def test_overlaps_are_those_that_comparing_all_rows_finds(
    rows: list[tuple[str, str | None, date, date | None]],
) -> None:
    frame = pl.DataFrame(
        rows,
        schema={"account_id": pl.String, "product": pl.String, "start": pl.Date, "end": pl.Date},
        orient="row",
    )
    running = sorted(
        ((a, p or "", s, e or date.max) for a, p, s, e in rows if s < (e or date.max)),
        key=lambda row: row[2:],
    )
    expected = sum(
        any(one[:2] == row[:2] and row[2] < one[3] for one in running[:at]) for at, row in enumerate(running)
    )
    assert count_overlaps(frame) == expected


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("subscriptions", "account_id,start,mrr\na,2025-01-01,1\nb,2027-01-01,1\n"),
        ("invoices", "account_id,date,amount\na,2025-01-01,1\na,2027-01-01,1\n"),
        ("opportunities", "account_id,created,outcome\na,2025-01-01,won\na,2027-01-01,open\n"),
        ("events", "account_id,type,occurred_at\na,visit,2025-01-01\na,visit,2027-01-01\n"),
    ],
)
def test_rows_after_as_of_are_kept_and_noted(tmp_path: Path, table: str, text: str) -> None:
    book = book_of(tmp_path, plan_of(book={"as_of": "2026-06-30"}), **{table: text})
    assert getattr(book, table).height == 2
    assert book.notes == (f"{table}.csv: 1 rows are from after as_of (2026-06-30) and do not count yet",)


def test_a_last_date_far_from_all_others_is_noted_where_it_sets_as_of(tmp_path: Path) -> None:
    ledger = "account_id,start,mrr\na,2025-01-01,1\na,2025-03-01,1\nb,2205-03-01,1\n"
    book = book_of(tmp_path, subscriptions=ledger)
    assert "2205-03-01 is 65,743 days after the date before it" in book.notes[0]
    assert "set as_of in the plan's [book]" in book.notes[0]
    plain = book_of(tmp_path, subscriptions=ledger.replace("2205", "2025"))
    assert not any("days after" in note for note in plain.notes)


def test_returns_are_counted_and_noted(tmp_path: Path) -> None:
    invoices = "account_id,date,amount\na,2025-01-01,100\na,2025-01-02,-40\na,2025-01-03,(10)\n"
    book = book_of(tmp_path, subscriptions=None, invoices=invoices)
    assert book.invoices is not None
    assert book.invoices["amount"].sum() == 50
    assert book.notes == ("invoices.csv: 2 amounts are negative; they count as returns",)


# Files as people export them


def with_separator(separator: str) -> Callable[[str], str]:
    return lambda text: text.replace(",", separator)


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_the_separator_is_seen_in_the_header(tmp_path: Path, separator: str, name: str) -> None:
    change = with_separator(separator)
    book = book_of(
        tmp_path,
        accounts="\ufeff" + change('"account_id","note"\r\na,"1,5; x"\r\nb,y\r\n'.replace("1,5; x", "z")),
        subscriptions=change("account_id,start,mrr\na,2025-01-01,100\n"),
    )
    assert book.accounts["account_id"].to_list() == ["a", "b"]
    assert book.subscriptions is not None
    assert book.subscriptions["mrr"].to_list() == [100.0]
    assert book.notes[0] == f"accounts.csv: read as separated by {name}, as its header has no comma"


def test_a_separator_that_the_plan_names_is_not_guessed(tmp_path: Path) -> None:
    plan = plan_of(files={"accounts": {"path": "accounts.csv", "separator": ","}})
    with pytest.raises(
        BookError, match=r"no column account_id, which is required\. Its columns: account_id;industry\."
    ):
        book_of(tmp_path, plan, accounts="account_id;industry\na;x\n")


def test_a_comma_in_the_header_goes_before_a_semicolon(tmp_path: Path) -> None:
    book = book_of(tmp_path, accounts="account_id,tags;of many\na,x;y\nb,z;x\n")
    assert book.accounts["tags;of many"].to_list() == [["x", "y"], ["x", "z"]]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"subscriptions": ""}, "subscriptions.csv is empty; it needs a header row"),
        ({"accounts": "account_id,industry\n"}, "accounts.csv has no row with an account_id"),
    ],
)
def test_an_empty_file_or_one_without_accounts_is_refused(
    tmp_path: Path, tables: dict[str, str], said: str
) -> None:
    with pytest.raises(BookError, match=said):
        book_of(tmp_path, None, **tables)


def test_a_table_with_a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    header_only = {
        "prospects": "account_id\n",
        "opportunities": "account_id,created,outcome\n",
        "events": "account_id,type,occurred_at\n",
        "contacts": "account_id,email\n",
        "invoices": "account_id,date,amount\n",
    }
    book = book_of(tmp_path, None, **header_only)
    for name in header_only:
        assert getattr(book, name).height == 0
    assert rejects(book) == []


def test_a_column_with_a_category_per_row_and_one_of_mixed_types_lose_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    size = [str(int(rng.integers(9))) if at % 3 else "many" for at in range(90)]
    rows = "".join(f"{at},only {at},{size[at]}\n" for at in range(90))
    book = book_of(
        tmp_path,
        accounts="account_id,slogan,size\n" + rows,
        subscriptions="account_id,start,mrr\n1,2025-01-01,1\n",
    )
    assert book.ignored["slogan"].startswith("90 different values in 90")
    assert book.accounts["size"].to_list() == size
    assert rejects(book) == []


def test_the_small_book_is_read_without_a_word(tmp_path: Path) -> None:
    book = book_of(tmp_path)
    assert (book.notes, rejects(book), book.conflicts.height, book.contacts) == ((), [], 0, None)
    assert book.accounts["account_id"].to_list() == [line.split(",")[0] for line in ACCOUNTS.split()[1:]]
    assert Plan().book.preset is None
