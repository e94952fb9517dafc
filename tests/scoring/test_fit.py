from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import RequestError
from scoring.fit import BASE, ENTRY_GRID, POINT_GRID, Fit, FitModel, Objective, to_grid
from scoring.plan import OBJECTIVES, PRESETS
from tests.scoring import obvious
from tests.scoring.models import CORRELATION, SIZES, TERMS, fit_model

MODEL = fit_model()
BALANCED = MODEL.preset("balanced")

rows = st.tuples(*(st.integers(0, size - 1) for size in SIZES))
weights = st.dictionaries(st.sampled_from(OBJECTIVES), st.floats(0.01, 10), min_size=1)


def fitted(codes: list[tuple[int, ...]], objectives: list[Objective]) -> Fit:
    return MODEL.fit(np.array(codes, np.int32).reshape(-1, len(SIZES)), objectives)


@given(rows, weights)
def test_fit_is_50_plus_20_times_the_weighted_z_over_its_spread(
    codes: tuple[int, ...], asked: dict[str, float]
) -> None:
    fit = fitted([codes], [MODEL.objective("custom", asked)])
    assert fit.z[0].tolist() == obvious.z(codes)  # entries are on the grid: sums are exact
    assert fit.unclipped[0] == pytest.approx(obvious.unclipped(codes, asked), abs=len(TERMS) * POINT_GRID)
    assert fit.points[0].tolist() == pytest.approx(
        list(obvious.points(codes, asked).values()), abs=POINT_GRID
    )
    assert fit.coverage[0] == pytest.approx(obvious.coverage(codes, asked), abs=1e-5)


def test_every_cell_of_every_table_is_looked_up_where_it_stands() -> None:
    codes = list(itertools.product(*(range(size) for size in SIZES)))
    z = fitted(codes, [BALANCED] * len(codes)).z
    for row in range(0, len(codes), 7):
        assert z[row].tolist() == obvious.z(codes[row])


@given(rows, weights, st.randoms(use_true_random=False))
def test_base_and_points_are_the_unclipped_fit_exactly_in_any_order(
    codes: tuple[int, ...], asked: dict[str, float], chance: random.Random
) -> None:
    fit = fitted([codes], [MODEL.objective("custom", asked)])
    parts = [BASE, *fit.points[0].tolist()]
    unclipped = fit.unclipped[0]
    for _ in range(5):
        chance.shuffle(parts)
        assert sum(parts) == unclipped
    assert math.fsum(parts) == unclipped
    assert fit.value[0] == min(max(unclipped, 0.0), 100.0)


@settings(deadline=None)
@given(st.lists(st.tuples(rows, weights), min_size=1, max_size=40))
def test_a_batch_is_each_account_alone_to_the_bit(
    asked: list[tuple[tuple[int, ...], dict[str, float]]],
) -> None:
    objectives = [MODEL.objective("custom", each) for _, each in asked]
    together = fitted([codes for codes, _ in asked], objectives)
    for row, ((codes, _), objective) in enumerate(zip(asked, objectives, strict=True)):
        alone = fitted([codes], [objective])
        for name in ("points", "z", "coverage", "unclipped", "value", "bands"):
            assert getattr(alone, name)[0].tolist() == getattr(together, name)[row].tolist()


def test_fit_stays_within_0_and_100_while_the_points_do_not() -> None:
    codes = list(itertools.product(*(range(size) for size in SIZES)))
    fit = fitted(codes, [BALANCED] * len(codes))
    assert fit.unclipped.min() < 0
    assert fit.unclipped.max() > 100
    assert (fit.value.min(), fit.value.max()) == (0.0, 100.0)


def test_no_accounts_have_no_fit() -> None:
    fit = fitted([], [])
    assert (fit.value.shape, fit.points.shape, fit.bands.shape) == ((0,), (0, len(TERMS)), (0, 3))


def test_coverage_runs_from_nothing_known_to_all_known() -> None:
    assert fitted([(0,) * 7, (1,) * 7], [BALANCED] * 2).coverage.tolist() == [0.0, 1.0]


def test_a_model_that_weighs_nothing_covers_nothing() -> None:
    model = replace(MODEL, importance=np.zeros_like(MODEL.importance))
    assert model.fit(np.ones((1, 7), np.int32), [BALANCED]).coverage.tolist() == [0.0]


def test_bands_part_z_at_the_calibration_edges_and_an_edge_belongs_to_the_right() -> None:
    fit = Fit(
        MODEL,
        codes=np.zeros((4, 7), np.int32),
        points=np.zeros((4, len(TERMS))),
        z=np.array([[-0.1, 9, -0.6], [0.0, 9, -0.5], [0.1, 9, 0.4], [5.0, 9, 0.5]]),
        coverage=np.zeros(4),
    )
    assert fit.bands.tolist() == [[0, 0, 0], [1, 0, 1], [1, 0, 1], [1, 0, 2]]


@given(weights, st.floats(0.001, 1000))
def test_weights_are_normalised_and_only_their_proportions_matter(
    asked: dict[str, float], scale: float
) -> None:
    objective = MODEL.objective("custom", asked)
    total = sum(asked.values())
    assert objective.name == "custom"
    assert objective.weights == pytest.approx({name: asked.get(name, 0.0) / total for name in OBJECTIVES})
    scaled = MODEL.objective("custom", {name: weight * scale for name, weight in asked.items()})
    assert scaled.factors == pytest.approx(objective.factors)


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e200, 1.7e308])
def test_weights_may_be_as_small_or_large_as_numbers_get(size: float) -> None:
    objective = MODEL.objective("custom", dict.fromkeys(OBJECTIVES, size))
    alike = MODEL.objective("custom", dict.fromkeys(OBJECTIVES, 1.0))
    assert objective.factors == pytest.approx(alike.factors, rel=1e-15)
    assert objective.weights == pytest.approx(alike.weights, rel=1e-15)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_its_weights(name: str) -> None:
    objective = MODEL.preset(name)
    assert objective.name == name
    assert objective.weights == pytest.approx({key: PRESETS[name].get(key, 0.0) for key in OBJECTIVES})


def refused(model: FitModel, asked: dict[str, float] | str) -> tuple[str, str, str]:
    with pytest.raises(RequestError) as caught:
        model.preset(asked) if isinstance(asked, str) else model.objective("custom", asked)
    return caught.value.code, caught.value.field, str(caught.value)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    code, field, message = refused(MODEL, "win_rate")
    assert (code, field) == ("objective_invalid", "objective")
    assert all(name in message for name in PRESETS)


def test_an_unknown_objective_is_refused_with_the_known_ones() -> None:
    code, field, message = refused(MODEL, {"growth": 1.0, "win_rate": 0.0})
    assert (code, field) == ("objective_invalid", "objective")
    assert all(name in message for name in OBJECTIVES)


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_no_weight_is_refused_by_name(weight: float) -> None:
    code, field, _ = refused(MODEL, {"growth": 1.0, "efficiency": weight})
    assert (code, field) == ("objective_invalid", "objective.efficiency")


@pytest.mark.parametrize("asked", [{}, {"growth": 0.0}, dict.fromkeys(OBJECTIVES, 0.0)])
def test_no_weight_at_all_is_refused(asked: dict[str, float]) -> None:
    code, field, message = refused(MODEL, asked)
    assert (code, field) == ("objective_invalid", "objective")
    assert "above 0" in message


def test_a_weight_for_what_the_model_lacks_is_refused_as_unavailable() -> None:
    model = fit_model(["growth", "lifetime_value"])
    for asked in ({"growth": 1.0, "efficiency": 0.1}, "balanced", "efficiency"):
        code, field, message = refused(model, asked)
        assert (code, field) == ("objective_unavailable", "objective.efficiency")
        assert "growth, lifetime_value" in message
    assert model.objective("custom", {"growth": 2.0, "efficiency": 0.0}).weights == {
        "growth": 1.0,
        "lifetime_value": 0.0,
    }


def test_objectives_that_cancel_each_other_out_are_refused() -> None:
    opposite = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])
    model = replace(MODEL, correlation=opposite)
    code, field, message = refused(model, {"growth": 0.5, "efficiency": 0.5})
    assert (code, field) == ("objective_invalid", "objective")
    assert "cancel" in message
    assert model.objective("custom", {"growth": 0.8, "efficiency": 0.2}).factors == pytest.approx(
        (20 * 0.8 / 0.6, 0.0, 20 * 0.2 / 0.6)
    )


def test_a_model_of_one_objective_gives_20_points_a_standard_deviation() -> None:
    model = fit_model(["efficiency"])
    objective = model.objective("plan", {"efficiency": 0.2})
    assert objective.factors == (20.0,)
    fit = model.fit(np.array([(1, 2, 1, 2, 1, 2, 1)], np.int32), [objective])
    z = obvious.z((1, 2, 1, 2, 1, 2, 1))[2]
    assert fit.unclipped[0] == pytest.approx(50 + 20 * z, abs=1e-5)


def test_the_small_model_is_correlated() -> None:  # else s_w would go untested
    assert np.count_nonzero(CORRELATION - np.eye(3)) == 6


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50), st.randoms(use_true_random=False))
def test_numbers_on_the_grid_add_up_exactly(numbers: list[float], chance: random.Random) -> None:
    on_grid = to_grid(np.array(numbers), ENTRY_GRID).tolist()
    assert on_grid == pytest.approx(numbers, abs=ENTRY_GRID)
    total = math.fsum(on_grid)
    chance.shuffle(on_grid)
    assert sum(on_grid) == total == np.array(on_grid).sum()
