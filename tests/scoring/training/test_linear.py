from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from scoring.features import MISSING, CategoryEncoder, Codes, FeatureSchema, FlagEncoder, NumberEncoder
from scoring.training.additive import Additive, Floats
from scoring.training.attributes import Attribute
from scoring.training.encode import encode_frame
from scoring.training.linear import MOST_COLUMNS, PENALTIES, Ridge, basis, design_of, fit_path
from scoring.training.loss import LOSSES, Kind
from scoring.training.schema import build_schema

Customers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, NDArray[np.float64]]]
kinds_of_attributes = st.lists(
    st.sampled_from(["number", "date", "category", "flag", "tags"]), min_size=1, max_size=5
)
seeds = st.integers(0, 2**32 - 1)


def path_of(
    schema: FeatureSchema,
    codes: Codes,
    y: Floats,
    kind: Kind = "value",
    directions: dict[int, int] | None = None,
) -> list[Additive]:
    return fit_path(design_of(schema, codes, directions or {}), codes, y, LOSSES[kind], 0)


def weakest(schema: FeatureSchema, codes: Codes, y: Floats) -> Additive:
    """Return the function of the weakest penalty."""
    return path_of(schema, codes, y)[-1]


def two_columns(employees: Sequence[float]) -> tuple[FeatureSchema, Codes]:
    frame = pl.DataFrame({"employees": employees})
    schema = build_schema([Attribute("employees", "number")], frame)
    return schema, encode_frame(schema, frame)


@given(seed=seeds, kinds=kinds_of_attributes)
@settings(max_examples=25, deadline=None)
def test_tables_say_what_ridge_regression_on_the_basis_predicts_at_every_penalty(
    random_customers: Customers, seed: int, kinds: list[str]
) -> None:
    """Solved once more, by the normal equations."""
    schema, codes, y = random_customers(seed, kinds, 80)
    if not schema.features:
        return
    columns = [basis(f)[codes[:, j]] for j, f in enumerate(schema.features)]
    for j, feature in enumerate(schema.features):
        missing = codes[:, j] == MISSING
        if feature.encoder.kind != "category" and not missing.all():  # what is missing stands at the average
            columns[j][missing, :-1] = columns[j][~missing, :-1].mean(axis=0)
    design = np.concatenate(columns, axis=1)
    varies = np.ptp(design, axis=0) > 1e-9
    x = (design - design.mean(axis=0))[:, varies] / design.std(axis=0)[varies]
    for penalty, additive in zip(PENALTIES, path_of(schema, codes, y), strict=True):
        assert all(len(term) == 1 for term in additive.tables)
        solved = np.linalg.solve(x.T @ x + penalty * len(y) * np.eye(x.shape[1]), x.T @ (y - y.mean()))
        assert additive.predict(codes) == pytest.approx(
            y.mean() + x @ solved, rel=0, abs=1e-7 * max(1.0, np.abs(y).max())
        )


def hard_problem(seed: int, kind: Kind, *, bound: bool) -> Ridge:
    """Draw columns that are near copies of each other or have far outliers, and rare or separable cases."""
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(20, 150)), int(rng.integers(1, 10))
    x = rng.normal(size=(rows, columns)) @ (np.eye(columns) + rng.normal(size=(columns, columns)))
    x = x**3 if rng.random() < 0.3 else x
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    raw = x @ rng.normal(size=columns) * rng.choice([0.3, 5.0])
    if kind == "value":
        y = raw + rng.normal(size=rows)
    else:
        y = (raw + rng.logistic(size=rows) > rng.choice([0.0, 3.0])).astype(np.float64)
        y[:2] = 0.0, 1.0
    signs = rng.integers(-1, 2, columns) * bound
    return Ridge(x, y, LOSSES[kind], float(rng.choice(PENALTIES)) * rows, signs.astype(np.int8))


@pytest.mark.parametrize("kind", ["value", "binary"])
@pytest.mark.parametrize("bound", [False, True])
@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_newton_s_method_finds_what_a_general_optimiser_finds(kind: Kind, bound: bool, seed: int) -> None:
    ridge = hard_problem(seed, kind, bound=bound)
    columns = ridge.matrix.shape[1]
    start = float(ridge.loss.start(ridge.y))
    weights, intercept = ridge.solve(np.zeros(columns), start)

    def objective(at: Floats) -> tuple[float, Floats]:
        first, _ = ridge.loss.derivatives(ridge.y, at[-1] + ridge.matrix @ at[:-1])
        slope = np.append(ridge.matrix.T @ first + ridge.penalty * at[:-1], first.sum())
        return ridge.value(at[:-1], at[-1]) / len(ridge.y), slope / len(ridge.y)

    sides = {0: (None, None), 1: (0.0, None), -1: (None, 0.0)}
    general = minimize(
        objective,
        np.append(np.zeros(columns), start),
        jac=True,
        bounds=[*(sides[int(sign)] for sign in ridge.signs), (None, None)],
        method="L-BFGS-B",
        options={"maxiter": 5000, "maxfun": 50_000, "ftol": 1e-14, "gtol": 1e-9},
    )
    assert (weights * ridge.signs >= 0).all()
    assert ridge.value(weights, intercept) / len(ridge.y) <= general.fun + 1e-9
    assert np.append(weights, intercept) == pytest.approx(general.x, abs=2e-3)


def test_a_weight_that_was_at_its_limit_may_leave_it_again() -> None:
    """Alone the first column goes with the outcome, beside the second against it, and the other way round."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=400)
    x = np.stack([common + 0.1 * rng.normal(size=400), common], axis=1)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    ridge = Ridge(x, common * 2.0, LOSSES["value"], 0.4, np.array([1, 1], np.int8))
    weights, _ = ridge.solve(np.array([5.0, 0.0]), 0.0)
    assert weights == pytest.approx([0.0, 2.0 * common.std()], abs=0.3)


def test_a_straight_line_is_learnt_straight() -> None:
    employees = np.random.default_rng(0).uniform(0, 100, 2000)
    schema, codes = two_columns(employees.tolist())
    steps = np.diff(weakest(schema, codes, employees / 10).tables[0,][1:])
    assert (steps > 0).all()
    assert np.ptp(steps[1:-1]) < 0.5 * steps.mean()


def test_missing_has_an_effect_of_its_own() -> None:
    codes = np.random.default_rng(1).integers(0, 3, (1000, 1)).astype(np.uint8)
    y = np.array([10.0, 0.0, 1.0])[codes[:, 0]]
    table = weakest(FeatureSchema((FlagEncoder("hiring"),)), codes, y).tables[0,]
    assert table[MISSING] - table[1] > 5 * (table[2] - table[1]) > 0


def test_a_category_no_customer_has_says_nothing() -> None:
    schema = FeatureSchema((CategoryEncoder("industry", ("a", "b", "c")),))
    codes = np.repeat([2, 3], 100)[:, None].astype(np.uint8)
    table = weakest(schema, codes, codes[:, 0].astype(np.float64)).tables[0,]
    assert table[[0, 1, 4]] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    assert table[3] - table[2] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("customers", [100, 1500])
@pytest.mark.parametrize("difference", [0.02, 0.1])
def test_near_copies_share_what_they_say_instead_of_fighting(customers: int, difference: float) -> None:
    """In points of Fit: what one gives and the other takes away again tells a reader nothing.

    Held at the penalty that is best for accounts not learnt from, as the learner chooses it.
    """
    for seed in range(5):
        rng = np.random.default_rng(seed)
        revenue = np.exp(rng.normal(size=2 * customers))
        frame = pl.DataFrame(
            {
                "revenue": revenue,
                "sales": 10 * revenue * np.exp(difference * rng.normal(size=2 * customers)),
                **{f"other_{n}": rng.normal(size=2 * customers) for n in range(4)},
            }
        )
        schema = build_schema([Attribute(name, "number") for name in frame.columns], frame[:customers])
        everybody = encode_frame(schema, frame)
        codes, others = everybody[:customers], everybody[customers:]
        y = 0.5 * np.log(revenue) + rng.normal(size=2 * customers)
        path = path_of(schema, codes, y[:customers])
        best = min(path, key=lambda one: float(np.square(one.predict(others) - y[customers:]).mean()))
        pure = best.purified(codes)
        points = {t: 20 * entries / pure.predict(codes).std() for t, entries in pure.contributions(codes)}
        one, twin = points[0,], points[1,]
        assert one.std() < 25, "neither says more than the whole"
        assert twin.std() < 25
        cancelled = np.where(one * twin < 0, np.minimum(np.abs(one), np.abs(twin)), 0.0)
        assert cancelled.mean() < 5, "of 20, a standard deviation"


def test_the_basis_of_a_number_that_is_only_there_or_not_has_no_size() -> None:
    feature = FeatureSchema((NumberEncoder("employees", ()),)).features[0]
    assert basis(feature).tolist() == [[0.0, 0.0, 1.0], [-0.5, 0.0, 0.0]]


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e160, 1.7e308])
def test_the_unit_of_a_number_changes_nothing_however_large_or_small_it_is(unit: float) -> None:
    rng = np.random.default_rng(4)
    employees = rng.uniform(-1, 1, 300)
    y = employees + rng.normal(size=300)
    plain, extreme = (two_columns((employees * factor).tolist()) for factor in (1.0, unit))
    said = weakest(*extreme, y).predict(extreme[1])
    assert said == pytest.approx(weakest(*plain, y).predict(plain[1]), abs=1e-6)


def test_a_column_that_never_varies_says_nothing() -> None:
    schema = FeatureSchema((NumberEncoder("employees", (0.1, 0.3, 0.7)), FlagEncoder("hiring")))
    codes = np.stack([np.full(200, 3), np.arange(200) % 2 + 1], axis=1).astype(np.uint8)
    table = weakest(schema, codes, codes[:, 1].astype(np.float64)).tables[0,]
    assert table.tolist() == [0.0] * 5


def test_outcomes_that_are_all_alike_are_predicted_without_an_endless_climb() -> None:
    schema, codes = two_columns(np.arange(50.0).tolist())
    for additive in path_of(schema, codes, np.zeros(50), "binary"):
        assert additive.predict(codes) == pytest.approx(np.full(50, np.log(0.5 / 49.5)))


def test_separable_outcomes_keep_the_weights_finite() -> None:
    schema, codes = two_columns(np.arange(100.0).tolist())
    last = path_of(schema, codes, (np.arange(100) > 90).astype(np.float64), "binary")[-1]
    assert np.abs(last.predict(codes)).max() < 100


@given(seed=seeds, sign=st.sampled_from([1, -1]))
@settings(max_examples=20, deadline=None)
def test_a_direction_holds_at_every_penalty_against_what_the_outcomes_say(seed: int, sign: int) -> None:
    rng = np.random.default_rng(seed)
    schema = FeatureSchema((NumberEncoder("a", tuple(np.arange(9.0))), NumberEncoder("b", (1.0, 4.0, 50.0))))
    codes = np.stack([rng.integers(0, 11, 200), rng.integers(0, 5, 200)], axis=1).astype(np.uint8)
    y = -sign * codes[:, 0].astype(np.float64) + rng.normal(size=200)
    for additive in path_of(schema, codes, y, directions={0: sign}):
        assert (sign * np.diff(additive.tables[0,][1:]) >= -1e-12).all()


def test_of_too_many_levels_the_rare_ones_share_what_nobody_has() -> None:
    levels = tuple(f"{n:03}" for n in range(250))
    schema = FeatureSchema(tuple(CategoryEncoder(f"town_{n}", levels) for n in range(6)))
    rng = np.random.default_rng(0)
    codes = np.minimum(rng.geometric(0.02, (3000, 6)) + 1, 251).astype(np.uint8)
    design = design_of(schema, codes, {})
    assert len(design.signs) <= MOST_COLUMNS
    tables = design.additive(rng.normal(size=len(design.signs)), 0.0).tables
    assert len(np.unique(tables[0,][codes[:, 0].max() - 5 :])) < 6
