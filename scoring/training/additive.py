"""An additive function of codes: an intercept, a table per feature, and a table per pair of features.

Learners end in this form, whatever they start from; it is what an artifact holds and what people read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.features import Codes

Floats = NDArray[np.float64]
Term = tuple[int, ...]  # the features a table spans: one, or two in ascending order


@dataclass(frozen=True, slots=True)
class Additive:
    """intercept + the sum over tables of the entry at an account's codes."""

    intercept: float
    tables: Mapping[Term, Floats]

    def contributions(self, codes: Codes) -> Iterator[tuple[Term, Floats]]:
        """Yield each table's entry for each account: (accounts,)."""
        for term, table in self.tables.items():
            yield term, table[tuple(codes[:, feature] for feature in term)]

    def predict(self, codes: Codes) -> Floats:
        """Sum up: (accounts,)."""
        total = np.full(len(codes), self.intercept)
        for _, entries in self.contributions(codes):
            total += entries
        return total

    def times(self, scale: float, shift: float) -> Additive:
        """Return shift + scale * this function."""
        tables = {term: scale * table for term, table in self.tables.items()}
        return Additive(shift + scale * self.intercept, tables)

    def purified(self, codes: Codes) -> Additive:
        """Return the same function with every effect in the smallest table that can hold it.

        A pair's table keeps only what its two features do together: its averages along each feature move
        to the single tables, and theirs to the intercept, weighted by how often codes occur in `codes`. This
        is the functional-ANOVA form of Lengerich et al. (2020), "Purifying Interaction Effects with the
        Functional ANOVA".
        """
        sizes = {f: n for term, table in self.tables.items() for f, n in zip(term, table.shape, strict=True)}
        tables: dict[Term, Floats] = {
            (f,): np.array(self.tables.get((f,), np.zeros(n))) for f, n in sorted(sizes.items())
        }
        for term in sorted(term for term in self.tables if len(term) == 2):
            a, b = term
            pure, along_a, along_b = _purify(
                self.tables[term], _joint_counts(codes, term, self.tables[term].shape)
            )
            tables[term] = pure
            tables[(a,)] += along_a
            tables[(b,)] += along_b
        intercept = self.intercept
        for feature in sorted(sizes):
            counts = np.bincount(codes[:, feature], minlength=sizes[feature])
            mean = float(counts @ tables[(feature,)] / max(counts.sum(), 1))
            tables[(feature,)] -= mean
            intercept += mean
        return Additive(intercept, tables)


def mean_of(functions: Iterable[Additive]) -> Additive:
    """Average additive functions; a table that one of them lacks counts as zero there."""
    members = list(functions)
    tables: dict[Term, Floats] = {}
    for member in members:
        for term, table in member.tables.items():
            tables[term] = tables.get(term, 0.0) + table / len(members)
    return Additive(sum(member.intercept for member in members) / len(members), tables)


def _joint_counts(codes: Codes, term: Term, shape: tuple[int, ...]) -> Floats:
    a, b = term
    flat = codes[:, a].astype(np.intp) * shape[1] + codes[:, b]
    return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)


def _purify(table: Floats, counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Part a pair's table into what is left, and the row and column effects that fit it best.

    The effects solve the normal equations of least squares weighted by `counts`, so that what is left has no
    weighted average along any row or column. Codes that never occur get no effect.
    """
    weights = np.block([[np.diag(counts.sum(axis=1)), counts], [counts.T, np.diag(counts.sum(axis=0))]])
    sums = np.concatenate([(table * counts).sum(axis=1), (table * counts).sum(axis=0)])
    effects = np.linalg.lstsq(weights, sums, rcond=None)[0]
    rows, columns = effects[: len(table)], effects[len(table) :]
    return table - rows[:, None] - columns[None, :], rows, columns
