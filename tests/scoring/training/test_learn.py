from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring.features import Codes, FeatureSchema, FlagEncoder, NumberEncoder
from scoring.training.additive import Floats
from scoring.training.learn import FOLDS, LEAST_CUSTOMERS, SIGNIFICANCE, Learnt, evidence_of, folds, learn

Customers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, NDArray[np.float64]]]


def flags(rng: np.random.Generator, rows: int, columns: int) -> tuple[FeatureSchema, Codes]:
    schema = FeatureSchema(tuple(FlagEncoder(f"flag_{n}") for n in range(columns)))
    return schema, rng.integers(1, 3, (rows, columns)).astype(np.int32)


def numbers(rng: np.random.Generator, rows: int, columns: int) -> tuple[FeatureSchema, Codes]:
    edges = tuple(np.arange(9.0))
    schema = FeatureSchema(tuple(NumberEncoder(f"number_{n}", edges) for n in range(columns)))
    return schema, rng.integers(1, 11, (rows, columns)).astype(np.int32)


def learnt_from(schema: FeatureSchema, codes: Codes, y: Floats, *, seed: int = 0) -> Learnt:
    learnt = learn(schema, codes, y, seed=seed, on_step=lambda _: None)
    assert isinstance(learnt, Learnt), learnt
    return learnt


def why_not(schema: FeatureSchema, codes: Codes, y: Floats) -> str:
    learnt = learn(schema, codes, y, seed=0, on_step=lambda _: None)
    assert isinstance(learnt, str)
    return learnt


def test_too_few_customers_are_refused_with_how_many_are_needed() -> None:
    schema, codes = flags(np.random.default_rng(0), LEAST_CUSTOMERS - 1, 2)
    assert why_not(schema, codes, codes[:, 0].astype(np.float64)) == (
        "only 29 customers have a known outcome, and at least 30 are needed"
    )


def test_just_enough_customers_with_a_plain_signal_are_learnt_from() -> None:
    schema, codes = flags(np.random.default_rng(0), LEAST_CUSTOMERS, 2)
    learnt = learnt_from(schema, codes, codes[:, 0].astype(np.float64))
    assert learnt.evidence.correlation > 0.9


def test_an_outcome_all_customers_share_cannot_be_learnt() -> None:
    schema, codes = flags(np.random.default_rng(0), 50, 2)
    assert why_not(schema, codes, np.full(50, 1.2)) == "all 50 customers have the same outcome"


@pytest.mark.parametrize("seed", range(4))
def test_without_a_signal_the_reason_says_so_in_numbers(random_customers: Customers, seed: int) -> None:
    schema, codes, _ = random_customers(seed, ["number", "category", "flag", "tags"], 150)
    reason = why_not(schema, codes, np.random.default_rng([seed, 1]).normal(size=150))
    assert reason.startswith("no attribute predicts it")
    assert f"needed: at most {SIGNIFICANCE:g}" in reason


def test_on_few_customers_and_a_straight_effect_the_linear_form_wins() -> None:
    rng = np.random.default_rng(0)
    schema, codes = numbers(rng, 150, 6)
    learnt = learnt_from(schema, codes, codes @ np.linspace(0.1, 0.6, 6) + rng.normal(size=150))
    assert learnt.evidence.form == "linear"
    assert learnt.ensemble is None
    assert [rival.form for rival in learnt.rivals] == ["boosted"]
    assert learnt.evidence.r_squared > learnt.rivals[0].r_squared


def test_where_two_attributes_only_count_together_the_boosted_form_wins() -> None:
    rng = np.random.default_rng(1)
    schema, codes = numbers(rng, 600, 4)
    y = 2.0 * ((codes[:, 0] > 4) & (codes[:, 2] > 6)) + rng.normal(0, 0.5, 600)
    learnt = learnt_from(schema, codes, y)
    assert learnt.evidence.form == "boosted"
    assert learnt.ensemble is not None
    assert (0, 2) in learnt.additive.tables
    assert learnt.evidence.r_squared > learnt.rivals[0].r_squared + 0.1


def test_a_prediction_is_never_made_by_who_saw_the_outcome() -> None:
    """An attribute that is different for everybody tells nothing of those left out."""
    rng = np.random.default_rng(2)
    schema = FeatureSchema((NumberEncoder("order_in_the_file", tuple(np.arange(0.5, 199.5))),))
    codes = np.arange(1, 201, dtype=np.int32)[:, None]
    assert why_not(schema, codes, rng.normal(size=200)).startswith("no attribute predicts it")


def test_evidence_is_what_its_predictions_say() -> None:
    rng = np.random.default_rng(3)
    schema, codes = numbers(rng, 120, 3)
    y = codes[:, 0] + rng.normal(size=120)
    found = learnt_from(schema, codes, y).evidence
    assert found.predictions.shape == (120,)
    assert found.correlation == pytest.approx(np.corrcoef(found.predictions, y)[0, 1])
    assert found.r_squared == pytest.approx(1 - np.mean((y - found.predictions) ** 2) / np.var(y))


def test_predictions_that_run_against_what_happened_are_no_evidence() -> None:
    y = np.arange(50.0)
    assert evidence_of("linear", -y, y).p_value > 0.999


def test_folds_are_of_like_size_and_dealt_anew_by_another_seed() -> None:
    counts = np.bincount(folds(103, 0))
    assert len(counts) == FOLDS
    assert np.ptp(counts) == 1
    assert np.array_equal(folds(103, 0), folds(103, 0))
    assert not np.array_equal(folds(103, 0), folds(103, 1))


def test_one_seed_gives_the_same_bits_and_another_seed_others(random_customers: Customers) -> None:
    schema, codes, _ = random_customers(11, ["number", "category"], 120)
    y = codes[:, 0] + np.random.default_rng(12).normal(size=120)
    first, again, other = (learnt_from(schema, codes, y, seed=seed) for seed in (0, 0, 1))
    assert first.evidence.predictions.tobytes() == again.evidence.predictions.tobytes()
    assert first.additive.predict(codes).tobytes() == again.additive.predict(codes).tobytes()
    assert first.evidence.predictions.tobytes() != other.evidence.predictions.tobytes()


def test_each_step_is_told_as_it_begins() -> None:
    schema, codes = flags(np.random.default_rng(0), 60, 2)
    told: list[str] = []
    learn(schema, codes, codes[:, 0].astype(np.float64), seed=0, on_step=told.append)
    assert told[:2] == ["cross-validating the linear form", "cross-validating the boosted form"]
    assert told[2].startswith("learning from all customers")
