"""From the book's attributes to the feature schema: where numbers are cut, which categories are known.

All of it is decided on the customers, whose outcomes are learnt. A category or tag that too few of them have
gets no entry of its own: categories fall into the entry of unseen ones, tags are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import polars as pl

from scoring.features import (
    LARGEST_SIZE,
    CategoryEncoder,
    CountryEncoder,
    DateEncoder,
    Encoder,
    FeatureSchema,
    FlagEncoder,
    IndustryEncoder,
    NumberEncoder,
    TagsEncoder,
)
from scoring.readings import Reading
from scoring.training.attributes import Attribute

MOST_INTERVALS = 64
LEAST_FOR_LEVEL = 5  # customers a category must have to get an entry of its own; of few customers, fewer
LEAST_SHARE_FOR_TAG = 0.01  # of the customers that must have a tag, and be without it, for it to be a feature
LEAST_FOR_TAG = 10  # of few customers, fewer
FEW = 50  # customers per customer that a level, and per two that a tag, must have where there are few
MOST_TAGS = 100


def build_schema(
    attributes: Sequence[Attribute],
    customers: pl.DataFrame,
    readings: Sequence[Reading] = (),
    *,
    without: Collection[str] = (),
) -> FeatureSchema:
    """Build the schema from the customers' attributes.

    Args:
        attributes: the book's, with their kinds.
        customers: a row per customer, typed as in `Book.accounts`.
        readings: the book's; they hold for attributes that are left out too, which rules may name.
        without: attributes that are left out.
    """
    wanted = [attribute for attribute in attributes if attribute.name not in without]
    encoders = (_encoder(attribute, customers[attribute.name]) for attribute in wanted)
    return FeatureSchema(tuple(encoder for encoder in encoders if encoder is not None), tuple(readings))


def _encoder(attribute: Attribute, column: pl.Series) -> Encoder | None:
    present = column.drop_nulls()
    if present.is_empty():
        return None
    match attribute.kind:
        case "number":
            return NumberEncoder(attribute.name, _edges(present))
        case "date":
            return DateEncoder(attribute.name, _edges(present), attribute.day_first)
        case "flag":
            return FlagEncoder(attribute.name)
        case "category":
            return CategoryEncoder(attribute.name, _levels(present))
        case "industry":
            return IndustryEncoder(attribute.name, _levels(present))
        case "country":
            return CountryEncoder(attribute.name, _levels(present))
        case "tags":
            tags = _tags(present)
            return TagsEncoder(attribute.name, tags) if tags else None


def _edges(present: pl.Series) -> tuple[float, ...]:
    """Cut into intervals that hold like numbers of customers, or between all values where there are few.

    Intervals may hold few customers: the learners draw them together, and a straight line stays one.
    """
    values = present.to_numpy()
    distinct = np.unique(values)
    if len(distinct) <= MOST_INTERVALS:
        middles = distinct[1:] / 2 + distinct[:-1] / 2  # their sum may be too large for a number
        return tuple(np.where(middles < distinct[1:], middles, distinct[:-1]).tolist())
    cuts = np.quantile(values, np.arange(1, MOST_INTERVALS) / MOST_INTERVALS, method="lower")
    return tuple(np.unique(cuts[cuts < distinct[-1]]).tolist())


def _levels(present: pl.Series) -> tuple[str, ...]:
    counts = Counter(present.to_list())
    least = min(LEAST_FOR_LEVEL, max(2, len(present) // FEW))
    frequent = [level for level, count in counts.most_common() if count >= least]
    return tuple(sorted(frequent[: LARGEST_SIZE - 2]))


def _tags(present: pl.Series) -> tuple[str, ...]:
    counts = Counter(tag for tags in present.to_list() for tag in tags)
    fewest = min(LEAST_FOR_TAG, max(2, 2 * len(present) // FEW))
    least = max(fewest, LEAST_SHARE_FOR_TAG * len(present))
    telling = [tag for tag in sorted(counts) if least <= counts[tag] <= len(present) - least]
    return tuple(sorted(sorted(telling, key=lambda tag: -counts[tag])[:MOST_TAGS]))
