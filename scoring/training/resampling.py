"""How far a figure would move with other accounts: the bootstrap over accounts, for figures of sums.

B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979). A resample draws
as many accounts as there are, with replacement; its sums are one matrix product of how often each was drawn.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, stdtrit
from threadpoolctl import threadpool_limits

from scoring.training.months import Floats

DRAWS = 1000
TAIL = 5.0  # percent on either side of a 90% interval
Z_TAIL = 1.6449  # standard errors from the middle of a normal figure to either end
MOST_UNITS = 4000  # beyond it accounts are drawn in random bundles: the spread of their sums is the same
_AT_ONCE = 4_000_000  # drawn accounts held in memory together


def resampled_sums(columns: Floats, rng: np.random.Generator, draws: int = DRAWS) -> Floats:
    """Return the sum of each column over each resample of the rows: shapes (n, m) and (draws, m).

    The variance of a sum over random bundles of accounts, drawn as wholes, has the same mean as that over
    single ones, and with thousands of bundles is nearly as sure.
    """
    units = _bundled(columns, rng) if len(columns) > MOST_UNITS else columns
    n = len(units)
    found = np.zeros((draws, columns.shape[1]))
    if not n:
        return found
    step = max(_AT_ONCE // n, 1)
    with threadpool_limits(1):  # products then add up in one order on any machine
        for start in range(0, draws, step):
            size = min(step, draws - start)
            drawn = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
            times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
            found[start : start + size] = times.astype(np.float64) @ units
    return found


def _bundled(columns: Floats, rng: np.random.Generator) -> Floats:
    bundle = rng.permutation(len(columns)) % MOST_UNITS
    sums = [np.bincount(bundle, weights=column, minlength=MOST_UNITS) for column in columns.T]
    return np.stack(sums, axis=1)


def ratio(over: Floats, under: Floats) -> Floats:
    """Divide where the divisor is above 0; NaN elsewhere."""
    divides = under > 0
    return np.where(divides, over / np.where(divides, under, 1.0), np.nan)


def interval(drawn: Floats, size: float) -> tuple[float, float] | None:
    """Return the 90% interval of a resampled figure that rests on `size` accounts that weigh alike.

    The percentiles are as far out as Student's t says for so many accounts: resamples of few spread too
    little (T. Hesterberg, "What teachers should know about the bootstrap", American Statistician 69, 2015).
    None where more than one resample in twenty has no value.
    """
    known = drawn[np.isfinite(drawn)]
    if known.size < 0.95 * drawn.size:
        return None
    size = max(size, 2.0)
    reach = float(stdtrit(size - 1, 1 - TAIL / 100)) * np.sqrt(size / (size - 1))
    tail = 100 * float(ndtr(-reach))
    low, high = np.percentile(known, (tail, 100 - tail)).tolist()
    return low, high


def effective_size(over: Floats, under: Floats) -> float:
    """Return how many accounts that weigh alike would tell as much about a ratio of sums as these do.

    One more than the degrees of freedom of its variance: 2n / (kurtosis - 1) of what accounts bring to it, at
    most n - 1 (F. Satterthwaite, "An approximate distribution of estimates of variance components",
    Biometrics 2, 1946). They are few where some giants make the figure.
    """
    n, residual = over.size, _residuals(over, under)
    square = float((residual**2).sum())
    if square <= 0:
        return float(n)
    kurtosis = n * float((residual**4).sum()) / square**2
    return 1 + min(2 * n / max(kurtosis - 1, 1e-9), n - 1)


def ratio_variance(over: Floats, under: Floats) -> float:
    """Return the variance that one account brings to a ratio of sums; over n accounts it is divided by n.

    By the delta method: that of (over - ratio * under) / mean(under). Needs two accounts, and a ratio.
    """
    return float(_residuals(over, under).var(ddof=1))


def _residuals(over: Floats, under: Floats) -> Floats:
    total = float(under.sum())
    return (over - float(over.sum()) / total * under) / (total / over.size)
