from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.features import MISSING, CategoryEncoder, Codes, FeatureSchema, FlagEncoder, NumberEncoder
from scoring.training.attributes import Attribute
from scoring.training.encode import encode_frame
from scoring.training.linear import PENALTIES, basis, fit_linear
from scoring.training.schema import build_schema

Customers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, NDArray[np.float64]]]
kinds_of_attributes = st.lists(
    st.sampled_from(["number", "date", "category", "flag", "tags"]), min_size=1, max_size=5
)


@given(seed=st.integers(0, 2**32 - 1), kinds=kinds_of_attributes)
@settings(max_examples=40, deadline=None)
def test_tables_say_what_ridge_regression_on_the_basis_predicts(
    random_customers: Customers, seed: int, kinds: list[str]
) -> None:
    """Solved once more, by the normal equations, for the penalty among PENALTIES that comes closest."""
    schema, codes, y = random_customers(seed, kinds, 80)
    if not schema.features:
        return
    additive = fit_linear(schema, codes, y)
    assert all(len(term) == 1 for term in additive.tables)
    design = np.concatenate([basis(f)[codes[:, j]] for j, f in enumerate(schema.features)], axis=1)
    varies = design.std(axis=0) > 0
    x = (design - design.mean(axis=0))[:, varies] / design.std(axis=0)[varies]
    solutions = [
        x @ np.linalg.solve(x.T @ x + penalty * len(y) * np.eye(x.shape[1]), x.T @ (y - y.mean()))
        for penalty in PENALTIES
    ]
    gaps = [np.abs(y.mean() + fitted - additive.predict(codes)).max() for fitted in solutions]
    assert min(gaps) < 1e-8 * max(1.0, np.abs(y).max())


def test_a_straight_line_is_learnt_straight() -> None:
    rng = np.random.default_rng(0)
    employees = rng.uniform(0, 100, 2000)
    customers = pl.DataFrame({"employees": employees})
    schema = build_schema([Attribute("employees", "number")], customers)
    codes = encode_frame(schema, customers)
    steps = np.diff(fit_linear(schema, codes, employees / 10).tables[0,][1:])
    assert np.ptp(steps) < 1e-9
    assert steps[0] > 0


def test_missing_has_an_effect_of_its_own() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, (1000, 1)).astype(np.int32)
    y = np.array([10.0, 0.0, 1.0])[codes[:, 0]]
    table = fit_linear(FeatureSchema((FlagEncoder("hiring"),)), codes, y).tables[0,]
    assert table[MISSING] - table[1] > 5 * (table[2] - table[1]) > 0


def test_a_category_no_customer_has_says_nothing() -> None:
    schema = FeatureSchema((CategoryEncoder("industry", ("a", "b", "c")),))
    codes = np.random.default_rng(2).integers(2, 4, (200, 1)).astype(np.int32)
    table = fit_linear(schema, codes, codes[:, 0].astype(np.float64)).tables[0,]
    assert table[[0, 1, 4]].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("customers", [100, 400, 1500])
@pytest.mark.parametrize("difference", [0.02, 0.1])
def test_near_copies_share_what_they_say_instead_of_fighting(customers: int, difference: float) -> None:
    """In points of Fit: what one gives and the other takes away again tells a reader nothing."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        revenue = np.exp(rng.normal(size=customers))
        frame = pl.DataFrame(
            {
                "revenue": revenue,
                "sales": 10 * revenue * np.exp(difference * rng.normal(size=customers)),
                **{f"other_{n}": rng.normal(size=customers) for n in range(4)},
            }
        )
        schema = build_schema([Attribute(name, "number") for name in frame.columns], frame)
        codes = encode_frame(schema, frame)
        y = 0.5 * np.log(revenue) + rng.normal(size=customers)
        pure = fit_linear(schema, codes, y).purified(codes)
        points = {t: 20 * entries / pure.predict(codes).std() for t, entries in pure.contributions(codes)}
        one, twin = points[0,], points[1,]
        assert one.std() < 25, "neither says more than the whole"
        assert twin.std() < 25
        cancelled = np.where(one * twin < 0, np.minimum(np.abs(one), np.abs(twin)), 0.0)
        assert cancelled.mean() < 0.5


def test_the_basis_of_a_number_that_is_only_there_or_not_has_no_slope() -> None:
    feature = FeatureSchema((NumberEncoder("employees", ()),)).features[0]
    assert basis(feature).tolist() == [[0.0, 1.0], [-0.5, 0.0]]
