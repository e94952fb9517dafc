"""Settling: rules that held up are set on all customers, and those that mean the same are merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.stats import chi2

from scoring.rules import Rule
from scoring.training.attributes import Attribute
from scoring.training.conditions import Atoms, Mask, Table, Where, build_atoms, holds_for
from scoring.training.conjunctions import Space, search
from scoring.training.evidence import contrast, crossed, normal_scores, whitened
from scoring.training.proposals import LEAST_INSIDE, LEAST_SHARE_INSIDE, alike
from scoring.training.refine import Ground, along, extend, refine
from scoring.training.trials import Outcome, Trial

MIXED = 0.01  # chance, over all conditions tried, of calling a segment mixed that is not
_LEAST_PART = 10  # customers of a part of a segment that is called different


@dataclass(eq=False, slots=True)
class Settled:
    """A rule as it is proposed to people, and what it came from."""

    trial: Trial
    where: Where
    inside: Mask  # of the customers it was set on
    merged: list[Where] = field(default_factory=list)


def settle(
    trials: Sequence[Trial],
    attributes: Sequence[Attribute],
    customers: pl.DataFrame,
    outcomes: Sequence[Outcome],
    *,
    level_cost: float,
) -> list[Settled]:
    """Set rules on customers of both halves, and merge those that mean the same; strongest first.

    Of a proposal and its rivals the one stands that gains most on all customers, with the bounds that gain
    most. It may not turn into another finding: it keeps most of its customers, and what is unlike in them.

    Args:
        trials: those that held up, in the order they were proposed.
        attributes: what conditions may be about.
        customers: typed as in `Book.accounts`.
        outcomes: of the same customers.
        level_cost: see `Ground`.
    """
    targets = [outcome.target for outcome in outcomes]
    least = max(2 * LEAST_INSIDE, round(LEAST_SHARE_INSIDE * customers.height))
    atoms = build_atoms(attributes, customers, least)
    table = Table(customers)
    strata = np.zeros(customers.height, dtype=np.intp)
    settled: list[Settled] = []
    for trial in trials:
        scores = along(whitened(targets, strata), table.holds(trial.proposal.where))
        where = _set(trial, Ground(table, scores, level_cost, least), atoms)
        inside = table.holds(where)
        like = next((one for one in settled if _mean_the_same(one, trial, where, inside)), None)
        if like is None:
            settled.append(Settled(trial, where, inside, _others(trial, where)))
            strata = crossed(strata, inside)
        elif where not in (like.where, *like.merged):
            like.merged.append(where)
    return settled


def _set(trial: Trial, ground: Ground, atoms: Atoms) -> Where:
    tested = trial.proposal.where
    inside = ground.customers.holds(tested)

    def same_finding(where: Where) -> bool:
        return alike(inside, ground.customers.holds(where))

    refined = dict.fromkeys(refine(one, ground) for one in (tested, *trial.proposal.rivals))
    best = max(filter(same_finding, [tested, *refined]), key=ground.gain)
    longer = extend(best, ground, atoms)
    return longer if same_finding(longer) else best


def _mean_the_same(one: Settled, trial: Trial, where: Where, inside: Mask) -> bool:
    """Tell whether two rules are one finding: the same customers, or steps of one slope."""
    if one.trial.proposal.better is not trial.proposal.better:
        return False
    about, also_about = ({name for name, _ in rule} for rule in (one.where, where))
    return alike(one.inside, inside) or (len(about) == 1 and about == also_about)


def _others(trial: Trial, where: Where) -> list[Where]:
    """Return the rules that mean about the same customers and were not taken, each set of attributes once.

    The rule with a condition more is no other reading.
    """
    seen = [{name for name, _ in where}]
    others = []
    for rival in (trial.proposal.where, *trial.proposal.rivals):
        about = {name for name, _ in rival}
        if not any(about >= known for known in seen):
            seen.append(about)
            others.append(rival)
    return others


def mixed_inside(
    inside: Mask, attributes: Sequence[Attribute], customers: pl.DataFrame, outcomes: Sequence[Outcome]
) -> str:
    """Say which part of a segment turned out unlike the rest of it, or return an empty text.

    Every condition is tried on the customers inside, on all outcomes jointly; a chi-squared test at MIXED,
    divided by how many conditions were tried (Bonferroni).
    """
    ours = customers.filter(pl.Series(inside))
    known = [outcome.of(inside) for outcome in outcomes]
    known = [outcome for outcome in known if np.ptp(outcome.target[np.isfinite(outcome.target)]) > 0]
    if ours.height < 2 * _LEAST_PART or not known:
        return ""
    targets = [outcome.target for outcome in known]
    scores = whitened(targets, np.zeros(ours.height, dtype=np.intp))
    atoms = build_atoms(attributes, ours, _LEAST_PART)
    found, tried = search(Space.of(atoms, scores, _LEAST_PART), depth=1)
    if not found:
        return ""
    part = atoms.condition(*found[0].runs[0])
    within = holds_for((part,), ours)
    apart = Ground(Table(ours), along(scores, within), 0.0, _LEAST_PART).chi_squared(within)
    if chi2.sf(apart, scores.shape[1]) * tried > MIXED:
        return ""
    return _said_of_parts(Rule("", (part,)).sentence, within, known)


def _said_of_parts(condition: str, within: Mask, outcomes: Sequence[Outcome]) -> str:
    everybody = np.zeros(len(within), dtype=np.intp)
    z_values = [contrast(normal_scores(outcome.target), within, everybody).z for outcome in outcomes]
    most = int(np.argmax(np.abs(z_values)))
    outcome = outcomes[most]
    known = np.isfinite(outcome.target)
    ours, others = (outcome.said(float(outcome.values[known & side].mean())) for side in (within, ~within))
    return (
        f"two kinds of customers inside: where {condition}, {outcome.about.metric} is {ours}, "
        f"elsewhere {others}"
    )
