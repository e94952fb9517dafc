"""A table of a book as it was opened: under our column names, its values not read yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from scoring.plan import TableName


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
    digests: Mapping[str, Digest]  # of its file, and of those its columns were looked up in
    no_attributes: Mapping[str, str]  # columns that the preset knows to describe nothing -> why
