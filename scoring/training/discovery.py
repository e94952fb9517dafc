"""Segments found in a book: searched on one half of the customers, tested on the other, stated for people.

An effect that is reported comes from the test half, and from the rule as it was tested. Only then is the rule
set on all customers: its bounds in round numbers, a condition more or less. A flag says so where it changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from scoring.rules import Rule
from scoring.training.attributes import Attribute
from scoring.training.conditions import Ints, holds_for
from scoring.training.evidence import normal_scores
from scoring.training.found import Candidate, Discovery
from scoring.training.names import segment_id
from scoring.training.power import rank_attributes
from scoring.training.proposals import LEAST_INSIDE, MOST_SEARCHED, propose
from scoring.training.settling import Settled, mixed_inside, settle
from scoring.training.trials import MATERIAL, MOST_FALSE, Outcome, Trial, outcomes_of, try_all

LEAST_CUSTOMERS = 4 * LEAST_INSIDE
MOST_OF_THE_MARKET = 0.5  # share of the prospects above which a segment is no choice


def discover(
    attributes: Sequence[Attribute],
    customers: pl.DataFrame,
    metrics: pl.DataFrame,
    prospects: pl.DataFrame | None,
    *,
    seed: int,
) -> Discovery:
    """Find the segments of customers that are clearly better or worse than the rest, and rank attributes.

    Candidates come better ones first, then worse ones, each in the order of what they explain. The `p_value`
    of an effect compares customers within the strata that stronger proposals make; its `inside` and `outside`
    are plain means over the test half.

    Args:
        attributes: what segments may be about; leaks left out.
        customers: a row per customer, with account_id, typed as in `Book.accounts`.
        metrics: of the same customers in the same order, as `account_metrics` returns them.
        prospects: typed like the customers; None where the book has none.
        seed: of the halves, the folds and the bootstraps. The order of rows does not matter.
    """
    order = customers["account_id"].arg_sort()
    customers, metrics = customers[order], metrics[order]
    outcomes = outcomes_of(metrics)
    candidates: list[Candidate] = []
    searched = tested = 0
    note = _why_not(attributes, outcomes)
    if not note:
        with threadpool_limits(1):  # as in `learn`: sums have one order on any machine
            candidates, searched, trials = _search_and_test(attributes, customers, outcomes, prospects, seed)
        tested = len(trials)
        note = "" if candidates else _said_of_nothing(trials)
    ranked = rank_attributes(
        attributes,
        customers,
        {outcome.about.objective: outcome.target for outcome in outcomes},
        {name for candidate in candidates for name, _ in candidate.where},
        seed=seed,
    )
    return Discovery(candidates, searched, tested, ranked, note)


def _why_not(attributes: Sequence[Attribute], outcomes: Sequence[Outcome]) -> str:
    """Return why there is nothing to search, or an empty text."""
    if not attributes:
        return "There is no attribute that a segment could be made of."
    if not outcomes:
        return "No outcome is known that differs between customers."
    known = int(np.any([np.isfinite(outcome.target) for outcome in outcomes], axis=0).sum())
    if known < LEAST_CUSTOMERS:
        return (
            f"{known} customers have a known outcome; at least {LEAST_CUSTOMERS} are needed to search for "
            "segments on one half and to test them on the other."
        )
    return ""


def _search_and_test(
    attributes: Sequence[Attribute],
    customers: pl.DataFrame,
    outcomes: Sequence[Outcome],
    prospects: pl.DataFrame | None,
    seed: int,
) -> tuple[list[Candidate], int, list[Trial]]:
    first, second = _halves(outcomes, seed)
    searched = first[:MOST_SEARCHED]
    proposals = propose(
        attributes, customers[searched], [outcome.of(searched).target for outcome in outcomes]
    )
    trials = try_all(
        proposals.found, customers[second], [outcome.of(second) for outcome in outcomes], seed=seed
    )
    both = np.sort(np.concatenate([first[: MOST_SEARCHED // 2], second[: MOST_SEARCHED // 2]]))
    ground, known = customers[both], [outcome.of(both) for outcome in outcomes]
    settled = settle(
        [trial for trial in trials if trial.holds_up],
        attributes,
        ground,
        known,
        level_cost=proposals.level_cost,
    )
    settled.sort(key=lambda one: not one.trial.proposal.better)
    candidates: list[Candidate] = []
    for one in settled:
        mixed = mixed_inside(one.inside, attributes, ground, known)
        taken = [candidate.id for candidate in candidates]
        candidates.append(_candidate(one, customers, prospects, mixed, taken))
    return candidates, proposals.searched, trials


def _halves(outcomes: Sequence[Outcome], seed: int) -> tuple[Ints, Ints]:
    """Part the customers, those of like outcomes evenly: each pair of neighbours is dealt one to a side.

    Customers without a known outcome are in neither half. Both come in random order.
    """
    scores = np.stack([normal_scores(outcome.target) for outcome in outcomes])
    known = np.flatnonzero(np.isfinite(scores).any(axis=0))
    order = known[np.argsort(np.nan_to_num(scores[:, known]).sum(axis=0), kind="stable")]
    nobody = np.full(len(order) % 2, -1)
    rng = np.random.default_rng(seed)
    pairs = rng.permuted(np.append(order, nobody).reshape(-1, 2), axis=1)
    first, second = (rng.permutation(side[side >= 0]) for side in pairs.T)
    return first, second


# What is said


def _candidate(
    settled: Settled,
    customers: pl.DataFrame,
    prospects: pl.DataFrame | None,
    mixed: str,
    taken: Sequence[str],
) -> Candidate:
    where, trial = settled.where, settled.trial
    ours = int(holds_for(where, customers).sum())
    theirs = None if prospects is None else int(holds_for(where, prospects).sum())
    flags = [
        _said_of_the_market(theirs, prospects, better=trial.proposal.better),
        f"turned out the other way on {' and '.join(trial.contrary)}" if trial.contrary else "",
        mixed,
        _said_of_the_test(settled),
    ]
    return Candidate(
        id=segment_id(where, taken),
        where=where,
        better=trial.proposal.better,
        customers=ours,
        prospects=theirs,
        effects={name: one.effect for name, one in trial.differences.items()},
        flags=[flag for flag in flags if flag],
        merged=[Rule("", rule).sentence for rule in settled.merged],
    )


def _said_of_the_market(theirs: int | None, prospects: pl.DataFrame | None, *, better: bool) -> str:
    if theirs is None or prospects is None or theirs <= MOST_OF_THE_MARKET * prospects.height:
        return ""
    why = (
        "an ICP that is the whole market is no ICP" if better else "excluding them would leave few to sell to"
    )
    return f"covers {theirs / prospects.height:.0%} of the prospects: {why}"


def _said_of_the_test(settled: Settled) -> str:
    tested = settled.trial.proposal.where
    if tested == settled.where:
        return ""
    return f"tested as: {Rule('', tested).sentence}; then set on all customers, so try it on new ones"


def _said_of_nothing(trials: Sequence[Trial]) -> str:
    """Say why no candidate is reported."""
    q_values = [one.effect.q_value for trial in trials for one in trial.differences.values()]
    if not q_values:
        return "No group of customers stood out on the half that was searched."
    return (
        f"No segment is reported. Of the {len(trials)} proposed on one half of the customers, the best "
        f"differs on the other half with a q-value of {min(q_values):.2g}; at most {MOST_FALSE:g} is "
        f"needed, and a difference of {MATERIAL:g} standard deviations."
    )
