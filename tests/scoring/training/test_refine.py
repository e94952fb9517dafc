import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.rules import Between, Flag, Has, OneOf
from scoring.training.attributes import Attribute
from scoring.training.conditions import Floats, Table, Where, build_atoms, cost_of
from scoring.training.proposals import overlap
from scoring.training.refine import Ground, along, extend, refine

RNG = np.random.default_rng(0)
N = 1000
CUSTOMERS = Table(
    pl.DataFrame(
        {
            "industry": RNG.choice(["a", "b", "c"], N).tolist(),
            "employees": np.rint(np.exp(RNG.normal(5, 2, N))),
            "technologies": [sorted({*RNG.choice(["x", "y", "z"], 2)}) for _ in range(N)],
            "hiring": RNG.random(N) < 0.5,
        }
    )
)
ATTRIBUTES = (
    Attribute("industry", "category"),
    Attribute("employees", "number"),
    Attribute("technologies", "tags"),
    Attribute("hiring", "flag"),
)
ATOMS = build_atoms(ATTRIBUTES, CUSTOMERS.accounts, 15)
A, HIRING, HAS_X = (
    ("industry", OneOf(one_of=("a",))),
    ("hiring", Flag(flag=True)),
    ("technologies", Has(has=("x",))),
)


def ground(*truth: object, noise: float = 0.5, seed: int = 1) -> Ground:
    inside = CUSTOMERS.holds(truth)  # type: ignore[arg-type]  # conditions by attribute
    scores = inside + noise * np.random.default_rng(seed).normal(size=N)
    return Ground(CUSTOMERS, (scores - scores.mean()) / scores.std(), cost_of(8), 15)


def test_a_needless_condition_goes() -> None:
    assert refine((A, HIRING, ("employees", Between(min=2))), ground(A)) == (A,)


def test_a_bound_moves_to_where_it_belongs_and_is_round() -> None:
    found = refine((A, ("employees", Between(min=60, max=3000))), ground(A, ("employees", Between(min=100))))
    assert found == (A, ("employees", Between(min=100)))


def test_a_missing_condition_is_added() -> None:
    found = extend((A,), ground(A, HAS_X), ATOMS)
    assert found == (A, HAS_X)
    found = extend((A, HIRING), ground(A, HIRING, ("employees", Between(max=200))), ATOMS)
    assert overlap(
        CUSTOMERS.holds(found), CUSTOMERS.holds((A, HIRING, ("employees", Between(max=200))))
    ) == pytest.approx(1.0, abs=0.06)


def test_nothing_is_added_to_a_rule_that_lacks_nothing_or_is_full() -> None:
    assert extend((A,), ground(A), ATOMS) == (A,)
    full: Where = (A, HIRING, HAS_X)
    assert extend(full, ground(*full, ("employees", Between(min=100))), ATOMS) == full


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_refining_never_costs_more_than_rounding_may(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start: Where = (A, ("employees", Between(min=float(rng.integers(1, 200)))))
    here = ground(A, ("employees", Between(min=float(rng.integers(1, 400)))), noise=1.5, seed=seed)
    assert here.gain(refine(start, here)) >= here.gain(start) - 2 * 2.71


def test_what_is_the_opposite_of_what_the_rule_is_after_gains_nothing() -> None:
    here = ground(A)
    assert here.gain((("industry", OneOf(one_of=("b",))),)) == -np.inf


def test_scores_along_a_group_s_direction_part_it_best() -> None:
    rng = np.random.default_rng(2)
    scores: Floats = rng.normal(size=(500, 3))
    inside = np.arange(500) < 100
    scores[inside] += np.array([1.0, 0.0, -0.5])
    parted = along(scores, inside)
    assert parted[inside].mean() > 0
    for _ in range(50):
        other = rng.normal(size=3)
        assert abs((scores @ other)[inside].sum()) / np.linalg.norm(other) <= parted[inside].sum() + 1e-9
