from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring.features import Codes, FeatureSchema
from scoring.fit import FitModel
from scoring.training.additive import Floats
from scoring.training.assemble import CUSTOMERS_PER_BAND, MOST_BANDS, Head, assemble, calibrate, exactness
from scoring.training.learn import fit
from scoring.training.outcomes import TARGETS

Customers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, NDArray[np.float64]]]
KINDS = ["number", "date", "category", "flag", "tags"]


def heads_of(schema: FeatureSchema, codes: Codes, y: Floats) -> list[Head]:
    """Two objectives that differ in their unit and in what they depend on."""
    outcomes = (y, 1000 * y**2)
    learnt = [fit(schema, codes, outcome, "value", seed=0) for outcome in outcomes]
    return [Head(target, one, np.exp(y)) for target, one in zip(TARGETS, learnt, strict=False)]


def z_of(model: FitModel, codes: Codes) -> Floats:
    return np.asarray(model.tables.entries[:, model.tables.cells(codes)].sum(axis=2))


def any_codes(schema: FeatureSchema, rng: np.random.Generator) -> Codes:
    columns = [rng.integers(0, feature.size, 200) for feature in schema.features]
    return np.stack(columns, axis=1).astype(np.int32)


@pytest.mark.parametrize(("seed", "kinds"), [(0, KINDS), (1, ["number", "category"]), (2, ["number"])])
def test_the_model_says_what_its_learners_predict_and_z_is_standard_on_the_base(
    random_customers: Customers, seed: int, kinds: list[str]
) -> None:
    schema, codes, y = random_customers(seed, kinds, 80)
    heads = heads_of(schema, codes, y)
    model = assemble(schema, codes, heads, seed=0)
    z = z_of(model, codes)
    asked = np.concatenate([codes, any_codes(schema, np.random.default_rng(seed)), np.zeros_like(codes[:1])])
    worst = exactness(model, heads, asked)
    for k, (head, outcome) in enumerate(zip(heads, model.outcomes, strict=True)):
        assert z[k].mean() == pytest.approx(0.0, abs=1e-9)
        assert z[k].std() == pytest.approx(1.0, abs=1e-9)
        said = outcome.center + outcome.scale * z_of(model, asked)[k]
        expected = head.learnt.predict(asked)
        assert said == pytest.approx(expected, rel=0, abs=1e-9 * max(1.0, float(np.abs(expected).max())))
        assert worst[outcome.objective] == pytest.approx(np.abs(said - expected).max(), abs=1e-12)


def test_the_correlation_is_that_of_the_z_on_the_base(random_customers: Customers) -> None:
    schema, codes, y = random_customers(1, KINDS, 150)
    model = assemble(schema, codes, heads_of(schema, codes, y), seed=0)
    assert model.correlation == pytest.approx(np.corrcoef(z_of(model, codes)), abs=1e-12)
    (only,) = assemble(schema, codes, heads_of(schema, codes, y)[:1], seed=0).correlation.tolist()
    assert only == pytest.approx([1.0])


def test_the_base_counts_customers_whose_outcome_is_not_known(random_customers: Customers) -> None:
    schema, codes, y = random_customers(2, ["number", "category", "flag"], 200)
    model = assemble(schema, codes, heads_of(schema, codes[:80], y[:80]), seed=0)
    assert z_of(model, codes).std(axis=1) == pytest.approx([1.0, 1.0])
    assert z_of(model, codes).mean(axis=1) == pytest.approx([0.0, 0.0], abs=1e-9)


def test_importance_shares_each_table_among_its_features(random_customers: Customers) -> None:
    schema, codes, y = random_customers(3, KINDS, 150)
    model = assemble(schema, codes, heads_of(schema, codes, y), seed=0)
    contributions = np.abs(model.tables.entries[:, model.tables.cells(codes)])
    assert model.importance.sum(axis=1) == pytest.approx(contributions.mean(axis=1).sum(axis=1))
    assert (model.importance >= 0).all()


def test_exactness_shows_a_table_that_was_tampered_with(random_customers: Customers) -> None:
    schema, codes, y = random_customers(4, ["number", "flag"], 100)
    heads = heads_of(schema, codes, y)
    model = assemble(schema, codes, heads, seed=0)
    model.tables.entries[0, model.tables.cells(codes)[0, 0]] += 1.0
    assert exactness(model, heads, codes)["growth"] == pytest.approx(model.outcomes[0].scale)


def test_bands_hold_like_numbers_and_a_better_z_never_promises_less() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=400)
    bands = calibrate(z, 100 + 10 * z + rng.normal(0, 20, 400), rising=True, seed=0)
    assert sum(bands.count) == 400
    assert list(bands.mean) == sorted(bands.mean)
    assert len(bands.edges) == len(bands.mean) - 1 == len(bands.low) - 1 == len(bands.high) - 1
    assert all(low < mean < high for low, mean, high in zip(bands.low, bands.mean, bands.high, strict=True))


def test_payback_falls_with_z() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=400)
    bands = calibrate(z, 20 - 5 * z + rng.normal(0, 1, 400), rising=False, seed=0)
    assert len(bands.mean) == 8
    assert list(bands.mean) == sorted(bands.mean, reverse=True)


def test_a_prediction_that_runs_against_the_outcome_gets_one_band() -> None:
    z = np.linspace(-2, 2, 300)
    bands = calibrate(z, -z, rising=True, seed=0)
    assert (bands.edges, bands.count) == ((), (300,))


def test_a_prediction_many_customers_share_leaves_no_band_empty() -> None:
    z = np.repeat([0.0, 1.0], [350, 50])
    bands = calibrate(z, z, rising=True, seed=0)
    assert min(bands.count) > 0
    assert bands.mean == (0.0, 1.0)


@pytest.mark.parametrize(
    ("customers", "bands"), [(30, 1), (2 * CUSTOMERS_PER_BAND, 2), (100_000, MOST_BANDS)]
)
def test_bands_are_as_many_as_customers_allow(customers: int, bands: int) -> None:
    z = np.linspace(-2, 2, customers)
    assert len(calibrate(z, z, rising=True, seed=0).mean) == bands


def test_one_giant_does_not_make_the_promise() -> None:
    known = np.ones(1000)
    known[0] = 1e9
    assert calibrate(np.zeros(1000), known, rising=True, seed=0).mean == (1.0,)
