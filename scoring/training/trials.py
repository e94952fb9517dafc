"""Trials: what the half of the customers that the search never saw says of each proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from scoring.training.conditions import Floats, Ints, Mask, holds_for
from scoring.training.evidence import (
    Contrast,
    benjamini_hochberg,
    contrast,
    crossed,
    mean_interval,
    normal_scores,
    two_sided,
)
from scoring.training.found import Effect
from scoring.training.outcomes import HIGHEST_NRR, TARGETS, Target
from scoring.training.proposals import Proposal

MOST_FALSE = 0.005  # false discovery rate among what is reported
MATERIAL = (
    0.2  # size of a contrast, in standard deviations, under which a group is no segment, however sure it is
)
LEAST_TESTED = 5  # customers inside, and outside, whose outcome is known


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """One objective's outcome of customers, each (customers,), NaN where unknown."""

    about: Target
    values: Floats  # in the metric's own unit; NRR up to HIGHEST_NRR, lest one small start be the mean
    target: Floats  # higher is better

    def of(self, rows: Ints | Mask) -> Outcome:
        """Return the outcome of some customers."""
        return replace(self, values=self.values[rows], target=self.target[rows])

    def said(self, value: float) -> str:
        """Write a value in the metric's unit."""
        match self.about.unit:
            case "ratio":
                return f"{value:.0%}"
            case "currency":
                return f"{value:,.0f}"
            case "months":
                return f"{value:.1f} months"


def outcomes_of(metrics: pl.DataFrame) -> list[Outcome]:
    """Return the outcomes that differ between customers.

    Args:
        metrics: a row per customer, as `account_metrics` returns them.
    """
    found = []
    for about in TARGETS:
        values = about.values(metrics)
        if about.unit == "ratio":
            values = np.minimum(values, HIGHEST_NRR)
        with np.errstate(invalid="ignore"):  # NaN in, NaN out
            target = about.to_target(values)
        known = target[np.isfinite(target)]
        if len(known) and np.ptp(known) > 0:
            found.append(Outcome(about, values, target))
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """How customers inside differ from the others on one outcome; above 0 where they are better."""

    effect: Effect
    contrast: Contrast  # of normal scores, within strata


@dataclass(frozen=True, eq=False, slots=True)
class Trial:
    """A proposal and how its customers in the test half differ, by objective."""

    proposal: Proposal
    differences: Mapping[str, Difference]

    @property
    def sign(self) -> int:
        """1 where the proposal is that customers inside are better, else -1."""
        return 1 if self.proposal.better else -1

    @property
    def holds_up(self) -> bool:
        """Whether an outcome differs surely, and clearly, in the direction that was proposed."""
        return any(
            one.effect.q_value <= MOST_FALSE and self.sign * one.contrast.size >= MATERIAL
            for one in self.differences.values()
        )

    @property
    def contrary(self) -> list[str]:
        """The metrics that surely differ in the other direction."""
        return [
            one.effect.metric
            for one in self.differences.values()
            if one.effect.q_value <= MOST_FALSE and self.sign * one.contrast.z < 0
        ]


def try_all(
    proposals: Sequence[Proposal], customers: pl.DataFrame, outcomes: Sequence[Outcome], *, seed: int
) -> list[Trial]:
    """Test every proposal on every outcome; q-values are over all of these tests.

    Customers are compared within the strata that the earlier proposals make, which the search half decided,
    so a rule that merely overlaps a stronger one does not pass for a second finding.

    Args:
        proposals: in the order they were made.
        customers: the test half, typed as in `Book.accounts`.
        outcomes: of the same customers.
        seed: of the bootstraps.
    """
    strata = np.zeros(customers.height, dtype=np.intp)
    rng = np.random.default_rng(seed)
    trials = []
    for proposal in proposals:
        inside = holds_for(proposal.where, customers)
        trials.append(Trial(proposal, _differences(inside, strata, outcomes, rng)))
        strata = crossed(strata, inside)
    q_values = iter(
        benjamini_hochberg([one.effect.p_value for trial in trials for one in trial.differences.values()])
    )
    return [_with_q_values(trial, [next(q_values) for _ in trial.differences]) for trial in trials]


def _with_q_values(trial: Trial, q_values: Sequence[float]) -> Trial:
    differences = {
        name: replace(one, effect=replace(one.effect, q_value=q))
        for (name, one), q in zip(trial.differences.items(), q_values, strict=True)
    }
    return replace(trial, differences=differences)


def _differences(
    inside: Mask, strata: Ints, outcomes: Sequence[Outcome], rng: np.random.Generator
) -> dict[str, Difference]:
    """Compare inside and outside on every outcome that enough of both are known to have."""
    found = {}
    for outcome in outcomes:
        known = np.isfinite(outcome.target)
        ours, others = known & inside, known & ~inside
        if min(ours.sum(), others.sum()) < LEAST_TESTED:
            continue
        difference = contrast(normal_scores(outcome.target), inside, strata)
        low, high = mean_interval(outcome.values[ours], rng)
        effect = Effect(
            metric=outcome.about.metric,
            inside=float(outcome.values[ours].mean()),
            outside=float(outcome.values[others].mean()),
            low=low,
            high=high,
            p_value=two_sided(difference.z),
            q_value=1.0,
            n=int(ours.sum()),
        )
        found[outcome.about.objective] = Difference(effect, difference)
    return found
