import os
import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from scoring.features import Codes, FeatureSchema, NumberEncoder
from scoring.training.additive import Floats
from scoring.training.learn import (
    LEAST_CUSTOMERS,
    SIGNIFICANCE,
    additive,
    fit,
    learn,
)
from tests.scoring.training.coded import flags, learnt_from, numbers

Customers = Callable[[int, Sequence[str], int], tuple[FeatureSchema, Codes, NDArray[np.float64]]]


def why_not(schema: FeatureSchema, codes: Codes, y: Floats) -> str:
    learnt = learn(schema, codes, y, seed=0)
    assert isinstance(learnt, str)
    return learnt


# One objective of a book


def test_too_few_customers_are_refused_with_how_many_are_needed() -> None:
    schema, codes = flags(np.random.default_rng(0), LEAST_CUSTOMERS - 1, 2)
    assert why_not(schema, codes, codes[:, 0].astype(np.float64)) == (
        "only 29 customers have a known outcome, and at least 30 are needed"
    )


def test_just_enough_customers_with_a_plain_signal_are_learnt_from() -> None:
    schema, codes = flags(np.random.default_rng(0), LEAST_CUSTOMERS, 2)
    assert learnt_from(schema, codes, codes[:, 0].astype(np.float64)).evidence.correlation > 0.9


def test_an_outcome_all_customers_share_cannot_be_learnt() -> None:
    schema, codes = flags(np.random.default_rng(0), 50, 2)
    assert why_not(schema, codes, np.full(50, 1.2)) == "all 50 customers have the same outcome"


@pytest.mark.parametrize("seed", range(2))
def test_without_a_signal_the_reason_says_so_in_numbers(random_customers: Customers, seed: int) -> None:
    schema, codes, _ = random_customers(seed, ["number", "category", "flag", "tags"], 150)
    reason = why_not(schema, codes, np.random.default_rng([seed, 1]).normal(size=150))
    assert reason.startswith("no attribute is shown to predict it")
    assert f"needed: at most {SIGNIFICANCE:g}" in reason


def test_an_attribute_that_is_different_for_everybody_is_not_remembered() -> None:
    schema = FeatureSchema((NumberEncoder("order_in_the_file", tuple(np.arange(0.5, 199.5))),))
    codes = np.arange(1, 201, dtype=np.uint8)[:, None]
    noise = np.random.default_rng(2).normal(size=200)
    assert why_not(schema, codes, noise).startswith("no attribute is shown to predict it")


# Forms


def test_on_few_customers_and_a_straight_effect_the_linear_form_has_the_say() -> None:
    rng = np.random.default_rng(0)
    schema, codes = numbers(rng, 150, 6)
    evidence = learnt_from(schema, codes, codes @ np.linspace(0.1, 0.6, 6) + rng.normal(size=150))
    by_form = {one.form: one.r_squared for one in (evidence.evidence, *evidence.rivals)}
    assert evidence.evidence.form in ("linear", "blend")
    assert by_form["linear"] > by_form["boosted"]
    assert evidence.evidence.r_squared > by_form["linear"] - 0.02


def test_of_a_straight_log_odds_on_few_rows_it_ranks_about_as_well_as_plain_logistic_regression() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1150, 4))
    y = (x @ np.array([1.2, -0.8, 0.5, 0.0]) + rng.logistic(size=1150) > 0).astype(int)
    columns, new = ({f"x{j}": some[:, j] for j in range(4)} for some in (x[:150], x[150:]))
    ours = roc_auc_score(y[150:], additive(columns, y[:150]).predict(new))
    plain = roc_auc_score(y[150:], LogisticRegression().fit(x[:150], y[:150]).decision_function(x[150:]))
    assert ours > plain - 0.03


def test_where_two_attributes_only_count_together_the_trees_have_the_say() -> None:
    rng = np.random.default_rng(1)
    schema, codes = numbers(rng, 600, 4)
    learnt = learnt_from(
        schema, codes, 2.0 * ((codes[:, 0] > 4) & (codes[:, 2] > 6)) + rng.normal(0, 0.5, 600)
    )
    by_form = {one.form: one.r_squared for one in (learnt.evidence, *learnt.rivals)}
    assert learnt.evidence.form in ("boosted", "blend")
    assert (0, 2) in learnt.additive.tables
    assert learnt.pairs[0].term == (0, 2)
    assert by_form["boosted"] > by_form["linear"] + 0.1


def test_a_step_is_learnt_by_trees() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 1, 600)
    y = 3.0 * ((x > 0.3) & (x < 0.6)) + rng.normal(0, 0.3, 600)
    model = additive({"x": x, "other": rng.normal(size=600)}, y, "value")
    by_form = {one.form: one.r_squared for one in (model.learnt.evidence, *model.learnt.rivals)}
    assert model.learnt.evidence.form in ("boosted", "blend")
    assert by_form["boosted"] > by_form["linear"] + 0.2
    assert np.ptp(model.predict({"x": [0.1, 0.45], "other": [0.0, 0.0]})) == pytest.approx(3.0, abs=0.3)


def test_a_planted_exclusive_or_is_named_among_the_pairs() -> None:
    rng = np.random.default_rng(3)
    a, b, c = (rng.random(600) < 0.5 for _ in range(3))
    model = additive({"a": a, "b": b, "c": c}, (a ^ b) ^ (rng.random(600) < 0.1))
    assert list(model.pairs) == ["a & b"]
    assert model.pairs["a & b"] > 0.8


# Determinism and units


def test_one_seed_gives_the_same_bits_and_another_seed_others(random_customers: Customers) -> None:
    schema, codes, _ = random_customers(11, ["number", "category"], 120)
    y = codes[:, 0] + np.random.default_rng(12).normal(size=120)
    first, again, other = (learnt_from(schema, codes, y, seed=seed) for seed in (0, 0, 1))
    assert first.evidence.predictions.tobytes() == again.evidence.predictions.tobytes()
    assert first.additive.predict(codes).tobytes() == again.additive.predict(codes).tobytes()
    assert first.evidence.predictions.tobytes() != other.evidence.predictions.tobytes()


_DIGEST = """
import hashlib, numpy as np
from scoring.training.learn import additive
rng = np.random.default_rng(0)
columns = {f"x{n}": rng.normal(size=700) for n in range(5)}
model = additive(columns, columns["x0"] + rng.normal(size=700), "value")
print(hashlib.sha256(model.predict(columns).tobytes()).hexdigest())
"""


def test_the_number_of_threads_changes_no_bit() -> None:
    digests = set()
    for threads in ("1", "4"):
        counts = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        done = subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, **counts},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_another_unit_of_the_outcome_only_moves_the_predictions() -> None:
    rng = np.random.default_rng(7)
    schema, codes = numbers(rng, 150, 3)
    y = codes[:, 0] / 3.0 + rng.normal(size=150)
    plain, moved = (fit(schema, codes, some, "value", seed=0) for some in (y, 1e6 - 250.0 * -y))
    assert moved.additive.predict(codes) == pytest.approx(1e6 + 250 * plain.additive.predict(codes), rel=1e-8)
    assert moved.errors[0,] == pytest.approx(250 * plain.errors[0,], rel=1e-5, abs=1e-5)
    assert moved.evidence.r_squared == pytest.approx(plain.evidence.r_squared, abs=1e-8)


def test_each_step_is_told_as_it_begins() -> None:
    schema, codes = flags(np.random.default_rng(0), 60, 2)
    told: list[str] = []
    learn(schema, codes, codes[:, 0].astype(np.float64), seed=0, on_step=told.append)
    assert told[-1] == "putting it into tables"
    assert len(told) == 4
