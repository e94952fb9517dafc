"""Learning in members: every account is left out of some of them, and tested by those.

The accounts are dealt into folds, several times where they are few. A member learns from all folds but one,
and the held fold tells when its trees must stop and how well it predicts. So the bags that make the whole
stable are the cross-validation too, and nothing is learnt twice.

What is to be chosen (penalty, trees, how much each form says) is chosen for the model by all held folds
together. The evidence must not choose by what it is judged on: each fold's predictions are made with what the
other folds alone would have chosen.

Members choose pairs of features on their own for that evidence. For the model itself they agree on the pairs
that most of them found, and learn those again: the whole then has few enough tables to read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from scoring.features import Codes
from scoring.training.additive import Additive, Floats, Term, mean_of
from scoring.training.blend import Blend, blend
from scoring.training.boosting import BinOf, Boosted, Growth, Sample, boost
from scoring.training.folds import FOLDS, deal
from scoring.training.linear import Design, design_of, fit_path
from scoring.training.members import (
    Choice,
    Integers,
    Member,
    Task,
    best_pairs,
    chosen,
    held_predictions,
    linear_of,
    siblings,
    trees_in_tables,
)
from scoring.training.pairs import PAIR_BINS, coarse_bins, common, leads
from scoring.training.progress import Begin

MOST_ROWS = 200_000  # that one member learns from; beyond it members learn from different samples
MANY = 20_000  # accounts from which trees may learn faster: there is less chance to learn by heart
LEAST_PAIR_SHARE = 0.01  # of the spread of the whole prediction; a weaker pair is not worth a table
_REPEATS = ((2_000, 1), (600, 2), (0, 4))  # accounts from which so many deals are enough

_T = TypeVar("_T")
_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False, slots=True)
class Crossfit:
    """The members, what they agreed on, and their predictions of accounts they had not learnt from."""

    task: Task
    members: Sequence[Member]
    choice: Choice
    blend: Blend
    linear: Floats  # (accounts,), raw, out of fold, and nothing chosen by the account's own fold
    boosted: Floats  # likewise, each member with pairs of its own
    mixed: Floats  # likewise, both in a blend

    def additives(self) -> list[Additive]:
        """Return what each member says, in tables."""
        return [_in_tables(self.task, member, self.choice, self.blend) for member in self.members]

    def predict(self, codes: Codes) -> Floats:
        """Ask the trees themselves, not their tables, and add the linear form: (accounts,), raw."""
        total = np.zeros(len(codes))
        for member in self.members:
            boosted = member.start + sum(
                (tree.predict(codes) for tree in self.choice.trees(member)), np.zeros(len(codes))
            )
            total += self.blend.mix(linear_of(member, self.choice).predict(codes), boosted)
        return total / len(self.members)


def crossfit(task: Task, on_step: Begin = lambda _: None) -> Crossfit:
    """Learn in members; see this module's head.

    Args:
        task: at least two accounts, whose outcomes differ.
        on_step: told the name of each step as it begins.
    """
    on_step("learning from single attributes")
    design = design_of(task.schema, task.codes, task.directions)
    growth = _growth(len(task.y))
    members = _each(_deals(task), lambda deal: _first_stage(task, design, growth, *deal))
    choice = chosen(members)
    on_step("looking for pairs of attributes")
    shared = dict(enumerate(coarse_bins(task.schema, task.codes, PAIR_BINS)))
    for_pairs = replace(growth, leaves=12)
    alone = [chosen(siblings(members, member)) for member in members]
    nested = _each(
        list(zip(members, alone, strict=True)), lambda of: _own_pairs(task, *of, for_pairs, shared)
    )
    pairs, linear, boosted = _evidence(task, nested, alone)
    weights = blend(linear, boosted, task.y, task.loss)
    on_step("learning the pairs that members agree on")
    choice = replace(choice, pairs=best_pairs(nested) if pairs and weights.boosted else 0)
    terms = common([member.leads for member in nested]) if choice.pairs else []
    agreed = _with_pairs(task, members, choice, for_pairs, shared, terms)
    strong = _strong(task, agreed, choice, terms)
    if len(strong) < len(terms):
        agreed = _with_pairs(task, members, choice, for_pairs, shared, strong)
    mixed = _mixed(task, linear, boosted)
    return Crossfit(task, agreed, choice, weights, linear, boosted, mixed)


def _evidence(task: Task, members: Sequence[Member], alone: Sequence[Choice]) -> tuple[bool, Floats, Floats]:
    """Predict every account by members that neither learnt from it nor were chosen by its fold.

    Pairs stay only where they clearly help: by more than a standard error of what they gain per account.

    Returns:
        Whether pairs stay, and the predictions of the linear and of the boosted form: (accounts,) each.
    """
    together = [
        replace(choice, pairs=best_pairs(siblings(members, member)))
        for member, choice in zip(members, alone, strict=True)
    ]
    linear = held_predictions(task, members, [linear_of(m, c) for m, c in zip(members, alone, strict=True)])
    without, having = (
        held_predictions(
            task, members, [trees_in_tables(task, m, c) for m, c in zip(members, choices, strict=True)]
        )
        for choices in (alone, together)
    )
    gain = task.loss.each(task.y, without) - task.loss.each(task.y, having)
    clearly = bool(gain.mean() > gain.std() / np.sqrt(len(gain)))
    return clearly, linear, having if clearly else without


def _mixed(task: Task, linear: Floats, boosted: Floats) -> Floats:
    """Blend both forms, each fold by the weights that all others would have chosen: (accounts,)."""
    fold, mixed = deal(task.y, task.groups, task.seed), np.empty(len(task.y))
    for k in np.unique(fold):
        own, others = fold == k, fold != k
        if not others.any():
            others = own
        weights = blend(linear[others], boosted[others], task.y[others], task.loss)
        mixed[own] = weights.mix(linear[own], boosted[own])
    return mixed


def _each(inputs: Sequence[_T], work: Callable[[_T], _Result]) -> list[_Result]:
    """Do the same for all, side by side: the arithmetic of one never depends on the others."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, inputs))


def _growth(accounts: int) -> Growth:
    least_leaf = int(np.clip(accounts // 40, 3, 10 if accounts < 10_000 else 20))
    shrinkage, patience = (0.1, 40) if accounts < MANY else (0.3, 20)
    return Growth(shrinkage, leaves=4, least_leaf=least_leaf, most_trees=600, patience=patience)


def _deals(task: Task) -> list[tuple[int, Integers, Integers]]:
    """Return the deal, who learns and who is held, for each member; a fold that came out empty makes none."""
    repeats = next(times for least, times in _REPEATS if len(task.y) >= least)
    members = []
    for repeat in range(repeats):
        fold = deal(task.y, task.groups, task.seed + repeat)
        for k in range(FOLDS):
            train, held = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            if len(train) > MOST_ROWS:
                rng = np.random.default_rng(task.seed + k)
                train = np.sort(rng.choice(train, MOST_ROWS, replace=False))
            if len(train) and len(held):
                members.append((repeat, train, held))
    return members


def _first_stage(
    task: Task, design: Design, growth: Growth, repeat: int, train: Integers, held: Integers
) -> Member:
    y = task.y[train]
    start = float(task.loss.start(y))
    learning = task.sample(train, np.full(len(train), start))
    testing = task.sample(held, np.full(len(held), start))
    path = fit_path(design, learning.codes, y, task.loss, task.seed)
    losses = np.array([task.loss.mean(testing.y, linear.predict(testing.codes)) for linear in path])
    terms = [(feature,) for feature in range(len(task.schema.features))]
    singles = boost(task.schema, terms, learning, testing, task.loss, growth, task.directions)
    return Member(repeat, train, held, start, path, losses, singles)


def _samples(task: Task, member: Member, choice: Choice) -> tuple[Sample, Sample]:
    """Return the accounts a member learns from and is held against, after its single features' say."""
    singles = trees_in_tables(task, member, replace(choice, pairs=0))
    train, held = (
        task.sample(rows, singles.predict(task.codes[rows])) for rows in (member.train, member.held)
    )
    return train, held


def _own_pairs(
    task: Task, member: Member, choice: Choice, growth: Growth, shared: Mapping[int, BinOf]
) -> Member:
    train, held = _samples(task, member, choice)
    first, _ = task.loss.derivatives(train.y, train.raw)
    found = leads(task.schema, train.codes, -first, task.seed)
    terms = common([found])
    return replace(_learn_pairs(task, member, (train, held), growth, shared, terms), leads=found)


def _learn_pairs(
    task: Task,
    member: Member,
    samples: tuple[Sample, Sample],
    growth: Growth,
    shared: Mapping[int, BinOf],
    terms: Sequence[Term],
) -> Member:
    train, held = samples
    if not terms:
        return replace(member, pairs=Boosted((), np.array([task.loss.mean(held.y, held.raw)])))
    return replace(
        member,
        pairs=boost(task.schema, terms, train, held, task.loss, growth, task.directions, shared),
    )


def _with_pairs(
    task: Task,
    members: Sequence[Member],
    choice: Choice,
    growth: Growth,
    shared: Mapping[int, BinOf],
    terms: Sequence[Term],
) -> list[Member]:
    """Let all members learn the same pairs, to the number of trees that was right for pairs of their own.

    The held accounts had a say in which pairs these are, so they no longer tell when to stop.
    """
    exact = replace(growth, most_trees=choice.pairs, patience=choice.pairs + 1)
    return _each(members, lambda m: _learn_pairs(task, m, _samples(task, m, choice), exact, shared, terms))


def _strong(task: Task, members: Sequence[Member], choice: Choice, terms: Sequence[Term]) -> list[Term]:
    """Return the pairs whose own say, beyond that of their features, is worth a table."""
    whole = mean_of(trees_in_tables(task, member, choice) for member in members).purified(task.codes)
    spread = float(whole.predict(task.codes).std())
    own = {term: float(entries.std()) for term, entries in whole.contributions(task.codes)}
    return [term for term in terms if own.get(term, 0.0) > LEAST_PAIR_SHARE * spread]


def _in_tables(task: Task, member: Member, choice: Choice, weights: Blend) -> Additive:
    """Return a member's whole say in tables."""
    linear, boosted = linear_of(member, choice), trees_in_tables(task, member, choice)
    terms = sorted({*(linear.tables if weights.linear else ()), *(boosted.tables if weights.boosted else ())})
    tables: dict[Term, Floats] = {
        term: np.asarray(
            weights.linear * linear.tables.get(term, 0.0) + weights.boosted * boosted.tables.get(term, 0.0)
        )
        for term in terms
    }
    intercept = weights.mix(np.array(linear.intercept), np.array(boosted.intercept))
    return Additive(float(intercept), tables)
