"""The search for conjunctions: which up to three conditions part a group that turned out unlike the rest.

A beam search. At each depth every rule of the beam is joined with every atom and every interval of every
number in one matrix product; the most telling go on. A rule's gain is its T squared (see `evidence.whitened`)
less what choosing each of its bounds and levels among so many could gain by chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.training.conditions import Atoms, Floats, Mask, Where, is_segment

DEPTH = 3
WIDTH = 150  # rules that go on from a depth
PER_SHAPE = 3  # of these, how many may differ in the bounds of their intervals alone
_AT_ONCE = 50  # rules of one matrix product

Run: TypeAlias = tuple[int, int]  # first and last atom of a condition
Runs: TypeAlias = tuple[Run, ...]  # ascending
Singles: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """A conjunction and how much it tells on the rows it was searched on."""

    runs: Runs
    gain: float


@dataclass(frozen=True, eq=False, slots=True)
class Space:
    """What is searched: atoms and scores of the same rows."""

    atoms: Atoms
    stacked: Singles  # (rows, (1 + columns) * atoms): the atoms, then the atoms times each column of scores
    columns: int
    least: int  # rows a rule must hold for

    @classmethod
    def of(cls, atoms: Atoms, scores: Floats, least: int, within: Mask | None = None) -> Space:
        """Join atoms and scores, (rows, columns) and whitened, so that counts and sums are one product.

        With `within`, (rows,), conditions are joined to the rule that holds there.
        """
        matrix = atoms.matrix if within is None else atoms.matrix * within[:, None]
        parts = [matrix, *(matrix * column.astype(np.float32)[:, None] for column in scores.T)]
        return cls(atoms, np.concatenate(parts, axis=1), scores.shape[1], least)

    @property
    def rows(self) -> int:
        """How many rows are searched."""
        return len(self.stacked)


def search(space: Space, depth: int = DEPTH) -> tuple[list[Found], int]:
    """Return the most telling conjunctions, best first, and how many were looked at.

    Args:
        space: what is searched.
        depth: how many conditions a conjunction has at most.
    """
    beam: list[Found] = [Found((), 0.0)]
    found: list[Found] = []
    looked_at = 0
    for _ in range(depth):
        shapes: Counter[Runs] = Counter()
        known: set[Runs] = set()
        joined, count = _joined(space, beam)
        looked_at += count
        beam = []
        for one in joined:
            shape = _shape(space.atoms, one.runs)
            if one.runs in known or shapes[shape] == PER_SHAPE:
                continue
            known.add(one.runs)
            shapes[shape] += 1
            beam.append(one)
            if len(beam) == WIDTH:
                break
        found += beam
        if not beam:
            break
    return sorted(found, key=lambda one: (-one.gain, one.runs)), looked_at


def where_of(atoms: Atoms, runs: Runs) -> Where:
    """Say a conjunction in conditions."""
    return tuple(atoms.condition(first, last) for first, last in runs)


def _shape(atoms: Atoms, runs: Runs) -> Runs:
    """Return what remains of a rule without the bounds of its intervals."""
    return tuple(
        (int(atoms.block[first]), -1) if atoms.block[first] >= 0 else (first, last) for first, last in runs
    )


def _joined(space: Space, beam: Sequence[Found]) -> tuple[Iterator[Found], int]:
    """Join each rule of the beam with each condition; best first, and how many were looked at."""
    gains: list[Floats] = []
    parents: list[NDArray[np.intp]] = []
    runs = _runs(space.atoms)
    costs = _costs(space.atoms, runs)
    for start in range(0, len(beam), _AT_ONCE):
        some = beam[start : start + _AT_ONCE]
        gain = _gains(space, some) - costs
        for at, one in enumerate(some):
            gain[at] -= sum(_cost(space.atoms, run) for run in one.runs)
            gain[at, ~_may_join(space.atoms, one.runs, runs)] = -np.inf
        gains.append(gain)
        parents.append(np.full(gain.shape, start) + np.arange(len(some))[:, None])
    gain, parent = np.concatenate(gains).ravel(), np.concatenate(parents).ravel()
    possible = np.flatnonzero(np.isfinite(gain))
    order = possible[np.argsort(-gain[possible], kind="stable")]
    return _as_found(beam, runs, gain, parent, order), len(possible)


def _as_found(
    beam: Sequence[Found],
    runs: NDArray[np.intp],
    gain: Floats,
    parent: NDArray[np.intp],
    order: NDArray[np.intp],
) -> Iterator[Found]:
    for at in order:
        first, last = runs[at % len(runs)]
        yield Found(tuple(sorted((*beam[parent[at]].runs, (int(first), int(last))))), float(gain[at]))


def _runs(atoms: Atoms) -> NDArray[np.intp]:
    """Return every condition there is, (conditions, 2): each level alone, then all intervals of each number.

    The whole scale of a number is none.
    """
    in_number = np.zeros(len(atoms.owner), dtype=np.bool_)
    pairs = []
    for start, stop in atoms.numbers:
        in_number[start:stop] = True
        first, last = np.triu_indices(stop - start)
        part = (first > 0) | (last < stop - start - 1)
        pairs.append(np.stack([first[part], last[part]], axis=1) + start)
    levels = np.flatnonzero(~in_number)
    return np.concatenate([np.stack([levels, levels], axis=1), *pairs])


def _cost(atoms: Atoms, run: Run) -> float:
    return float(_costs(atoms, np.array([run]))[0])


def _costs(atoms: Atoms, runs: NDArray[np.intp]) -> Floats:
    """Return what each condition costs: a level its choice, an interval that of each of its bounds."""
    first, last = runs[:, 0], runs[:, 1]
    ends = np.append(atoms.block, -2)[last + 1] != atoms.block[first]  # whether a number's scale ends there
    bounds = (first > atoms.block[first]).astype(int) + ~ends
    return np.asarray(np.where(atoms.block[first] < 0, 1, bounds) * atoms.costs[first])


def _may_join(atoms: Atoms, rule: Runs, runs: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell which conditions speak of something that the rule does not speak of yet."""
    taken = [first for first, _ in rule]
    new = ~np.isin(runs[:, 0], taken)
    owners = atoms.owner[[first for first in taken if not atoms.repeatable[first]]]
    return np.asarray(new & ~np.isin(atoms.owner[runs[:, 0]], owners))


def _gains(space: Space, beam: Sequence[Found]) -> Floats:
    """Return T squared of each rule joined with each condition; minus infinity where that is no segment."""
    masks = np.stack([_mask(space.atoms, one.runs) for one in beam])
    products = (masks @ space.stacked).reshape(len(beam), 1 + space.columns, -1).astype(np.float64)
    runs = _runs(space.atoms)
    sums = np.concatenate([np.zeros((*products.shape[:2], 1)), np.cumsum(products, axis=2)], axis=2)
    held = sums[:, :, runs[:, 1] + 1] - sums[:, :, runs[:, 0]]
    n = np.rint(held[:, 0])
    enough = is_segment(n, space.rows, space.least)
    n = np.where(enough, n, space.rows / 2)
    t_squared = (held[:, 1:] ** 2).sum(axis=1) / (n * (1 - n / space.rows))
    return np.where(enough, t_squared, -np.inf)


def _mask(atoms: Atoms, rule: Runs) -> Singles:
    held = np.ones(len(atoms.matrix), np.float32)
    for first, last in rule:
        held *= atoms.matrix[:, first : last + 1].max(axis=1)
    return held
