"""What is found in a book before people decide: candidate segments, the power of attributes, group figures.

Plain results, without the search or the arithmetic that made them, so that plans, cards and reports depend on
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scoring.rules import Condition, Rule

Kind = Literal["base", "segment", "candidate", "exclusion", "cohort"]  # of a group of accounts


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a group of accounts.

    `value` is the group's own, `low` and `high` its 90% bootstrap interval, `shrunk` the value drawn toward
    the base, (n * value + k * base) / (n + k). None where the book cannot tell; `n` is what it rests on.
    """

    value: float | None
    low: float | None
    high: float | None
    shrunk: float | None
    n: int


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """The growth metrics of a group; it is named by its kind and id together.

    `figures` is by metric: nrr, grr, logo_retention, expansion_rate, clv, payback, ltv_cac, and the secondary
    win_rate, sales_cycle, acv, velocity.
    """

    id: str
    name: str
    kind: Kind
    customers: int
    figures: Mapping[str, Figure]
    flags: Sequence[str]  # sentences, such as an NRR under 100% or the win-rate trap


@dataclass(frozen=True, slots=True)
class Effect:
    """What a segment's customers turned out to be, on the half of the book that the search never saw."""

    metric: str  # nrr, clv or payback
    inside: float  # mean outcome in its own unit
    outside: float
    low: float  # 90% interval of `inside`
    high: float
    p_value: float
    q_value: float  # Benjamini-Hochberg, over everything that was tested
    n: int  # customers inside, in the test half, whose outcome is known


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment that the machine proposes and people decide on."""

    id: str  # as a plan's ids are: lower case, digits, dashes
    where: Sequence[tuple[str, Condition]]
    better: bool  # than all others; else worse: a candidate for an exclusion
    customers: int
    prospects: int | None  # None where the book has none
    effects: Mapping[str, Effect]  # by objective
    flags: Sequence[str]  # sentences: covers most prospects, two kinds of customers inside, ...
    merged: Sequence[str]  # sentences of overlapping candidates that it stands for

    @property
    def rule(self) -> Rule:
        """The candidate as a rule that can be asked."""
        return Rule(self.id, self.where)


@dataclass(frozen=True, slots=True)
class AttributePower:
    """How much one attribute tells, alone and beside all others."""

    attribute: str
    alone: Mapping[str, float]  # by objective: out-of-fold R squared of the attribute alone, at least 0
    filled: float  # share of customers that have it
    stop: str  # why its enrichment could be stopped; empty where it is worth having


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the search for segments found, and how much it tried."""

    candidates: Sequence[Candidate]  # best first
    searched: int  # conjunctions looked at on the first half
    tested: int  # of those, tested on the second half
    attributes: Sequence[AttributePower]  # most telling first
    note: str  # why nothing was found, or empty
