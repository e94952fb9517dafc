"""Conditions that a segment may be made of, and which accounts they hold for, a whole table at a time.

The search looks at atoms: a category, a tag, a flag, or one of a few intervals of a number. A condition of
the search is a run of atoms of one attribute; said as in `scoring.rules`, it can stand in a plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.rules import Between, Condition, Flag, Has, Missing, OneOf
from scoring.training.attributes import Attribute

Mask: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
Where: TypeAlias = tuple[tuple[str, Condition], ...]

INTERVALS = 24  # of a number, in the search; bounds are set on all its values afterwards
MOST_LEVELS = 200  # of a category or tag list, the most frequent ones
MOST_CUTS = 400  # places where a bound may stand
LARGEST_SHARE = 2 / 3  # of the customers that a segment may hold; what is left says more of a larger one


class Table:
    """Accounts, and for whom conditions hold; a condition that is asked again is not worked out again."""

    def __init__(self, accounts: pl.DataFrame) -> None:
        self.accounts = accounts  # typed as in `Book.accounts`
        self._numbers: dict[str, Floats] = {}
        self._held: dict[tuple[str, Condition], Mask] = {}

    def numbers(self, name: str) -> Floats:
        """Return a column of numbers: (accounts,), NaN where missing."""
        if name not in self._numbers:
            column = self.accounts[name].cast(pl.Float64)
            self._numbers[name] = column.fill_null(float("nan")).to_numpy()
        return self._numbers[name]

    def holds(self, where: Sequence[tuple[str, Condition]]) -> Mask:
        """Tell for which accounts all conditions hold: (accounts,), as `Rule.matches` tells for one."""
        held = np.ones(self.accounts.height, dtype=np.bool_)
        for name, condition in where:
            held &= self._one(name, condition)
        return held

    def _one(self, name: str, condition: Condition) -> Mask:
        if name not in self.accounts.columns:  # a rule may name what is no attribute
            return np.full(self.accounts.height, condition.holds(None))
        column = self.accounts[name]
        if isinstance(condition, Between) and column.dtype.is_numeric():  # bounds are many, and quick
            return _between(condition, self.numbers(name))
        if (name, condition) not in self._held:
            self._held[name, condition] = _holds(condition, column)
        return self._held[name, condition]


def holds_for(where: Sequence[tuple[str, Condition]], accounts: pl.DataFrame) -> Mask:
    """Tell for which accounts all conditions hold: (accounts,), as `Rule.matches` tells for one.

    Args:
        where: the conditions by attribute.
        accounts: typed as in `Book.accounts`.

    >>> accounts = pl.DataFrame({"employees": [50.0, 500.0, None], "hiring": [True, True, False]})
    >>> holds_for((("employees", Between(min=200)), ("hiring", Flag(flag=True))), accounts)
    array([False,  True, False])
    """
    return Table(accounts).holds(where)


def _between(condition: Between, values: Floats) -> Mask:
    held = np.isfinite(values)
    if condition.min is not None:
        held &= values >= condition.min
    if condition.max is not None:
        held &= values <= condition.max
    return held


def _holds(condition: Condition, column: pl.Series) -> Mask:
    match condition, column.dtype:
        case Missing(missing=missing), _:
            return (column.is_null() if missing else column.is_not_null()).to_numpy()
        case OneOf(one_of=levels), pl.String():
            held = column.is_in(list(levels))
        case Flag(flag=flag), pl.Boolean():
            held = column == flag
        case Has(has=tags), pl.List():
            held = pl.Series(np.ones(len(column), dtype=np.bool_))
            for tag in tags:
                held &= column.list.contains(tag)
        case _:  # of another kind than the column's: one value at a time, as a request would be read
            held = pl.Series([condition.holds(value) for value in column.to_list()], dtype=pl.Boolean)
    return held.fill_null(value=False).to_numpy()


@dataclass(frozen=True, eq=False, slots=True)
class Atoms:
    """The atoms of a table's attributes.

    `matrix` is (rows, atoms) of 0 and 1. Atoms of one number stand side by side in ascending order; they
    cover the rows where it is known.
    """

    matrix: NDArray[np.float32]
    owner: Ints  # (atoms,): the place of the attribute
    conditions: tuple[tuple[str, Condition], ...]  # of each atom alone
    numbers: tuple[tuple[int, int], ...]  # first atom of a number, and one past its last
    block: Ints  # (atoms,): the first atom of the number it is an interval of, or -1
    repeatable: Mask  # (atoms,): whether a rule may hold several of this attribute, as of a tag list
    costs: Floats  # (atoms,): see `cost_of`; of a number, for each bound
    level_cost: float  # the cost of a category, tag or flag

    def condition(self, first: int, last: int) -> tuple[str, Condition]:
        """Say a run of atoms, `last` included, as a condition; an end of the scale is no bound."""
        name, one = self.conditions[first]
        if not isinstance(one, Between):
            return name, one
        start, stop = next(numbers for numbers in self.numbers if numbers[0] == self.block[first])
        _, end = self.conditions[last]
        if not isinstance(end, Between):
            raise TypeError(f"atoms {first} and {last} are not of one number")
        low = None if first == start else one.min
        return name, Between(min=low, max=None if last == stop - 1 else end.max)


def is_segment(n: NDArray[Any], rows: int, least: int) -> NDArray[np.bool_]:
    """Tell which groups of so many of the rows are neither too small nor nearly everybody.

    >>> is_segment(np.array([4, 5, 66, 67]), 100, 5)
    array([False,  True,  True, False])
    """
    return np.asarray((n >= least) & (n <= LARGEST_SHARE * rows))


def cost_of(choices: int) -> float:
    """Return what a choice among so many must gain in chi squared to be worth making: 2 ln(choices).

    The largest of m chi-squared statistics of one degree of freedom is about 2 ln(m) where nothing is to be
    found (Donoho and Johnstone 1994, the universal threshold).

    >>> round(cost_of(50), 2)
    7.82
    """
    return 2.0 * float(np.log(max(choices, 2)))


def build_atoms(attributes: Sequence[Attribute], accounts: pl.DataFrame, least: int) -> Atoms:
    """Cut a table into atoms; categories, tags and flags that fewer than `least` rows have get none.

    Dates get none: a rule's bounds are numbers, and no account states its date as one.
    """
    columns: list[NDArray[np.float32]] = []
    conditions: list[tuple[str, Condition]] = []
    owner: list[int] = []
    numbers: list[tuple[int, int]] = []
    for place, attribute in enumerate(attributes):
        matrix, found = _atoms_of(attribute, accounts[attribute.name], least)
        if attribute.kind == "number" and found:
            numbers.append((len(conditions), len(conditions) + len(found)))
        columns.append(matrix)
        conditions.extend((attribute.name, condition) for condition in found)
        owner.extend([place] * len(found))
    levels = sum(not isinstance(condition, Between) for _, condition in conditions)
    owners = np.array(owner, dtype=np.intp)
    costs = np.full(len(conditions), cost_of(levels))
    block = np.full(len(conditions), -1, dtype=np.intp)
    for start, stop in numbers:
        costs[start:stop] = cost_of(stop - start)
        block[start:stop] = start
    return Atoms(
        matrix=np.concatenate([np.zeros((accounts.height, 0), np.float32), *columns], axis=1),
        owner=owners,
        conditions=tuple(conditions),
        numbers=tuple(numbers),
        block=block,
        repeatable=np.array([isinstance(condition, Has) for _, condition in conditions], dtype=np.bool_),
        costs=costs,
        level_cost=cost_of(levels),
    )


def _atoms_of(
    attribute: Attribute, column: pl.Series, least: int
) -> tuple[NDArray[np.float32], list[Condition]]:
    match attribute.kind:
        case "date":
            return np.zeros((len(column), 0), np.float32), []
        case "number":
            return _intervals(column)
        case "tags":
            return _tags(column, least)
        case "flag":
            every: list[OneOf | Flag] = [Flag(flag=False), Flag(flag=True)]
        case _:
            every = [OneOf(one_of=(level,)) for level in _frequent(column, least)]
    masks = [_holds(condition, column) for condition in every]
    kept = [at for at, mask in enumerate(masks) if mask.sum() >= least]
    return _stacked([masks[at] for at in kept], len(column)), [*(every[at] for at in kept)]


def _stacked(masks: Sequence[Mask], rows: int) -> NDArray[np.float32]:
    return np.stack(masks, axis=1).astype(np.float32) if masks else np.zeros((rows, 0), np.float32)


def _frequent(values: pl.Series, least: int) -> list[str]:
    """Return the most frequent values, by name."""
    counts = values.drop_nulls().alias("value").value_counts().filter(pl.col("count") >= least)
    frequent = counts.sort(["count", "value"], descending=[True, False]).head(MOST_LEVELS)
    return sorted(frequent["value"].to_list())


def _tags(column: pl.Series, least: int) -> tuple[NDArray[np.float32], list[Condition]]:
    """Mark the rows of each tag in one pass over the lists."""
    pairs = pl.DataFrame({"row": np.arange(len(column)), "tag": column}).explode("tag").drop_nulls()
    names = _frequent(pairs["tag"], least)
    matrix = np.zeros((len(column), len(names)), np.float32)
    places = pairs.join(
        pl.DataFrame({"tag": pl.Series(names, dtype=pl.String), "at": np.arange(len(names))}), on="tag"
    )
    matrix[places["row"].to_numpy(), places["at"].to_numpy()] = 1.0
    return matrix, [Has(has=(name,)) for name in names]


def _intervals(column: pl.Series) -> tuple[NDArray[np.float32], list[Condition]]:
    """Cut a number into intervals that hold like numbers of rows, or one per value where there are few."""
    values = column.to_numpy().astype(np.float64)
    known = np.isfinite(values)
    ends = cut_ends(values[known], INTERVALS)
    if len(ends) < 2:
        return np.zeros((len(values), 0), np.float32), []
    interval = np.searchsorted(ends, values[known])
    matrix = np.zeros((len(values), len(ends)), np.float32)
    matrix[np.flatnonzero(known), interval] = 1.0
    lowest = [float(values[known][interval == at].min()) for at in range(len(ends))]
    return matrix, [Between(min=low, max=float(high)) for low, high in zip(lowest, ends, strict=True)]


def cut_ends(values: Floats, most: int) -> Floats:
    """Return the last values of at most `most` intervals that hold like numbers of `values`.

    >>> cut_ends(np.array([1.0, 2.0, 3.0, 4.0]), 2), cut_ends(np.array([5.0, 7.0, 7.0]), 9)
    (array([2., 4.]), array([5., 7.]))
    """
    distinct = np.unique(values)
    if len(distinct) <= most:
        return distinct
    quantiles = np.quantile(values, np.arange(1, most) / most, method="lower")
    return np.unique(np.append(quantiles, distinct[-1]))
