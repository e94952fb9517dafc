"""The power of attributes: how much each tells alone, and which need not be enriched any longer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from scoring.training.attributes import Attribute
from scoring.training.conditions import Floats, build_atoms
from scoring.training.folds import FOLDS, folds
from scoring.training.found import AttributePower

NOTHING = 0.005  # out-of-fold R squared under which an attribute tells nothing
NEAR_COPY = 0.95  # rank correlation, or share of the uncertainty that the other takes away, both ways
LEAST_JUDGED = 300  # customers with a known outcome below which no attribute is called worthless
MOST_JUDGED = 50_000  # customers; more change no digit that is shown
_LEAST_SHARED = 50  # customers that have both attributes
_LEAST_FOR_LEVEL = 5
_PENALTIES = np.geomspace(1.0, 10_000.0, 9)  # of the ridge: as many average customers in every level


@dataclass(frozen=True, slots=True)
class _Power:
    attribute: Attribute
    alone: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.alone.values())


def rank_attributes(
    attributes: Sequence[Attribute],
    customers: pl.DataFrame,
    targets: Mapping[str, Floats],
    used: Collection[str],
    *,
    seed: int,
) -> list[AttributePower]:
    """Rank attributes by the R squared of each alone, summed over objectives; most telling first.

    An attribute alone predicts by a ridge regression on its levels, tags or intervals, and on being missing;
    no customer is predicted by a regression that saw it (FOLDS folds). Below 0 is written as 0.

    Args:
        attributes: the book's, leaks left out.
        customers: a row per customer, typed as in `Book.accounts`.
        targets: by objective, (customers,) with NaN where unknown.
        used: attributes that are in a candidate segment, and so worth having whatever they tell alone.
        seed: of the folds, and of the customers taken where there are more than MOST_JUDGED.
    """
    if customers.height > MOST_JUDGED:
        rows = np.sort(np.random.default_rng(seed).permutation(customers.height)[:MOST_JUDGED])
        taken = customers[rows.tolist()]
        targets = {name: target[rows] for name, target in targets.items()}
    else:
        taken = customers
    powers = [_Power(one, _alone(one, taken, targets, seed)) for one in attributes]
    powers.sort(key=lambda power: -power.total)
    judged = any(np.isfinite(target).sum() >= LEAST_JUDGED for target in targets.values())
    ranked: list[AttributePower] = []
    worth_having: list[Attribute] = []
    for power in powers:
        stop = _why_stop(power, worth_having, taken, used) if judged else ""
        if not stop:
            worth_having.append(power.attribute)
        name = power.attribute.name
        filled = 1.0 - customers[name].null_count() / max(customers.height, 1)
        ranked.append(AttributePower(name, power.alone, filled, stop))
    return ranked


def _alone(
    attribute: Attribute, customers: pl.DataFrame, targets: Mapping[str, Floats], seed: int
) -> dict[str, float]:
    as_kept = replace(attribute, kind="number") if attribute.kind == "date" else attribute
    atoms = build_atoms([as_kept], customers, _LEAST_FOR_LEVEL)
    missing = customers[attribute.name].is_null().to_numpy()[:, None]
    design = np.concatenate([atoms.matrix, missing], axis=1).astype(np.float64)
    return {name: _r_squared(design, target, seed) for name, target in targets.items()}


def _r_squared(design: Floats, target: Floats, seed: int) -> float:
    """Return the out-of-fold R squared of a ridge regression, at least 0."""
    known = np.isfinite(target)
    x, y = design[known], target[known]
    if len(y) < 2 * FOLDS or np.ptp(y) == 0:
        return 0.0
    fold = folds(len(y), seed)
    predicted = np.empty(len(y))
    for k in range(FOLDS):
        train, test = fold != k, fold == k
        centre, base = x[train].mean(axis=0), y[train].mean()
        predicted[test] = base + (x[test] - centre) @ _ridge(x[train] - centre, y[train] - base)
    return max(0.0, 1.0 - float(np.mean((y - predicted) ** 2) / np.var(y)))


def _ridge(x: Floats, y: Floats) -> Floats:
    """Return the weights of centred columns; the penalty has the least generalised cross-validation error.

    Golub, Heath and Wahba 1979; in the eigenvectors of x'x, so that all penalties cost one decomposition.
    """
    values, vectors = np.linalg.eigh(x.T @ x)
    values = np.maximum(values, 0.0)
    turned = vectors.T @ (x.T @ y)
    kept = turned / (values + _PENALTIES[:, None])  # (penalties, columns)
    errors = y @ y - 2 * kept @ turned + kept**2 @ values
    freedom = len(y) - 1 - (values / (values + _PENALTIES[:, None])).sum(axis=1)
    return np.asarray(vectors @ kept[np.argmin(errors / freedom**2)])


# What could be stopped


def _why_stop(
    power: _Power, worth_having: Sequence[Attribute], customers: pl.DataFrame, used: Collection[str]
) -> str:
    """Return why nobody need pay for an attribute, or an empty text."""
    name = power.attribute.name
    if name in used:
        return ""
    if max(power.alone.values(), default=0.0) < NOTHING:
        return "tells nothing alone, and no candidate segment needs it"
    for better in worth_having:
        likeness = _likeness(power.attribute, better, customers)
        if likeness >= NEAR_COPY:
            return f"a near copy ({likeness:.2f}) of {better.name}, which tells more"
    return ""


def _likeness(one: Attribute, other: Attribute, customers: pl.DataFrame) -> float:
    """Return how much one attribute says of the other, 0 to 1; 0 where their kinds cannot be compared."""
    both = customers.select(pl.col(one.name).alias("one"), pl.col(other.name).alias("other")).drop_nulls()
    if both.height < _LEAST_SHARED or both["one"].n_unique() < 2 or both["other"].n_unique() < 2:
        return 0.0
    numbers, names = {"number", "date"}, {"category", "flag", "industry", "country"}
    if {one.kind, other.kind} <= numbers:
        return float(abs(spearmanr(both["one"].to_numpy(), both["other"].to_numpy()).statistic))
    if {one.kind, other.kind} <= names:
        return _shared_information(both)
    return 0.0


def _shared_information(both: pl.DataFrame) -> float:
    """Return the lesser of Theil's two uncertainty coefficients: 1 where each says all about the other."""
    joint = _entropy(both.group_by("one", "other").len()["len"])
    one, other = (_entropy(both[side].value_counts()["count"]) for side in ("one", "other"))
    return (one + other - joint) / max(one, other)


def _entropy(counts: pl.Series) -> float:
    shares = np.sort(counts.to_numpy()) / counts.sum()
    return float(-(shares * np.log(shares)).sum())
