from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from scoring.errors import TableError
from scoring.features import CategoryEncoder, Codes, FeatureSchema, FlagEncoder, NumberEncoder
from scoring.plan import parse_plan
from scoring.training.additive import Floats
from scoring.training.any_table import AdditiveModel
from scoring.training.learn import (
    additive,
    fit,
)
from scoring.training.monotone import directions_of

Customers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, Floats]]
PLAN = parse_plan(
    '[attributes]\nmonotone = {employees = "rising", debt = "falling", dropped = "rising"}\n', "plan.toml"
)


def test_only_directions_of_attributes_that_are_learnt_from_are_passed_on() -> None:
    schema = FeatureSchema(
        (FlagEncoder("public"), NumberEncoder("debt", ()), NumberEncoder("employees", (10.0,)))
    )
    assert directions_of(PLAN, schema) == {"employees": "rising", "debt": "falling"}


def test_a_plan_without_directions_binds_nothing() -> None:
    schema = FeatureSchema((CategoryEncoder("industry", ("a",)),))
    assert directions_of(parse_plan("", "plan.toml"), schema) == {}
    assert directions_of(PLAN, schema) == {}


def model_that_is_contradicted(kind: Any, direction: Any) -> tuple[AdditiveModel, dict[str, list[Any]]]:
    """Learn from outcomes that go against the direction of every attribute that may have one."""
    rng = np.random.default_rng(8)
    size, year = rng.integers(0, 30, 150), rng.integers(1990, 2020, 150)
    hiring, sector = rng.random(150) < 0.5, rng.choice(["a", "b"], 150)
    sign = -1 if direction == "rising" else 1
    raw = sign * (size / 10 + (size > 15) * hiring * 2 + (year - 2005) / 10) * np.where(sector == "a", 1, -1)
    raw = raw + rng.normal(0, 1.0, 150)
    columns = {
        "size": [None if rng.random() < 0.1 else float(one) for one in size],
        "year": year.tolist(),
        "hiring": hiring.tolist(),
        "sector": sector.tolist(),
    }
    y = raw if kind == "value" else (raw > np.median(raw)).tolist()
    bound = dict.fromkeys(("size", "year", "hiring"), direction)
    return additive(columns, y, kind, monotone=bound), columns


@pytest.mark.parametrize(("kind", "direction"), [("value", "rising"), ("binary", "falling")])
def test_no_prediction_goes_against_a_direction_whatever_the_other_attributes(
    kind: Any, direction: Any
) -> None:
    model, columns = model_that_is_contradicted(kind, direction)
    ranges: dict[str, list[Any]] = {
        "size": list(range(-1, 31)),
        "year": list(range(1989, 2021)),
        "hiring": [False, True],
    }
    for name, along in ranges.items():
        for row in range(25):
            others: dict[str, Any] = {other: [values[row]] * len(along) for other, values in columns.items()}
            steps = np.diff(model.predict({**others, name: along}))
            assert ((steps if direction == "rising" else -steps) >= -1e-9).all()


def test_a_date_may_have_a_direction_in_a_book_s_schema(random_customers: Customers) -> None:
    schema, codes, y = random_customers(9, ["date", "number"], 120)
    learnt = fit(schema, codes, y - codes[:, 0], "value", seed=0, directions={"date_0": "rising"})
    along = np.zeros((schema.features[0].size - 1, 2), np.uint8)
    along[:, 0] = np.arange(1, schema.features[0].size)
    assert (np.diff(learnt.additive.predict(along)) >= -1e-9).all()


@pytest.mark.parametrize(
    ("monotone", "what"),
    [
        ({"size": "up"}, "the direction of size is 'up'; write rising or falling"),
        ({"sector": "rising"}, "sector cannot have a direction; these can, .*: hiring, size"),
        ({"sise": "rising"}, "sise cannot have a direction"),
    ],
)
@pytest.mark.parametrize("outcome", [[0, 1] * 10, [1] * 20])
def test_a_direction_that_cannot_be_is_refused(monotone: Any, what: str, outcome: list[int]) -> None:
    columns: dict[str, Any] = {
        "size": list(range(20)),
        "sector": ["a", "b"] * 10,
        "hiring": [True, False] * 10,
    }
    with pytest.raises(TableError, match=what):
        additive(columns, outcome, monotone=monotone)
