"""Proposing segments on one half of the customers: the most telling rule, then the most telling beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from scoring.training.attributes import Attribute
from scoring.training.conditions import Floats, Ints, Mask, Table, Where, build_atoms
from scoring.training.conjunctions import Space, search, where_of
from scoring.training.evidence import contrast, crossed, normal_scores, whitened
from scoring.training.refine import Ground, along, refine

MOST_PROPOSALS = 12
MOST_SEARCHED = 40_000  # customers; more add to the time and find nothing that a segment would need
LEAST_INSIDE = 15
LEAST_SHARE_INSIDE = 0.01
LIKE = 0.5  # Jaccard overlap, and correlation, from which two rules mean the same customers
_REFINED = 8  # of the search's best rules, of which the best then stands for all
_RIVALS = 8
_LOOKED_THROUGH = 60  # of the search's best rules, for those that mean the same customers


@dataclass(frozen=True, eq=False, slots=True)
class Proposal:
    """A rule that told most on the search half, and rules that mean about the same customers."""

    where: Where
    rivals: Sequence[Where]
    better: bool  # than the others of its strata, over all objectives


@dataclass(frozen=True, eq=False, slots=True)
class Proposals:
    """What came of a search."""

    found: Sequence[Proposal]  # most telling first
    searched: int  # conjunctions looked at
    level_cost: float  # see `Ground`


def overlap(one: Mask, other: Mask) -> float:
    """Return the Jaccard overlap: the share, of the accounts in either, that are in both; 0 of none.

    >>> overlap(np.array([True, True, False]), np.array([False, True, True])).__round__(3)
    0.333
    """
    either = int((one | other).sum())
    return float((one & other).sum() / either) if either else 0.0


def alike(one: Mask, other: Mask) -> bool:
    """Tell whether two rules mean the same customers: most are in both, and more than chance would put there.

    >>> half, most = np.arange(100) < 60, np.arange(100) % 10 < 7
    >>> round(overlap(half, most), 2), alike(half, most), alike(half, np.arange(100) < 70)
    (0.48, False, True)
    """
    if overlap(one, other) < LIKE:
        return False
    spread = float(one.std() * other.std())
    return spread > 0 and float((one & other).mean() - one.mean() * other.mean()) >= LIKE * spread


def propose(attributes: Sequence[Attribute], customers: pl.DataFrame, targets: Sequence[Floats]) -> Proposals:
    """Propose segments, most telling first.

    Each round looks for what the rounds before do not explain: scores are compared within the strata that the
    earlier proposals make. It ends where nothing gains more than its conditions could by chance.

    Args:
        attributes: what conditions may be about.
        customers: the search half, typed as in `Book.accounts`; at most MOST_SEARCHED are a good number.
        targets: outcomes, higher is better, each (customers,) with NaN where unknown.
    """
    least = max(LEAST_INSIDE, round(LEAST_SHARE_INSIDE * customers.height))
    atoms = build_atoms(attributes, customers, least)
    table = Table(customers)
    strata = np.zeros(customers.height, dtype=np.intp)
    proposals: list[Proposal] = []
    searched = 0
    for _ in range(MOST_PROPOSALS):
        scores = whitened(targets, strata)
        found, looked_at = search(Space.of(atoms, scores, least))
        searched += looked_at
        telling = [one for one in found if one.gain > 0]
        if not telling:
            break
        wheres = [where_of(atoms, one.runs) for one in telling]
        direction = along(scores, table.holds(wheres[0]))
        ground = Ground(table, direction, atoms.level_cost, least)
        proposal, inside = _proposal(wheres, ground, targets, strata)
        proposals.append(proposal)
        strata = crossed(strata, inside)
    return Proposals(proposals, searched, atoms.level_cost)


def _proposal(
    wheres: Sequence[Where], ground: Ground, targets: Sequence[Floats], strata: Ints
) -> tuple[Proposal, Mask]:
    """Make a proposal of the search's rules, best first; and where it holds."""
    refined = [refine(where, ground) for where in wheres[:_REFINED]]
    best = max(refined, key=ground.gain)
    inside = ground.customers.holds(best)
    rivals = list(_meaning_the_same(inside, dict.fromkeys([*refined, *wheres[:_LOOKED_THROUGH]]), ground))
    z = sum(contrast(normal_scores(target), inside, strata).z for target in targets)
    return Proposal(best, [where for where in rivals if where != best][:_RIVALS], better=z > 0), inside


def _meaning_the_same(inside: Mask, wheres: Iterable[Where], ground: Ground) -> Iterator[Where]:
    for where in wheres:
        if alike(inside, ground.customers.holds(where)):
            yield where
