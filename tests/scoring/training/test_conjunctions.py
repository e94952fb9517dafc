from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.rules import Between
from scoring.training.attributes import Attribute
from scoring.training.conditions import LARGEST_SHARE, Atoms, Floats, Where, build_atoms, holds_for
from scoring.training.conjunctions import Space, search, where_of
from scoring.training.evidence import whitened

ATTRIBUTES = (
    Attribute("industry", "category"),
    Attribute("employees", "number"),
    Attribute("technologies", "tags"),
)


def customers(rng: np.random.Generator, count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "industry": rng.choice(["a", "b", "c"], count).tolist(),
            "employees": [None if rng.random() < 0.1 else float(rng.integers(0, 5)) for _ in range(count)],
            "technologies": [sorted({*rng.choice(["x", "y", "z"], 2)}) for _ in range(count)],
        }
    )


def gain_of(where: Where, atoms: Atoms, table: pl.DataFrame, scores: Floats, least: int) -> float:
    """The definition, for one rule: Hotelling's T squared less what its choices cost."""
    inside = holds_for(where, table)
    n, rows = inside.sum(), table.height
    if not least <= n <= LARGEST_SHARE * rows:
        return -np.inf
    bound_cost = atoms.costs[atoms.numbers[0][0]] if atoms.numbers else 0.0
    cost = sum(
        ((one.min is not None) + (one.max is not None)) * bound_cost
        if isinstance(one, Between)
        else atoms.level_cost
        for _, one in where
    )
    return float((scores[inside].sum(axis=0) ** 2).sum() / (n * (1 - n / rows)) - cost)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_gains_are_those_of_the_definition_and_pairs_are_searched_in_full(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = customers(rng, 80)
    atoms = build_atoms(ATTRIBUTES, table, 5)
    scores = whitened([rng.normal(size=80), rng.normal(size=80)], np.zeros(80, dtype=np.intp))
    found, _ = search(Space.of(atoms, scores, 5), depth=2)
    for one in found[::5]:
        assert one.gain == pytest.approx(
            gain_of(where_of(atoms, one.runs), atoms, table, scores, 5), abs=1e-3
        )
    start, stop = atoms.numbers[0]
    runs = [(at, at) for at in range(len(atoms.owner)) if atoms.block[at] < 0]
    runs += [
        (first, last)
        for first in range(start, stop)
        for last in range(first, stop)
        if (first, last) != (start, stop - 1)
    ]
    pairs = [
        (one, other)
        for one, other in combinations(runs, 2)
        if atoms.owner[one[0]] != atoms.owner[other[0]] or atoms.repeatable[one[0]]
    ]
    every = [*((run,) for run in runs), *pairs]
    best = max(gain_of(where_of(atoms, rule), atoms, table, scores, 5) for rule in every)
    assert found[0].gain == pytest.approx(best, abs=1e-3)


def test_no_conjunction_asks_twice_for_what_an_account_has_once() -> None:
    rng = np.random.default_rng(1)
    table = customers(rng, 200)
    atoms = build_atoms(ATTRIBUTES, table, 5)
    found, looked_at = search(Space.of(atoms, rng.normal(size=(200, 1)), 5))
    assert looked_at >= len(found)
    assert max(len(one.runs) for one in found) == 3
    assert len({one.runs for one in found}) == len(found)
    for one in found:
        names = [name for name, _ in where_of(atoms, one.runs)]
        assert names.count("industry") <= 1
        assert names.count("employees") <= 1


def test_a_search_within_a_rule_joins_conditions_to_it() -> None:
    rng = np.random.default_rng(2)
    table = customers(rng, 300)
    atoms = build_atoms(ATTRIBUTES, table, 5)
    within = rng.random(300) < 0.5
    scores = rng.normal(size=(300, 1))
    found, _ = search(Space.of(atoms, scores, 5, within=within), depth=1)
    for one in found:
        inside = within & holds_for(where_of(atoms, one.runs), table)
        n = inside.sum()
        cost = one.gain - scores[inside].sum() ** 2 / (n * (1 - n / 300))
        assert -cost == pytest.approx(round(-cost / atoms.level_cost) * atoms.level_cost, abs=1e-3) or (
            isinstance(where_of(atoms, one.runs)[0][1], Between)
        )


def test_without_atoms_nothing_is_found() -> None:
    atoms = build_atoms([], pl.DataFrame({"x": [1.0] * 50}), 5)
    assert search(Space.of(atoms, np.ones((50, 1)), 5)) == ([], 0)
