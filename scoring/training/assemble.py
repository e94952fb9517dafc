"""From what was learnt per objective to the one model an artifact holds.

All objectives share their features; each table holds an entry per objective, in standard deviations of the
customer base, on the grid that makes sums exact (see `scoring.fit`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scoring.features import Codes, FeatureSchema
from scoring.fit import ENTRY_GRID, Calibration, FitModel, Floats, Outcome, Tables, to_grid
from scoring.training.additive import Additive, Term
from scoring.training.learnt import Learnt
from scoring.training.outcomes import Target

BOOTSTRAPS = 500
INTERVAL = (5.0, 95.0)  # percent: a 90% interval
CUSTOMERS_PER_BAND = 50
MOST_BANDS = 10
WINSOR = 99.0  # percent: in a band's mean, what lies above counts as this


@dataclass(frozen=True, slots=True)
class Head:
    """One objective that could be learnt."""

    target: Target
    learnt: Learnt
    known: Floats  # (accounts with an outcome,), the metric in its own unit


def assemble(schema: FeatureSchema, base: Codes, heads: Sequence[Head], *, seed: int) -> FitModel:
    """Make the fit model.

    Args:
        schema: what the codes mean.
        base: (customers, features), all customers, whether their outcomes are known or not.
        heads: what was learnt, in the order of the objectives.
        seed: of the calibration's bootstrap.
    """
    functions = [head.learnt.additive.purified(base) for head in heads]
    spreads = [float(function.predict(base).std()) for function in functions]
    terms = sorted(
        {term for function in functions for term in function.tables}, key=lambda term: (len(term), term)
    )
    entries = np.stack([_entries(f, terms, schema, s) for f, s in zip(functions, spreads, strict=True)])
    tables = Tables(
        first=np.array([term[0] for term in terms], np.intp),
        second=np.array([term[1] if len(term) == 2 else -1 for term in terms], np.intp),
        entries=entries,
        sizes=np.array([feature.size for feature in schema.features], np.intp),
    )
    contributions = entries[:, tables.cells(base)]
    return FitModel(
        schema=schema,
        tables=tables,
        outcomes=tuple(
            _outcome(head, function.intercept, spread, seed)
            for head, function, spread in zip(heads, functions, spreads, strict=True)
        ),
        correlation=np.corrcoef(contributions.sum(axis=2)).reshape(len(heads), len(heads)),
        importance=_importance(contributions, terms, len(schema.features)),
    )


def _entries(function: Additive, terms: Sequence[Term], schema: FeatureSchema, spread: float) -> Floats:
    """Lay one objective's tables end to end, in standard deviations; a table it lacks is all zero."""
    parts = []
    for term in terms:
        shape = [schema.features[feature].size for feature in term]
        parts.append(function.tables.get(term, np.zeros(shape)).ravel() / spread)
    return to_grid(np.concatenate(parts), ENTRY_GRID)


def _importance(contributions: Floats, terms: Sequence[Term], features: int) -> Floats:
    """Share each table's mean absolute contribution among its features: (objectives, features)."""
    by_table = np.abs(contributions).mean(axis=1)
    importance = np.zeros((len(contributions), features))
    for column, term in enumerate(terms):
        for feature in term:
            importance[:, feature] += by_table[:, column] / len(term)
    return importance


def _outcome(head: Head, center: float, spread: float, seed: int) -> Outcome:
    z = (head.learnt.evidence.predictions - center) / spread
    calibration = calibrate(z, head.known, rising=head.target.metric != "payback", seed=seed)
    return Outcome(head.target.objective, head.target.metric, head.target.unit, center, spread, calibration)


def calibrate(z: Floats, known: Floats, *, rising: bool, seed: int) -> Calibration:
    """Say what accounts of a like z turned out to be.

    Bands of equal size are cut along z; neighbours whose means are out of order are merged, so that a better
    prediction never promises less. Intervals are bootstrapped.

    Args:
        z: (accounts,), predicted without the account itself.
        known: (accounts,), the outcome in its own unit.
        rising: whether a higher z should mean a higher outcome.
        seed: of the bootstrap.
    """
    count = int(np.clip(len(z) // CUSTOMERS_PER_BAND, 1, MOST_BANDS))
    edges = np.quantile(z, np.arange(1, count) / count).tolist()
    capped = np.minimum(known, np.percentile(known, WINSOR))
    while True:
        band = np.searchsorted(edges, z, side="right")
        groups = [capped[band == b] for b in range(len(edges) + 1)]
        wrong = _first_out_of_order(
            [group.mean() if len(group) else np.nan for group in groups], rising=rising
        )
        if wrong is None:
            break
        del edges[wrong]
    rng = np.random.default_rng(seed)
    intervals = [_interval(group, rng) for group in groups]
    return Calibration(
        edges=tuple(edges),
        mean=tuple(float(group.mean()) for group in groups),
        low=tuple(low for low, _ in intervals),
        high=tuple(high for _, high in intervals),
        count=tuple(len(group) for group in groups),
    )


def _first_out_of_order(means: Sequence[float], *, rising: bool) -> int | None:
    """Return the first edge after which a band is empty or its mean worse than the one before, or None."""
    for edge, (before, after) in enumerate(pairwise(means)):
        in_order = after >= before if rising else after <= before
        if not in_order:
            return edge
    return None


def _interval(group: Floats, rng: np.random.Generator) -> tuple[float, float]:
    resampled = rng.choice(group, (BOOTSTRAPS, len(group))).mean(axis=1)
    low, high = np.percentile(resampled, INTERVAL).tolist()
    return low, high


def exactness(model: FitModel, heads: Sequence[Head], codes: Codes) -> Mapping[str, float]:
    """Return, by objective, how far the tables' sum is from the learner's own prediction at worst.

    Args:
        model: the assembled model.
        heads: what it was assembled from.
        codes: (accounts, features), any.
    """
    z = model.tables.entries[:, model.tables.cells(codes)].sum(axis=2)
    worst = {}
    for k, (head, outcome) in enumerate(zip(heads, model.outcomes, strict=True)):
        difference = outcome.center + outcome.scale * z[k] - head.learnt.predict(codes)
        worst[outcome.objective] = float(np.abs(difference).max(initial=0.0))
    return worst
