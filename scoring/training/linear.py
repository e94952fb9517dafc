"""A regularised linear function of codes, in tables: what often wins where customers are few.

Each feature contributes through a small basis: a number by its size and by its rank among the intervals, a
flag or tag by being set, a category by an indicator per level; missing has an indicator of its own. The ridge
penalty is chosen by cross-validation along a path, which Newton's method walks from strong to weak.

The path has a floor, because attributes are often near copies of each other (revenue and sales): without one,
chance can give the first +110 points and the second -93.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.features import MISSING, CategoryEncoder, Codes, Feature, FeatureSchema, NumberEncoder
from scoring.training.additive import Additive, Floats, Term
from scoring.training.loss import Loss

PENALTIES = np.geomspace(10.0, 1e-3, 13)  # times the accounts, for columns of unit variance; strong to weak
MOST_COLUMNS = 1000  # of the design; beyond it the rarest levels of categories share the unseen ones' zero
MOST_WORK = 1e9  # rows * columns^2 of a Newton step; more rows than that are sampled
MOST_ROWS, LEAST_ROWS = 50_000, 2_000  # sampled
SAME = 1e-12  # spread, of columns within -1 and 1, that is rounding alone
STEPS = 40  # of Newton's method at most, for each penalty
REFRESH = 5  # steps that share a matrix of second derivatives: making one costs more than all else
HALVINGS = 30  # of a step at most
PRECISION = 1e-6  # a step that moves no weight by more ends the search

Directions = Mapping[int, int]  # feature -> 1 where its effect may only rise, -1 where it may only fall


@dataclass(frozen=True, slots=True)
class Design:
    """The columns that all features contribute, per code, and which of them a direction binds."""

    bases: tuple[Floats, ...]  # by feature: (codes, columns)
    signs: NDArray[np.int8]  # (columns,): 1 or -1 where a weight may only have this sign, else 0

    def matrix(self, codes: Codes) -> Floats:
        """Look up the columns of accounts: (accounts, columns)."""
        return np.concatenate([basis[codes[:, j]] for j, basis in enumerate(self.bases)], axis=1)

    def additive(self, weights: Floats, intercept: float) -> Additive:
        """Return weights of columns as tables."""
        ends = np.cumsum([basis.shape[1] for basis in self.bases])
        tables: dict[Term, Floats] = {
            (j,): basis @ weights[end - basis.shape[1] : end]
            for j, (basis, end) in enumerate(zip(self.bases, ends, strict=True))
        }
        return Additive(intercept, tables)


def basis(feature: Feature) -> Floats:
    """Return the columns a feature contributes for each of its codes: (codes, columns).

    >>> from scoring.features import NumberEncoder
    >>> basis(FeatureSchema((NumberEncoder("employees", (10.0, 30.0)),)).features[0]).tolist()
    [[0.0, 0.0, 1.0], [-0.5, 10.0, 0.0], [0.0, 20.0, 0.0], [0.5, 30.0, 0.0]]
    """
    if isinstance(feature.encoder, CategoryEncoder):
        return np.eye(feature.size)
    columns = np.zeros((feature.size, 3))
    columns[1:, 0] = np.linspace(-0.5, 0.5, feature.size - 1)
    if isinstance(feature.encoder, NumberEncoder) and feature.size > 3:
        edges = np.array(feature.encoder.edges)
        columns[1:, 1] = np.concatenate([edges[:1], edges[1:] / 2 + edges[:-1] / 2, edges[-1:]])
    columns[MISSING, 2] = 1.0
    return columns


def design_of(schema: FeatureSchema, codes: Codes, directions: Directions) -> Design:
    """Lay out the columns; those that never vary in `codes` are zero, and so are levels beyond MOST_COLUMNS.

    Args:
        schema: what the codes mean.
        codes: (accounts, features), the base that columns are centred and scaled on.
        directions: of numbers, dates, flags and tags.
    """
    counts = [np.bincount(codes[:, j], minlength=f.size) for j, f in enumerate(schema.features)]
    least = _least_count(schema, counts)
    bases, signs = [], []
    for j, feature in enumerate(schema.features):
        columns = basis(feature)
        if isinstance(feature.encoder, CategoryEncoder):
            columns = columns[:, counts[j] >= least]
        size = np.abs(columns).max(axis=0, initial=0.0)
        columns = columns / np.where(size > 0, size, 1.0)  # squares of very large numbers would overflow
        if not isinstance(feature.encoder, CategoryEncoder):
            columns = _neutral_where_missing(columns, counts[j])
        share = counts[j] / max(len(codes), 1)
        centred = columns - share @ columns
        spread = np.sqrt(share @ centred**2)
        varies = spread > SAME
        centred = centred[:, varies] / spread[varies]
        bases.append(centred)
        sign = np.zeros(columns.shape[1], np.int8)
        if j in directions:
            sign[:-1] = directions[j]  # the last column says missing
        signs.append(sign[varies])
    return Design(tuple(bases), np.concatenate(signs) if signs else np.zeros(0, np.int8))


def _neutral_where_missing(columns: Floats, counts: NDArray[np.intp]) -> Floats:
    """Put what is missing where the average is, in all columns but the one that says it is missing.

    At zero it would stand beside the lowest numbers, and nothing could tell otherwise where the accounts
    learnt from have no gap.
    """
    present = counts[MISSING + 1 :]
    neutral = columns.copy()
    neutral[MISSING, :-1] = present @ columns[MISSING + 1 :, :-1] / max(int(present.sum()), 1)
    return neutral


def _least_count(schema: FeatureSchema, counts: Sequence[NDArray[np.intp]]) -> int:
    """Return how many accounts a level must have so that all columns together are not too many."""
    levels = [
        count
        for feature, count in zip(schema.features, counts, strict=True)
        if isinstance(feature.encoder, CategoryEncoder)
    ]
    if not levels:
        return 1
    descending = np.sort(np.concatenate(levels))[::-1]
    room = max(MOST_COLUMNS - 3 * (len(counts) - len(levels)), len(levels))
    return 1 if len(descending) <= room else int(descending[room]) + 1


def fit_path(design: Design, codes: Codes, y: Floats, loss: Loss, seed: int) -> list[Additive]:
    """Learn the linear function at each of PENALTIES, from strong to weak.

    Args:
        design: from `design_of`.
        codes: (accounts, features).
        y: (accounts,), the outcome.
        loss: what is made small.
        seed: of the sample of rows, where they are many.
    """
    rows = _sample(len(y), len(design.signs), seed)
    matrix, y = design.matrix(codes[rows]), y[rows]
    weights, intercept = np.zeros(matrix.shape[1]), float(loss.start(y))
    if np.ptp(y) == 0:  # log-odds of what always happens have no end
        return [design.additive(weights, intercept)] * len(PENALTIES)
    path = []
    for penalty in PENALTIES:
        ridge = Ridge(matrix, y, loss, penalty * len(y), design.signs)
        weights, intercept = ridge.solve(weights, intercept)
        path.append(design.additive(weights, intercept))
    return path


def _sample(rows: int, columns: int, seed: int) -> NDArray[np.intp] | slice:
    most = int(np.clip(MOST_WORK / max(columns, 1) ** 2, LEAST_ROWS, MOST_ROWS))
    if rows <= most:
        return slice(None)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


@dataclass(frozen=True, eq=False, slots=True)
class _Bend:
    """Second derivatives somewhere on the way."""

    total: float  # by the intercept
    mean: Floats  # (columns,): by the intercept and a weight, over `total`
    hessian: Floats  # (columns, columns): by two weights, the intercept following


@dataclass(frozen=True, eq=False, slots=True)
class Ridge:
    """What one penalty asks for: small loss + penalty / 2 * |weights|^2, no weight of a forbidden sign.

    Solved by Newton's method with projection (Bertsekas 1982, "Projected Newton Methods for Optimization
    Problems with Simple Constraints"); a step that would not make it smaller is halved until it does.
    """

    matrix: Floats  # (accounts, columns)
    y: Floats  # (accounts,)
    loss: Loss
    penalty: float
    signs: NDArray[np.int8]  # (columns,): as in Design

    def value(self, weights: Floats, intercept: float) -> float:
        """Return what is made small."""
        losses = self.loss.each(self.y, intercept + self.matrix @ weights)
        return float(losses.sum() + self.penalty / 2 * (weights @ weights))

    def solve(self, weights: Floats, intercept: float) -> tuple[Floats, float]:
        """Return the weights and the intercept that make it smallest, from a start that is allowed."""
        value = self.value(weights, intercept)
        for taken in range(STEPS):
            if taken % REFRESH == 0:
                bend = self._bend(weights, intercept)
            step, shift = self._direction(weights, intercept, bend)
            for _ in range(HALVINGS):
                moved = weights + step
                moved = np.where(moved * self.signs < 0, 0.0, moved)
                reached = self.value(moved, intercept + shift)
                if reached <= value:
                    break
                step, shift = step / 2, shift / 2
            else:  # as small as rounding lets it be
                break
            change = max(float(np.abs(moved - weights).max(initial=0.0)), abs(shift))
            weights, intercept, value = moved, intercept + shift, reached
            if change < PRECISION:
                break
        return weights, intercept

    def _bend(self, weights: Floats, intercept: float) -> _Bend:
        """Return the second derivatives; the intercept is solved for beside the weights."""
        _, curvature = self.loss.derivatives(self.y, intercept + self.matrix @ weights)
        total = float(curvature.sum())
        mean = curvature @ self.matrix / total
        weighted = self.matrix * np.sqrt(curvature)[:, None]
        hessian = weighted.T @ weighted - total * np.outer(mean, mean)
        hessian[np.diag_indices_from(hessian)] += self.penalty
        return _Bend(total, mean, hessian)

    def _direction(self, weights: Floats, intercept: float, bend: _Bend) -> tuple[Floats, float]:
        """Return Newton's step; a weight at zero stays where it would be taken to a forbidden sign."""
        gradient, _ = self.loss.derivatives(self.y, intercept + self.matrix @ weights)
        slope = self.matrix.T @ gradient + self.penalty * weights - bend.mean * gradient.sum()
        bound = (weights == 0) & (self.signs != 0)
        free = ~(bound & (slope * self.signs > 0))
        while True:
            step = np.zeros(len(weights))
            step[free] = -np.linalg.solve(bend.hessian[np.ix_(free, free)], slope[free])
            leaving = bound & (step * self.signs < 0)
            if not leaving.any():
                return step, -float(gradient.sum() / bend.total + bend.mean @ step)
            free &= ~leaving
