"""What is said about a model: whether it is right, of whom, and whether it is better than doing without it.

Everything here is plain numbers and sentences, for the manifest and the card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scoring.training.backtest import Backtest, backtest
from scoring.training.best import WORTH, BestCustomers, best_customers
from scoring.training.drift import Drift
from scoring.training.held_out import LearntObjective, held_out_fit
from scoring.training.lift import Outcome, Reliability, reliability_of
from scoring.training.look_back import MOST_ACCOUNTS
from scoring.training.outcomes import TARGETS, Floats, Target
from scoring.training.progress import Begin
from scoring.training.rivals import OURS, Comparison, compare, rival_predictions
from scoring.training.study import Study

STEPS = 2  # how often `on_step` is called, beside the backtest's own steps


@dataclass(frozen=True, slots=True)
class Honesty:
    """All that holds a model against what happened; a sentence stands where something cannot be told."""

    reliability: Mapping[str, Reliability]  # objective -> of predictions out of fold
    comparisons: tuple[Comparison, ...]  # out of fold, an objective each, those that were not learnt included
    backtest: Backtest | str
    best: Mapping[str, BestCustomers | str]  # clv and realised_margin
    warnings: tuple[str, ...]  # what a reader of the card must not miss


def examine_honesty(study: Study, *, seed: int, on_step: Begin = lambda _: None, cuts: int = 1) -> Honesty:
    """Hold what a book taught against what happened.

    Args:
        study: the book and what was learnt from it.
        seed: as given to the training: comparisons use its folds.
        on_step: told the name of each step as it begins.
        cuts: how many windows the backtest goes back at most; each costs a training.
    """
    on_step("comparing with other ways of predicting")
    comparisons, reliability = [], {}
    for target in TARGETS:
        y = _outcome(study, target)
        if np.isfinite(y).any():
            comparisons.append(_compared(study, target, y, seed))
    known = {head.target.objective: _outcome(study, head.target) for head in study.heads}
    for head in study.heads:
        y = known[head.target.objective]
        reliability[head.target.objective] = reliability_of(
            head.learnt.evidence.predictions, y[np.isfinite(y)], seed=seed
        )
    on_step("looking for the best customers")
    best = _best(study, known)
    usable = [one for one in study.book.attributes if one.name not in study.leaks]
    tested = backtest(study.book, study.plan, usable, seed=seed, on_step=on_step, cuts=cuts)
    return Honesty(
        reliability=reliability,
        comparisons=tuple(comparisons),
        backtest=tested,
        best=best,
        warnings=tuple(_warnings(best, study.drift, tested)),
    )


def _outcome(study: Study, target: Target) -> Floats:
    """Return the target of each customer: (customers,), NaN where it is not known."""
    return target.to_target(target.values(study.metrics))


def _compared(study: Study, target: Target, y: Floats, seed: int) -> Comparison:
    """Compare out of fold; of very many customers the rivals and ours are judged on one sample.

    The present spend has no place here: it is part of the outcome. The backtest has it.
    """
    rows = np.flatnonzero(np.isfinite(y))
    ours = {head.target.objective: head.learnt.evidence.predictions for head in study.heads}.get(
        target.objective
    )
    population = "customers whose outcome is known, out of fold"
    if len(rows) > MOST_ACCOUNTS:
        drawn = np.sort(np.random.default_rng(seed).choice(len(rows), MOST_ACCOUNTS, replace=False))
        rows, ours = rows[drawn], None if ours is None else ours[drawn]
        population = f"a sample of {MOST_ACCOUNTS:,} {population}"
    everybody = np.ones(len(rows), bool)
    rivals = rival_predictions(study.schema, study.codes[rows], y[rows], wanted=everybody, seed=seed)
    values = target.values(study.metrics)[rows]
    outcome = Outcome.mean_of(target.metric, target.unit, values, falling=target.metric == "payback")
    predictions = rivals if ours is None else {OURS: ours, **rivals}
    return compare(target.objective, population, predictions, outcome, actual=y[rows], spend=None)


def _best(study: Study, known: Mapping[str, Floats]) -> dict[str, BestCustomers | str]:
    learnt = [
        LearntObjective(head.target.objective, head.learnt, np.isfinite(known[head.target.objective]))
        for head in study.heads
    ]
    held_out = held_out_fit(learnt, study.codes, study.plan.objective)
    if held_out is None:
        return dict.fromkeys(WORTH, "no objective that the plan weighs tells customers apart")
    return {
        worth: best_customers(worth, study.metrics, study.customers, study.schema, study.codes, held_out)
        for worth in WORTH
    }


def _warnings(
    best: Mapping[str, BestCustomers | str], drift: Drift | str, tested: Backtest | str
) -> list[str]:
    found = [one.warning for one in best.values() if isinstance(one, BestCustomers) and one.warning]
    if isinstance(drift, Drift) and drift.warning:
        found.append(drift.warning)
    return found + ([] if isinstance(tested, str) else list(tested.warnings))
