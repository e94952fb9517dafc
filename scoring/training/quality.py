"""The quality of a book: what its tables hold, how well they are filled, and what is odd about them."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from scoring.plan import Plan, TableName
from scoring.training.attributes import Attribute
from scoring.training.book import Book, make_book
from scoring.training.cells import find_day_first
from scoring.training.columns import COLUMNS, COMPANY_TABLES
from scoring.training.company import resolve_as_of
from scoring.training.contacts import count_gaps
from scoring.training.raw_table import RawTable
from scoring.training.rejects import LINE, TABLE, Log
from scoring.training.tables import load_tables
from scoring.training.written_numbers import currency_signs, either_way, is_exact_number, read_as
from scoring.values import MISSING_WORDS

_MIXED = (0.05, 0.95)  # shares of a text column's values that are numbers between which it is mixed
_ORPHAN = "names no account of the book"
_DATES: dict[TableName, tuple[str, ...]] = {
    "subscriptions": ("start",),
    "invoices": ("date",),
    "opportunities": ("created", "closed"),
    "events": ("occurred_at",),
}


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table: rows in its file, rows of it that the book uses, and what was rejected."""

    table: TableName
    file: str
    rows: int
    used: int
    rejected_rows: int  # rows of which something, or all, was rejected
    orphans: int  # rows of accounts that the book does not have


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column: what it is read as, how well it is filled, and what is to be said of it."""

    table: TableName
    column: str
    kind: str  # empty where it is not read
    filled: float  # share of rows that say something
    distinct: int  # different values, as they are written
    remark: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the book, how often, and what was made of it."""

    what: str
    times: int
    made_of_it: str


@dataclass(frozen=True, eq=False, slots=True)
class Quality:
    """Everything that a report on a book says."""

    name: str  # of the folder
    book: Book
    as_of: date | None  # None where no ledger says it
    trainable: bool  # whether there is a ledger with a usable row
    tables: Sequence[TableFacts]
    columns: Sequence[ColumnFacts]
    findings: Sequence[Finding]
    contact_gaps: Mapping[str, int]
    unread: Sequence[str]  # files in the folder that are no table of the book


def inspect_book(folder: Path, plan: Plan) -> Quality:
    """Read a book, also one without a ledger, and say how good it is.

    The same files and plan give the same answer.

    Raises:
        BookError: as `read_book`, but for a missing ledger.
    """
    log = Log()
    tables = load_tables(folder, plan, log)
    book = make_book(tables, plan, log)
    ledgers = [ledger for ledger in (book.subscriptions, book.invoices) if ledger is not None]
    trainable = any(ledger.height for ledger in ledgers)
    as_of = resolve_as_of(book, plan) if trainable else plan.book.as_of
    used = {*book.digests, *(spec.path for spec in plan.files.values())}
    return Quality(
        name=folder.resolve().name,
        book=book,
        as_of=as_of,
        trainable=trainable,
        tables=[_table_facts(raw, book, tables) for raw in tables.values()],
        columns=[fact for raw in tables.values() for fact in _column_facts(raw, book)],
        findings=[finding for finding in _findings(book, as_of) if finding.times],
        contact_gaps={} if book.contacts is None else count_gaps(book.contacts),
        unread=sorted(
            path.name
            for path in folder.iterdir()
            if path.name not in used and path.suffix.lower() in (".csv", ".parquet")
        ),
    )


def _table_facts(raw: RawTable, book: Book, tables: Container[TableName]) -> TableFacts:
    rejects = book.rejects.filter(pl.col("table") == raw.table)
    frame = getattr(book, raw.table)
    used = frame.height
    if raw.table == "accounts" and book.prospects is not None and "prospects" not in tables:
        used += book.prospects.height  # a CRM keeps both in one table
    return TableFacts(
        table=raw.table,
        file=raw.file,
        rows=book.digests[raw.file].rows,
        used=used,
        rejected_rows=rejects["row"].n_unique() if rejects.height else 0,
        orphans=rejects.filter(pl.col("reason") == _ORPHAN).height,
    )


# Columns


def _column_facts(raw: RawTable, book: Book) -> list[ColumnFacts]:
    attributes = {attribute.name: attribute for attribute in book.attributes}
    known = COLUMNS[raw.table]
    dates = [raw.frame[name] for name, kind in known.items() if kind == "date" and name in raw.frame.columns]
    day_first = find_day_first(raw.file, dates, Log())
    facts = []
    for column in raw.frame.drop(TABLE, LINE):
        present = _present(column)
        attribute = attributes.get(column.name) if raw.table in COMPANY_TABLES else None
        kind = known.get(column.name, attribute.kind if attribute else "")
        remarks = [
            _why_not_read(raw, column.name, kind, book),
            _order(present, day_first.get(column.name, attribute is not None and attribute.day_first), kind),
            _signs(present, kind),
            _points(present, kind),
            _mixture(present, attribute),
        ]
        facts.append(
            ColumnFacts(
                table=raw.table,
                column=column.name,
                kind=kind,
                filled=len(present) / len(column) if len(column) else 0.0,
                distinct=present.n_unique(),
                remark="; ".join(filter(None, remarks)),
            )
        )
    return facts


def _present(column: pl.Series) -> pl.Series:
    """Return the values that say something."""
    present = column.drop_nulls()
    if present.dtype != pl.String:
        return present
    return present.filter(~present.str.strip_chars().str.to_lowercase().is_in(sorted(MISSING_WORDS)))


def _why_not_read(raw: RawTable, name: str, kind: str, book: Book) -> str:
    if kind:
        return ""
    return book.ignored.get(name, "") if raw.table in COMPANY_TABLES else "no column of this table"


def _order(present: pl.Series, day_first: bool, kind: str) -> str:  # noqa: FBT001 - one of three facts
    if kind != "date" or present.dtype != pl.String or present.str.contains(r"^\d{4}[-/.]").all():
        return ""
    return f"read {'day' if day_first else 'month'} first"


def _signs(present: pl.Series, kind: str) -> str:
    signs = currency_signs(present) if kind == "number" else {}
    return (
        f"currency signs: {', '.join(f'{sign} {times:,} times' for sign, times in signs.items())}"
        if signs
        else ""
    )


def _points(present: pl.Series, kind: str) -> str:
    example = read_as(either_way(present)) if kind == "number" else ""
    return f"ambiguous: read {example}" if example else ""


def _mixture(present: pl.Series, attribute: Attribute | None) -> str:
    """Say how many values of a category are numbers, where neither nearly all nor nearly none are."""
    if attribute is None or attribute.kind != "category" or present.is_empty():
        return ""
    counts = present.value_counts(name="times")
    numbers = sum(times for value, times in counts.iter_rows() if is_exact_number(value))
    low, high = _MIXED
    if not low <= numbers / len(present) <= high:
        return ""
    return f"mixed: {numbers:,} of {len(present):,} values are numbers; read as categories"


# Findings


def _findings(book: Book, as_of: date | None) -> list[Finding]:
    return [*_duplicates(book), *_hierarchy(book), *_ledger_findings(book), *_future(book, as_of)]


def _duplicates(book: Book) -> list[Finding]:
    merged = "merged field by field; merges.csv says into which account"
    why = book.merges["why"]
    lost = "the first value was kept; conflicts.csv has both"
    return [
        Finding(
            "rows with an account_id that an earlier row had",
            int((why == "the same account_id").sum()),
            merged,
        ),
        Finding(
            "accounts with the domain of another", int(why.str.starts_with("the same domain").sum()), merged
        ),
        Finding("accounts with the name of another", int(why.str.starts_with("the same name").sum()), merged),
        Finding(
            "accounts with nearly the name of another",
            int(why.str.starts_with("nearly the same").sum()),
            merged,
        ),
        Finding("values on which rows of one company disagree", book.conflicts.height, lost),
    ]


def _hierarchy(book: Book) -> list[Finding]:
    companies = [frame for frame in (book.accounts, book.prospects) if frame is not None]
    rows = pl.concat([frame.select("account_id", "parent_id", "domain") for frame in companies])
    parents = rows["parent_id"].drop_nulls()
    known = parents.is_in(rows["account_id"].implode())
    return [
        Finding("accounts with a parent in the book", int(known.sum()), "linked"),
        Finding(
            "accounts whose parent the book does not have", int((~known).sum()), "the parent's id is kept"
        ),
        Finding("accounts without a domain", rows["domain"].null_count(), "signals find them by id alone"),
    ]


def _ledger_findings(book: Book) -> list[Finding]:
    doubled = book.rejects.filter(pl.col("reason") == "the same as an earlier row").height
    negative = book.rejects.filter(
        (pl.col("table") == "subscriptions") & (pl.col("reason") == "is negative")
    ).height
    returns = 0 if book.invoices is None else int((book.invoices["amount"] < 0).sum())
    ledgers = [ledger["account_id"] for ledger in (book.subscriptions, book.invoices) if ledger is not None]
    silent = (
        book.accounts.filter(~pl.col("account_id").is_in(pl.concat(ledgers).implode())).height
        if ledgers
        else 0
    )
    return [
        Finding("subscription rows that are an earlier row again", doubled, "rejected"),
        Finding("subscription rows with a negative price", negative, "rejected"),
        Finding("invoices with a negative amount", returns, "counted as returns"),
        Finding("accounts without a row in a ledger", silent, "nothing is learnt from them"),
    ]


def _future(book: Book, as_of: date | None) -> list[Finding]:
    if as_of is None:
        return []
    found = []
    for table, names in _DATES.items():
        frame = getattr(book, table)
        for name in names if frame is not None else ():
            later = int((frame[name] > as_of).sum())
            found.append(Finding(f"{table} whose {name} is after {as_of}", later, "not counted yet"))
    return found
