"""Leaky columns: attributes that know the outcome because they were filled in after it.

Two marks give them away. One attribute alone predicts an outcome better than any firmographic can; or it is
filled for customers and never for prospects, so no prospect could be scored with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import polars as pl

from scoring.features import Codes, FeatureSchema
from scoring.training.additive import Floats
from scoring.training.folds import FOLDS, folds

TOO_GOOD = 0.6  # out-of-fold R squared of one attribute alone
FILLED, NEVER_FILLED = 0.2, 0.005  # shares of customers and prospects with a value
LEAST_PROSPECTS = 50


def filled_for_customers_only(
    names: Sequence[str], customers: pl.DataFrame, prospects: pl.DataFrame | None
) -> dict[str, str]:
    """Return the attributes that prospects never have, each with the reason in words."""
    if prospects is None or prospects.height < LEAST_PROSPECTS:
        return {}
    shares = {name: (_filled(customers[name]), _filled(prospects[name])) for name in names}
    return {
        name: f"filled for {ours:.0%} of customers and {theirs:.1%} of prospects: it is only known afterwards"
        for name, (ours, theirs) in shares.items()
        if ours >= FILLED and theirs <= NEVER_FILLED
    }


def _filled(column: pl.Series) -> float:
    return 1.0 - column.null_count() / max(len(column), 1)


def too_good(
    schema: FeatureSchema, codes: Codes, outcomes: Mapping[str, Floats], *, keep: Collection[str], seed: int
) -> dict[str, str]:
    """Return the attributes that alone predict an outcome too well, each with the reason in words.

    Args:
        schema: what the codes mean.
        codes: (accounts, features).
        outcomes: by objective, (accounts,) with NaN where the outcome is not known.
        keep: attributes that people vouch for.
        seed: of the folds.
    """
    found: dict[str, str] = {}
    for objective, y in outcomes.items():
        known = np.isfinite(y)
        for j, feature in enumerate(schema.features):
            explained = alone(codes[known, j], y[known], feature.size, seed=seed)
            if explained > TOO_GOOD and feature.attribute not in keep:
                reason = (
                    f"alone explains {explained:.0%} of {objective}: it may be filled in after the outcome"
                )
                found.setdefault(feature.attribute, reason)
    return found


def alone(codes: Codes, y: Floats, size: int, *, seed: int) -> float:
    """Return the out-of-fold R squared of the mean outcome per code, for one feature.

    >>> y = np.tile([0.0, 1.0], 50)
    >>> round(alone((1 + y).astype(np.int32), y, 3, seed=0), 2)
    1.0
    """
    if len(y) < FOLDS or np.ptp(y) == 0:
        return 0.0
    fold = folds(len(y), seed)
    predicted = np.empty(len(y))
    for k in range(FOLDS):
        train, test = fold != k, fold == k
        sums = np.bincount(codes[train], y[train], size)
        counts = np.bincount(codes[train], minlength=size)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), y[train].mean())
        predicted[test] = means[codes[test]]
    return 1.0 - float(np.mean((y - predicted) ** 2) / np.var(y))
