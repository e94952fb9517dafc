"""Coarser codes: a number's many intervals joined into a few that hold like numbers of accounts.

What compares distributions, or fits without smoothing, needs many accounts in each interval.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scoring.features import MISSING, Codes, Feature, FeatureSchema

Bins = NDArray[np.intp]


def bins_of(feature: Feature, column: Codes, most: int) -> Bins:
    """Return the bin of each code of a feature: (codes,), 0 for missing, then from 1 on in order.

    Categories, flags and tags keep their codes; numbers and dates get at most `most` bins, of like numbers of
    the accounts in `column`.

    >>> from scoring.features import NumberEncoder
    >>> (feature,) = FeatureSchema((NumberEncoder("employees", (1.0, 2.0, 3.0)),)).features
    >>> bins_of(feature, np.array([1, 2, 3, 4, 0], np.int32), 2).tolist()
    [0, 1, 1, 2, 2]
    """
    if feature.encoder.kind not in ("number", "date"):
        return np.arange(feature.size)
    counts = np.bincount(column, minlength=feature.size)[MISSING + 1 :]
    total = max(int(counts.sum()), 1)
    middles = (np.cumsum(counts) - counts / 2) / total  # the share of accounts up to the middle of each code
    wanted = np.minimum(np.floor(middles * most), most - 1)
    _, bins = np.unique(wanted, return_inverse=True)
    return np.concatenate([[MISSING], 1 + bins])


def coarse(schema: FeatureSchema, codes: Codes, most: int) -> list[Bins]:
    """Return `bins_of` each feature, cut by the accounts in `codes`: (accounts, features)."""
    return [bins_of(feature, codes[:, j], most) for j, feature in enumerate(schema.features)]
