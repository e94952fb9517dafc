"""The tables of a book: their files found, opened, and put under our column names.

Values stay as they were written; every row keeps the line of the file it starts on.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import polars as pl

from scoring.errors import BookError
from scoring.plan import FileSpec, Plan, TableName
from scoring.training.columns import map_columns
from scoring.training.csv_rows import read_csv
from scoring.training.rejects import LINE, TABLE, Log

_UNREAD = (pl.Binary, pl.Object, pl.Duration, pl.Time)


@dataclass(frozen=True, slots=True)
class Digest:
    """Which file was read: its SHA-256 and how many data rows it holds."""

    sha256: str
    rows: int


@dataclass(frozen=True, eq=False, slots=True)
class RawTable:
    """A table under our column names, its values not read yet.

    `frame` has TABLE and LINE (the line of the file a row starts on; of Parquet, its position from 2 on).
    """

    table: TableName
    file: str
    frame: pl.DataFrame
    digest: Digest


def load_tables(folder: Path, plan: Plan, log: Log) -> dict[TableName, RawTable]:
    """Find and open the tables in a folder: `<table>.csv`, `<table>.parquet`, or the plan's `[files]`.

    Raises:
        BookError: the folder, the accounts or both ledgers are missing; a table cannot be read, has two
            files, lacks a required column, or a column the plan names.
    """
    if not folder.is_dir():
        raise BookError(f"{folder} is not a folder; name the folder that holds accounts.csv and the ledgers")
    found = {table: _find(folder, table, plan) for table in get_args(TableName)}
    _check_tables(folder, found)
    return {table: _load(table, path, plan, log) for table, path in found.items() if path is not None}


def _find(folder: Path, table: TableName, plan: Plan) -> Path | None:
    if table in plan.files:
        path = folder / plan.files[table].path
        if not path.is_file():
            raise BookError(f"the plan's [files.{table}] names {path}, which does not exist")
        return path
    paths = [path for path in (folder / f"{table}.csv", folder / f"{table}.parquet") if path.is_file()]
    if len(paths) > 1:
        raise BookError(
            f"{folder} holds both {table}.csv and {table}.parquet; remove one, "
            f'or name the one to read in the plan: [files.{table}] path = "{table}.csv"'
        )
    return paths[0] if paths else None


def _check_tables(folder: Path, found: Mapping[TableName, Path | None]) -> None:
    holds = ", ".join(sorted(path.name for path in folder.iterdir())[:20]) or "nothing"
    if found["accounts"] is None:
        raise BookError(
            f"{folder} has no accounts.csv or accounts.parquet. It holds: {holds}. "
            f"If the table has another name, say so in the plan: [files.accounts] path = ..."
        )
    if found["subscriptions"] is None and found["invoices"] is None:
        raise BookError(
            f"{folder} has neither subscriptions nor invoices (.csv or .parquet), so it does not say what "
            f"accounts are worth. It holds: {holds}. "
            f"Name the ledger in the plan: [files.subscriptions] path = ..."
        )


def _load(table: TableName, path: Path, plan: Plan, log: Log) -> RawTable:
    spec = plan.files.get(table, FileSpec(path=path.name))
    try:
        data = path.read_bytes()
        if path.suffix == ".parquet":
            frame, rows = _read_parquet(path.name, data, log)
        else:
            frame, rows = read_csv(table, path.name, data, spec, log)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BookError(f"cannot read {path.name}: {error}") from error
    columns = map_columns(table, path.name, frame.drop(LINE), plan.columns.get(table, {}))
    digest = Digest(hashlib.sha256(data).hexdigest(), rows)
    lines = frame.select(LINE, pl.lit(table).alias(TABLE))
    return RawTable(table, path.name, lines.hstack(columns), digest)


def _read_parquet(file: str, data: bytes, log: Log) -> tuple[pl.DataFrame, int]:
    raw = pl.read_parquet(io.BytesIO(data))
    columns = [_plain(raw[name]) for name in raw.columns]
    strange = [column.name for column in columns if column.dtype.is_nested() or column.dtype in _UNREAD]
    for name in strange:
        log.notes.append(f"{file}: column {name} has type {raw[name].dtype}, which is not read")
    lines = pl.Series(LINE, range(2, raw.height + 2), dtype=pl.Int64)
    return pl.DataFrame([lines, *(column for column in columns if column.name not in strange)]), raw.height


def _plain(column: pl.Series) -> pl.Series:
    """Bring a typed column to what the readers know: strings, numbers, booleans, dates."""
    if isinstance(column.dtype, pl.List) and column.dtype.inner == pl.String:
        return column.list.join(";", ignore_nulls=True)
    if column.dtype in (pl.Categorical, pl.Enum, pl.Null):
        return column.cast(pl.String)
    if column.dtype.is_decimal():
        return column.cast(pl.Float64)
    return column.fill_nan(None) if column.dtype.is_float() else column
