"""What `learn` says of itself: evidence, p-values and standard errors."""

from typing import Any

import numpy as np
import pytest

from scoring.training.learn import (
    SIGNIFICANCE,
    fit,
    learn,
)
from scoring.training.learnt import Learnt, evidence_of
from scoring.training.loss import LOSSES
from tests.scoring.training.coded import flags, learnt_from, numbers


def test_noise_is_hardly_ever_taken_for_a_signal() -> None:
    """Of 40 at the promised 1 in 1,000; and p-values are about as often small as they say."""
    p_values = []
    for seed in range(40):
        rng = np.random.default_rng([seed, 400])
        schema, codes = numbers(rng, 400, 8)
        p_values.append(fit(schema, codes, rng.normal(size=400), "value", seed=seed).evidence.p_value)
    assert np.sum(np.array(p_values) < SIGNIFICANCE) <= 1
    assert np.sum(np.array(p_values) < 0.05) <= 7


def test_evidence_is_what_its_predictions_say() -> None:
    rng = np.random.default_rng(3)
    schema, codes = numbers(rng, 120, 3)
    y = 5 + 2 * (codes[:, 0] + rng.normal(size=120))
    found = learnt_from(schema, codes, y).evidence
    assert found.predictions.shape == (120,)
    assert found.correlation == pytest.approx(np.corrcoef(found.predictions, y)[0, 1])
    assert found.r_squared == pytest.approx(1 - np.mean((y - found.predictions) ** 2) / np.var(y))


@pytest.mark.parametrize("kind", ["value", "binary"])
def test_held_out_predictions_are_on_the_model_s_own_scale(kind: Any) -> None:
    """Bands are cut along the one and asked with the other."""
    rng = np.random.default_rng(4)
    schema, codes = numbers(rng, 300, 4)
    raw = codes[:, 0] / 3.0 - 3 + rng.normal(size=300)
    y = raw if kind == "value" else (raw > 0).astype(np.float64)
    learnt = fit(schema, codes, np.asarray(y, np.float64), kind, seed=0)
    slope = np.polyfit(learnt.additive.predict(codes), learnt.evidence.predictions, 1)
    assert slope == pytest.approx([1.0, 0.0], abs=0.15)


def test_predictions_that_run_against_what_happened_are_no_evidence() -> None:
    y = np.arange(50.0)
    assert evidence_of("linear", -y, y).p_value > 0.999


def test_a_constant_predicts_nothing_and_perfection_everything() -> None:
    y = np.arange(50.0)
    flat = evidence_of("constant", np.full(50, y.mean()), y)
    assert (flat.r_squared, flat.correlation, flat.p_value) == (0.0, 0.0, 1.0)
    perfect = evidence_of("linear", y, y)
    assert (perfect.r_squared, perfect.p_value) == (1.0, 0.0)


def test_the_p_value_allows_for_accounts_that_speak_for_one_another() -> None:
    """Each account is predicted by all others, by a fixed symmetric weighing, of outcomes that are noise."""
    rng = np.random.default_rng(5)
    weighing = rng.normal(size=(150, 150))
    weighing = weighing + weighing.T
    np.fill_diagonal(weighing, 0.0)
    p_values = []
    for _ in range(2000):
        y = rng.normal(size=150)
        p_values.append(evidence_of("linear", weighing @ y, y).p_value)
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.015)
    assert np.mean(np.array(p_values) < 0.01) == pytest.approx(0.01, abs=0.007)


def test_of_what_happens_or_not_the_log_likelihood_and_the_ranks_are_held_against_it() -> None:
    y = np.repeat([0.0, 1.0], [60, 40])
    raw = np.where(y > 0, 0.5, -1.0) + np.linspace(-1, 1, 100)
    found = evidence_of("linear", raw, y, LOSSES["binary"])
    likelihood = -(y * raw - np.logaddexp(0, raw)).mean()
    assert found.r_squared == pytest.approx(1 - likelihood / -(0.4 * np.log(0.4) + 0.6 * np.log(0.6)))
    assert found.p_value < 1e-6


def test_standard_errors_are_about_the_spread_over_tables_drawn_anew() -> None:
    entries, said = [], []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        schema, codes = flags(rng, 120, 2)
        learnt = fit(schema, codes, 0.8 * codes[:, 0] + rng.normal(size=120), "value", seed=0)
        entries.append(learnt.additive.tables[0,][1:])
        said.append(learnt.errors[0,][1:])
    ratio = np.sqrt(np.mean(np.square(said), axis=0)) / np.std(entries, axis=0, ddof=1)
    assert (ratio > 0.5).all()
    assert (ratio < 2.0).all()


def test_more_rows_make_surer_entries() -> None:
    errors = []
    for rows in (100, 1600):
        rng = np.random.default_rng(6)
        schema, codes = numbers(rng, rows, 3)
        learnt = fit(schema, codes, codes[:, 0] / 3.0 + rng.normal(size=rows), "value", seed=0)
        assert learnt.errors.keys() == learnt.additive.tables.keys()
        errors.append(np.mean(learnt.errors[0,][1:]))
    assert errors[1] < 0.6 * errors[0]


def test_a_signal_among_customers_that_left_is_seen_by_its_ranks() -> None:
    """Those that left have an outcome of zero, whatever they are: it drowns the sizes of the others."""
    seen = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        schema, codes = numbers(rng, 200, 3)
        outcome = 1 + 0.02 * (codes[:, 0] - 5.5) + rng.normal(0, 0.03, 200)
        y = np.where(rng.random(200) < 0.08, 0.0, outcome)
        seen += isinstance(learn(schema, codes, y, seed=seed), Learnt)
    assert seen >= 5
