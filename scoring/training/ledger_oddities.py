"""What is odd about the rows of a ledger although they can be read: noted, with what was made of it."""

from __future__ import annotations

from datetime import date

import polars as pl

from scoring.plan import Plan, TableName
from scoring.training.rejects import Log

_DATED: dict[TableName, str] = {
    "subscriptions": "start",
    "invoices": "date",
    "opportunities": "created",
    "events": "occurred_at",
}
_SETS_AS_OF: tuple[TableName, ...] = ("subscriptions", "invoices")
_FOREVER = date.max
_LONELY_DAYS = 365  # between the last date of a ledger and the one before, where the last looks mistaken


def note_oddities(table: TableName, file: str, frame: pl.DataFrame, plan: Plan, log: Log) -> None:
    """Note rows after `as_of`, a last date far from all others, returns, and subscriptions that overlap."""
    _note_future(table, file, frame, plan, log)
    if table == "invoices":
        returns = int((frame["amount"] < 0).sum())
        if returns:
            log.notes.append(f"{file}: {returns:,} amounts are negative; they count as returns")
    if table == "subscriptions":
        overlapping = count_overlaps(frame)
        if overlapping:
            log.notes.append(
                f"{file}: {overlapping:,} rows begin before another row of the same account and product has "
                "ended; they are added up, as parallel contracts"
            )


def _note_future(table: TableName, file: str, frame: pl.DataFrame, plan: Plan, log: Log) -> None:
    days = frame[_DATED[table]]
    if plan.book.as_of is not None:
        later = int((days > plan.book.as_of).sum())
        if later:
            log.notes.append(
                f"{file}: {later:,} rows are from after as_of ({plan.book.as_of}) and do not count yet"
            )
    elif table in _SETS_AS_OF:
        distinct = days.unique().sort(descending=True).to_list()
        last, before = distinct[:2] if len(distinct) > 1 else (date.min, date.min)
        if (last - before).days > _LONELY_DAYS:
            log.notes.append(
                f"{file}: {last} is {(last - before).days:,} days after the date before it, yet the book is "
                f"read as of then. If it is a mistake, set as_of in the plan's [book]"
            )


def count_overlaps(subscriptions: pl.DataFrame) -> int:
    """Count the rows that begin before an earlier row of their account and product has ended.

    >>> from datetime import date as day
    >>> rows = {"account_id": ["a", "a", "a"], "product": ["x", "x", "y"], "start": [day(2025, 1, 1)] * 3}
    >>> rows["start"][1] = day(2025, 6, 1)
    >>> count_overlaps(pl.DataFrame(rows | {"end": [day(2025, 7, 1), None, None]}))
    1
    """
    owner = ["account_id", "product"]
    rows = subscriptions.with_columns(pl.col("end").fill_null(_FOREVER))
    rows = rows.filter(pl.col("start") < pl.col("end")).sort(*owner, "start", "end", nulls_last=True)
    ended = pl.col("end").cum_max().shift(1).over(owner)
    return rows.filter(pl.col("start") < ended).height
