from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scoring.errors import BookError
from scoring.plan import Plan
from scoring.training.book import Book, read_book
from tests.shared_data import SHARED

RESELLER_HEADER = (
    "ResellerKey GeographyKey ResellerAlternateKey Phone BusinessType ResellerName NumberEmployees "
    "OrderFrequency OrderMonth FirstOrderYear LastOrderYear ProductLine AddressLine1 AddressLine2 "
    "AnnualSales BankName MinPaymentType MinPaymentAmount AnnualRevenue YearOpened"
)

ACCOUNTS = "account_id,industry\na,fintech\nb,retail\n"
SUBSCRIPTIONS = "account_id,start,mrr\na,2025-01-01,100\nb,2025-02-01,50\n"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write tables as CSV text or Parquet frames over a small valid book; None leaves a table out."""

    def write(**tables: str | bytes | pl.DataFrame | None) -> Path:
        for name, table in {"accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS, **tables}.items():
            if isinstance(table, pl.DataFrame):
                table.write_parquet(tmp_path / f"{name}.parquet")
            elif table is not None:
                data = table.encode() if isinstance(table, str) else table
                (tmp_path / f"{name}.csv").write_bytes(data)
        return tmp_path

    return write


def plan_of(**sections: Any) -> Plan:
    return Plan.model_validate(sections)


def refusal(folder: Path, plan: Plan | None = None) -> str:
    with pytest.raises(BookError) as refused:
        read_book(folder, plan or Plan())
    return str(refused.value)


def rejects(book: Book) -> list[tuple[Any, ...]]:
    return book.rejects.rows()


def kinds(book: Book) -> dict[str, str]:
    return {attribute.name: attribute.kind for attribute in book.attributes}


# Reading


def test_a_small_book_is_read_with_types(write: Write) -> None:
    book = read_book(write(), Plan())
    assert book.accounts.select("account_id", "industry").rows() == [("a", "fintech"), ("b", "retail")]
    assert book.subscriptions is not None
    assert book.subscriptions.rows() == [
        ("a", date(2025, 1, 1), 100.0, None, None),
        ("b", date(2025, 2, 1), 50.0, None, None),
    ]
    assert (book.invoices, book.opportunities, book.events, book.prospects) == (None, None, None, None)
    assert rejects(book) == []
    assert book.digests["subscriptions.csv"].rows == 2
    assert len(book.digests["accounts.csv"].sha256) == 64


def test_byte_order_mark_crlf_blank_lines_and_quotes_make_no_difference(write: Write) -> None:
    excel = (
        '\ufeffaccount_id,name,industry\r\n"a","Acme, ""Inc""",fintech\r\n\r\nb,"Two\r\nlines",retail,\r\n'
    )
    book = read_book(write(accounts=excel), Plan())
    assert book.accounts["name"].to_list() == ['Acme, "Inc"', "Two\r\nlines"]
    assert rejects(book) == []


def test_parquet_and_csv_say_the_same(write: Write, tmp_path: Path) -> None:
    from_csv = read_book(
        write(
            accounts="account_id,domain,size,live,tech,since\n1,a.com,5,yes,x;y,2020-01-01\n2,b.com,7,no,z;x,2021-01-01\n",
            subscriptions="account_id,start,mrr,end\n1,2025-01-01,10,\n2,2025-01-01,20,2025-06-01\n",
        ),
        Plan(),
    )
    typed = tmp_path / "typed"
    typed.mkdir()
    pl.DataFrame(
        {
            "account_id": [1, 2],
            "domain": pl.Series(["a.com", "b.com"], dtype=pl.Categorical),
            "size": pl.Series([5, 7], dtype=pl.Decimal(10, 2)),
            "live": [True, False],
            "tech": [["x", "y"], ["z", "x"]],
            "since": [date(2020, 1, 1), date(2021, 1, 1)],
        }
    ).write_parquet(typed / "accounts.parquet")
    pl.DataFrame(
        {
            "account_id": [1.0, 2.0],
            "start": [date(2025, 1, 1)] * 2,
            "mrr": [10, 20],
            "end": [None, date(2025, 6, 1)],
        }
    ).write_parquet(typed / "subscriptions.parquet")
    from_parquet = read_book(typed, Plan())
    assert_frame_equal(from_csv.accounts, from_parquet.accounts)
    assert from_csv.subscriptions is not None
    assert from_parquet.subscriptions is not None
    assert_frame_equal(from_csv.subscriptions, from_parquet.subscriptions)
    assert from_csv.attributes == from_parquet.attributes


def test_a_parquet_column_of_a_strange_type_is_noted(write: Write) -> None:
    frame = pl.DataFrame({"account_id": ["a"], "nested": [{"x": 1}]})
    book = read_book(write(accounts=frame), Plan())
    assert "accounts.parquet: column nested has type Struct" in book.notes[0]


def test_the_same_files_give_identical_frames(write: Write) -> None:
    folder = write(
        accounts="account_id,domain,tech\na,ex.com,p;q\nb,www.ex.com,q\nc,y.com,r;s\n",
        subscriptions="account_id,start,mrr\nb,2025-01-01,1\nz,2025-01-01,2\nc,soon,2\n",
    )
    first, second = read_book(folder, Plan()), read_book(folder, Plan())
    for name in ("accounts", "subscriptions", "rejects", "merges"):
        assert_frame_equal(getattr(first, name), getattr(second, name))
    assert (first.attributes, first.notes, first.digests) == (second.attributes, second.notes, second.digests)


def test_files_without_header_and_with_another_separator_are_read_through_the_plan(write: Write) -> None:
    folder = write(accounts=None)
    (folder / "Dim.csv").write_text("a|fintech\nb|retail\n")
    spec = {"path": "Dim.csv", "separator": "|", "header": ["key", "industry"]}
    plan = plan_of(files={"accounts": spec}, columns={"accounts": {"account_id": "key"}})
    assert read_book(folder, plan).accounts["account_id"].to_list() == ["a", "b"]


def test_columns_are_renamed_and_multiplied(write: Write) -> None:
    invoices = 'Key,Day,Net,Unit,Count\na,2025-01-01,"1,000",2.5,3\na,2025-01-02,5,,3\na,2025-01-03,5,two,3\n'
    mapping = {"account_id": "Key", "date": "Day", "amount": "Net", "cost": ["Unit", "Count"]}
    book = read_book(write(subscriptions=None, invoices=invoices), plan_of(columns={"invoices": mapping}))
    assert book.invoices is not None
    assert book.invoices.select("amount", "cost").rows() == [(1000.0, 7.5), (5.0, None), (5.0, None)]
    assert rejects(book) == [("invoices", 4, "cost", "not a number: 'two'")]


def test_a_mapped_column_takes_the_place_of_one_that_has_our_name(write: Write) -> None:
    accounts = "account_id,crm,industry\nold1,a,fintech\nold2,b,retail\n"
    mapping = {"account_id": "crm", "crm_id": "account_id"}
    book = read_book(write(accounts=accounts), plan_of(columns={"accounts": mapping}))
    assert book.accounts.select("account_id", "crm_id").rows() == [("a", "old1"), ("b", "old2")]


@pytest.mark.parametrize("written", ["Account ID", "account-id", "ACCOUNT_ID", " Account  Id "])
def test_our_own_columns_are_found_however_they_are_written(write: Write, written: str) -> None:
    folder = write(
        accounts=f"{written},Domain,NPS,Industry\na,www.ex.com,9,fintech\nb,y.com,7,retail\n",
        subscriptions=f"{written},START,Mrr,End\na,2025-01-01,5,2025-06-01\n",
    )
    book = read_book(folder, Plan())
    assert book.accounts.select("account_id", "domain", "nps").rows() == [
        ("a", "ex.com", 9),
        ("b", "y.com", 7),
    ]
    assert kinds(book) == {"Industry": "industry"}
    assert book.subscriptions is not None
    assert book.subscriptions.rows() == [("a", date(2025, 1, 1), 5.0, date(2025, 6, 1), None)]


@pytest.mark.parametrize("header", ["Account ID,account-id,mrr,start", "account_id,Account ID,mrr,start"])
def test_two_columns_of_one_of_our_names_are_refused_until_the_plan_says_which(
    write: Write, header: str
) -> None:
    folder = write(subscriptions=f"{header}\na,b,5,2025-01-01\n")
    first, second, *_ = header.split(",")
    message = refusal(folder)
    assert (
        f"subscriptions.csv has more than one column that reads as account_id: {first}, {second}" in message
    )
    assert f'[columns.subscriptions]\naccount_id = "{first}"' in message
    book = read_book(folder, plan_of(columns={"subscriptions": {"account_id": second}}))
    assert book.subscriptions is not None
    assert book.subscriptions["account_id"].to_list() == ["b"]


def test_a_column_that_reads_as_a_mapped_one_stays_an_attribute(write: Write) -> None:
    accounts = "account_id,Company,Name\na,Acme,red\nb,Beta,blue\n"
    book = read_book(write(accounts=accounts), plan_of(columns={"accounts": {"name": "Company"}}))
    assert book.accounts.select("name", "Name").rows() == [("Acme", "red"), ("Beta", "blue")]


def test_prospects_name_attributes_as_the_accounts_do_however_they_are_written(write: Write) -> None:
    folder = write(
        accounts="account_id,Uses ERP,size,Size\na,yes,1,5\nb,no,2,6\n",
        prospects="Account ID,uses-erp,SIZE,size\np,yes,7,3\nq,no,8,4\n",
    )
    book = read_book(folder, Plan())
    assert book.prospects is not None
    assert book.prospects.select("account_id", "Uses ERP", "size", "Size").rows() == [
        ("p", True, 3.0, 7.0),
        ("q", False, 4.0, 8.0),
    ]


# Refusals


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'no'} is not a folder" in refusal(tmp_path / "no")


def test_without_accounts_the_message_lists_what_there_is(write: Write) -> None:
    message = refusal(write(accounts=None))
    assert "has no accounts.csv or accounts.parquet" in message
    assert "It holds: subscriptions.csv" in message
    assert "[files.accounts]" in message


def test_without_a_ledger_the_message_says_which_would_do(write: Write) -> None:
    message = refusal(write(subscriptions=None))
    assert "neither subscriptions nor invoices" in message
    assert "[files.subscriptions]" in message


def test_two_files_for_one_table_are_refused(write: Write) -> None:
    folder = write()
    pl.DataFrame({"account_id": ["a"]}).write_parquet(folder / "accounts.parquet")
    message = refusal(folder)
    assert "both accounts.csv and accounts.parquet" in message
    assert '[files.accounts] path = "accounts.csv"' in message


def test_the_plan_may_choose_between_two_files(write: Write) -> None:
    folder = write()
    pl.DataFrame({"account_id": ["other"]}).write_parquet(folder / "accounts.parquet")
    book = read_book(folder, plan_of(files={"accounts": {"path": "accounts.parquet"}}))
    assert book.accounts["account_id"].to_list() == ["other"]


def test_a_file_that_the_plan_names_must_exist(write: Write) -> None:
    message = refusal(write(), plan_of(files={"events": {"path": "Touches.csv"}}))
    assert "[files.events]" in message
    assert "Touches.csv" in message


def test_a_missing_required_column_names_file_columns_and_the_remedy(write: Write) -> None:
    message = refusal(write(subscriptions="account_id,start_date,mrr\na,2025-01-01,1\n"))
    assert "subscriptions.csv has no column start" in message
    assert "Its columns: account_id, start_date, mrr" in message
    assert '[columns.subscriptions]\nstart = "their column"' in message


def test_events_need_one_identity(write: Write) -> None:
    message = refusal(write(events="type,occurred_at\nvisit,2025-01-01\n"))
    assert "none of the columns account_id, domain, email" in message


def test_a_mapping_to_an_absent_column_is_refused(write: Write) -> None:
    message = refusal(write(), plan_of(columns={"accounts": {"name": "Company"}}))
    assert "[columns.accounts] maps name to Company, which accounts.csv does not have" in message
    assert "Its columns: account_id, industry" in message


def test_a_mapping_of_an_unknown_ledger_column_is_refused(write: Write) -> None:
    message = refusal(write(), plan_of(columns={"subscriptions": {"begin": "start"}}))
    assert "maps begin, which subscriptions does not have" in message
    assert "account_id, start, mrr, end, product" in message


def test_a_mapping_to_no_column_is_refused(write: Write) -> None:
    assert "empty list" in refusal(write(), plan_of(columns={"subscriptions": {"mrr": []}}))


@pytest.mark.parametrize("key", ["drop", "keep"])
def test_a_misspelt_attribute_in_the_plan_is_refused(write: Write, key: str) -> None:
    message = refusal(write(), plan_of(attributes={key: ["industri"]}))
    assert f"[attributes] {key} names industri" in message
    assert "Their attribute columns: industry" in message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "accounts.csv is empty"),
        (b"account_id,account_id\na,b\n", "accounts.csv has more than one column named account_id"),
        (b"account_id,name\na,Caf\xe9\n", "accounts.csv is not UTF-8 text (byte 22)"),
        (b'account_id,name\na,x\nb,"open\n', "cannot read accounts.csv: the record that starts on line 3"),
        (b"account_id,name\n,x\n", "accounts.csv has no row with an account_id"),
    ],
)
def test_a_broken_table_is_refused_by_name(write: Write, data: bytes, said: str) -> None:
    assert said in refusal(write(accounts=data))


def test_a_broken_parquet_file_is_refused_by_name(write: Write) -> None:
    folder = write(accounts=None)
    (folder / "accounts.parquet").write_bytes(b"PAR1 but not really PAR1")
    assert "cannot read accounts.parquet" in refusal(folder)


def test_a_cycle_of_parents_is_named(write: Write) -> None:
    message = refusal(write(accounts="account_id,parent_id\na,b\nb,c\nc,a\nd,a\n"))
    assert "a -> b -> c -> a" in message


# Rejects


def test_ledger_rows_that_cannot_be_used_are_listed_with_row_and_reason(write: Write) -> None:
    rows = [
        "a,2025-01-01,100,",  # row 2, fine
        ",2025-01-01,100,",
        "a,,100,",
        "a,soon,100,",
        "a,2025-01-01,n/a,",
        "a,2025-01-01,lots,",
        "nobody,2025-01-01,100,",
        "a,2025-01-01,-5,",
        "a,2025-03-01,100,2025-02-01",
        "a,2025-03-01,100,later",
        "a,2025-03-01,100,,,",  # row 12, fine: nothing stands in the surplus fields
        "a,2025-03-01,100,,,x",
        "a,2025-03-01",
    ]
    book = read_book(write(subscriptions="account_id,start,mrr,end\n" + "\n".join(rows)), Plan())
    assert book.subscriptions is not None
    assert book.subscriptions.height == 2
    assert rejects(book) == [
        ("subscriptions", 3, "account_id", "is missing"),
        ("subscriptions", 4, "start", "is missing"),
        ("subscriptions", 5, "start", "not a date: 'soon'"),
        ("subscriptions", 6, "mrr", "is missing"),
        ("subscriptions", 7, "mrr", "not a number: 'lots'"),
        ("subscriptions", 8, "account_id", "names no account of the book"),
        ("subscriptions", 9, "mrr", "is negative"),
        ("subscriptions", 10, "end", "is before start"),
        ("subscriptions", 11, "end", "not a date: 'later'"),
        ("subscriptions", 13, "", "the row has 6 fields, the header 4"),
        ("subscriptions", 14, "", "the row has 2 fields, the header 4"),
    ]
    assert book.digests["subscriptions.csv"].rows == len(rows)


def test_rows_are_counted_in_lines_of_the_file(write: Write) -> None:
    accounts = 'account_id,name\na,"one\ntwo"\n\n,x\n'
    assert rejects(read_book(write(accounts=accounts, subscriptions="account_id,start,mrr\n"), Plan())) == [
        ("accounts", 5, "account_id", "is missing")
    ]


def test_unreadable_cells_of_accounts_are_listed_and_missing(write: Write) -> None:
    accounts = "account_id,domain,cac,gross_margin,nps\na,localhost,-5,80,great\nb,b.com,$1.5k,80%,9\n"
    book = read_book(write(accounts=accounts), Plan())
    assert book.accounts.select("domain", "cac", "gross_margin", "nps").rows() == [
        (None, None, None, None),
        ("b.com", 1500.0, 0.8, 9.0),
    ]
    assert rejects(book) == [
        ("accounts", 2, "cac", "is negative"),
        ("accounts", 2, "domain", "no domain in it: 'localhost'"),
        ("accounts", 2, "gross_margin", "is above 1; write 0.8 or 80%"),
        ("accounts", 2, "nps", "not a number: 'great'"),
    ]


def test_blanks_are_missing_and_never_zero(write: Write) -> None:
    blanks = ["", "N/A", "null", "-", "none", "Unknown", "#N/A"]
    rows = "".join(f"{at},{blank},{blank}\n" for at, blank in enumerate(blanks))
    book = read_book(write(accounts=f"account_id,cac,size\n{rows}a,0,0\nb,1,2\n"), Plan())
    assert book.accounts["cac"].to_list() == [None] * len(blanks) + [0.0, 1.0]
    assert book.accounts["size"].to_list() == [None] * len(blanks) + [0.0, 2.0]
    assert rejects(book) == []


def test_opportunities_are_read_and_checked(write: Write) -> None:
    opportunities = (
        "account_id,created,outcome,closed,amount,opportunity_id\n"
        'a,2025-01-01,Closed Won,2025-02-01,"$1,000",o1\n'
        "a,2025-01-01,maybe,,,o2\n"
        "a,2025-03-01,lost,2025-02-01,,o3\n"
        "b,2025-01-01,open,,soon,o4\n"
        "b,2025-01-01,open,,5,o1\n"
    )
    book = read_book(write(opportunities=opportunities), Plan())
    assert book.opportunities is not None
    assert book.opportunities.select("account_id", "outcome", "amount").rows() == [
        ("a", "won", 1000.0),
        ("b", "open", None),
    ]
    assert rejects(book) == [
        ("opportunities", 3, "outcome", "is none of won, lost, open"),
        ("opportunities", 4, "closed", "is before created"),
        ("opportunities", 5, "amount", "not a number: 'soon'"),
        ("opportunities", 6, "opportunity_id", "stands in an earlier row"),
    ]


def test_events_find_their_account_by_id_domain_or_email(write: Write) -> None:
    events = (
        "account_id,domain,email,type,occurred_at,event_id\n"
        "a,,,Visit,2025-01-01T10:00:00Z,e1\n"
        ",https://www.beta.com/x,,visit,2025-01-02,e2\n"
        ",,jo@mail.beta.com,visit,2025-01-03,e3\n"
        "gone,beta.com,,visit,2025-01-04,e4\n"
        ",,jo@gmail.com,visit,2025-01-05,e5\n"
        ",,,visit,2025-01-06,e6\n"
        "a,,,visit,2025-01-07,e1\n"
    )
    accounts = "account_id,domain\na,gmail.com\nb,beta.com\n"
    book = read_book(write(accounts=accounts, events=events), Plan())
    assert book.events is not None
    assert book.events.select("account_id", "type", "event_id", "person").rows() == [
        ("a", "visit", "e1", None),
        ("b", "visit", "e2", None),
        ("b", "visit", "e3", "jo@mail.beta.com"),
        ("b", "visit", "e4", None),
    ]
    assert [reject[1:3] for reject in rejects(book)] == [
        (6, "account_id"),
        (7, "account_id"),
        (8, "event_id"),
    ]


# Dates


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["2025-03-04", "2025-12-31"], date(2025, 3, 4)),
        (["03-04-2025", "31-12-2025"], date(2025, 4, 3)),
        (["03/04/2025", "12/31/2025"], date(2025, 3, 4)),
        (["03/04/2025", "31/12/2025"], date(2025, 4, 3)),
        (["03.04.2025", "31.12.2025"], date(2025, 4, 3)),
        (["2025-03-04T23:59:59Z", "2025-12-31 08:00:00"], date(2025, 3, 4)),
    ],
)
def test_the_order_of_day_and_month_is_decided_per_column(
    write: Write, written: list[str], expected: date
) -> None:
    ledger = f"account_id,start,mrr\na,{written[0]},1\nb,{written[1]},1\n"
    book = read_book(write(subscriptions=ledger), Plan())
    assert book.subscriptions is not None
    assert book.subscriptions["start"].to_list() == [expected, date(2025, 12, 31)]
    assert (book.notes, rejects(book)) == ((), [])


def test_an_undecided_order_is_month_first_and_noted(write: Write) -> None:
    book = read_book(write(subscriptions="account_id,start,mrr\na,03/04/2025,1\n"), Plan())
    assert book.subscriptions is not None
    assert book.subscriptions["start"].to_list() == [date(2025, 3, 4)]
    assert "subscriptions.csv: start does not show whether the day or the month comes first" in book.notes[0]
    assert "YYYY-MM-DD" in book.notes[0]


def test_an_undecided_column_follows_the_tables_other_dates(write: Write) -> None:
    ledger = "account_id,start,mrr,end\na,01/04/2025,1,31/05/2025\n"
    book = read_book(write(subscriptions=ledger), Plan())
    assert book.subscriptions is not None
    assert book.subscriptions.select("start", "end").rows() == [(date(2025, 4, 1), date(2025, 5, 31))]
    assert "read as day first" in book.notes[0]


def test_mixed_orders_are_noted_and_the_minority_rejected(write: Write) -> None:
    ledger = "account_id,start,mrr\na,31/01/2025,1\na,30/01/2025,1\na,01/29/2025,1\n"
    book = read_book(write(subscriptions=ledger), Plan())
    assert "mixes day-first and month-first" in book.notes[0]
    assert rejects(book) == [("subscriptions", 4, "start", "not a date: '01/29/2025'")]


# Attributes


def many(**columns: list[str]) -> str:
    """Write accounts 0, 1, 2, ... with these columns."""
    names = ["account_id", *columns]
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(names), *(",".join([str(at), *row]) for at, row in enumerate(rows))]) + "\n"


LEDGER_OF_MANY = "account_id,start,mrr\n0,2025-01-01,1\n"


def test_kinds_are_inferred_from_values(write: Write) -> None:
    accounts = many(
        industry=["FinTech", " fintech", "Retail"],
        employees=['"1,200"', "$3.5k", ""],
        hiring=["yes", "no", "n/a"],
        binary=["0", "1", "1"],
        technologies=["dbt; Snowflake", "snowflake", ""],
        founded=["2001-05-01", "31.12.2011", ""],
        year=["1999", "2011", "2015"],
    )
    book = read_book(write(accounts=accounts, subscriptions=LEDGER_OF_MANY), Plan())
    assert kinds(book) == {
        "industry": "industry",
        "employees": "number",
        "hiring": "flag",
        "binary": "flag",
        "technologies": "tags",
        "founded": "date",
        "year": "number",
    }
    assert book.accounts["industry"].to_list() == ["fintech", "fintech", "retail"]
    assert book.accounts["employees"].to_list() == [1200.0, 3500.0, None]
    assert book.accounts["hiring"].to_list() == [True, False, None]
    assert book.accounts["technologies"].to_list() == [["dbt", "snowflake"], ["snowflake"], None]
    assert book.accounts["founded"].round(2).to_list() == [2001.33, 2012.0, None]
    assert [attribute.day_first for attribute in book.attributes if attribute.name == "founded"] == [True]


def test_a_column_with_few_unreadable_cells_stays_a_number_and_they_are_rejected(write: Write) -> None:
    accounts = many(
        employees=[*(str(at % 7) for at in range(39)), "lots"], revenue=["5"] * 30 + ["some"] * 10
    )
    book = read_book(write(accounts=accounts, subscriptions=LEDGER_OF_MANY), Plan())
    assert kinds(book) == {"employees": "number", "revenue": "category"}
    assert rejects(book) == [("accounts", 41, "employees", "not a number: 'lots'")]


def test_one_two_among_zeros_and_ones_makes_a_number_not_a_flag(write: Write) -> None:
    accounts = many(subsidiaries=["0"] * 60 + ["1"] * 38 + ["2"] * 2)
    book = read_book(write(accounts=accounts, subscriptions=LEDGER_OF_MANY), Plan())
    assert kinds(book) == {"subsidiaries": "number"}
    assert rejects(book) == []


def test_columns_that_describe_nothing_are_no_attributes_and_say_why(write: Write) -> None:
    n = 60
    accounts = many(
        street=[f"{at} Main Street" for at in range(n)],
        telephone=[str(2025550000 + 37 * at) for at in range(n)],
        serial=[str(1000 + at) for at in range(n)],
        story=[f"met {at}; called {at}" for at in range(n)],
        country=["us"] * n,
        empty=["n/a"] * n,
        leak=["yes", "no"] * (n // 2),
        revenue=[str(1000 + at * at * 7919 % 100_003) for at in range(n)],
        city=[f"city {at % 20}" for at in range(n)],
    )
    plan = plan_of(attributes={"drop": ["leak"]})
    book = read_book(write(accounts=accounts, subscriptions=LEDGER_OF_MANY), plan)
    assert kinds(book) == {"revenue": "number", "city": "category"}
    assert book.ignored == {
        "street": "60 different values in 60: it names or narrates, and describes nothing",
        "telephone": "numbers that identify, such as a serial or telephone number",
        "serial": "numbers that identify, such as a serial or telephone number",
        "story": "120 different values in 120: it names or narrates, and describes nothing",
        "country": "the same value in every row",
        "empty": "every value is missing",
        "leak": "dropped by the plan",
    }
    assert not set(book.ignored) & set(book.accounts.columns)


def test_bands_and_units_among_exact_numbers_are_numbers(write: Write) -> None:
    exact = [str(100 + 7 * at * at) for at in range(40)]
    staff = [*exact, *["51-200", "1001 to 5000", "10000+", "120 employees"] * 5]
    book = read_book(write(accounts=many(staff=staff), subscriptions=LEDGER_OF_MANY), Plan())
    assert kinds(book) == {"staff": "number"}
    assert rejects(book) == []
    assert book.accounts["staff"].to_list()[40:44] == pytest.approx(
        [(51 * 200) ** 0.5, (1001 * 5000) ** 0.5, 10_000, 120]
    )


def test_a_picklist_of_bands_stays_a_category_that_plans_can_name(write: Write) -> None:
    sizes = ["1-10", "11-50", "51-200", "201-500", "10001+"]
    book = read_book(write(accounts=many(size=sizes * 12), subscriptions=LEDGER_OF_MANY), Plan())
    assert kinds(book) == {"size": "category"}
    assert sorted(set(book.accounts["size"])) == sorted(sizes)


def test_codes_that_look_like_bands_are_no_numbers(write: Write) -> None:
    telephones = [f"{200 + at}-{4000 + 37 * at}" for at in range(60)]
    book = read_book(write(accounts=many(telephone=telephones), subscriptions=LEDGER_OF_MANY), Plan())
    assert book.ignored == {
        "telephone": "60 different values in 60: it names or narrates, and describes nothing"
    }


def test_a_column_of_numbers_with_too_many_others_says_so(write: Write) -> None:
    staff = [*(str(100 + 7 * at * at) for at in range(54)), *(f"some {at}" for at in range(6))]
    book = read_book(write(accounts=many(staff=staff), subscriptions=LEDGER_OF_MANY), Plan())
    assert book.ignored == {
        "staff": "54 of 60 values are numbers, too few to read it so; others are such as 'some 0': write "
        "them as numbers, or leave them empty"
    }


def test_the_plan_can_keep_a_column_that_looks_like_an_identifier(write: Write) -> None:
    accounts = many(street=[f"{at} Main Street" for at in range(60)])
    plan = plan_of(attributes={"keep": ["street"]})
    assert kinds(read_book(write(accounts=accounts, subscriptions=LEDGER_OF_MANY), plan)) == {
        "street": "category"
    }


def test_prospects_share_the_attributes_of_accounts(write: Write) -> None:
    book = read_book(
        write(prospects="account_id,domain,industry,size\np,p.com,Media,50\nq,q.com,,60\n"),
        Plan(),
    )
    assert kinds(book) == {"industry": "industry", "size": "number"}
    assert book.prospects is not None
    assert book.prospects.columns == book.accounts.columns
    assert book.prospects["industry"].to_list() == ["media", None]
    assert book.accounts["size"].to_list() == [None, None]


# Merging


def test_accounts_with_one_domain_are_merged_field_by_field(write: Write) -> None:
    book = read_book(
        write(
            accounts=(
                "account_id,domain,name,industry,size\n"
                "a,https://www.acme.co.uk/about,Acme,,10\n"
                "b,other.com,Other,retail,30\n"
                "c,sales@acme.co.uk,Acme Ltd,fintech,20\n"
            ),
            subscriptions="account_id,start,mrr\nc,2025-01-01,5\na,2025-02-01,6\n",
            opportunities="account_id,created,outcome\nc,2025-01-01,won\n",
            events="domain,type,occurred_at\nacme.co.uk,visit,2025-01-01\n",
        ),
        Plan(),
    )
    assert book.accounts.select("account_id", "domain", "name", "industry", "size").rows() == [
        ("a", "acme.co.uk", "Acme", "fintech", 10.0),
        ("b", "other.com", "Other", "retail", 30.0),
    ]
    assert book.merges.rows() == [
        (
            "a",
            "c",
            "the same domain, acme.co.uk",
            "name: kept Acme, not Acme Ltd; size: kept 10, not 20",
        )
    ]
    for table in (book.subscriptions, book.opportunities, book.events):
        assert table is not None
        assert set(table["account_id"]) == {"a"}


def test_rows_with_one_id_are_merged_before_domains_are_compared(write: Write) -> None:
    accounts = "account_id,domain,parent_id\na,ex.com,\nb,,\nb,ex.com,a\nc,y.com,b\n"
    book = read_book(write(accounts=accounts), Plan())
    assert book.accounts.select("account_id", "parent_id").rows() == [("a", None), ("c", "a")]
    assert book.merges.select("kept_id", "merged_id", "why").rows() == [
        ("b", "b", "the same account_id"),
        ("a", "b", "the same domain, ex.com"),
    ]


def test_tag_lists_are_merged_like_other_fields(write: Write) -> None:
    book = read_book(write(accounts="account_id,domain,tech\na,ex.com,\nb,ex.com,p;q\nc,y.com,r;s\n"), Plan())
    assert book.accounts["tech"].to_list() == [["p", "q"], ["r", "s"]]


def test_a_prospect_that_is_an_account_already_is_merged_into_it(write: Write) -> None:
    book = read_book(
        write(
            accounts="account_id,domain,industry\na,ex.com,\nb,y.com,retail\n",
            prospects="account_id,domain,industry\np,www.ex.com,media\nq,z.com,media\n",
        ),
        Plan(),
    )
    assert book.prospects is not None
    assert book.prospects["account_id"].to_list() == ["q"]
    assert book.accounts["industry"].to_list() == ["media", "retail"]
    assert book.merges["merged_id"].to_list() == ["p"]


def test_a_mailbox_providers_domain_joins_nobody(write: Write) -> None:
    book = read_book(write(accounts="account_id,domain\na,a@gmail.com\nb,b@gmail.com\n"), Plan())
    assert book.accounts["account_id"].to_list() == ["a", "b"]
    assert "shared domain" in book.notes[0]


def test_an_unknown_parent_is_noted(write: Write) -> None:
    book = read_book(write(accounts="account_id,parent_id\na,elsewhere\nb,a\n"), Plan())
    assert book.notes == ("parent_id names no account of the book in 1 rows",)


@settings(deadline=None, max_examples=30)  # each example reads a book from disk
@given(st.lists(st.sampled_from(["ex.com", "y.com", "z.com", ""]), min_size=1, max_size=12))
def test_merging_leaves_each_domain_once_and_loses_no_id(
    tmp_path_factory: pytest.TempPathFactory, domains: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("book")
    (folder / "accounts.csv").write_text(many(domain=domains))
    ledger = "".join(f"{at},2025-01-01,1\n" for at in range(len(domains)))
    (folder / "subscriptions.csv").write_text("account_id,start,mrr\n" + ledger)
    book = read_book(folder, Plan())
    kept = book.accounts["domain"].drop_nulls().to_list()
    assert sorted(kept) == sorted(set(domains) - {""})
    assert book.accounts.height + book.merges.height == len(domains)
    assert book.subscriptions is not None
    assert book.subscriptions.height == len(domains)
    assert set(book.subscriptions["account_id"]) == set(book.accounts["account_id"])


# Data made by others


@pytest.mark.shared_data
def test_a_bicycle_makers_tables_are_read_through_a_plan() -> None:
    invoices = {
        "account_id": "ResellerKey",
        "date": "OrderDate",
        "amount": "SalesAmount",
        "cost": ["StandardCost", "OrderQuantity"],
        "product": "ProductKey",
    }
    plan = plan_of(
        files={
            "accounts": {"path": "DimReseller.csv", "separator": "|", "header": RESELLER_HEADER.split()},
            "invoices": {"path": "FactResellerSales.csv"},
        },
        columns={"accounts": {"account_id": "ResellerKey", "name": "ResellerName"}, "invoices": invoices},
    )
    book = read_book(SHARED / "adventureworks_reseller", plan)
    assert book.accounts.height == 701
    assert book.invoices is not None
    assert book.invoices.height == 57_851
    assert book.invoices["cost"].null_count() == 0
    assert {"Phone", "AddressLine1", "ResellerAlternateKey"} <= set(book.ignored)
    assert kinds(book)["AnnualRevenue"] == "number"
    assert kinds(book)["BusinessType"] == "category"
    assert rejects(book) == []


@pytest.mark.shared_data
def test_day_first_dates_of_a_software_company_are_read() -> None:
    subscriptions = {"start": "start_date", "end": "end_date", "mrr": "mrr_amount", "product": "plan_tier"}
    plan = plan_of(
        files={
            "accounts": {"path": "ravenstack_accounts.csv"},
            "subscriptions": {"path": "ravenstack_subscriptions.csv"},
        },
        columns={"accounts": {"name": "account_name"}, "subscriptions": subscriptions},
    )
    book = read_book(SHARED / "ravenstack", plan)
    assert book.subscriptions is not None
    assert (book.accounts.height, book.subscriptions.height) == (500, 5000)
    assert book.subscriptions.row(0)[1:4] == (date(2023, 12, 23), 2786.0, date(2024, 4, 12))
    assert kinds(book)["signup_date"] == "date"
    assert rejects(book) == []
    assert len(book.notes) == 1
    assert "3,509 rows begin before another row of the same account and product has ended" in book.notes[0]
