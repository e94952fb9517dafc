from collections.abc import Callable, Sequence

import numpy as np
import pytest

from scoring.features import CategoryEncoder, Codes, FeatureSchema, NumberEncoder
from scoring.training.additive import Floats
from scoring.training.lift import Outcome, r_squared
from scoring.training.rivals import (
    FREE_BOOSTING,
    LEAST_TO_FIT,
    OURS,
    PLAIN_LINEAR,
    SPEND,
    Comparison,
    compare,
    rival_predictions,
)

RandomCustomers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, Floats]]
N = 600


@pytest.fixture(scope="module")
def crossed() -> tuple[FeatureSchema, Codes, Floats]:
    """An outcome that hangs on two attributes together and on neither alone, and one that adds up."""
    rng = np.random.default_rng(0)
    schema = FeatureSchema((CategoryEncoder("industry", ("a", "b")), NumberEncoder("size", (1.0,))))
    codes = np.stack([rng.integers(2, 4, N), rng.integers(1, 3, N)], axis=1).astype(np.int32)
    y = np.where((codes[:, 0] == 2) == (codes[:, 1] == 1), 1.0, -1.0) + 0.3 * rng.normal(size=N)
    return schema, codes, y


def test_a_crossed_outcome_is_found_by_free_boosting_and_not_by_a_plain_line(
    crossed: tuple[FeatureSchema, Codes, Floats],
) -> None:
    schema, codes, y = crossed
    found = rival_predictions(schema, codes, y, wanted=np.ones(N, bool), seed=0)
    explained = {name: r_squared(predictions, y) for name, predictions in found.items()}
    assert explained[FREE_BOOSTING] == pytest.approx(0.9, abs=0.07)
    assert explained[PLAIN_LINEAR] == pytest.approx(0.0, abs=0.05)


def test_an_additive_outcome_is_found_by_both(random_customers: RandomCustomers) -> None:
    schema, codes, _ = random_customers(2, ["number", "category"], N)
    y = codes[:, 0] + 3.0 * (codes[:, 1] == 3)
    found = rival_predictions(schema, codes, y, wanted=np.ones(N, bool), seed=0)
    for predictions in found.values():
        explained = r_squared(predictions, y)
        assert explained is not None
        assert explained > 0.8


def test_nobody_is_predicted_by_a_model_that_saw_their_outcome(random_customers: RandomCustomers) -> None:
    """An outlier tells: were its own outcome seen, its prediction would follow it."""
    schema, codes, _ = random_customers(4, ["category", "number"], N)
    calm = np.random.default_rng(7).normal(size=N)
    wild, highest = calm.copy(), int(calm.argmax())  # folds go by the order of outcomes: it stays the same
    wild[highest] = 1000.0
    wanted = np.arange(N) == highest
    before = rival_predictions(schema, codes, calm, wanted=wanted, seed=0)
    after = rival_predictions(schema, codes, wild, wanted=wanted, seed=0)
    assert {name: each[highest] for name, each in before.items()} == {
        name: each[highest] for name, each in after.items()
    }


def test_unknown_outcomes_are_predicted_and_unwanted_ones_are_not(random_customers: RandomCustomers) -> None:
    schema, codes, y = random_customers(5, ["number", "flag"], N)
    y[:100] = np.nan
    wanted = np.arange(N) < 150
    for predictions in rival_predictions(schema, codes, y, wanted=wanted, seed=0).values():
        assert np.isfinite(predictions[:150]).all()
        assert np.isnan(predictions[150:]).all()


def test_too_few_known_outcomes_have_no_rivals(random_customers: RandomCustomers) -> None:
    schema, codes, y = random_customers(6, ["number"], N)
    y[LEAST_TO_FIT - 1 :] = np.nan
    assert rival_predictions(schema, codes, y, wanted=np.ones(N, bool), seed=0) == {}


def compared(predictions: dict[str, Floats], worth: Floats, spend: Floats | None = None) -> Comparison:
    outcome = Outcome.mean_of("clv", "currency", worth)
    return compare("lifetime_value", "customers", predictions, outcome, actual=worth, spend=spend)


def test_figures_of_each_contender_by_hand() -> None:
    worth = np.repeat([1.0, 11.0], [90, 10])
    found = compared({OURS: worth, PLAIN_LINEAR: np.full(100, 2.0)}, worth, spend=-worth)
    ours, plain, spend = found.contenders
    assert (ours.name, ours.r_squared, ours.rank_correlation, ours.top_lift) == (OURS, 1.0, 1.0, 5.5)
    assert (plain.name, plain.r_squared, plain.rank_correlation, plain.top_lift) == (
        PLAIN_LINEAR,
        0.0,
        0.0,
        1.0,
    )
    assert (spend.name, spend.r_squared, spend.rank_correlation) == (SPEND, None, -1.0)
    assert found.verdict.startswith(
        "Firebrand ranks best of the models (1.00); what they already paid ranks -1.00"
    )


def test_verdicts_tell_better_from_as_good_from_worse_from_nothing() -> None:
    rng = np.random.default_rng(1)
    worth, noise = rng.normal(size=1000), rng.normal(size=(3, 1000))
    good, better = worth + noise[0], worth + 0.3 * noise[0]
    as_good = good + 0.01 * noise[1]
    assert "Firebrand ranks best" in compared({OURS: better, PLAIN_LINEAR: good}, worth).verdict
    assert "something is given away" in compared({OURS: good, PLAIN_LINEAR: better}, worth).verdict
    assert "given away" not in compared({OURS: good, PLAIN_LINEAR: as_good}, worth).verdict
    assert "no usable signal" in compared({OURS: noise[1], PLAIN_LINEAR: noise[2]}, worth).verdict
    assert compared({PLAIN_LINEAR: good}, worth).verdict.startswith("Firebrand found no usable signal, yet")
    assert compared({}, worth).verdict == "too few outcomes are known to compare models"


@pytest.mark.parametrize("seed", range(20))
def test_of_noise_no_verdict_makes_a_signal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worth = rng.normal(size=500)
    rivals = {
        OURS: rng.normal(size=500),
        PLAIN_LINEAR: rng.normal(size=500),
        FREE_BOOSTING: rng.normal(size=500),
    }
    assert "no usable signal" in compared(rivals, worth).verdict
