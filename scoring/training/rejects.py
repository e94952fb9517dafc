"""What the reader of a book must be told: what could not be used, and what was decided on their behalf."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

import polars as pl

from scoring.plan import TableName
from scoring.readings import Reading
from scoring.training.columns import REQUIRED

TABLE, LINE = "__table", "__line"  # columns that say where a row was read, until it is final
_SCHEMA = {"table": pl.String, "row": pl.Int64, "column": pl.String, "reason": pl.String}
# Optional, but a row whose value here cannot be read would say something false without it.
_MUST_READ: dict[TableName, tuple[str, ...]] = {"subscriptions": ("end",)}


@dataclass(slots=True)
class Log:
    """What is found while a book is read: `Book.rejects`, notes, ignored and readings in the making."""

    rejects: list[tuple[TableName, int, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)

    def reject(self, table: TableName, line: int, column: str, reason: str) -> None:
        """Add a row (column is empty) or a cell of it to the rejects."""
        self.rejects.append((table, line, column, reason))

    def reject_rows(self, rows: pl.DataFrame, column: str, reason: str) -> None:
        """Add every row of a frame that has TABLE and LINE to the rejects, for one reason."""
        for table, line in rows.select(TABLE, LINE).iter_rows():
            self.reject(table, line, column, reason)

    def rejects_frame(self) -> pl.DataFrame:
        """Return the rejects by table, row, column and reason.

        >>> log = Log()
        >>> log.reject("events", 9, "type", "is missing")
        >>> log.reject("accounts", 2, "", "the row has 2 fields, the header 3")
        >>> log.rejects_frame()["table"].to_list()
        ['accounts', 'events']
        """
        order = {table: at for at, table in enumerate(get_args(TableName))}
        rows = sorted(self.rejects, key=lambda reject: (order[reject[0]], *reject[1:]))
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def drop_rows(frame: pl.DataFrame, bad: pl.Expr, column: str, reason: str, log: Log) -> pl.DataFrame:
    """Return the rows for which `bad` is not true; the others go to the rejects.

    >>> log, frame = Log(), pl.DataFrame({TABLE: ["invoices"] * 2, LINE: [2, 3], "amount": [5.0, -5.0]})
    >>> drop_rows(frame, pl.col("amount") < 0, "amount", "is negative", log)["amount"].to_list()
    [5.0]
    >>> log.rejects
    [('invoices', 3, 'amount', 'is negative')]
    """
    rows = frame.filter(bad)
    log.reject_rows(rows, column, reason)
    return frame.filter(~bad.fill_null(value=False)) if rows.height else frame


def drop_incomplete(frame: pl.DataFrame, table: TableName, log: Log) -> pl.DataFrame:
    """Return the rows that have every required value; unreadable values are in the rejects already."""
    unreadable: dict[str, list[int]] = {}
    for owner, line, column, _ in log.rejects:
        if owner == table:
            unreadable.setdefault(column, []).append(line)
    for name in REQUIRED[table]:
        refused = pl.col(LINE).is_in(unreadable.get(name, []))
        frame = drop_rows(frame.filter(~refused), pl.col(name).is_null(), name, "is missing", log)
    for name in _MUST_READ.get(table, ()):
        frame = frame.filter(~pl.col(LINE).is_in(unreadable.get(name, [])))
    return frame
