"""How long customers stay: the shifted-beta-geometric model of contract renewal.

Each customer renews every period with a chance of its own, which is beta-distributed over customers; the
retention rate of a cohort then rises with age although nobody's does. Source: P. Fader and B. Hardie,
"How to project customer retention", Journal of Interactive Marketing 21 (2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import betaln

Floats = NDArray[np.float64]

_LOG_BOUNDS = (np.log(1e-4), np.log(1e4))  # beyond them customers are all alike, or each is all or nothing


@dataclass(frozen=True, slots=True)
class ShiftedBetaGeometric:
    """The chance of leaving at the end of a period is Beta(alpha, beta) over customers.

    >>> high_end = ShiftedBetaGeometric(alpha=0.668, beta=3.806)
    >>> high_end.survival([0, 1, 7]).round(3).tolist()
    [1.0, 0.851, 0.489]
    >>> high_end.conditional(7, [1]).round(3).tolist()
    [0.942]
    """

    alpha: float
    beta: float

    def survival(self, t: ArrayLike) -> Floats:
        """Return the share of customers still there after `t` periods.

        S(t) = B(alpha, beta + t) / B(alpha, beta), for any number `t` >= 0: smooth between whole periods.
        """
        return np.asarray(np.exp(self._log_survival(t)), dtype=np.float64)

    def conditional(self, t: ArrayLike, u: ArrayLike) -> Floats:
        """Return S(t + u) / S(t): the chance that a customer of age `t` stays `u` more periods."""
        age = np.asarray(t, dtype=np.float64)
        later = self._log_survival(age + np.asarray(u, dtype=np.float64))
        return np.asarray(np.exp(later - self._log_survival(age)), dtype=np.float64)

    def _log_survival(self, t: ArrayLike) -> Floats:
        age = np.asarray(t, dtype=np.float64)
        log_share = betaln(self.alpha, self.beta + age) - betaln(self.alpha, self.beta)
        return np.asarray(log_share, dtype=np.float64)


def fit(lost: ArrayLike, censored: ArrayLike) -> ShiftedBetaGeometric:
    """Fit by maximum likelihood to customers counted by period; shapes (n_periods,), entry 0 is period 1.

    Args:
        lost: customers that left at the end of each period.
        censored: customers that were still there after so many periods, when last seen.

    Where nobody left, the likelihood has no maximum. The result is then the posterior of one churn rate
    common to all, under a uniform prior: Beta(1, 1 + periods survived by all customers together). Where
    all were seen for one period only, the mean churn is what the data say; its spread is not.

    Raises:
        ValueError: the shapes differ, a count is negative or not finite, or nobody was seen for a period.

    >>> cohort = fit(lost=[131, 126, 90, 60, 42, 34, 26], censored=[0, 0, 0, 0, 0, 0, 491])
    >>> round(cohort.alpha, 3), round(cohort.beta, 3)
    (0.668, 3.806)
    """
    left, stayed = _counts(lost), _counts(censored)
    if left.shape != stayed.shape:
        raise ValueError(f"lost and censored have different shapes: {left.shape} and {stayed.shape}")
    if left.sum() + stayed.sum() <= 0:
        raise ValueError("nobody was seen for a whole period")
    periods = np.arange(1, left.size + 1, dtype=np.float64)
    if left.sum() == 0:
        return ShiftedBetaGeometric(1.0, 1.0 + float(stayed @ periods))

    def loss(logs: Floats) -> float:
        alpha, beta = np.exp(logs)
        whole = betaln(alpha, beta)
        log_left = betaln(alpha + 1, beta + periods - 1) - whole
        log_stayed = betaln(alpha, beta + periods) - whole
        return -float(left @ log_left + stayed @ log_stayed) / float(left.sum() + stayed.sum())

    best = minimize(
        loss,
        x0=np.zeros(2),
        method="L-BFGS-B",
        bounds=[_LOG_BOUNDS, _LOG_BOUNDS],
        options={"ftol": 1e-14, "gtol": 1e-9},
    )
    alpha, beta = np.exp(best.x)
    return ShiftedBetaGeometric(float(alpha), float(beta))


def _counts(counts: ArrayLike) -> Floats:
    array = np.asarray(counts, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all() or (array < 0).any():
        raise ValueError("counts of customers are finite, not negative, and one per period")
    return array
