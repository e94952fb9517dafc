"""The book: the tables a company already has, read as people wrote them.

`read_book` finds each table, maps its columns, reads every value through `scoring.values`, merges accounts
that are one company, and points the ledgers at the accounts that remain. What cannot be read stands in
`Book.rejects` with its row and the reason; what was decided on the reader's behalf stands in `Book.notes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from scoring.errors import BookError
from scoring.plan import Plan, TableName
from scoring.readings import Reading
from scoring.training.attributes import Attribute, read_attributes
from scoring.training.cells import read_own_columns
from scoring.training.columns import COMPANY_COLUMNS, COMPANY_TABLES
from scoring.training.ledgers import read_ledger
from scoring.training.merging import merge_companies
from scoring.training.rejects import LINE, TABLE, Log, drop_incomplete
from scoring.training.tables import Digest, RawTable, load_tables

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
    reason; `merges` has kept_id, merged_id, why and conflicts.
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


def read_book(folder: Path, plan: Plan) -> Book:
    """Read the tables in `folder` (`<table>.csv`, `<table>.parquet`, or the plan's `[files]`).

    The same files and plan give identical frames.

    Raises:
        BookError: the folder, the accounts or both ledgers are missing; a table cannot be read, has two
            files, lacks a required column, or a column the plan names; parents form a cycle.
    """
    log = Log()
    tables = load_tables(folder, plan, log)
    rows, attributes = _read_companies(tables, plan, log)
    companies = merge_companies(rows, log)
    if companies.of("accounts").is_empty():
        raise BookError(f"{tables['accounts'].file} has no row with an account_id")
    ledgers = {
        name: read_ledger(table, companies, log)
        for name, table in tables.items()
        if name not in COMPANY_TABLES
    }
    return Book(
        accounts=companies.of("accounts"),
        prospects=companies.of("prospects") if "prospects" in tables else None,
        subscriptions=ledgers.get("subscriptions"),
        invoices=ledgers.get("invoices"),
        opportunities=ledgers.get("opportunities"),
        events=ledgers.get("events"),
        attributes=attributes,
        readings=tuple(log.readings),
        ignored=log.ignored,
        rejects=log.rejects_frame(),
        merges=companies.merges,
        notes=tuple(log.notes),
        digests={table.file: table.digest for table in tables.values()},
    )


def _read_companies(
    tables: Mapping[TableName, RawTable], plan: Plan, log: Log
) -> tuple[pl.DataFrame, tuple[Attribute, ...]]:
    """Read accounts and prospects as one frame, so that an attribute means the same in both."""
    frames, extras = [], []
    for raw in (tables[name] for name in COMPANY_TABLES if name in tables):
        own = drop_incomplete(read_own_columns(raw, log), raw.table, log)
        frames.append(_without_bad_cells(own, log))
        kept = raw.frame.join(own.select(LINE), on=LINE, how="semi", maintain_order="left")
        extras.append(kept.drop(LINE, TABLE, *COMPANY_COLUMNS, strict=False))
    companies, others = pl.concat(frames), pl.concat(extras, how="diagonal_relaxed")
    attributes, columns = read_attributes(companies, others, plan, log)
    return companies.hstack(columns), attributes


def _without_bad_cells(frame: pl.DataFrame, log: Log) -> pl.DataFrame:
    for name, reason, bad in _BAD_CELLS:
        log.reject_rows(frame.filter(bad), name, reason)
        frame = frame.with_columns(pl.when(~bad).then(name).alias(name))
    return frame
