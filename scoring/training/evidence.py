"""What speaks for a difference between customers inside a segment and outside: scores, tests, intervals.

Outcomes of businesses are skewed and hold a few giants, so tests use normal scores of ranks (van der Waerden
1952) instead of amounts: the sum over a group of 15 is then close to normal already, far into the tails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import norm, rankdata

from scoring.training.conditions import Floats, Ints, Mask

RESAMPLES = 1000
INTERVAL = (0.05, 0.95)
_NO_VARIANCE = 1e-12
_RESAMPLED_AT_ONCE = 2_000_000  # numbers in memory


def normal_scores(values: Floats) -> Floats:
    """Return the normal scores of the known values' ranks; ties share theirs, unknown stay NaN.

    >>> normal_scores(np.array([10.0, np.nan, 1e6, 7.0])).round(3)
    array([ 0.   ,    nan,  0.674, -0.674])
    """
    scores = np.full(len(values), np.nan)
    known = np.isfinite(values)
    scores[known] = ndtri(rankdata(values[known]) / (known.sum() + 1))
    return scores


@dataclass(frozen=True, slots=True)
class Contrast:
    """How scores inside a group differ from those outside, within strata; both 0 where nothing varies."""

    z: float  # distance from chance
    size: float  # difference of mean scores, inside less outside


def contrast(scores: Floats, inside: Mask, strata: Ints) -> Contrast:
    """Compare the scores inside with what dealing them at random within each stratum would give.

    Over all permutations of the scores within strata their sum inside has mean sum_s n_s * m_s and variance
    sum_s n_s (N_s - n_s) / N_s * v_s, m_s and v_s being the stratum's mean and variance (over N_s - 1). These
    are exact; only its shape is taken to be normal. The size is the mean difference of strata, weighted by
    n_s (N_s - n_s) / N_s.

    Args:
        scores: (customers,), NaN where unknown; those are left out.
        inside: (customers,).
        strata: (customers,), from 0 up.

    >>> found = contrast(normal_scores(np.arange(40.0)), np.arange(40) >= 30, np.zeros(40, dtype=int))
    >>> round(found.z, 2), round(found.size, 2)
    (4.65, 1.58)
    """
    known = np.isfinite(scores)
    x, member, stratum = scores[known], inside[known], strata[known]
    if not len(x):
        return Contrast(0.0, 0.0)
    total = np.bincount(stratum).astype(np.float64)
    taken = np.bincount(stratum, weights=member, minlength=len(total))
    mean = np.bincount(stratum, weights=x) / np.maximum(total, 1)
    squares = np.bincount(stratum, weights=(x - mean[stratum]) ** 2)
    weights = taken * (total - taken) / np.maximum(total, 1)
    variance = float(weights @ (squares / np.maximum(total - 1, 1)))
    if variance <= _NO_VARIANCE:
        return Contrast(0.0, 0.0)
    distance = float(x[member].sum() - taken @ mean)
    return Contrast(distance / math.sqrt(variance), distance / float(weights.sum()))


def crossed(strata: Ints, inside: Mask) -> Ints:
    """Part each stratum into those inside and those outside; numbered from 0 up.

    >>> crossed(np.array([0, 0, 1]), np.array([True, False, True]))
    array([1, 0, 2])
    """
    return np.unique(2 * strata + inside, return_inverse=True)[1]


def two_sided(z: float) -> float:
    """Return the chance of a z-value this far from 0, or further, to either side.

    >>> round(two_sided(-1.96), 3)
    0.05
    """
    return float(2 * norm.sf(abs(z)))


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return the q-value of each p-value: the least false discovery rate at which it is found.

    Benjamini and Hochberg 1995: q of the i-th smallest of m is the least of m * p_j / j over j >= i.

    >>> [round(q, 4) for q in benjamini_hochberg([0.01, 0.04, 0.03, 0.5])]
    [0.04, 0.0533, 0.0533, 0.5]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return [float(value) for value in np.minimum(q, 1.0)]


def mean_interval(values: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """Return the 90% percentile bootstrap interval of the mean of known values; at least one.

    >>> mean_interval(np.array([2.0, 2.0, 2.0]), np.random.default_rng(0))
    (2.0, 2.0)
    """
    n = len(values)
    at_once = max(_RESAMPLED_AT_ONCE // n, 1)
    means = [
        values[rng.integers(0, n, (min(at_once, RESAMPLES - done), n))].mean(axis=1)
        for done in range(0, RESAMPLES, at_once)
    ]
    low, high = np.quantile(np.concatenate(means), INTERVAL)
    return float(low), float(high)


def whitened(targets: Sequence[Floats], strata: Ints) -> Floats:
    """Return scores of several outcomes as uncorrelated columns of unit variance: (customers, columns).

    With them the sums over a group, squared and summed, over n (1 - n / N), are Hotelling's T squared of the
    group against chance: all outcomes jointly, whatever their correlations and their directions. An unknown
    outcome counts as an average one. Scores are centred within strata first.

    Args:
        targets: each (customers,), NaN where unknown.
        strata: (customers,), from 0 up.
    """
    scores = np.stack([np.nan_to_num(normal_scores(target)) for target in targets], axis=1)
    total = np.maximum(np.bincount(strata), 1)
    for k in range(scores.shape[1]):
        scores[:, k] -= (np.bincount(strata, weights=scores[:, k]) / total)[strata]
    values, vectors = np.linalg.eigh(scores.T @ scores / len(scores))
    kept = values > 1e-9 * max(values.max(), 1e-9)
    return np.asarray(scores @ (vectors[:, kept] / np.sqrt(values[kept])))
