import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scoring.rules import Between
from scoring.training.bounds import BOUND_COST, profile, roundest


@pytest.mark.parametrize(
    ("low", "high", "wanted", "round_number"),
    [
        (187, 214, 190, 200),
        (1890, 2140, 1900, 2000),
        (190, 310, 290, 300),
        (241, 262, 260, 250),
        (2009, 2013, 2012, 2010),
        (-214, -187, -190, -200),
        (-3, 5, 4, 0),
        (17, 17, 17, 17),
        (0.031, 0.034, 0.033, 0.033),
        (99_000, 1_040_000, 120_000, 1_000_000),
    ],
)
def test_a_bound_is_written_as_people_would(
    low: float, high: float, wanted: float, round_number: float
) -> None:
    assert roundest(low, high, wanted) == pytest.approx(round_number)


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9), st.floats(0, 1))
def test_a_round_number_stays_within_what_is_as_good(low: float, width: float, at: float) -> None:
    high = low + width
    wanted = min(max(low + at * width, low), high)
    assert low <= roundest(low, high, wanted) <= high


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_the_profile_is_what_each_interval_gains_counted_one_by_one(seed: int, distinct: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, distinct, 60).astype(np.float64)
    values[rng.random(60) < 0.1] = np.nan
    assume(np.isfinite(values).any())
    others, scores = rng.random(60) < 0.8, rng.normal(size=60)
    shape = profile(values, others, scores, 3)
    for i, low in enumerate(shape.first):
        for j, high in enumerate(shape.values):
            inside = others & (values >= low) & (values <= high)
            n, held = inside.sum(), scores[inside].sum()
            if i > j or not 3 <= n <= 40 or held <= 0:
                assert shape.gain[i, j] == -math.inf
                continue
            bounds = (i > 0) + (j < len(shape.values) - 1)
            assert shape.gain[i, j] == pytest.approx(held**2 / (n * (1 - n / 60)) - bounds * BOUND_COST)


def test_a_bound_between_two_values_is_the_roundest_there() -> None:
    values = np.array([*np.arange(100.0, 190.0), *np.arange(212.0, 300.0)])
    scores = np.where(values > 200, 1.0, -1.0)
    shape = profile(values, np.ones(len(values), dtype=np.bool_), scores, 5)
    low, high = np.unravel_index(np.argmax(shape.gain), shape.gain.shape)
    assert shape.bounds(int(low), int(high)) == Between(min=200)


def test_bounds_that_cannot_be_told_apart_give_way_to_a_round_one() -> None:
    """Three customers from 197 to 199 score a little too: whether they belong nobody can tell."""
    values = np.arange(100.0, 300.0)
    scores = np.where(values >= 200, 1.0, -1.0)
    scores[97:100] = 0.15
    shape = profile(values, np.ones(200, dtype=np.bool_), scores, 5)
    low, high = np.unravel_index(np.argmax(shape.gain), shape.gain.shape)
    assert shape.first[low] < 200
    assert shape.bounds(int(low), int(high)) == Between(min=200)


def test_a_bound_that_gains_less_than_it_costs_is_left_open() -> None:
    values = np.arange(200.0)
    scores = np.where(values >= 100, 1.0, -1.0)
    scores[-1] = -1.0
    shape = profile(values, np.ones(200, dtype=np.bool_), scores, 5)
    low, high = np.unravel_index(np.argmax(shape.gain), shape.gain.shape)
    found = shape.bounds(int(low), int(high))
    assert found == Between(min=100)


def test_the_whole_scale_is_no_condition() -> None:
    values = np.arange(50.0)
    shape = profile(values, np.ones(50, dtype=np.bool_), np.ones(50), 5)
    assert shape.bounds(0, 49) is None
