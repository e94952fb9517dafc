"""How often customers buy who never signed to stay: the BG/NBD model, and what they spend each time.

While alive, a customer buys at random at a rate of its own, which is gamma-distributed over customers; after
each purchase it may be gone for good, with a chance of its own, which is beta-distributed. Source: P. Fader,
B. Hardie and K. L. Lee, "'Counting your customers' the easy way: an alternative to the Pareto/NBD model",
Marketing Science 24 (2005).

A customer is told by three numbers: `x`, its purchases after the first; `t_x`, when it bought last, 0 where x
is 0; and `t`, how long it has been watched. Both times run from its first purchase, in any one unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import minimize
from scipy.special import betaln, digamma, expit, gammaln

from scoring.training.months import Floats

MOST_FITTED = 50_000  # distinct customers; more say nothing new about four parameters, and take long
_LOG_BOUNDS = (np.log(1e-4), np.log(1e4))  # beyond them customers are all alike, or each is all or nothing
_AT_ONCE = 20_000  # customers whose futures are held in memory together
_NODES = 48  # of the quadrature: exact to a millionth while the future is at most 20 times the past


@dataclass(frozen=True, slots=True)
class BetaGeometricNBD:
    """Rates of purchase are Gamma(r, alpha) over customers, chances of leaving after one Beta(a, b).

    The customer that Fader and Hardie compute in "Implementing the BG/NBD model for customer base analysis in
    Excel" (2005) is expected to buy 1.226 times in the next 39 weeks:

    >>> cdnow = BetaGeometricNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> cdnow.expected([39.0], x=[2], t_x=[30.43], t=[38.86]).round(3).tolist()
    [[1.226]]
    >>> cdnow.alive(x=[2, 0], t_x=[30.43, 0], t=[38.86, 38.86]).round(3).tolist()
    [0.727, 1.0]
    """

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, t: ArrayLike) -> Floats:
        """Return each customer's log-likelihood: shape (n,). Equation 6 of the paper, in logarithms."""
        return _log_likelihood(np.array([self.r, self.alpha, self.a, self.b]), _Customers.of(x, t_x, t))[0]

    def alive(self, x: ArrayLike, t_x: ArrayLike, t: ArrayLike) -> Floats:
        """Return the chance that each customer is still there: shape (n,).

        One that never came back is alive for certain: in this model customers leave only after a purchase
        beyond the first.
        """
        them = _Customers.of(x, t_x, t)
        log_odds_left = (
            np.log(self.a)
            - np.log(self.b + np.maximum(them.x, 1) - 1)
            + (self.r + them.x) * (np.log(self.alpha + them.t) - np.log(self.alpha + them.t_x))
        )
        return np.where(them.x > 0, np.asarray(expit(-log_odds_left)), 1.0)

    def expected(self, ahead: ArrayLike, x: ArrayLike, t_x: ArrayLike, t: ArrayLike) -> Floats:
        """Return how many purchases each customer will make within `ahead`: shape (n, len(ahead)).

        Equation 10 of the paper, as the integral that its derivation starts from: one alive now has a rate of
        Gamma(r + x, alpha + t) and a chance p of leaving of Beta(a, b + x), and makes
        (1 - exp(-rate * p * ahead)) / p purchases. The closed form divides nought by nought at a = 1.
        """
        until = np.asarray(ahead, dtype=np.float64)
        return self._sums_ahead(_Customers.of(x, t_x, t), until, np.eye(until.size))

    def discounted(
        self, ahead: ArrayLike, factors: ArrayLike, customers: tuple[ArrayLike, ArrayLike, ArrayLike]
    ) -> Floats:
        """Return the purchases expected from now on, each times the factor of the step it falls into: (n,).

        Args:
            ahead: when each step ends, rising; the first begins now.
            factors: of each step.
            customers: their x, t_x and t.
        """
        until, worth = np.asarray(ahead, dtype=np.float64), np.asarray(factors, dtype=np.float64)
        by_end = (worth - np.append(worth[1:], 0.0))[:, None]  # a sum over steps, as one over their ends
        return self._sums_ahead(_Customers.of(*customers), until, by_end)[:, 0]

    def _sums_ahead(self, them: _Customers, until: Floats, weights: Floats) -> Floats:
        """Return the purchases expected until each time, times weights (times, m): (n, m).

        Customers alike in x and t share the integral.
        """
        pairs, place = np.unique(np.stack([them.x, them.t]), axis=1, return_inverse=True)
        found = np.empty((pairs.shape[1], weights.shape[1]))
        for count in np.unique(pairs[0]):
            same = np.flatnonzero(pairs[0] == count)
            for part in np.split(same, range(_AT_ONCE, same.size, _AT_ONCE)):
                found[part] = self._expected_if_alive(float(count), pairs[1, part], until) @ weights
        return self.alive(them.x, them.t_x, them.t)[:, None] * found[place]

    def _expected_if_alive(self, x: float, t: Floats, until: Floats) -> Floats:
        share = until / (self.alpha + t)[:, None]
        total = np.zeros_like(share)
        for p, weight in zip(*_beta_quadrature(self.a, self.b + x), strict=True):
            total -= weight * np.expm1(-(self.r + x) * np.log1p(p * share)) / p
        return total


def fit(x: ArrayLike, t_x: ArrayLike, t: ArrayLike) -> BetaGeometricNBD:
    """Fit by maximum likelihood; shapes (n,), in any order.

    Of more than `MOST_FITTED` distinct customers, each that is taken stands for its neighbours in the order
    of (x, t_x, t).

    Raises:
        ValueError: the shapes differ, nobody was watched, a number is negative or not finite, or a customer
            bought last after it was watched, or came back without a purchase.
    """
    them = _Customers.of(x, t_x, t)
    them.check()
    distinct, counts = np.unique(np.stack([them.x, them.t_x, them.t]), axis=1, return_counts=True)
    step = -(-counts.size // MOST_FITTED)
    unit = float(np.average(distinct[2], weights=counts)) or 1.0  # a fit in days is the fit in months
    x_chosen, *times = distinct[:, step // 2 :: step]
    chosen = _Customers(x_chosen, *(time / unit for time in times))
    weights = np.add.reduceat(counts, np.arange(0, counts.size, step))[: chosen.x.size].astype(np.float64)
    weights /= weights.sum()

    def loss(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, slope = _log_likelihood(parameters, chosen)
        return -float(weights @ value), -(slope @ weights) * parameters

    starts = ((1.0, 1.0, 1.0, 1.0), (0.3, 0.25, 0.3, 3.0))
    tries = [
        minimize(
            loss,
            x0=np.clip(np.log(start), *_LOG_BOUNDS),
            jac=True,
            method="L-BFGS-B",
            bounds=[_LOG_BOUNDS] * 4,
            options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 500},
        )
        for start in starts
    ]
    best = min(tries, key=lambda found: float(found.fun))
    r, alpha, a, b = np.exp(best.x).tolist()
    return BetaGeometricNBD(r, alpha * unit, a, b)


def shrunken_spend(revenue: Floats, purchases: Floats, deviations: Floats) -> Floats:
    """Return what each customer is expected to spend on a purchase: its own mean, drawn toward everybody's.

    (n * own + k * mean) / (n + k) with n its purchases, and k the variance within customers over that
    between them, both estimated from all (H. Bühlmann and E. Straub, "Glaubwürdigkeit für Schadensätze",
    1970). The gamma-gamma model of spend gives an estimate of this very form, but needs amounts above 0: here
    returns may eat a customer's revenue up. Never below 0, and everybody's mean where nobody bought twice.

    Args:
        revenue: of each customer, net of returns: shape (n,).
        purchases: how many each made, at least 1.
        deviations: sum of squares of its purchases about their own mean.

    >>> revenue, purchases = np.array([10.0, 90.0, 60.0]), np.array([1.0, 3.0, 2.0])
    >>> shrunken_spend(revenue, purchases, deviations=np.array([0.0, 300.0, 50.0])).round(2).tolist()
    [22.87, 27.58, 27.19]
    """
    in_one_order = np.lexsort(
        (revenue, purchases, deviations)
    )  # whoever comes first, sums give the same bits
    mean, k = _mean_and_pull(revenue[in_one_order], purchases[in_one_order], deviations[in_one_order])
    trust = purchases / (purchases + k)
    return np.maximum(trust * revenue / purchases + (1 - trust) * mean, 0.0)


def _mean_and_pull(revenue: Floats, purchases: Floats, deviations: Floats) -> tuple[float, float]:
    """Return everybody's mean and k of `shrunken_spend`; k is infinite where customers do not differ."""
    own, total, n = revenue / purchases, float(purchases.sum()), purchases.size
    mean = float(revenue.sum()) / total
    if total <= n:
        return mean, float("inf")
    within = float(deviations.sum()) / (total - n)
    spread = float((purchases * (own - mean) ** 2).sum()) - (n - 1) * within
    if spread <= 0:
        return mean, float("inf")
    k = within * (total - float((purchases**2).sum()) / total) / spread
    trust = purchases / (purchases + k)
    return float((trust * own).sum() / trust.sum()), k


@dataclass(frozen=True, eq=False, slots=True)
class _Customers:
    x: Floats
    t_x: Floats
    t: Floats

    @classmethod
    def of(cls, x: ArrayLike, t_x: ArrayLike, t: ArrayLike) -> _Customers:
        return cls(*(np.asarray(numbers, dtype=np.float64) for numbers in (x, t_x, t)))

    def check(self) -> None:
        """Refuse numbers that no customer can have; see `fit`."""
        shapes = {self.x.shape, self.t_x.shape, self.t.shape}
        if len(shapes) > 1 or self.x.ndim != 1:
            raise ValueError(f"x, t_x and t are one number per customer each, not of shapes {sorted(shapes)}")
        if not self.x.size:
            raise ValueError("nobody was watched")
        everything = np.stack([self.x, self.t_x, self.t])
        if not np.isfinite(everything).all() or (everything < 0).any():
            raise ValueError("purchases and times are finite and not negative")
        if (self.t_x > self.t).any() or ((self.x == 0) & (self.t_x > 0)).any():
            raise ValueError("a last purchase lies within the time watched, and is 0 where x is 0")


def _log_likelihood(parameters: Floats, them: _Customers) -> tuple[Floats, Floats]:
    """Return each customer's log-likelihood, (n,), and its slope by r, alpha, a and b, (4, n).

    The likelihood is a sum over having stayed and having left after the last purchase; the sum is taken in
    logarithms, where neither can vanish.
    """
    r, alpha, a, b = parameters
    x, again = them.x, them.x > 0
    later = np.maximum(x, 1.0)  # stands in for x where the second term is absent
    log_t, log_t_x = np.log(alpha + them.t), np.log(alpha + them.t_x)
    stayed = betaln(a, b + x) - (r + x) * log_t
    left = np.where(again, betaln(a + 1, b + later - 1) - (r + x) * log_t_x, -np.inf)
    both = np.logaddexp(stayed, left)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b) + both
    w_stayed, w_left = np.exp(stayed - both), np.exp(left - both)
    whole, common = digamma(a + b), digamma(a + b + x)
    slope = np.stack(
        [
            digamma(r + x) - digamma(r) + np.log(alpha) - w_stayed * log_t - w_left * log_t_x,
            r / alpha - (r + x) * (w_stayed / (alpha + them.t) + w_left / (alpha + them.t_x)),
            whole - digamma(a) + w_stayed * digamma(a) + w_left * digamma(a + 1) - common,
            whole - digamma(b) + w_stayed * digamma(b + x) + w_left * digamma(b + later - 1) - common,
        ]
    )
    return np.asarray(value, dtype=np.float64), np.asarray(slope, dtype=np.float64)


def _beta_quadrature(a: float, b: float) -> tuple[Floats, Floats]:
    """Return nodes and weights whose weighted sum is the mean over Beta(a, b).

    G. Golub and J. Welsch, "Calculation of Gauss quadrature rules", Mathematics of Computation 23 (1969): the
    nodes are the eigenvalues of the recurrence of the Jacobi polynomials.
    """
    high, low = b - 1, a - 1  # the exponents of 1 - p and of p
    both, n = high + low, np.arange(1, _NODES, dtype=np.float64)
    centre = np.concatenate(
        [[(low - high) / (both + 2)], (low**2 - high**2) / ((2 * n + both) * (2 * n + both + 2))]
    )
    first = 4 * (1 + high) * (1 + low) / ((2 + both) ** 2 * (3 + both))
    n = n[1:]
    twice = 2 * n + both
    rest = 4 * n * (n + high) * (n + low) * (n + both) / (twice**2 * (twice + 1) * (twice - 1))
    nodes, vectors = eigh_tridiagonal(centre, np.sqrt(np.concatenate([[first], rest])))
    return np.maximum((1 + nodes) / 2, 1e-15), vectors[0] ** 2
