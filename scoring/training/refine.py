"""Refining a rule on given customers: bounds are set exactly, conditions come and go by what they gain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.rules import Between, Condition, Has
from scoring.training.bounds import BOUND_COST, profile
from scoring.training.conditions import Atoms, Floats, Mask, Table, Where, is_segment
from scoring.training.conjunctions import DEPTH, Space, search

_PASSES = 4  # over all conditions; it stops where a pass changes nothing


@dataclass(frozen=True, eq=False, slots=True)
class Ground:
    """The customers a rule is refined on."""

    customers: Table
    scores: Floats  # (customers,), see `along`; above 0 is what the rule is after
    level_cost: float  # of a category, tag or flag; see `conditions.cost_of`
    least: int

    def chi_squared(self, inside: Mask) -> float:
        """Return the squared z-value of a group.

        Minus infinity where the group is too small, nearly everybody, or not what the rule is after.
        """
        n, rows = int(inside.sum()), len(inside)
        held = float(self.scores[inside].sum())
        if not is_segment(np.array(n), rows, self.least) or held <= 0:
            return -np.inf
        return held**2 / (n * (1 - n / rows))

    def gain(self, where: Where) -> float:
        """Return the squared z-value of a rule less what its conditions cost."""
        return self.chi_squared(self.customers.holds(where)) - sum(self.cost(one) for _, one in where)

    def cost(self, condition: Condition) -> float:
        """Return what a condition must gain to be worth having."""
        if isinstance(condition, Between):
            return BOUND_COST * ((condition.min is not None) + (condition.max is not None))
        return self.level_cost


def along(scores: Floats, inside: Mask) -> Floats:
    """Project whitened scores, (customers, columns), on the direction in which a group differs: (customers,).

    The group is above 0 there. Of all directions it is the one that tells the group best from the others
    (Fisher's linear discriminant), so bounds set along it follow each outcome as far as it differs.
    """
    mean = scores[inside].sum(axis=0)
    length = float(np.linalg.norm(mean))
    return scores @ (mean / length) if length > 0 else scores[:, 0]


def refine(where: Where, ground: Ground) -> Where:
    """Return the rule that gains most near a rule: one condition at a time is dropped or set anew."""
    for _ in range(_PASSES):
        before = where
        for place in range(len(where)):
            if place < len(where):
                where = _set_anew(where, place, ground)
        where = _without_needless(where, ground)
        if where == before:
            break
    return where


def extend(where: Where, ground: Ground, atoms: Atoms) -> Where:
    """Add the conditions that a rule is still missing, up to DEPTH.

    Args:
        where: the rule.
        ground: the customers it is extended on.
        atoms: of the same customers.
    """
    while len(where) < DEPTH:
        inside = ground.customers.holds(where)
        found, _ = search(Space.of(atoms, ground.scores[:, None], ground.least, within=inside), depth=1)
        further = (atoms.condition(*one.runs[0]) for one in found)
        new = next((one for one in further if _is_new(one, where)), None)
        if new is None:
            break
        longer = refine((*where, new), ground)
        if ground.gain(longer) <= ground.gain(where):
            break
        where = longer
    return where


def _is_new(one: tuple[str, Condition], where: Where) -> bool:
    name, condition = one
    return one not in where and (isinstance(condition, Has) or name not in {taken for taken, _ in where})


def _without_needless(where: Where, ground: Ground) -> Where:
    while len(where) > 1:
        shorter = [where[:place] + where[place + 1 :] for place in range(len(where))]
        best = max(shorter, key=ground.gain)
        if ground.gain(best) < ground.gain(where):
            break
        where = best
    return where


def _set_anew(where: Where, place: int, ground: Ground) -> Where:
    return _with_best_bounds(where, place, ground) if isinstance(where[place][1], Between) else where


def _with_best_bounds(where: Where, place: int, ground: Ground) -> Where:
    """Put the best interval, in round numbers, in place of the present one."""
    name = where[place][0]
    others = ground.customers.holds(where[:place] + where[place + 1 :])
    shape = profile(ground.customers.numbers(name), others, ground.scores, ground.least)
    low, high = np.unravel_index(np.argmax(shape.gain), shape.gain.shape)
    if not np.isfinite(shape.gain[low, high]):
        return where
    bounds = shape.bounds(int(low), int(high))
    if bounds is None:  # the whole scale: the condition asks for nothing but that the number is known
        return where if len(where) == 1 else where[:place] + where[place + 1 :]
    return (*where[:place], (name, bounds), *where[place + 1 :])
