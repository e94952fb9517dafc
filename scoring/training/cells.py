"""The cells of a table's columns, read through `scoring.values`; those that cannot be read are rejected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import polars as pl

from scoring.account import normalise_domain
from scoring.training.columns import COLUMNS, ColumnKind
from scoring.training.raw_table import RawTable
from scoring.training.rejects import LINE, TABLE, Log
from scoring.training.written_numbers import note_either_way, settle_decimals
from scoring.values import MISSING_WORDS, as_amount, as_date, as_number, as_text, is_missing, quoted

Reader: TypeAlias = Callable[[Any], Any]  # None for a missing value; ValueError for one it cannot read

# A time of day changes no date; without it a million moments are a thousand different values to read.
_WITH_TIME = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ][0-9:.+-]+Z?$"
_PLAIN_NUMBER = r"^[0-9]{1,15}(?:\.[0-9]{1,15})?$"
_BLANKS = "".join(map(chr, filter(lambda code: chr(code).isspace(), range(0x3001))))  # what Python strips
_YEAR_FIRST = r"^[0-9]{4}[-/.]"  # these dates read the same day first and month first


@dataclass(frozen=True, eq=False, slots=True)
class Cells:
    """A column that was read: a value per row, and per row why it cannot be read, or null."""

    written: pl.Series
    values: pl.Series
    reasons: pl.Series


def read_cells(column: pl.Series, reader: Reader, dtype: pl.DataType) -> Cells:
    """Read a column, each distinct value once.

    >>> cells = read_cells(pl.Series("cac", ["1k", "lots", None, "1k"]), as_number, pl.Float64())
    >>> cells.values.to_list(), cells.reasons.to_list()
    ([1000.0, None, None, 1000.0], [None, 'not a number', None, None])
    """
    distinct = column.drop_nulls().unique()
    easy, hard = _easily_read(distinct, reader, dtype)
    values, reasons = [], []
    for written in hard.to_list():
        value, reason = _attempt(written, reader)
        values.append(value)
        reasons.append(reason)
    others = pl.DataFrame(
        {
            "written": hard,
            "value": pl.Series(values, dtype=dtype),
            "reason": pl.Series(reasons, dtype=pl.String),
        }
    )
    known = pl.concat([easy, others])
    rows = column.alias("written").to_frame().join(known, on="written", how="left", maintain_order="left")
    return Cells(column, rows["value"].alias(column.name), rows["reason"])


def _easily_read(distinct: pl.Series, reader: Reader, dtype: pl.DataType) -> tuple[pl.DataFrame, pl.Series]:
    """Read plain numbers and labels all at once, as their readers would, and return what is left to those."""
    value = None
    if distinct.dtype == pl.String and reader in (as_number, as_amount):
        value = (
            pl.when(pl.col("written").str.contains(_PLAIN_NUMBER)).then("written").cast(dtype, strict=False)
        )
    elif distinct.dtype == pl.String and reader is _as_label:
        label = pl.col("written").str.strip_chars(_BLANKS)
        value = pl.when(~label.str.to_lowercase().is_in(sorted(MISSING_WORDS))).then(label)
    reason = pl.lit(None, dtype=pl.String).alias("reason")
    if value is None:
        return pl.DataFrame(schema={"written": distinct.dtype, "value": dtype, "reason": pl.String}), distinct
    read = distinct.alias("written").to_frame().with_columns(value.alias("value"), reason)
    easy = read.filter(pl.col("value").is_not_null())
    return easy, read.filter(pl.col("value").is_null())["written"]


def _attempt(written: Any, reader: Reader) -> tuple[Any, str | None]:
    try:
        return reader(written), None
    except ValueError as error:
        return None, str(error)


def read_date_cells(column: pl.Series, reader: Reader, dtype: pl.DataType) -> Cells:
    """Read a column whose reader drops the time of day, each distinct day once.

    >>> moments = pl.Series("at", ["2026-06-30T23:59:00Z", "2026-06-30 08:00"])
    >>> read_date_cells(moments, as_date, pl.Date()).values.unique().to_list()
    [datetime.date(2026, 6, 30)]
    """
    days = column.str.replace(_WITH_TIME, "${1}") if column.dtype == pl.String else column
    cells = read_cells(days, reader, dtype)
    return Cells(column, cells.values, cells.reasons)


def reject_unread(frame: pl.DataFrame, cells: Cells, log: Log) -> None:
    """Put the unreadable cells of a column of `frame`, which has TABLE and LINE, into the rejects."""
    unread = cells.reasons.is_not_null()
    places = frame.select(TABLE, LINE).filter(unread).iter_rows()
    faults = zip(places, cells.written.filter(unread), cells.reasons.filter(unread), strict=True)
    for (table, line), written, reason in faults:
        log.reject(table, line, cells.written.name, f"{reason}: {quoted(written)}")


# The order of day and month


def find_day_first(file: str, columns: Sequence[pl.Series], log: Log) -> dict[str, bool]:
    """Decide per column whether the day or the month comes first in dates such as 03/04/2026.

    A date that exists in one order only decides; a column without any follows the table's other columns.

    >>> dates = [pl.Series("start", ["03/04/2026", "31/12/2026"]), pl.Series("end", ["01/02/2026"])]
    >>> find_day_first("subscriptions.csv", dates, Log())
    {'start': True, 'end': True}
    """
    votes = {column.name: _order_votes(column) for column in columns}
    total = sum(day - month for day, month, _ in votes.values())
    for name, (day, month, ambiguous) in votes.items():
        if day and month:
            log.notes.append(f"{file}: {name} mixes day-first and month-first dates; write them YYYY-MM-DD")
        elif ambiguous and day == month == 0:
            order = "day" if total > 0 else "month"
            log.notes.append(
                f"{file}: {name} does not show whether the day or the month comes first; read as "
                f"{order} first. Write dates YYYY-MM-DD to be sure"
            )
    return {name: (day - month or total) > 0 for name, (day, month, _) in votes.items()}


def _order_votes(column: pl.Series) -> tuple[int, int, bool]:
    """Count the values that read only day first, and only month first; tell if all read as either."""
    if column.dtype != pl.String:
        return 0, 0, False
    undecided = column.filter(~column.str.contains(_YEAR_FIRST)).unique().to_list()
    read = [(_attempt(text, partial(as_date, day_first=True)), _attempt(text, as_date)) for text in undecided]
    only_day = sum(month_fault is not None and day_fault is None for (_, day_fault), (_, month_fault) in read)
    only_month = sum(
        day_fault is not None and month_fault is None for (_, day_fault), (_, month_fault) in read
    )
    differ = any(day != month for (day, _), (month, _) in read)
    return only_day, only_month, differ and not (only_day or only_month)


# A table's own columns


def _as_label(value: Any) -> str | None:
    """Read an identifier or a name: as written, without surrounding blanks; 7.0 is 7."""
    if is_missing(value):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _as_domain(value: Any) -> str | None:
    label = _as_label(value)
    domain = normalise_domain(label) if label else None
    if label and domain is None:
        raise ValueError("no domain in it")
    return domain


_READERS: dict[ColumnKind, tuple[Reader, pl.DataType]] = {
    "label": (_as_label, pl.String()),
    "text": (as_text, pl.String()),
    "number": (as_amount, pl.Float64()),
    "date": (as_date, pl.Date()),
    "domain": (_as_domain, pl.String()),
}


def read_own_columns(raw: RawTable, log: Log) -> pl.DataFrame:
    """Return TABLE, LINE and the columns that this table has in every book, read; absent ones are null."""
    frame, known = raw.frame, COLUMNS[raw.table]
    dates = [frame[name] for name, kind in known.items() if kind == "date" and name in frame.columns]
    day_first = find_day_first(raw.file, dates, log)
    columns = [_read_own_column(raw, name, kind, day_first, log) for name, kind in known.items()]
    return frame.select(TABLE, LINE).hstack(columns)


def _read_own_column(
    raw: RawTable, name: str, kind: ColumnKind, day_first: Mapping[str, bool], log: Log
) -> pl.Series:
    reader, dtype = _READERS[kind]
    if name not in raw.frame.columns:
        return pl.Series(name, [None] * raw.frame.height, dtype=dtype)
    column = raw.frame[name]
    if kind == "date":
        cells = read_date_cells(column, partial(as_date, day_first=day_first[name]), dtype)
    elif kind == "number":
        settled = settle_decimals(raw.file, column, log)
        note_either_way(raw.file, settled, log)
        cells = read_cells(settled, reader, dtype)
    else:
        cells = read_cells(column, reader, dtype)
    reject_unread(raw.frame, cells, log)
    return cells.values
