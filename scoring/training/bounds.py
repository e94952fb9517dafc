"""Where a rule's bounds stand: the best cuts on exact values, then the roundest numbers that are as good."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scoring.rules import Between
from scoring.training.conditions import (
    INTERVALS,
    MOST_CUTS,
    Floats,
    Ints,
    Mask,
    cost_of,
    cut_ends,
    is_segment,
)

AS_GOOD = 2.71  # loss of chi squared within which two bounds cannot be told apart: 90%, one degree of freedom
BOUND_COST = cost_of(INTERVALS)  # as in the search, which chooses among so many


@dataclass(frozen=True, eq=False, slots=True)
class Profile:
    """What each interval of a number would gain: intervals run from cut i to cut j, both included."""

    values: Floats  # (cuts,): the last value of each cut, ascending
    first: Floats  # (cuts,): the first value of each cut
    gain: Floats  # (cuts, cuts): [i, j], minus infinity where that is no segment

    def bounds(self, low: int, high: int) -> Between | None:
        """Say an interval with round numbers; None for the whole scale."""
        last = len(self.values) - 1
        if (low, high) == (0, last):
            return None
        minimum = self._minimum(low, high) if low > 0 else None
        maximum = self._maximum(low, high) if high < last else None
        if minimum is not None and maximum is not None and minimum > maximum:
            minimum, maximum = float(self.first[low]), float(self.values[high])
        return Between(min=minimum, max=maximum)

    def _minimum(self, low: int, high: int) -> float:
        start, stop = _as_good(self.gain[:, high], low, 1, high)
        return roundest(math.nextafter(self.values[start - 1], math.inf), self.first[stop], self.first[low])

    def _maximum(self, low: int, high: int) -> float:
        start, stop = _as_good(self.gain[low], high, low, len(self.values) - 2)
        below_next = math.nextafter(self.first[stop + 1], -math.inf)
        return roundest(float(self.values[start]), below_next, float(self.values[high]))


def _as_good(gains: Floats, best: int, least: int, most: int) -> tuple[int, int]:
    """Return the ends of the run of cuts around the best that are about as good."""
    start = stop = best
    while start > least and gains[start - 1] >= gains[best] - AS_GOOD:
        start -= 1
    while stop < most and gains[stop + 1] >= gains[best] - AS_GOOD:
        stop += 1
    return start, stop


def profile(values: Floats, others: Mask, scores: Floats, least: int) -> Profile:
    """Return the gains of all intervals of a number within what the other conditions hold for.

    Args:
        values: (rows,), NaN where missing.
        others: (rows,), where the rule's other conditions hold.
        scores: (rows,), centred and of unit variance; above 0 is what the rule is after.
        least: rows an interval must hold for.
    """
    known = np.isfinite(values)
    ends = cut_ends(values[known], MOST_CUTS)
    inside = np.flatnonzero(known & others)
    cut = np.searchsorted(ends, values[inside])
    n, rows = _sums_between(np.bincount(cut, minlength=len(ends))), len(values)
    held = _sums_between(np.bincount(cut, weights=scores[inside], minlength=len(ends)))
    enough = is_segment(n, rows, least) & (held > 0)
    n = np.where(enough, n, rows / 2)
    gain = held**2 / (n * (1 - n / rows))
    gain[1:] -= BOUND_COST
    gain[:, :-1] -= BOUND_COST
    ordered = np.unique(values[known])
    firsts = ordered[np.append(0, np.searchsorted(ordered, ends[:-1], side="right"))]
    return Profile(ends, firsts, np.where(enough, gain, -np.inf))


def _sums_between(parts: Floats | Ints) -> Floats:
    """Return the sum of the parts from i to j, both included: [i, j]."""
    total = np.append(0.0, np.cumsum(parts))
    return np.asarray(total[None, 1:] - total[:-1, None])


def roundest(low: float, high: float, wanted: float) -> float:
    """Return the roundest number from `low` to `high`; among equally round ones that nearest to `wanted`.

    >>> roundest(187.0, 214.0, 190.0), roundest(1.5, 260.0, 180.0), roundest(0.031, 0.034, 0.033)
    (200.0, 200.0, 0.033)
    """
    if low <= 0 <= high:
        return 0.0
    top = math.floor(math.log10(max(abs(low), abs(high))))
    for power in range(top, top - 16, -1):
        for lead in (1, 0.5):
            step = lead * 10.0**power
            if step == 0.0:  # below the smallest float there is nothing rounder
                return wanted
            first, last = math.ceil(low / step), math.floor(high / step)
            if first <= last:
                nearest = min(max(round(wanted / step), first), last)
                return min(max(float(f"{nearest * step:.15g}"), low), high)
    return wanted
