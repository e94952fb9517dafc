"""`additive`: learning from any table of columns."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from scoring.errors import TableError
from scoring.features import CategoryEncoder
from scoring.training.any_table import AdditiveModel
from scoring.training.learn import additive


def mixed_columns(rows: int, seed: int = 0) -> dict[str, list[Any]]:
    rng = np.random.default_rng(seed)
    gaps = [None, float("nan"), "", "n/a", np.float32("nan")]
    columns: dict[str, list[Any]] = {
        "number": [gaps[n % 5] if n % 7 == 0 else rng.normal() for n in range(rows)],
        "text number": [f"{n * 137 % 9000:,}" for n in range(rows)],
        "flag": [None if n % 9 == 0 else bool(n % 2) for n in range(rows)],
        "scalar": [np.int64(n % 4) for n in range(rows)],
        "mixed": ["x" if n % 3 else n % 5 for n in range(rows)],
        "tags": [{"a", "b"} if n % 2 else ["c"] for n in range(rows)],
        "empty": [None] * rows,
        "same": [3] * rows,
        "serial": [f"row {n}" for n in range(rows)],
    }
    return columns


@pytest.fixture(scope="module", params=["binary", "value"])
def mixed(request: pytest.FixtureRequest) -> AdditiveModel:
    rng = np.random.default_rng(1)
    columns = mixed_columns(150)
    raw = np.array([n % 2 for n in range(150)]) + rng.normal(size=150)
    return additive(columns, raw if request.param == "value" else raw > 0.5, request.param)


@given(seed=st.integers(0, 1000))
def test_what_is_explained_adds_up_to_what_is_predicted(mixed: AdditiveModel, seed: int) -> None:
    columns = mixed_columns(20, seed)
    columns["mixed"] = ["never seen"] * 20
    parts = mixed.explain(columns)
    assert next(iter(parts)) == "intercept"
    assert sum(parts.values()) == pytest.approx(mixed.predict(columns), rel=0, abs=1e-9)
    assert all(part.shape == (20,) for part in parts.values())


def test_terms_are_named_by_their_columns_and_tags(mixed: AdditiveModel) -> None:
    names = set(mixed.explain(mixed_columns(20)))
    assert {"intercept", "number", "flag", "tags: a", "tags: c", "mixed"} <= names
    assert "empty" not in names
    assert set(mixed.standard_errors) == names - {"intercept"}


def test_tables_agree_with_weights_and_trees_to_the_last_digits(mixed: AdditiveModel) -> None:
    rng = np.random.default_rng(2)
    codes = np.stack([rng.integers(0, f.size, 500) for f in mixed.schema.features], axis=1).astype(np.uint8)
    expected = mixed.learnt.predict(codes)
    assert mixed.learnt.additive.predict(codes) == pytest.approx(expected, rel=0, abs=1e-9)


def test_arrays_and_lists_of_the_same_values_are_learnt_alike() -> None:
    rng = np.random.default_rng(3)
    number, flag = rng.normal(size=80), rng.random(80) < 0.5
    number[::9] = np.nan
    y = flag + rng.normal(size=80) > 0.5
    arrays = additive({"number": number, "flag": flag}, y)
    lists = additive({"number": number.tolist(), "flag": flag.tolist()}, y.tolist())
    asked: dict[str, Any] = {"number": [0.3, None], "flag": [True, False]}
    assert arrays.predict(asked).tobytes() == lists.predict(asked).tobytes()


def test_infinities_are_read_as_missing() -> None:
    rng = np.random.default_rng(4)
    number = rng.normal(size=80)
    gaps, infinite = number.copy(), number.copy()
    gaps[::5], infinite[::5] = np.nan, np.inf
    y = number + rng.normal(size=80) > 0
    one, other = (additive({"x": x}, y).predict({"x": [1.0]}) for x in (gaps, infinite))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_numbers_of_any_size_are_learnt_from(unit: float) -> None:
    rng = np.random.default_rng(5)
    number = rng.uniform(-1, 1, 80)
    y = number + rng.normal(0, 0.5, 80) > 0
    said = additive({"x": number * unit}, y).predict({"x": [unit, -unit]})
    assert said == pytest.approx(additive({"x": number}, y).predict({"x": [1.0, -1.0]}), abs=1e-6)


@pytest.mark.parametrize(("kind", "y"), [("binary", [True] * 20), ("value", [7.5] * 20)])
def test_an_outcome_all_rows_share_gives_a_constant(kind: Any, y: list[Any]) -> None:
    model = additive({"x": list(range(20))}, y, kind)
    assert np.ptp(model.predict({"x": [1, 100, None]})) == 0
    assert list(model.explain({"x": [1]})) == ["intercept"]
    assert (model.pairs, model.standard_errors, model.learnt.evidence.form) == ({}, {}, "constant")
    assert model.intercept == (7.5 if kind == "value" else pytest.approx(np.log(39)))


def test_columns_without_any_value_teach_nothing() -> None:
    model = additive({"x": [None] * 20}, [0, 1] * 10)
    assert model.predict({"x": [1, None]}).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("rows", [5, 20])
def test_very_few_rows_are_learnt_from_with_caution(rows: int) -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=rows)
    model = additive({"x": x, "name": [f"row {n}" for n in range(rows)]}, np.arange(rows) % 2)
    assert np.abs(model.predict({"x": x, "name": ["new"] * rows})).max() < 3


def test_far_more_columns_than_rows_can_be_learnt_from() -> None:
    rng = np.random.default_rng(7)
    columns = {f"x{n}": rng.normal(size=60) for n in range(200)}
    model = additive(columns, columns["x0"] + rng.normal(0, 0.3, 60) > 0)
    assert len(model.schema.features) == 200
    assert np.abs(model.predict(columns)).max() < 20


def test_three_cases_in_a_thousand_keep_predictions_sober() -> None:
    rng = np.random.default_rng(8)
    columns = {f"x{n}": rng.normal(size=1000) for n in range(4)}
    chances = expit(additive(columns, np.arange(1000) < 3).predict(columns))
    assert 0.001 < chances.mean() < 0.009
    assert chances.max() < 0.5


def test_outcomes_that_a_column_separates_keep_predictions_finite() -> None:
    model = additive({"x": list(range(60))}, [n > 30 for n in range(60)])
    low, high = model.predict({"x": [0, 59]})
    assert -30 < low < -3
    assert 3 < high < 30


def test_the_order_of_columns_hardly_matters() -> None:
    rng = np.random.default_rng(9)
    columns = {f"x{n}": rng.normal(size=200) for n in range(3)}
    y = columns["x0"] + columns["x1"] + rng.normal(size=200)
    turned = {name: columns[name] for name in reversed(columns)}
    there, back = additive(columns, y, "value"), additive(turned, y, "value")
    assert there.predict(columns) == pytest.approx(back.predict(columns), abs=0.1)


def test_a_category_that_was_never_seen_is_predicted_within_those_that_were() -> None:
    rng = np.random.default_rng(10)
    sector = rng.choice(["a", "b", "c"], 300)
    y = np.select([sector == "a", sector == "b"], [2.0, -1.0], 0.5) + rng.normal(0, 0.3, 300)
    model = additive({"sector": sector}, y, "value")
    low, high, new, other = model.predict({"sector": ["b", "a", "new", "other"]})
    assert low < new == other < high


COLUMNS: dict[str, Any] = {"x": list(range(20))}
GOOD = [0, 1] * 10


@pytest.mark.parametrize(
    ("columns", "y", "more", "what"),
    [
        ({}, GOOD, {}, "give at least one column"),
        ({"x": [1, 2], "z": [1]}, [0, 1], {}, "columns differ in length; .*: x 2, z 1"),
        ({"x": np.zeros((20, 2))}, GOOD, {}, "x is no column; give a list"),
        (COLUMNS, GOOD[:-1], {}, r"y has shape \(19,\); give one number for each of the 20 rows"),
        (COLUMNS, [[0, 1]] * 20, {}, r"y has shape \(20, 2\)"),
        (COLUMNS, [*GOOD[:-1], float("nan")], {}, "give a finite outcome for every row"),
        (COLUMNS, [*GOOD[:-1], None], {}, "finite"),
        (COLUMNS, [*GOOD[:-1], "won"], {}, "y holds something that is no number"),
        (COLUMNS, [1, 2] * 10, {}, "is 0 or 1 in every row; for other numbers ask for kind='value'"),
        (COLUMNS, np.arange(20) * 1e300, {"kind": "value"}, "give it in another unit"),
        (COLUMNS, np.arange(20) * 1e-300, {"kind": "value"}, "give it in another unit"),
        ({"x": [1, 2, 3, 4]}, [0, 1, 0, 1], {}, "at least 5 rows"),
        (COLUMNS, GOOD, {"kind": "ratio"}, "kind is 'ratio'; write one of binary, value"),
        (COLUMNS, GOOD, {"groups": ["a"] * 19}, "groups has 19 labels; give one for each of the 20 rows"),
        (COLUMNS, GOOD, {"groups": ["a"] * 20}, "all rows have one group; give at least two"),
        (COLUMNS, GOOD, {"groups": [None, *"abcdefghijklmnopqrs"]}, "a group's label is missing"),
    ],
)
def test_what_makes_no_table_is_refused_with_what_to_do(
    columns: Any, y: Any, more: dict[str, Any], what: str
) -> None:
    with pytest.raises(TableError, match=what):
        additive(columns, y, **more)


def test_a_column_that_was_learnt_from_must_be_there_to_predict() -> None:
    model = additive({"x": list(range(20)), "z": [0, 0, 1, 1] * 5}, GOOD)
    with pytest.raises(TableError, match="were learnt from and are absent: z"):
        model.predict({"x": [1]})
    with pytest.raises(TableError, match="columns differ in length"):
        model.explain({"x": [1], "z": [1, 2]})


def test_levels_are_those_of_the_schema() -> None:
    model = additive({"sector": ["a", "b"] * 10}, GOOD)
    (encoder,) = model.schema.encoders
    assert isinstance(encoder, CategoryEncoder)
    assert encoder.levels == ("a", "b")


def test_a_value_that_was_never_missing_is_predicted_near_the_average_where_it_is() -> None:
    sizes = [float(size) for size in range(1, 401, 10)]
    for kind, y in (("binary", [size > 200 for size in sizes]), ("value", sizes)):
        model = additive({"size": sizes}, y, kind)  # type: ignore[arg-type]  # mypy takes the pairs' kinds for str
        low, unknown, high = model.predict({"size": [min(sizes), None, max(sizes)]})
        assert low + 0.25 * (high - low) < unknown < high - 0.25 * (high - low)


def test_columns_whose_names_collide_with_those_of_terms_are_told_apart() -> None:
    rows = range(60)
    columns: dict[str, Any] = {
        "intercept": [row % 7 for row in rows],
        "t": [["u"] if row % 2 else ["v"] for row in rows],
        "t: u": [row % 5 for row in rows],
    }
    model = additive(columns, [row % 2 for row in rows])
    parts = model.explain(columns)
    assert sum(parts.values()) == pytest.approx(model.predict(columns), abs=1e-9)
    assert len(parts) == 1 + len(model.learnt.additive.tables)
