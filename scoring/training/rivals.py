"""The comparison: what other ways of predicting say of the same customers, whom they did not see either.

A glass box that gives something away shows here; so does a book in which nobody can predict anything. The
rivals are a plain linear model, boosting without constraints, and the present spend alone, which needs no
model but is only known of those who buy already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits

from scoring.features import MISSING, CategoryEncoder, Codes, FeatureSchema
from scoring.training.additive import Floats
from scoring.training.coarse import coarse
from scoring.training.folds import FOLDS, deal
from scoring.training.lift import Outcome, r_squared, rank_correlation, top_lift

OURS, PLAIN_LINEAR, FREE_BOOSTING, SPEND = (
    "firebrand",
    "plain linear",
    "unconstrained boosting",
    "spend alone",
)
PENALTIES = np.geomspace(0.1, 10_000.0, 11)
INTERVALS = 10  # that the linear rival cuts a number into
LEAST_TO_FIT = 10 * FOLDS
SURE = 3.0  # standard errors above nothing from which the best of several rankings is more than luck

Mask = NDArray[np.bool_]
Predictor = Callable[[Codes], Floats]
Fitter = Callable[[FeatureSchema, Codes, Floats, int], Predictor]


@dataclass(frozen=True, slots=True)
class Contender:
    """How well one way of predicting did; figures that do not apply are None."""

    name: str
    r_squared: float | None  # None too where what is predicted and what happened differ in scale
    rank_correlation: float | None
    top_lift: float | None  # times better than the average the tenth predicted best did


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several ways of predicting one outcome of the same accounts."""

    objective: str
    metric: str
    population: str  # whose outcome it is, in words
    n: int
    contenders: tuple[Contender, ...]
    verdict: str  # who came out ahead, as a sentence


def _plain_linear(schema: FeatureSchema, codes: Codes, y: Floats, seed: int) -> Predictor:  # noqa: ARG001 - a Fitter
    bins = coarse(schema, codes, INTERVALS)

    def one_hot(rows: Codes) -> Floats:
        return np.concatenate(
            [np.eye(bin_.max() + 1)[bin_[rows[:, j]]] for j, bin_ in enumerate(bins)], axis=1
        )

    model = RidgeCV(alphas=PENALTIES).fit(one_hot(codes), y)
    return lambda others: np.asarray(model.predict(one_hot(others)))


def _free_boosting(schema: FeatureSchema, codes: Codes, y: Floats, seed: int) -> Predictor:
    model = HistGradientBoostingRegressor(
        categorical_features=[isinstance(f.encoder, CategoryEncoder) for f in schema.features],
        learning_rate=0.06,
        early_stopping=True,
        n_iter_no_change=15,
        max_iter=300,
        random_state=seed,
    ).fit(_with_gaps(codes), y)
    return lambda others: np.asarray(model.predict(_with_gaps(others)))


def _with_gaps(codes: Codes) -> Floats:
    return np.where(codes == MISSING, np.nan, codes.astype(np.float64))


FITTERS: dict[str, Fitter] = {PLAIN_LINEAR: _plain_linear, FREE_BOOSTING: _free_boosting}


def rival_predictions(
    schema: FeatureSchema, codes: Codes, y: Floats, *, wanted: Mask, seed: int
) -> dict[str, Floats]:
    """Predict with each rival, nobody by a model that saw their outcome.

    Accounts with a known outcome are predicted out of fold, on the folds that `learn` deals; all others by a
    model of all that are known.

    Args:
        schema: what the codes mean.
        codes: (accounts, features).
        y: (accounts,), NaN where the outcome is not known.
        wanted: (accounts,), whose predictions are asked for; others may be NaN.
        seed: of the folds, as given to `learn`.

    Returns:
        By name, (accounts,); empty where too few outcomes are known to fit anything.
    """
    known = np.isfinite(y)
    if known.sum() < LEAST_TO_FIT:
        return {}
    fold = np.full(len(y), FOLDS)
    fold[known] = deal(y[known], None, seed)
    with threadpool_limits(1):  # as in `learn`: sums have one order on any machine
        return {
            name: _predict(fitter, schema, codes, y, fold=fold, wanted=wanted, seed=seed)
            for name, fitter in FITTERS.items()
        }


def _predict(
    fitter: Fitter,
    schema: FeatureSchema,
    codes: Codes,
    y: Floats,
    *,
    fold: NDArray[np.intp],
    wanted: Mask,
    seed: int,
) -> Floats:
    predictions = np.full(len(y), np.nan)
    for k in range(FOLDS + 1):  # the last "fold" is of those whose outcome is not known
        asked = wanted & (fold == k)
        if asked.any():
            seen = (fold != k) & (fold < FOLDS)
            predictions[asked] = fitter(schema, codes[seen], y[seen], seed)(codes[asked])
    return predictions


def compare(
    objective: str,
    population: str,
    predictions: Mapping[str, Floats],
    outcome: Outcome,
    *,
    actual: Floats | None,
    spend: Floats | None,
) -> Comparison:
    """Hold several predictions against one outcome.

    Args:
        objective: what the predictions are of.
        population: whose outcome it is, in words.
        predictions: by name, (accounts,), on the scale that is learnt; more is better.
        outcome: of the same accounts.
        actual: (accounts,), what happened on the scale that is learnt; None where the outcome has another.
        spend: (accounts,), what each paid before; None where nobody had paid yet.
    """
    contenders = [
        _contender(name, predicted, outcome, None if actual is None else r_squared(predicted, actual))
        for name, predicted in predictions.items()
    ]
    if spend is not None:
        contenders.append(_contender(SPEND, spend, outcome, None))
    return Comparison(
        objective=objective,
        metric=outcome.metric,
        population=population,
        n=len(outcome.each),
        contenders=tuple(contenders),
        verdict=_verdict(contenders, len(outcome.each)),
    )


def _contender(name: str, score: Floats, outcome: Outcome, explained: float | None) -> Contender:
    correlation, _ = rank_correlation(score, outcome.better)
    return Contender(name, explained, correlation, top_lift(score, outcome))


def _verdict(contenders: list[Contender], n: int) -> str:
    """Say who ranks best, and whether the difference is more than chance.

    A rank correlation's standard error is about 1 / sqrt(n - 1) where there is no signal.
    """
    ranks = {one.name: one.rank_correlation or 0.0 for one in contenders}
    spend = ranks.pop(SPEND, None)
    aside = "" if spend is None else _on_spend(spend)
    if not ranks:
        return f"too few outcomes are known to compare models{aside}"
    noise = 1.0 / math.sqrt(max(n - 1, 1))
    best = max(ranks, key=lambda name: ranks[name])
    if ranks[best] < SURE * noise:
        said = f"no model ranks these {n:,} accounts better than chance: there is no usable signal"
    elif OURS not in ranks:
        said = f"Firebrand found no usable signal, yet {best} ranks {ranks[best]:.2f}"
    elif best == OURS:
        said = f"Firebrand ranks best of the models ({ranks[OURS]:.2f})"
    else:
        apart = (
            "no more apart than chance" if ranks[best] - ranks[OURS] < noise else "something is given away"
        )
        said = f"{best} ranks {ranks[best]:.2f} and Firebrand {ranks[OURS]:.2f}: {apart}"
    return said + aside


def _on_spend(rank: float) -> str:
    return (
        f"; what they already paid ranks {rank:.2f}, which is known of customers only and never of prospects"
    )
