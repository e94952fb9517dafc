"""Columns as callers have them, brought to what the learner reads: numbers, categories, flags, tag lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.errors import TableError
from scoring.features import FeatureSchema
from scoring.training.attributes import Attribute, AttributeKind
from scoring.training.cells import read_cells
from scoring.training.written_numbers import is_exact_number, mostly_bands
from scoring.values import as_flag, as_number, as_tags, as_text, is_band, is_missing

Column = Sequence[Any] | NDArray[Any]
Columns = Mapping[str, Column]

_NUMERIC_SHARE = 0.95  # of a column's texts that must read as numbers for it to be one
_READERS: dict[str, tuple[Callable[[Any], Any], pl.DataType]] = {
    "number": (as_number, pl.Float64()),
    "flag": (as_flag, pl.Boolean()),
    "tags": (as_tags, pl.List(pl.String)),
    "category": (as_text, pl.String()),
}


def row_count(columns: Columns) -> int:
    """Return how many rows the columns have.

    Raises:
        TableError: there is no column, one is no sequence of single values, or two differ in length.
    """
    if not columns:
        raise TableError("give at least one column to learn from")
    for name, values in columns.items():
        if isinstance(values, str) or not hasattr(values, "__len__") or getattr(values, "ndim", 1) != 1:
            raise TableError(f"{name} is no column; give a list or a one-dimensional array, a value per row")
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} {length}" for name, length in list(lengths.items())[:10])
        raise TableError(
            f"columns differ in length; give each a value per row, None for a missing one: {said}"
        )
    return next(iter(lengths.values()))


def infer(columns: Columns) -> list[Attribute]:
    """Tell each column's kind by its values.

    Lists are tags; booleans are flags; numbers are numbers, and so are texts of which nearly all read as
    numbers, but for picklists of bands (see `mostly_bands`); everything else is a category. A column without
    any value is a category, too.

    >>> [one.kind for one in infer({"a": [1, None], "b": ["x", 2], "c": [["t"], []], "d": [True, None]})]
    ['number', 'category', 'tags', 'flag']
    """
    return [Attribute(name, _kind(values)) for name, values in columns.items()]


def _kind(values: Column) -> AttributeKind:
    if isinstance(values, np.ndarray) and values.dtype.kind in "iufb":
        return "flag" if values.dtype.kind == "b" else "number"
    present = [value for value in map(_plain, values) if not is_missing(value)]
    if any(isinstance(value, (list, tuple)) for value in present):
        return "tags"
    if present and all(isinstance(value, bool) for value in present):
        return "flag"
    readable = [value for value in present if is_exact_number(value) or is_band(value)]
    numeric = present and len(readable) >= _NUMERIC_SHARE * len(present)
    return "number" if numeric and not mostly_bands(set(readable)) else "category"


def to_frame(columns: Columns, kinds: Mapping[str, str]) -> pl.DataFrame:
    """Read columns as the given kinds; a value that cannot be read is missing.

    Args:
        columns: by name, at least those of `kinds`.
        kinds: by name, the kind of each column wanted.

    Raises:
        TableError: a column is absent, or two differ in length.
    """
    absent = [name for name in kinds if name not in columns]
    if absent:
        raise TableError(f"these columns were learnt from and are absent: {', '.join(absent)}")
    row_count(columns)
    return pl.DataFrame({name: _read(columns[name], kind) for name, kind in kinds.items()})


def kinds_of(schema: FeatureSchema) -> dict[str, str]:
    """Return the kind of each attribute a schema encodes."""
    return {encoder.attribute: encoder.kind for encoder in schema.encoders}


def _read(values: Column, kind: str) -> pl.Series:
    if kind == "number" and isinstance(values, np.ndarray) and values.dtype.kind in "iufb":
        numbers = values.astype(np.float64)
        return pl.Series(np.where(np.isfinite(numbers), numbers, np.nan)).fill_nan(None)
    reader, dtype = _READERS[kind]
    plain = [_plain(value) for value in values]
    if all(isinstance(value, str) or value is None for value in plain):
        return read_cells(pl.Series("value", plain, dtype=pl.String), reader, dtype).values
    return pl.Series([_attempt(value, reader) for value in plain], dtype=dtype)


def _plain(value: Any) -> Any:
    """Bring numpy's scalars and sets to Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else value


def _attempt(value: Any, reader: Callable[[Any], Any]) -> Any:
    try:
        return reader(value)
    except ValueError:  # as in a request: a value that cannot be read is missing
        return None
