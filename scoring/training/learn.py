"""Learning one objective: which form predicts best on customers it has not seen, and what that is worth.

Two forms compete by cross-validation, a regularised linear one and boosted trees with pairs; both end in
tables. Predictions made out of fold are the honest ones: the choice, the signal test and the calibration use
them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr
from threadpoolctl import threadpool_limits

from scoring.features import Codes, FeatureSchema
from scoring.training.additive import Additive, Floats
from scoring.training.boosting import Ensemble, fit_ensemble
from scoring.training.linear import fit_linear

FOLDS = 5
LEAST_CUSTOMERS = 30  # below that no fold holds enough to tell signal from chance
SIGNIFICANCE = 0.001  # chance of taking noise for signal, per objective

Predictor = Callable[[Codes], Floats]
Learner = Callable[[FeatureSchema, Codes, Floats, int], Predictor]


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well one form predicted customers it had not seen."""

    form: str
    predictions: Floats  # (accounts,), each made without that account
    r_squared: float  # 1 - squared error over that of the mean
    correlation: float
    p_value: float  # one-sided, of a correlation this high without any signal


@dataclass(frozen=True, slots=True)
class Learnt:
    """One objective's function of codes, and the evidence for it and for the form that lost."""

    additive: Additive
    evidence: Evidence
    rivals: tuple[Evidence, ...]
    ensemble: Ensemble | None  # the trees the tables came from, where trees won


def _linear(schema: FeatureSchema, codes: Codes, y: Floats, seed: int) -> Predictor:  # noqa: ARG001 - a Learner
    return fit_linear(schema, codes, y).predict


def _boosted(schema: FeatureSchema, codes: Codes, y: Floats, seed: int) -> Predictor:
    return fit_ensemble(schema, codes, y, seed=seed, bags=2).predict


LEARNERS: dict[str, Learner] = {"linear": _linear, "boosted": _boosted}


def learn(
    schema: FeatureSchema, codes: Codes, y: Floats, *, seed: int, on_step: Callable[[str], None]
) -> Learnt | str:
    """Learn one outcome, or say why it cannot be learnt.

    Args:
        schema: what the codes mean.
        codes: (accounts, features), accounts whose outcome is known.
        y: (accounts,), the outcome; finite.
        seed: of folds and samples.
        on_step: told the name of each step as it begins.

    Returns:
        What was learnt, or the reason why nothing was, as a sentence.
    """
    if len(y) < LEAST_CUSTOMERS:
        return f"only {len(y)} customers have a known outcome, and at least {LEAST_CUSTOMERS} are needed"
    if np.ptp(y) == 0:
        return f"all {len(y)} customers have the same outcome"
    # One thread: sums in the learner then have one order, and one book gives the same bytes on any machine.
    with threadpool_limits(1):
        evidence = []
        for form, learner in LEARNERS.items():
            on_step(f"cross-validating the {form} form")
            evidence.append(_cross_validate(form, learner, schema, codes, y, seed))
        best, *rivals = sorted(evidence, key=lambda found: -found.r_squared)
        if best.p_value > SIGNIFICANCE or best.r_squared <= 0:
            return (
                f"no attribute predicts it: on customers not seen in training the best form's predictions "
                f"correlate {best.correlation:.2f} with what happened (p = {best.p_value:.2g}, "
                f"needed: at most {SIGNIFICANCE:g})"
            )
        on_step(f"learning from all customers ({best.form})")
        if best.form == "linear":
            return Learnt(fit_linear(schema, codes, y), best, tuple(rivals), None)
        ensemble = fit_ensemble(schema, codes, y, seed=seed)
        return Learnt(ensemble.additive, best, tuple(rivals), ensemble)


def folds(count: int, seed: int) -> NDArray[np.intp]:
    """Deal rows into FOLDS folds of like size at random: (count,) of 0..FOLDS-1."""
    return np.random.default_rng(seed).permutation(count) % FOLDS


def _cross_validate(
    form: str, learner: Learner, schema: FeatureSchema, codes: Codes, y: Floats, seed: int
) -> Evidence:
    fold = folds(len(y), seed)
    predictions = np.empty(len(y))
    for k in range(FOLDS):
        predict = learner(schema, codes[fold != k], y[fold != k], seed)
        predictions[fold == k] = predict(codes[fold == k])
    return evidence_of(form, predictions, y)


def evidence_of(form: str, predictions: Floats, y: Floats) -> Evidence:
    """Hold predictions against what happened.

    >>> evidence_of("mean", np.array([1.0, 1.0]), np.array([0.0, 2.0])).p_value
    1.0
    """
    r_squared = 1.0 - float(np.mean((y - predictions) ** 2) / np.var(y))
    if np.ptp(predictions) == 0:
        return Evidence(form, predictions, r_squared, 0.0, 1.0)
    test = pearsonr(predictions, y, alternative="greater")
    correlation, p_value = float(test.statistic), float(test.pvalue)
    return Evidence(form, predictions, r_squared, correlation, p_value if math.isfinite(p_value) else 1.0)
