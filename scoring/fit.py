"""Fit: what an account is worth, as a sum of table entries that anybody can add up.

The model is additive: a table per feature and per pair of features, one set of entries per objective, centred
and scaled on the customer base.

    z_k(x)   = sum_j t_kj(x)                                   k: objective, j: table
    Fit      = clip(50 + 20 * sum_k w_k z_k / s_w, 0, 100),    s_w = sqrt(w' C w)
    points_j = 20 * sum_k w_k t_kj / s_w

All entries and all points lie on a binary grid: they are whole multiples of a small power of two. Sums of
such numbers are exact in floating point, in any order. So the points of an account add up to its Fit to the
last bit, and a batch gives the same bits as one account alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scoring.errors import RequestError
from scoring.features import MISSING, Codes, FeatureSchema
from scoring.plan import OBJECTIVES, PRESETS, ObjectiveSection

BASE = 50.0  # the Fit of the average customer
SPREAD = 20.0  # points of Fit per standard deviation of the customer base
ENTRY_GRID = 2.0**-40  # table entries, in standard deviations
POINT_GRID = 2.0**-20  # points of Fit
SECONDARY = "win"  # an outcome that is expected of an account beside Fit, and that no objective may weigh
LEAST_VARIANCE = 1e-6  # of the weighted z: under it Fit would be rounding errors, blown up

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


def to_grid(values: Floats, grid: float) -> Floats:
    """Round to whole multiples of a power of two, whose sums are exact.

    >>> bool(to_grid(np.array([0.1]), 2.0**-20)[0] == 104858 / 2**20)
    True
    """
    return np.asarray(np.rint(values / grid) * grid)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What customers with a like z turned out to be: one row per band of z.

    `edges` part the bands (ascending, one fewer than bands); `mean`, `low` and `high` are the outcome and its
    90% interval in the outcome's own unit; `count` is the customers in each band.
    """

    edges: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    count: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One objective the model learnt, or the secondary outcome: which metric, and what to expect of it."""

    objective: str
    metric: str  # nrr, clv or payback; win_rate of the secondary outcome
    unit: Literal["ratio", "currency", "months"]
    center: float  # of the learner's own prediction, which is center + scale * z
    scale: float
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Objective:
    """The objectives' weights for one request, and what multiplies each table entry to give points."""

    name: str
    weights: Mapping[str, float]
    factors: tuple[float, ...]  # SPREAD * w_k / s_w, in the order of the model's outcomes


@dataclass(frozen=True)
class Tables:
    """Which features each table spans, and the entries of all tables end to end.

    `second` is -1 for a table of one feature. The entry of table j for codes (a, b) stands at
    `offset[j] + a * width[j] + b`, and at `offset[j] + a` for one feature.
    """

    first: Integers  # (tables,)
    second: Integers  # (tables,)
    entries: Floats  # (objectives, cells)
    sizes: Integers  # (features,)
    offset: Integers = field(init=False)
    width: Integers = field(init=False)

    def __post_init__(self) -> None:
        width = np.where(self.second < 0, 1, self.sizes[self.second])
        ends = np.cumsum(self.sizes[self.first] * width)
        object.__setattr__(self, "width", width)
        object.__setattr__(self, "offset", np.concatenate([[0], ends[:-1]]).astype(np.intp))

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """The features of each table, as `first` and `second` have them."""
        return list(zip(self.first.tolist(), self.second.tolist(), strict=True))

    @property
    def cell_count(self) -> int:
        """How many entries all tables have together."""
        return int((self.sizes[self.first] * self.width).sum())

    def cells(self, codes: Codes) -> Integers:
        """Return where each account's entries stand: (accounts, tables)."""
        with_none = np.concatenate([codes, np.zeros((len(codes), 1), codes.dtype)], axis=1)
        return np.asarray(self.offset + with_none[:, self.first] * self.width + with_none[:, self.second])


@dataclass(frozen=True)
class FitModel:
    """The additive model of all objectives an artifact holds."""

    schema: FeatureSchema
    tables: Tables
    outcomes: tuple[Outcome, ...]
    correlation: Floats  # (objectives, objectives), of the z on the customer base
    importance: Floats  # (objectives, features): mean absolute contribution on the customer base

    def objective(self, name: str, weights: Mapping[str, float]) -> Objective:
        """Prepare the weights of a request.

        Raises:
            RequestError: no weight above 0, an unknown objective, one this model could not learn, or
                objectives that cancel each other out in it.
        """
        known = [outcome.objective for outcome in self.weighable]
        for key, weight in weights.items():
            _check_weight(key, weight, known)
        w = np.array([weights.get(outcome.objective, 0.0) for outcome in self.outcomes])
        if not w.max() > 0:
            message = "give at least one objective a weight above 0"
            raise RequestError(message, field="objective", code="objective_invalid")
        w = np.ldexp(w, -math.frexp(w.max())[1])  # by a power of two, exactly: their sum stays finite
        w = w / w.sum()
        variance = float(w @ self.correlation @ w)
        if not variance > LEAST_VARIANCE:
            message = "these objectives cancel each other out in this model; weigh one above the others"
            raise RequestError(message, field="objective", code="objective_invalid")
        factors = SPREAD * w / math.sqrt(variance)
        said = {o.objective: weight for o, weight in zip(self.outcomes, w.tolist(), strict=True)}
        return Objective(name, {key: said[key] for key in known}, tuple(factors.tolist()))

    @property
    def weighable(self) -> list[Outcome]:
        """The outcomes that objectives weigh: all but the secondary one, which stands last."""
        return [outcome for outcome in self.outcomes if outcome.objective != SECONDARY]

    def planned(self, weights: ObjectiveSection) -> Objective:
        """Prepare a plan's own weights of what could be learnt; all alike where it weighs none of that."""
        learnt = [outcome.objective for outcome in self.weighable]
        asked = {name: float(getattr(weights, name)) for name in learnt}
        return self.objective("plan", asked if sum(asked.values()) > 0 else dict.fromkeys(learnt, 1.0))

    def preset(self, name: str) -> Objective:
        """Prepare a named mix of objectives.

        Raises:
            RequestError: no such preset, or it needs an objective this model could not learn.
        """
        if name not in PRESETS:
            message = f"no such objective preset; choose one of {', '.join(PRESETS)}, or give weights"
            raise RequestError(message, field="objective", code="objective_invalid")
        return self.objective(name, PRESETS[name])

    def fit(self, codes: Codes, objectives: Sequence[Objective]) -> Fit:
        """Score a batch.

        Args:
            codes: (accounts, features), from this model's schema.
            objectives: one per account, from `objective` or `preset`.

        Returns:
            The Fit of each account with the points that make it up.
        """
        entries = self.tables.entries[:, self.tables.cells(codes)]
        factors = np.array([objective.factors for objective in objectives]).reshape(
            len(codes), len(self.outcomes)
        )
        points = np.zeros(entries.shape[1:])
        for k in range(len(self.outcomes)):
            points += factors[:, k, None] * entries[k]
        points = to_grid(points, POINT_GRID)
        return Fit(self, codes, points, entries.sum(axis=2).T, self._coverage(codes, factors))

    def _coverage(self, codes: Codes, factors: Floats) -> Floats:
        """Return the share of the model's weight whose attributes are present: (accounts,)."""
        weight = np.zeros(codes.shape)
        for k in range(len(self.outcomes)):
            weight += factors[:, k, None] * self.importance[k]
        weight = to_grid(weight, POINT_GRID)
        total = weight.sum(axis=1)
        return np.asarray((weight * (codes != MISSING)).sum(axis=1) / np.where(total > 0, total, 1.0))


def _check_weight(key: str, weight: float, known: list[str]) -> None:
    if key not in OBJECTIVES:
        message = "objective weights are given for these alone: " + ", ".join(OBJECTIVES)
        raise RequestError(message, field="objective", code="objective_invalid")
    if not (math.isfinite(weight) and weight >= 0):
        message = "objective weights are finite numbers from 0 up"
        raise RequestError(message, field=f"objective.{key}", code="objective_invalid")
    if weight > 0 and key not in known:
        message = f"this model could not learn {key}; give weights of what it has: {', '.join(known)}"
        raise RequestError(message, field=f"objective.{key}", code="objective_unavailable")


@dataclass(frozen=True)
class Fit:
    """The Fit of a batch of accounts, with everything that explains it."""

    model: FitModel
    codes: Codes  # (accounts, features)
    points: Floats  # (accounts, tables)
    z: Floats  # (accounts, objectives)
    coverage: Floats  # (accounts,), 0..1

    @cached_property
    def unclipped(self) -> Floats:
        """50 plus the points of each account: (accounts,)."""
        return np.asarray(BASE + self.points.sum(axis=1))

    @cached_property
    def value(self) -> Floats:
        """Fit, 0..100: (accounts,)."""
        return np.clip(self.unclipped, 0.0, 100.0)

    @cached_property
    def bands(self) -> Integers:
        """The calibration band of each account and objective: (accounts, objectives)."""
        bands = [
            np.searchsorted(np.array(outcome.calibration.edges), self.z[:, k], side="right")
            for k, outcome in enumerate(self.model.outcomes)
        ]
        return np.stack(bands, axis=1)
