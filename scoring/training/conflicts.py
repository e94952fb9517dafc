"""Conflicts: what the rows of one company say differently."""

from __future__ import annotations

from typing import Any

import polars as pl

SCHEMA = dict.fromkeys(("account_id", "merged_id", "column", "kept", "other"), pl.String)
_AT, _PLACE = "__losing", "__place"


def find_conflicts(rows: pl.DataFrame, key: str, columns: list[str]) -> pl.DataFrame:
    """Return the values that are lost when rows of one key become one: the first present value stays.

    Args:
        rows: with account_id, `key` and the columns, in the order of preference.
        key: names the rows that become one.
        columns: those to compare.

    Returns:
        `at` (the place of the losing row), account_id (of the first row), merged_id, column, kept and other,
        by row and then by column.

    >>> rows = pl.DataFrame({"account_id": ["a", "b"], "key": ["x", "x"], "size": [10.0, 20.0]})
    >>> find_conflicts(rows, "key", ["size"]).rows()
    [(1, 'a', 'b', 'size', '10', '20')]
    """
    placed = rows.with_row_index(_AT).with_columns(pl.col("account_id").first().over(key).alias("__first"))
    found = [pl.DataFrame(schema={"at": pl.UInt32, **SCHEMA, _PLACE: pl.Int32})]
    for place, name in enumerate(columns):
        said = placed.select(_AT, "__first", "account_id", key, pl.col(name).alias("other"))
        if said["other"].dtype == pl.List:
            said = said.with_columns(pl.col("other").list.join(";"))
        first = pl.col("other").drop_nulls().first().over(key)
        lost = said.with_columns(first.alias("kept")).filter(pl.col("other") != pl.col("kept"))
        found.append(
            lost.select(
                pl.col(_AT).alias("at"),
                pl.col("__first").alias("account_id"),
                pl.col("account_id").alias("merged_id"),
                pl.lit(name).alias("column"),
                *(_written(lost[side]) for side in ("kept", "other")),
                pl.lit(place, dtype=pl.Int32).alias(_PLACE),
            )
        )
    return pl.concat(found).sort("at", _PLACE).drop(_PLACE)


def _written(column: pl.Series) -> pl.Series:
    return pl.Series(column.name, [_say(value) for value in column.to_list()], dtype=pl.String)


def _say(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def in_words(conflicts: pl.DataFrame) -> dict[int, str]:
    """Return the conflicts of each losing row in one sentence, by the row's place.

    >>> rows = pl.DataFrame({"account_id": ["a", "b"], "key": ["x", "x"], "name": ["Acme", "Acme Ltd"]})
    >>> in_words(find_conflicts(rows, "key", ["name"]))
    {1: 'name: kept Acme, not Acme Ltd'}
    """
    sentences = conflicts.group_by("at", maintain_order=True).agg(
        pl.format("{}: kept {}, not {}", "column", "kept", "other")
    )
    return {at: "; ".join(parts) for at, parts in sentences.rows()}
