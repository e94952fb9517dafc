"""Holding scores and predictions against what happened: bands and their lift, reliability, ranks.

Bands hold like numbers of accounts, equal scores stay in one band, and there are fewer of them where accounts
are few. Intervals are 90% bootstraps within a band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from scoring.training.additive import Floats

BOOTSTRAPS = 500
INTERVAL = (5.0, 95.0)  # percent: a 90% interval
MOST_BANDS = 10
LEAST_PER_BAND = 20  # accounts; with fewer an interval says nothing
TOP_SHARE = 0.1

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """What happened to each account, and how a group of them adds up.

    `each` is the account's own figure; a group's is sum(over) / sum(under), all of shape (accounts,). With
    `under` of ones that is the mean; with the MRR before and after, it is the group's NRR.
    """

    metric: str
    unit: str  # ratio, currency, months
    each: Floats
    over: Floats
    under: Floats
    falling: bool = False  # whether less is better, as of payback

    @classmethod
    def mean_of(cls, metric: str, unit: str, each: Floats, *, falling: bool = False) -> Outcome:
        """Make an outcome whose groups are means of their accounts."""
        return cls(metric, unit, each, each, np.ones(len(each)), falling)

    def pooled(self, rows: Indices) -> float | None:
        """Return the figure of some accounts together; None where it has no divisor."""
        under = float(self.under[rows].sum())
        return float(self.over[rows].sum()) / under if under > 0 else None

    def times(self, value: float | None, average: float | None) -> float | None:
        """Return how many times better than the average a figure is; None where that has no meaning."""
        if value is None or average is None or value <= 0 or average <= 0:
            return None
        return average / value if self.falling else value / average

    @property
    def better(self) -> Floats:
        """The accounts' own figures, turned so that more is better."""
        return -self.each if self.falling else self.each


@dataclass(frozen=True, slots=True)
class Band:
    """Accounts of a like score, and what they turned out to be."""

    score_low: float
    score_high: float
    n: int
    value: float | None
    low: float | None
    high: float | None
    lift: float | None  # times better than the average of all bands together


@dataclass(frozen=True, slots=True)
class Lift:
    """What a score was worth: outcomes by band, the best band first."""

    metric: str
    unit: str
    n: int
    average: float | None
    bands: tuple[Band, ...]
    rank_correlation: float  # of score and outcome, turned so that more is better; 0 where either is constant
    p_value: float  # one-sided, of a rank correlation this high without any signal
    auc: float | None  # of telling who did better than the median; None where nobody did
    note: str  # why there are fewer than ten bands, or empty


@dataclass(frozen=True, slots=True)
class ReliabilityBand:
    """Accounts of a like prediction: what was predicted on average, and what happened."""

    n: int
    predicted: float
    actual: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether predictions can be taken at their word, on the scale that is learnt.

    Perfect ones have slope 1, intercept 0 and error 0. A slope under 1 means that they are too bold, one over
    1 that they are too timid.
    """

    n: int
    slope: float | None  # of what happened on what was predicted, least squares; None without any spread
    intercept: float | None
    error: float  # expected calibration error: mean distance of predicted and actual, over bands, by size
    error_share: float  # of the standard deviation of what happened
    bands: tuple[ReliabilityBand, ...]


def band_rows(score: Floats, most: int = MOST_BANDS) -> list[Indices]:
    """Cut accounts into bands of like numbers, the lowest score first; equal scores stay together.

    >>> [rows.tolist() for rows in band_rows(np.repeat([3.0, 1.0], 20))] == [[*range(20, 40)], [*range(20)]]
    True
    """
    count = int(np.clip(len(score) // LEAST_PER_BAND, 1, most))
    edges = np.unique(np.quantile(score, np.arange(1, count) / count))
    place = np.searchsorted(edges, score, side="right")
    bands = [np.flatnonzero(place == at) for at in range(len(edges) + 1)]
    return [rows for rows in bands if len(rows)]


def lift_of(score: Floats, outcome: Outcome, *, seed: int) -> Lift:
    """Hold a score against an outcome.

    Args:
        score: (accounts,), more is better; at least one account.
        outcome: of the same accounts.
        seed: of the bootstrap.
    """
    rng = np.random.default_rng(seed)
    everybody = np.arange(len(score))
    average = outcome.pooled(everybody)
    bands = [_band(score, outcome, rows, average, rng) for rows in band_rows(score)[::-1]]
    correlation, p_value = rank_correlation(score, outcome.better)
    return Lift(
        metric=outcome.metric,
        unit=outcome.unit,
        n=len(score),
        average=average,
        bands=tuple(bands),
        rank_correlation=correlation,
        p_value=p_value,
        auc=above_median_auc(score, outcome.better),
        note=_few_bands(len(bands), len(score)),
    )


def _few_bands(bands: int, accounts: int) -> str:
    if bands == MOST_BANDS:
        return ""
    if accounts < MOST_BANDS * LEAST_PER_BAND:
        return (
            f"{accounts} accounts make {bands} of {MOST_BANDS} bands: a band needs at least {LEAST_PER_BAND}"
        )
    return f"equal scores stay in one band, so there are {bands} of {MOST_BANDS}"


def _band(
    score: Floats, outcome: Outcome, rows: Indices, average: float | None, rng: np.random.Generator
) -> Band:
    value = outcome.pooled(rows)
    low, high = _interval(outcome, rows, rng)
    return Band(
        score_low=float(score[rows].min()),
        score_high=float(score[rows].max()),
        n=len(rows),
        value=value,
        low=low,
        high=high,
        lift=outcome.times(value, average),
    )


def _interval(outcome: Outcome, rows: Indices, rng: np.random.Generator) -> tuple[float | None, float | None]:
    drawn = rng.choice(rows, (BOOTSTRAPS, len(rows)))
    over, under = outcome.over[drawn].sum(axis=1), outcome.under[drawn].sum(axis=1)
    divides = under > 0
    if not divides.any():
        return None, None
    low, high = np.percentile(over[divides] / under[divides], INTERVAL).tolist()
    return low, high


def rank_correlation(score: Floats, better: Floats) -> tuple[float, float]:
    """Return Spearman's correlation and its one-sided p-value; (0, 1) where either never varies.

    >>> rank_correlation(np.arange(9.0), np.arange(9.0) ** 3)[0]
    1.0
    """
    if len(score) < 3 or np.ptp(score) == 0 or np.ptp(better) == 0:
        return 0.0, 1.0
    test = spearmanr(score, better, alternative="greater")
    return round(float(test.statistic), 12), float(test.pvalue)


def above_median_auc(score: Floats, better: Floats) -> float | None:
    """Return how often an account that did better than the median has the higher score of two.

    >>> above_median_auc(np.arange(4.0), np.array([0.0, 0.0, 5.0, 9.0]))
    1.0
    """
    above = better > np.median(better)
    return float(roc_auc_score(above, score)) if above.any() else None


def top_lift(score: Floats, outcome: Outcome) -> float | None:
    """Return how many times better than the average the tenth with the highest scores did.

    Equal scores at the edge all count as within the tenth, so that the order of accounts has no say.

    >>> top_lift(np.arange(40.0), Outcome.mean_of("clv", "currency", np.repeat([1.0, 5.0], [36, 4])))
    3.5714285714285716
    """
    least = np.quantile(score, 1 - TOP_SHARE, method="higher")
    top = np.flatnonzero(score >= least)
    return outcome.times(outcome.pooled(top), outcome.pooled(np.arange(len(score))))


def r_squared(predicted: Floats, actual: Floats) -> float | None:
    """Return 1 - squared error over that of the mean; None where the outcome never varies.

    >>> r_squared(np.array([1.0, 1.0]), np.array([0.0, 2.0]))
    0.0
    """
    spread = float(np.var(actual))
    return 1.0 - float(np.mean((actual - predicted) ** 2)) / spread if spread > 0 else None


def reliability_of(predicted: Floats, actual: Floats, *, seed: int) -> Reliability:
    """Hold predictions against what happened, both on the scale that is learnt.

    Args:
        predicted: (accounts,), each made without that account; at least one.
        actual: (accounts,).
        seed: of the bootstrap.
    """
    rng = np.random.default_rng(seed)
    bands = [_reliability_band(predicted[rows], actual[rows], rng) for rows in band_rows(predicted)]
    error = sum(band.n * abs(band.predicted - band.actual) for band in bands) / len(actual)
    spread = float(np.std(actual))
    slope = intercept = None
    if np.ptp(predicted) > 0:
        centred = predicted - predicted.mean()
        slope = float(centred @ actual / (centred @ centred))
        intercept = float(actual.mean() - slope * predicted.mean())
    return Reliability(
        n=len(actual),
        slope=slope,
        intercept=intercept,
        error=error,
        error_share=error / spread if spread > 0 else 0.0,
        bands=tuple(bands),
    )


def _reliability_band(predicted: Floats, actual: Floats, rng: np.random.Generator) -> ReliabilityBand:
    resampled = rng.choice(actual, (BOOTSTRAPS, len(actual))).mean(axis=1)
    low, high = np.percentile(resampled, INTERVAL).tolist()
    return ReliabilityBand(len(actual), float(predicted.mean()), float(actual.mean()), low, high)
