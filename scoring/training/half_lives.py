"""Half-lives and weights of types of signals, learnt from what went before opportunities.

A signal of a type raises the odds that an account opens an opportunity within the horizon, and the raise
fades by half in each half-life. Relative to an account without signals the odds are

    1 + sum_t v_t * x_t(h_t),    x_t(h) = sum_e gave_e * 2^(-age_e / h)

so v_t is what one fresh signal adds: what Intent's weights mean. The likelihood is that of which account of
each day's sample opened (D. Thomas in F. Liddell et al., "Methods of cohort analysis", Journal of the Royal
Statistical Society A 140, 1977). Each weight and half-life is drawn toward its default, by a normal prior on
the logarithm: what has little to say stays put. Of weights only proportions are known; they are said such
that half of the types gain and half lose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from scoring.signals.policy import Policy, TypePolicy
from scoring.training.deal_moments import DealMoments
from scoring.training.given import Given
from scoring.training.signal_history import Floats, Mask

GRID = (3.5, 7.0, 14.0, 21.0, 30.0, 45.0, 60.0, 90.0)  # half-lives that are tried, in days
LEAST_EVENTS = 100  # of a type, seen at the moments that are compared; with fewer it keeps its default
OWN_TYPE = TypePolicy(intent=0.5, depth=0.0, half_life_days=21.0)  # from where others than the defaults start
WEIGHT_SPREAD = 1.5  # standard deviation of the prior on ln(weight)
HALF_LIFE_SPREAD = 1.5  # and on log2(half-life)
LIKELY = 1.353  # half the 90% quantile of chi-squared with 1 degree of freedom
_SWEEPS = 5
_FEWEST_CASES = 100


@dataclass(frozen=True, slots=True)
class LearntType:
    """What one type of signal turned out to announce."""

    type: str
    events: int  # in the book
    seen: int  # at the moments that were compared
    default: TypePolicy
    half_life_days: float
    low: float  # the half-lives from `low` to `high` fit nearly as well: a 90% interval on the grid
    high: float
    intent: float  # weight, on the scale of the defaults

    @property
    def policy(self) -> TypePolicy:
        """What the type is worth, by what was learnt; its depth stays as it is."""
        learnt = {"intent": self.intent, "half_life_days": self.half_life_days}
        return self.default.model_copy(update=learnt)


@dataclass(frozen=True, slots=True)
class LearntPolicy:
    """The types that were learnt, and how many of each of the others are too few to learn from."""

    types: tuple[LearntType, ...]
    too_few: dict[str, int]
    opportunities: int  # that were looked at


# The likelihood


@dataclass(eq=False)
class _Fit:
    """The search for the best weights and half-lives of m types."""

    left: Floats  # (half-lives of the grid, cases, 1 + controls, m): x
    used: Mask  # (cases, 1 + controls)
    grid: Floats  # (half-lives of the grid,)
    weight: Floats  # (m,), by default
    half_life: Floats  # (m,), by default
    counts_as: float  # what share of an independent observation a case is
    log_weight: Floats = field(init=False)
    chosen: NDArray[np.intp] = field(init=False)  # (m,), places in the grid

    def __post_init__(self) -> None:
        self.log_weight = np.log(self.weight)
        self.chosen = np.searchsorted(self.grid, self.half_life)

    @property
    def z(self) -> Floats:
        """What is left under the chosen half-lives: (cases, 1 + controls, m)."""
        m = len(self.weight)
        return np.stack([self.left[self.chosen[t], :, :, t] for t in range(m)], axis=-1)

    def run(self) -> None:
        """Choose weights together and half-lives one after the other, until nothing changes."""
        self._weigh()
        for _ in range(_SWEEPS):
            before = self.chosen.copy()
            for t in range(len(self.weight)):
                profile, log_weights = self.profile(t)
                self.chosen[t] = np.argmin(profile)
                self.log_weight[t] = log_weights[self.chosen[t]]
            self._weigh()
            if (before == self.chosen).all():
                break

    def _weigh(self) -> None:
        z = self.z

        def loss(log_weight: Floats) -> tuple[float, Floats]:
            return self._loss(z, log_weight)

        self.log_weight = minimize(loss, self.log_weight, jac=True, method="L-BFGS-B").x

    def _loss(self, z: Floats, log_weight: Floats) -> tuple[float, Floats]:
        """Return minus the logarithm of the posterior of the weights, and its gradient."""
        v = np.exp(log_weight)
        rate = np.where(self.used, 1.0 + (z * v).sum(axis=-1), 0.0)
        total = rate.sum(axis=1)
        away, pull = self._away(log_weight)
        loss = self.counts_as * (np.log(total) - np.log(rate[:, 0])).sum() + away
        share = np.where(self.used, 1.0 / total[:, None], 0.0)
        slope = np.einsum("ck,ckt->t", share, z) - (z[:, 0] / rate[:, :1]).sum(axis=0)
        return float(loss), self.counts_as * slope * v + pull

    def _away(self, log_weight: Floats) -> tuple[float, Floats]:
        """Return the penalty on weights that part from the defaults' proportions, and its gradient."""
        apart = log_weight - np.log(self.weight)
        apart = (apart - apart.mean()) / WEIGHT_SPREAD
        return float(0.5 * (apart**2).sum()), apart / WEIGHT_SPREAD

    def profile(self, t: int) -> tuple[Floats, Floats]:
        """Return the loss of each half-life of one type, its weight refitted, and the log of that."""
        v = np.exp(self.log_weight)
        others = 1.0 + (self.z * v).sum(axis=-1) - v[t] * self.z[:, :, t]
        start = self.log_weight[t]
        found = [self._best_weight(others, self.left[at, :, :, t], t, start) for at in range(len(self.grid))]
        octaves = np.log2(self.grid / self.half_life[t]) / HALF_LIFE_SPREAD
        return np.array([loss for loss, _ in found]) + 0.5 * octaves**2, np.array([at for _, at in found])

    def _best_weight(self, others: Floats, z: Floats, t: int, start: float) -> tuple[float, float]:
        """Return the loss and the logarithm of one weight, fitted with the others as they are."""
        log_weight = self.log_weight.copy()

        def loss(at: Floats) -> tuple[float, Floats]:
            log_weight[t] = at[0]
            v = np.exp(at[0])
            rate = np.where(self.used, others + v * z, 0.0)
            total = rate.sum(axis=1)
            away, pull = self._away(log_weight)
            slope = (np.where(self.used, z, 0.0).sum(axis=1) / total - z[:, 0] / rate[:, 0]).sum()
            value = self.counts_as * (np.log(total) - np.log(rate[:, 0])).sum() + away
            return float(value), np.array([self.counts_as * slope * v + pull[t]])

        found = minimize(loss, np.array([start]), jac=True, method="L-BFGS-B")
        return float(found.fun), float(found.x[0])


def rounded(value: float) -> float:
    """Round to three digits: as sure as what is learnt can be, and short to write into a plan.

    >>> rounded(0.0123456), rounded(1234.5)
    (0.0123, 1230.0)
    """
    return float(f"{value:.3g}")


# From a book


def learn_half_lives(
    given: Given, names: Sequence[str], policy: Policy, deals: DealMoments
) -> LearntPolicy | str:
    """Learn half-lives and weights of the types that have enough signals.

    Args:
        given: what signals gave.
        names: of the types, by number.
        policy: the defaults that what is learnt is drawn to.
        deals: the opportunities, with their controls.

    Returns:
        What was learnt, or why nothing was, as a sentence.
    """
    if deals.opportunities < _FEWEST_CASES:
        return f"only {deals.opportunities} opportunities can be looked at; {_FEWEST_CASES} are needed"
    counts = np.bincount(given.type, given.events, len(names)).astype(int)
    shape = (*deals.account.shape, len(names))
    everything = given.left(deals.moments, np.full(len(names), np.inf)).reshape(shape)
    seen = (everything > 0).sum(axis=(0, 1))
    usable = [at for at in range(len(names)) if names[at] and seen[at] >= LEAST_EVENTS]
    too_few = {names[at]: int(counts[at]) for at in range(len(names)) if counts[at] and at not in usable}
    if not usable:
        return "no type of signal came often enough before opportunities"
    defaults = [_default(policy, names[at]) for at in usable]
    grid = np.unique([*GRID, *(one.half_life_days for one in defaults)])
    left = np.stack(
        [given.left(deals.moments, np.full(len(names), one)).reshape(shape)[:, :, usable] for one in grid]
    )
    fit = _Fit(
        left,
        deals.used,
        grid,
        np.array([one.intent for one in defaults]),
        np.array([one.half_life_days for one in defaults]),
        deals.counts_as,
    )
    fit.run()
    scale = float(np.median(fit.log_weight - np.log(fit.weight)))
    types = []
    for t, at in enumerate(usable):
        profile, _ = fit.profile(t)
        likely = grid[profile <= profile.min() + LIKELY]
        types.append(
            LearntType(
                names[at],
                int(counts[at]),
                int(seen[at]),
                defaults[t],
                float(grid[fit.chosen[t]]),
                float(likely.min()),
                float(likely.max()),
                rounded(float(np.exp(fit.log_weight[t] - scale))),
            )
        )
    return LearntPolicy(tuple(types), too_few, deals.opportunities)


def _default(policy: Policy, name: str) -> TypePolicy:
    """Return from where a type is learnt; one that weighs nothing by default starts as an own one."""
    known = policy.of(name)
    return known if known is not None and known.intent > 0 else OWN_TYPE
