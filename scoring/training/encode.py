"""Encoding many accounts at once, a column at a time: the same codes as `FeatureSchema.encode` gives by row.

A feature has at most 255 codes, so a code fits a byte; the matrix lies in memory column by column, as the
learners read it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.features import (
    MISSING,
    UNSEEN,
    CategoryEncoder,
    Codes,
    Encoder,
    FeatureSchema,
    FlagEncoder,
    NumberEncoder,
    TagsEncoder,
)

Column = NDArray[np.uint8]


def encode_frame(schema: FeatureSchema, accounts: pl.DataFrame) -> Codes:
    """Encode accounts whose attributes are typed as in `Book.accounts`.

    Args:
        schema: what the codes mean; its attributes are columns of `accounts`.
        accounts: a row per account.

    Returns:
        Codes, one byte each, in Fortran order: (accounts, features).

    >>> schema = FeatureSchema((NumberEncoder("employees", (10.0, 200.0)), TagsEncoder("tools", ("dbt",))))
    >>> encode_frame(schema, pl.DataFrame({"employees": [1200.0, None], "tools": [["dbt"], []]})).tolist()
    [[3, 2], [0, 1]]
    """
    codes = np.empty((accounts.height, len(schema.features)), np.uint8, order="F")
    place = 0
    for encoder in schema.encoders:
        for column in _columns(encoder, accounts[encoder.attribute]):
            codes[:, place] = column
            place += 1
    return codes


def _columns(encoder: Encoder, values: pl.Series) -> Iterator[Column]:
    match encoder:
        case NumberEncoder():
            yield _number(encoder, values)
        case CategoryEncoder():
            yield _category(encoder, values)
        case FlagEncoder():
            yield (values.cast(pl.UInt8) + 1).fill_null(MISSING).to_numpy()
        case TagsEncoder():
            yield from _tags(encoder, values)
        case _:
            raise TypeError(f"{encoder.kind} attributes have no columnar encoding")


def _number(encoder: NumberEncoder, values: pl.Series) -> Column:
    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    codes = 1 + np.searchsorted(np.array(encoder.edges), numbers, side="left")
    return np.where(np.isnan(numbers), MISSING, codes).astype(np.uint8)


def _category(encoder: CategoryEncoder, values: pl.Series) -> Column:
    known = pl.DataFrame(
        {"value": encoder.levels, "code": np.arange(UNSEEN + 1, UNSEEN + 1 + len(encoder.levels))},
        schema={"value": pl.String, "code": pl.UInt8},
    )
    found = values.to_frame("value").join(known, on="value", how="left", maintain_order="left")["code"]
    codes = found.fill_null(UNSEEN).to_numpy()
    return np.where(values.is_null().to_numpy(), MISSING, codes).astype(np.uint8)


def _tags(encoder: TagsEncoder, values: pl.Series) -> Iterator[Column]:
    missing = values.is_null().to_numpy()
    tags = values.to_frame("tag").with_row_index("row").explode("tag").drop_nulls("tag")
    rows_of = dict(tags.group_by("tag", maintain_order=True).agg("row").rows()) if tags.height else {}
    for tag in encoder.tags:
        column = np.where(missing, MISSING, 1).astype(np.uint8)
        column[rows_of.get(tag, [])] = 2
        yield column
