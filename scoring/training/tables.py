"""The tables of a book: their files found, opened, and put under our column names.

Values stay as they were written; every row keeps the line of the file it starts on.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import polars as pl

from scoring.attribute_names import alike
from scoring.errors import BookError
from scoring.plan import FileSpec, Plan, TableName
from scoring.training.columns import map_columns
from scoring.training.crm_tables import drop_outdated, in_our_words, look_up, with_outcome
from scoring.training.csv_rows import read_csv
from scoring.training.presets import Preset, preset_of, read_preset, recognised
from scoring.training.raw_table import Digest, RawTable
from scoring.training.rejects import LINE, TABLE, Log

_UNREAD = (pl.Binary, pl.Object, pl.Duration, pl.Time)


def load_tables(folder: Path, plan: Plan, log: Log) -> dict[TableName, RawTable]:
    """Find and open the tables in a folder: `<table>.csv`, `<table>.parquet`, or the plan's `[files]`.

    With a preset in the plan, the names and columns of that CRM's exports are known too.

    Raises:
        BookError: the folder or the accounts are missing; a table cannot be read, has two files, lacks a
            required column, or a column the plan names.
    """
    if not folder.is_dir():
        raise BookError(f"{folder} is not a folder; name the folder that holds accounts.csv and the ledgers")
    found = {table: _find(folder, table, plan) for table in get_args(TableName)}
    if found["accounts"] is None:
        raise BookError(
            f"{folder} has no accounts.csv or accounts.parquet. It holds: {_holds(folder)}. "
            f"{_advice(folder, plan)}"
        )
    tables = {table: _load(table, path, plan, log) for table, path in found.items() if path is not None}
    if "prospects" in tables:
        tables["prospects"] = _named_alike(tables["prospects"], tables["accounts"].frame.columns)
    return tables


def require_ledger(folder: Path, tables: Container[TableName]) -> None:
    """Refuse a book that does not say what its accounts are worth.

    Raises:
        BookError: there are neither subscriptions nor invoices.
    """
    if "subscriptions" not in tables and "invoices" not in tables:
        raise BookError(
            f"{folder} has neither subscriptions nor invoices (.csv or .parquet), so it does not say what "
            f"accounts are worth. It holds: {_holds(folder)}. "
            f"Name the ledger in the plan: [files.subscriptions] path = ..."
        )


def _holds(folder: Path) -> str:
    return ", ".join(sorted(path.name for path in folder.iterdir())[:20]) or "nothing"


def _advice(folder: Path, plan: Plan) -> str:
    preset = recognised(folder)
    if preset is not None and plan.book.preset != preset:
        name = read_preset(preset).name
        return f'Its names are those of {name} exports: write [book] preset = "{preset}" in the plan.'
    return "If the table has another name, say so in the plan: [files.accounts] path = ..."


def _find(folder: Path, table: TableName, plan: Plan) -> Path | None:
    if table in plan.files:
        path = folder / plan.files[table].path
        if not path.is_file():
            raise BookError(f"the plan's [files.{table}] names {path}, which does not exist")
        return path
    preset = preset_of(plan.book)
    if preset is None:
        paths = [path for path in (folder / f"{table}.csv", folder / f"{table}.parquet") if path.is_file()]
    else:
        paths = preset.find(folder, [table, *preset.files.get(table, [])])
    if len(paths) > 1:
        raise BookError(
            f"{folder} holds both {' and '.join(path.name for path in paths)}; remove one, "
            f'or name the one to read in the plan: [files.{table}] path = "{paths[0].name}"'
        )
    return paths[0] if paths else None


def _load(table: TableName, path: Path, plan: Plan, log: Log) -> RawTable:
    frame, digest = _read(table, path, plan.files.get(table, FileSpec(path=path.name)), log)
    explicit, digests = plan.columns.get(table, {}), {path.name: digest}
    preset, no_attributes = preset_of(plan.book), {}
    if preset is None:
        columns = map_columns(table, path.name, frame.drop(LINE), explicit)
    else:
        frame = drop_outdated(preset, path.name, frame, log)
        frame = _looked_up(table, path, frame, preset, digests, log)
        theirs = frame.drop(LINE) if table != "opportunities" else with_outcome(preset, frame.drop(LINE))
        mapping = preset.mapping(table, theirs.columns, explicit)
        columns = map_columns(table, path.name, theirs, {**mapping, **explicit})
        columns = in_our_words(preset, table, path.name, columns, log)
        known = preset.no_attributes(table, theirs.columns, mapping)
        no_attributes = {name: why for name, why in known.items() if name in columns.columns}
    located = frame.select(LINE, pl.lit(table).alias(TABLE)).hstack(columns)
    return RawTable(table, path.name, located, digests, no_attributes)


def _named_alike(prospects: RawTable, known: Sequence[str]) -> RawTable:
    """Name the prospects' attributes as the accounts do, where that is in doubt about none of them."""
    names = prospects.frame.columns
    found = alike(
        (name for name in names if name not in known), (name for name in known if name not in names)
    )
    named = {theirs[0]: name for name, theirs in found.items() if len(theirs) == 1}
    return replace(prospects, frame=prospects.frame.rename(named)) if named else prospects


def _looked_up(
    table: TableName, path: Path, frame: pl.DataFrame, preset: Preset, digests: dict[str, Digest], log: Log
) -> pl.DataFrame:
    """Fill the columns that a CRM keeps in tables of their own, which are read and added to the digests."""
    for lookup in preset.lookup:
        for other in preset.find(path.parent, lookup.files) if lookup.table == table else ():
            apart = Log()  # its rows are none of the table's
            pairs, digests[other.name] = _read(table, other, FileSpec(path=other.name), apart)
            pairs = drop_outdated(preset, other.name, pairs.drop(LINE), apart)
            frame = look_up(preset, lookup, frame, pairs, other.name)
            log.notes.extend(apart.notes)
            if apart.rejects:
                log.notes.append(
                    f"{other.name}: {len(apart.rejects):,} rows could not be read and were skipped"
                )
    return frame


def _read(table: TableName, path: Path, spec: FileSpec, log: Log) -> tuple[pl.DataFrame, Digest]:
    try:
        data = path.read_bytes()
        if path.suffix.lower() == ".parquet":
            frame, rows = _read_parquet(path.name, data, log)
        else:
            frame, rows = read_csv(table, path.name, data, spec, log)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BookError(f"cannot read {path.name}: {error}") from error
    return frame, Digest(hashlib.sha256(data).hexdigest(), rows)


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
