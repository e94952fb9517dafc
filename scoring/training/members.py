"""The members of a crossfit: what each learnt, what is chosen for all together, what they say in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scoring.features import Codes, FeatureSchema
from scoring.training.additive import Additive, Floats
from scoring.training.boosting import Boosted, Sample, Tree, extract
from scoring.training.linear import PENALTIES
from scoring.training.loss import Loss
from scoring.training.pairs import Lead

Integers = NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True)
class Task:
    """What is to be learnt."""

    schema: FeatureSchema
    codes: Codes  # (accounts, features)
    y: Floats  # (accounts,)
    loss: Loss
    seed: int
    groups: Integers | None = None  # (accounts,): accounts of one group are never parted
    directions: Mapping[int, int] = field(default_factory=dict)  # see `linear.Directions`

    def sample(self, rows: Integers, raw: Floats) -> Sample:
        """Take some accounts."""
        return Sample(np.array(self.codes[rows], np.uint8, order="F"), self.y[rows], raw)


@dataclass(frozen=True, eq=False, slots=True)
class Member:
    """One member: what it learnt from, what it was tested on, and what it has learnt so far."""

    repeat: int  # which deal of the accounts it is from
    train: Integers
    held: Integers
    start: float
    path: Sequence[Additive]  # the linear form at each penalty
    path_losses: Floats  # (penalties,), on the held accounts
    singles: Boosted
    leads: Sequence[Lead] = ()
    pairs: Boosted | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Choice:
    """What all members have in common: chosen by the loss on held accounts, all members together."""

    penalty: int  # place among PENALTIES
    singles: int  # trees of single features
    pairs: int = 0  # trees of pairs

    def trees(self, member: Member) -> list[Tree]:
        """Return the trees of a member that count."""
        pairs = member.pairs.trees[: self.pairs] if member.pairs else []
        return [*member.singles.trees[: self.singles], *pairs]


def chosen(members: Sequence[Member]) -> Choice:
    """Choose for these members together, before there are pairs."""
    return Choice(_best_penalty(members), _best_count([(m.held, m.singles) for m in members]))


def siblings(members: Sequence[Member], member: Member) -> list[Member]:
    """Return the members that are tested on the other folds of the same deal; itself where it is alone."""
    others = [m for m in members if m.repeat == member.repeat and m is not member]
    return others or [member]


def _best_penalty(members: Sequence[Member]) -> int:
    losses = sum((len(m.held) * m.path_losses for m in members), np.zeros(len(PENALTIES)))
    return int(losses.argmin())


def best_pairs(members: Sequence[Member]) -> int:
    """Return after how many trees of pairs these members together predict best."""
    return _best_count([(m.held, m.pairs) for m in members if m.pairs])


def _best_count(grown: Sequence[tuple[Integers, Boosted]]) -> int:
    """Return after how many trees all members together predict best; one that stopped stays as it was."""
    longest = max(len(boosted.losses) for _, boosted in grown)
    total = np.zeros(longest)
    for held, boosted in grown:
        losses = boosted.losses
        total += len(held) * np.append(losses, np.full(longest - len(losses), losses[-1]))
    return int(total.argmin())


def held_predictions(task: Task, members: Sequence[Member], functions: Sequence[Additive]) -> Floats:
    """Average for each account what members that have not learnt from it predict, by a function each."""
    total, times = np.zeros(len(task.y)), np.zeros(len(task.y))
    for member, function in zip(members, functions, strict=True):
        total[member.held] += function.predict(task.codes[member.held])
        times[member.held] += 1
    return total / times


def linear_of(member: Member, choice: Choice) -> Additive:
    """Return the linear form of a member."""
    return member.path[choice.penalty]


def trees_in_tables(task: Task, member: Member, choice: Choice) -> Additive:
    """Return the boosted form of a member, its trees as tables."""
    return Additive(member.start, extract(choice.trees(member), task.schema))
