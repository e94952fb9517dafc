"""Groups of accounts, everybody, segments, candidates and cohorts, and their growth metrics side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from scoring.plan import Plan
from scoring.rules import Rule
from scoring.training.account_sums import AccountSums, Masks
from scoring.training.book import Book
from scoring.training.conditions import holds_for
from scoring.training.found import Figure, GroupFigures, Kind
from scoring.training.group_flags import CHANCE, plain_flags, trap_chance, trap_flag
from scoring.training.measures import measure
from scoring.training.resampling import Z_TAIL

BASE = "base"
_TRIED: tuple[Kind, ...] = ("segment", "candidate", "exclusion")  # groups that people choose among
_BEFORE_BUYING = ("win_rate", "velocity")  # figures of accounts that may not have bought yet
_GROW_WITH_SIZE = ("velocity",)  # so everybody's says nothing about a group's
_UNKNOWN = Figure(None, None, None, None, 0)

Figures = dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts to be measured together; `members` are ids of customers and of prospects."""

    id: str
    name: str
    kind: Kind
    members: pl.Series


def members_of(rule: Rule, book: Book) -> pl.Series:
    """Return the ids of the accounts and prospects that a rule holds for."""
    frames = [frame for frame in (book.accounts, book.prospects) if frame is not None]
    return pl.concat([frame["account_id"].filter(holds_for(rule.where, frame)) for frame in frames])


def cohorts(metrics: pl.DataFrame, every: Literal["year", "quarter"] = "year") -> tuple[Group, ...]:
    """Return the customers by when they first paid, earliest first; those that never did are in none.

    >>> days = pl.Series("first_date", ["2023-05-01", "2024-01-01"]).str.to_date()
    >>> found = cohorts(pl.DataFrame([pl.Series("account_id", ["a", "b"]), days]), "quarter")
    >>> [(group.id, group.name, group.members.to_list()) for group in found]
    [('cohort-2023-q2', 'First paid in 2023 Q2', ['a']), ('cohort-2024-q1', 'First paid in 2024 Q1', ['b'])]
    """
    first = pl.col("first_date").dt
    when = first.year().cast(pl.String)
    if every == "quarter":
        when = pl.format("{} Q{}", first.year(), first.quarter())
    dated = metrics.filter(pl.col("first_date").is_not_null()).select("account_id", when.alias("when"))
    parts = dated.sort("when", maintain_order=True).partition_by("when", maintain_order=True)
    names = [str(part["when"][0]) for part in parts]
    return tuple(
        Group(
            f"cohort-{name.lower().replace(' ', '-')}", f"First paid in {name}", "cohort", part["account_id"]
        )
        for name, part in zip(names, parts, strict=True)
    )


def group_figures(
    book: Book, plan: Plan, metrics: pl.DataFrame, groups: Sequence[Group], *, seed: int = 0
) -> tuple[GroupFigures, ...]:
    """Measure everybody, and then each group in the given order; groups may overlap.

    Figures and intervals are those of `measure`. The secondary metrics are unknown without opportunities; win
    rate and velocity are unknown for cohorts too, as whoever is in one has bought.

    `shrunk` is (n * value + k * base) / (n + k), k being the variance between accounts over that between the
    groups of a kind: max(0, sum n (value - base)^2 - groups * variance) / sum n, an empirical-Bayes estimate
    by moments (C. Morris, "Parametric empirical Bayes inference", JASA 78, 1983). Groups that differ by no
    more than chance are so drawn to the base wholly. Velocity grows with a group's size and is not shrunk.

    Args:
        book: for its opportunities.
        plan: for the day the book speaks of and the window.
        metrics: of `account_metrics`.
        groups: those of one kind differ in their ids.
        seed: of the bootstrap. A group's interval does not depend on which others are measured.

    Raises:
        ValueError: two groups of one kind have one id.
    """
    sums = AccountSums.of(book, plan, metrics)
    everyone = (Group(BASE, "Everybody", "base", sums.ids), *groups)
    names = [(group.kind, group.id) for group in everyone]
    if len(set(names)) < len(names):
        raise ValueError(f"groups of one kind need ids of their own: {names[1:]}")
    masks = [sums.holds(group.members) for group in everyone]
    measured = [_measure(sums, mask, group, seed) for group, mask in zip(everyone, masks, strict=True)]
    traps = _traps(sums, everyone, masks)
    return tuple(
        _said(group, int((mask & sums.customers).sum()), figures, measured[0], trap=trap)
        for group, mask, figures, trap in zip(
            everyone, masks, _shrunk(everyone, measured), traps, strict=True
        )
    )


def _measure(sums: AccountSums, mask: Masks, group: Group, seed: int) -> Figures:
    figures = measure(sums, mask, np.random.default_rng([seed, *group.id.encode()]))
    if group.kind == "cohort":
        figures |= dict.fromkeys(_BEFORE_BUYING, _UNKNOWN)
    return figures


def _said(group: Group, customers: int, figures: Figures, base: Figures, *, trap: bool) -> GroupFigures:
    flags = list(plain_flags(customers, figures))
    if trap:
        flags.append(trap_flag(figures, base))
    return GroupFigures(group.id, group.name, group.kind, customers, figures, tuple(flags))


def _traps(sums: AccountSums, everyone: Sequence[Group], masks: Sequence[Masks]) -> list[bool]:
    """Tell which groups are win-rate traps beyond chance, all that were tried being allowed for."""
    tried = [group.kind in _TRIED for group in everyone]
    return [
        asked and trap_chance(sums, mask) * sum(tried) < CHANCE
        for asked, mask in zip(tried, masks, strict=True)
    ]


def _shrunk(everyone: Sequence[Group], measured: Sequence[Figures]) -> list[Figures]:
    """Draw each group's figures toward the base; see `group_figures`."""
    base, shrunk = measured[0], [dict(figures) for figures in measured]
    for kind in sorted({group.kind for group in everyone[1:]}):
        places = [place for place, group in enumerate(everyone) if group.kind == kind]
        for name in base:
            found = [measured[place][name] for place in places]
            k = None if name in _GROW_WITH_SIZE else _pull(base[name], found)
            for place, figure in zip(places, found, strict=True):
                shrunk[place][name] = replace(figure, shrunk=_drawn(figure, base[name], k))
    for figures in shrunk:
        figures |= {name: replace(figures[name], shrunk=None) for name in _GROW_WITH_SIZE}
    return shrunk


def _pull(base: Figure, found: Sequence[Figure]) -> float | None:
    """Return k, infinite where groups differ by chance alone; None where the base has no interval."""
    if base.value is None or base.low is None or base.high is None:
        return None
    variance = base.n * ((base.high - base.low) / (2 * Z_TAIL)) ** 2
    known = [(figure.n, figure.value) for figure in found if figure.value is not None and figure.n]
    spread = sum(n * (value - base.value) ** 2 for n, value in known) - len(known) * variance
    between = spread / max(sum(n for n, _ in known), 1)
    return variance / between if between > 0 else float("inf")


def _drawn(figure: Figure, base: Figure, k: float | None) -> float | None:
    if figure.value is None or base.value is None or k is None:
        return None
    weight = 0.0 if k == float("inf") else figure.n / (figure.n + k)
    return weight * figure.value + (1 - weight) * base.value
