"""Books made by hand: a few rows of a ledger and of deals, and real in every part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from scoring.plan import Plan
from scoring.training.book import Book

Row = tuple[Any, ...]

_NO_ROWS = pl.DataFrame()
_ACCOUNTS = {"cac": pl.Float64, "gross_margin": pl.Float64}
_SUBSCRIPTIONS = {"start": pl.Date, "end": pl.Date, "mrr": pl.Float64}
_INVOICES = {"date": pl.Date, "amount": pl.Float64, "cost": pl.Float64}
_DEALS = {
    "created": pl.Date,
    "closed": pl.Date,
    "outcome": pl.String,
    "amount": pl.Float64,
    "type": pl.String,
}


def book_of(
    *,
    subscriptions: Sequence[Row] | None = None,
    invoices: Sequence[Row] | None = None,
    deals: Sequence[Row] | None = None,
    accounts: Sequence[Row] = (),
    prospects: Sequence[str] | None = None,
) -> Book:
    """Make a book; accounts of a ledger need no row of their own.

    Rows are (account, start, end, mrr), (account, date, amount, cost), (account, created, closed, outcome,
    amount, type) and (account, cac, margin).
    """
    known = {row[0] for row in [*accounts, *(subscriptions or []), *(invoices or [])]}
    facts = {row[0]: row[1:] for row in accounts}
    rows = [(name, *facts.get(name, (None, None))) for name in sorted(known)]
    others = None if prospects is None else [(name, None, None) for name in prospects]
    table = _frame(rows, _ACCOUNTS)
    assert table is not None
    return Book(
        accounts=table,
        subscriptions=_frame(subscriptions, _SUBSCRIPTIONS),
        invoices=_frame(invoices, _INVOICES),
        opportunities=_frame(deals, _DEALS),
        events=None,
        prospects=_frame(others, _ACCOUNTS),
        attributes=(),
        ignored={},
        rejects=_NO_ROWS,
        merges=_NO_ROWS,
        notes=(),
        digests={},
    )


def plan_at(as_of: str | None = None, **money: float) -> Plan:
    book = {} if as_of is None else {"as_of": as_of}
    return Plan.model_validate({"book": book, "money": money})


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _frame(rows: Sequence[Row] | None, schema: dict[str, Any]) -> pl.DataFrame | None:
    if rows is None:
        return None
    return pl.DataFrame(rows, schema={"account_id": pl.String, **schema}, orient="row")
