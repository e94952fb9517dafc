"""The book: the tables a company already has, read as people wrote them.

`read_book` finds each table, maps its columns, reads every value through `scoring.values`, merges accounts
that are one company, and points the ledgers at the accounts that remain. What cannot be read stands in
`Book.rejects` with its row and the reason; what was decided on the reader's behalf stands in `Book.notes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from scoring.attribute_names import alike
from scoring.country import as_country
from scoring.errors import BookError
from scoring.plan import Plan, TableName
from scoring.readings import Reading
from scoring.training.attributes import Attribute, read_attributes
from scoring.training.cells import read_cells, read_own_columns
from scoring.training.columns import COMPANY_COLUMNS, COMPANY_TABLES, MONEY
from scoring.training.conflicts import SCHEMA as CONFLICT_SCHEMA
from scoring.training.contacts import read_contacts
from scoring.training.ledgers import read_ledger
from scoring.training.merging import CITY, COUNTRY, merge_companies
from scoring.training.raw_table import Digest, RawTable
from scoring.training.rejects import LINE, TABLE, Log, drop_incomplete
from scoring.training.tables import load_tables, require_ledger
from scoring.training.written_numbers import note_currencies, note_either_way, settle_decimals
from scoring.values import as_text

LEDGERS: tuple[TableName, ...] = ("subscriptions", "invoices", "opportunities", "events")
_CUSTOMER_WORDS = ("customer", "former")
_PLACE_COLUMNS = {
    COUNTRY: ("country", "billing_country", "country_code"),
    CITY: ("city", "billing_city"),
}
_BAD_CELLS = (
    ("cac", "is negative", pl.col("cac") < 0),
    ("cost_to_serve", "is negative", pl.col("cost_to_serve") < 0),
    ("gross_margin", "is above 1; write 0.8 or 80%", pl.col("gross_margin") > 1),
)


@dataclass(frozen=True, eq=False, slots=True)
class Book:
    """The tables of a book, typed, with every ledger row pointing at an account.

    `accounts` and `prospects` hold account_id, domain, name, parent_id, status, crm_id, cac, gross_margin,
    cost_to_serve, nps and then the attributes. The other tables hold the columns of the design's section 3,
    absent ones as nulls. `rejects` has table, row (line of the file, the header being line 1), column and
    reason; `merges` has kept_id, merged_id, why and conflicts; `conflicts` has account_id, merged_id, column,
    kept and other: a row per value that an account lost to another row of the same company. `contacts` has
    row, account_id (null where unknown), contact_id, email, name, title, phone and gaps (in words).
    """

    accounts: pl.DataFrame
    subscriptions: pl.DataFrame | None
    invoices: pl.DataFrame | None
    opportunities: pl.DataFrame | None
    events: pl.DataFrame | None
    prospects: pl.DataFrame | None
    attributes: tuple[Attribute, ...]
    ignored: Mapping[str, str]  # column of the accounts -> why it is no attribute
    rejects: pl.DataFrame
    merges: pl.DataFrame
    notes: tuple[str, ...]  # what was decided on the reader's behalf, and how to decide otherwise
    digests: Mapping[str, Digest]  # by file name
    readings: tuple[Reading, ...] = ()  # which columns are industries and countries, attributes or not
    contacts: pl.DataFrame | None = None
    conflicts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CONFLICT_SCHEMA))


def read_book(folder: Path, plan: Plan) -> Book:
    """Read the tables in `folder` (`<table>.csv`, `<table>.parquet`, the plan's `[files]`, or its preset's).

    The same files and plan give identical frames.

    Raises:
        BookError: the folder, the accounts or both ledgers are missing; a table cannot be read, has two
            files, lacks a required column, or a column the plan names; parents form a cycle.
    """
    log = Log()
    tables = load_tables(folder, plan, log)
    require_ledger(folder, tables)
    return make_book(tables, plan, log)


def make_book(tables: Mapping[TableName, RawTable], plan: Plan, log: Log) -> Book:
    """Read every value of tables that were opened, and bring them together.

    Args:
        tables: with accounts.
        plan: under which they were opened.
        log: that was told while they were opened.

    Raises:
        BookError: no account has an id, or parents form a cycle.
    """
    for raw in tables.values():
        for name in (one for one in MONEY if one in raw.frame.columns):
            note_currencies(raw.file, raw.frame[name], plan.book.currency, log)
    rows, attributes = _read_companies(tables, plan, log)
    companies = merge_companies(rows, log)
    if companies.of("accounts").is_empty():
        raise BookError(f"{tables['accounts'].file} has no row with an account_id")
    ledgers = {name: read_ledger(tables[name], companies, plan, log) for name in LEDGERS if name in tables}
    contacts = read_contacts(tables["contacts"], companies, log) if "contacts" in tables else None
    accounts = companies.of("accounts")
    prospects = companies.of("prospects") if "prospects" in tables else None
    if plan.book.preset is not None and prospects is None:
        accounts, prospects = _parted(accounts, ledgers, log)
    return Book(
        accounts=accounts,
        prospects=prospects,
        subscriptions=ledgers.get("subscriptions"),
        invoices=ledgers.get("invoices"),
        opportunities=ledgers.get("opportunities"),
        events=ledgers.get("events"),
        contacts=contacts,
        attributes=attributes,
        readings=tuple(log.readings),
        ignored=log.ignored,
        rejects=log.rejects_frame(),
        merges=companies.merges,
        conflicts=companies.conflicts,
        notes=tuple(log.notes),
        digests={file: digest for table in tables.values() for file, digest in table.digests.items()},
    )


def _parted(
    accounts: pl.DataFrame, ledgers: Mapping[TableName, pl.DataFrame], log: Log
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part a CRM's companies: those that never paid, and are not said to have, are prospects."""
    paid = [ledgers[name]["account_id"] for name in ("subscriptions", "invoices") if name in ledgers]
    if not paid:
        return accounts, accounts.clear()
    customers = pl.col("account_id").is_in(pl.concat(paid).unique().implode())
    said = pl.col("status").is_in(_CUSTOMER_WORDS).fill_null(value=False)
    prospects = accounts.filter(~(customers | said))
    log.notes.append(
        f"{prospects.height:,} of {accounts.height:,} companies of the CRM have no row in a ledger and no "
        "customer's status: they are the prospects"
    )
    return accounts.filter(customers | said), prospects


def _read_companies(
    tables: Mapping[TableName, RawTable], plan: Plan, log: Log
) -> tuple[pl.DataFrame, tuple[Attribute, ...]]:
    """Read accounts and prospects as one frame, so that an attribute means the same in both."""
    frames, extras = [], []
    no_attributes: dict[str, str] = {}
    for raw in (tables[name] for name in COMPANY_TABLES if name in tables):
        own = drop_incomplete(read_own_columns(raw, log), raw.table, log)
        frames.append(_without_bad_cells(own, log))
        kept = raw.frame.join(own.select(LINE), on=LINE, how="semi", maintain_order="left")
        extras.append(kept.drop(LINE, TABLE, *COMPANY_COLUMNS, strict=False))
        no_attributes |= raw.no_attributes
    companies, others = pl.concat(frames), pl.concat(extras, how="diagonal_relaxed")
    asked_for = {*plan.attributes.keep, *plan.attributes.drop}
    log.ignored.update({name: why for name, why in no_attributes.items() if name not in asked_for})
    file = tables["accounts"].file
    others = pl.DataFrame(
        [settle_decimals(file, column, log) for column in others.drop(log.ignored, strict=False)]
    )
    attributes, columns = read_attributes(companies, others, plan, log)
    for attribute in attributes:
        if attribute.kind == "number":
            note_currencies(file, others[attribute.name], plan.book.currency, log)
            note_either_way(file, others[attribute.name], log)
    return companies.hstack(columns).hstack(_places(others)), attributes


def _places(others: pl.DataFrame) -> list[pl.Series]:
    """Return in which country and city each company is, as far as columns say so."""
    places = []
    for place, names in _PLACE_COLUMNS.items():
        for found in [*alike(others.columns, names).values()][:1]:
            reader = as_country if place == COUNTRY else as_text
            places.append(read_cells(others[found[0]], reader, pl.String()).values.alias(place))
    return places


def _without_bad_cells(frame: pl.DataFrame, log: Log) -> pl.DataFrame:
    for name, reason, bad in _BAD_CELLS:
        log.reject_rows(frame.filter(bad), name, reason)
        frame = frame.with_columns(pl.when(~bad).then(name).alias(name))
    return frame
