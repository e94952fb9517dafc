from collections.abc import Callable, Sequence

import numpy as np
import pytest

from scoring.features import Codes, FeatureSchema
from scoring.plan import ObjectiveSection
from scoring.training.additive import Additive, Floats
from scoring.training.held_out import LearntObjective, held_out_fit, held_out_predictions
from scoring.training.learn import learn
from scoring.training.learnt import Evidence, Learnt

RandomCustomers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, Floats]]


def learnt_of(additive: Additive, predictions: Floats) -> Learnt:
    evidence = Evidence("linear", predictions, 0.5, 0.5, 0.0)
    return Learnt(additive, {}, evidence, (), (), additive.predict)


def objective(name: str, table: list[float], out_of_fold: dict[int, float], rows: int) -> LearntObjective:
    known = np.isin(np.arange(rows), list(out_of_fold))
    predictions = np.array([out_of_fold[row] for row in sorted(out_of_fold)])
    return LearntObjective(name, learnt_of(Additive(1.0, {(0,): np.array(table)}), predictions), known)


CODES = np.array([[0], [1], [2], [1]], np.int32)


def test_who_was_learnt_from_is_predicted_out_of_fold_and_others_by_the_whole_model() -> None:
    one = objective("growth", [0.0, 1.0, 2.0], {0: 7.0, 2: 9.0}, rows=4)
    assert held_out_predictions(one, CODES).tolist() == [7.0, 2.0, 9.0, 2.0]


def test_fit_is_fifty_and_twenty_points_for_a_standard_deviation() -> None:
    one = objective("growth", [0.0, 1.0, 2.0], {}, rows=4)
    found = held_out_fit([one], CODES, ObjectiveSection(growth=3.0))
    assert found is not None
    predicted = np.array([1.0, 2.0, 3.0, 2.0])
    assert found.fit == pytest.approx(50 + 20 * (predicted - 2.0) / predicted.std())


def test_objectives_count_by_the_plan_s_weights_and_by_how_alike_they_are() -> None:
    growth, value = (
        objective("growth", [0.0, 1.0, 2.0], {}, rows=4),
        objective("lifetime_value", [5.0, 1.0, 0.0], {}, rows=4),
    )
    found = held_out_fit([growth, value], CODES, ObjectiveSection(growth=2.0, lifetime_value=1.0))
    assert found is not None
    z = [one.learnt.additive.predict(CODES) for one in (growth, value)]
    z = [(each - each.mean()) / each.std() for each in z]
    alike = float(np.mean(z[0] * z[1]))
    expected = 50 + 20 * (2 * z[0] + z[1]) / np.sqrt(4 + 1 + 2 * 2 * alike)
    assert found.fit == pytest.approx(expected)


def test_an_objective_without_weight_or_that_tells_nobody_apart_does_not_count() -> None:
    flat = objective("growth", [0.0, 0.0, 0.0], {}, rows=4)
    useful = objective("efficiency", [0.0, 1.0, 2.0], {}, rows=4)
    assert held_out_fit([flat], CODES, ObjectiveSection(growth=1.0)) is None
    assert held_out_fit([useful], CODES, ObjectiveSection(growth=1.0)) is None
    both = held_out_fit([flat, useful], CODES, ObjectiveSection(growth=1.0, efficiency=1.0))
    alone = held_out_fit([useful], CODES, ObjectiveSection(efficiency=1.0))
    assert both is not None
    assert alone is not None
    assert both.fit == pytest.approx(alone.fit)


def test_points_by_table_add_up_to_the_whole_model_s_fit(random_customers: RandomCustomers) -> None:
    schema, codes, y = random_customers(3, ["number", "category", "flag"], 300)
    learnt = learn(schema, codes, y, seed=0, on_step=lambda _: None)
    assert not isinstance(learnt, str)
    nobody = LearntObjective("growth", learnt_of(learnt.additive, np.empty(0)), np.zeros(300, bool))
    found = held_out_fit([nobody], codes, ObjectiveSection(growth=1.0))
    assert found is not None
    ((function, points),) = found.functions
    added = 50 + points * sum(entries for _, entries in function.contributions(codes))
    assert added == pytest.approx(found.fit)


def test_a_model_that_remembers_its_customers_is_not_believed() -> None:
    """An outcome of pure noise: the whole model explains some of it, the held-out Fit none."""
    rng = np.random.default_rng(5)
    y, codes = rng.normal(size=200), (np.arange(200) % 50)[:, None].astype(np.int32)
    table = y.reshape(4, 50).mean(axis=0)
    remembers = learnt_of(Additive(0.0, {(0,): table}), rng.normal(size=200))
    known = LearntObjective("growth", remembers, np.ones(200, bool))
    found = held_out_fit([known], codes, ObjectiveSection(growth=1.0))
    assert found is not None
    assert np.corrcoef(remembers.additive.predict(codes), y)[0, 1] > 0.4
    assert abs(np.corrcoef(found.fit, y)[0, 1]) < 0.15
