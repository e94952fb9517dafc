"""Which pairs of features do something together that neither does alone.

All pairs are looked at, those of features without any effect of their own too: two of them may cancel out.
What is left unexplained is added up in every cell of every pair by two matrix products; what a cell has
beyond its row's and its column's average speaks for the pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.features import CategoryEncoder, Codes, Feature, FeatureSchema
from scoring.training.additive import Floats, Term
from scoring.training.boosting import BinOf
from scoring.training.coarse import bins_of

MOST_PAIRS = 12  # pair tables kept; more would be more than people read
PAIR_BINS = 16  # of a number or date within a pair: finer ones would each hold too few accounts
SCAN_BINS = 8  # of a feature while pairs are looked for
MOST_ROWS = 10_000  # looked at while pairs are looked for
LEAST_CELL = 5.0  # accounts; a cell with fewer says nothing
LEAST_SCORE = 1.0  # in standard deviations of what chance gives


def coarse_bins(schema: FeatureSchema, codes: Codes, most: int) -> list[BinOf]:
    """Join neighbouring codes of numbers and dates to at most `most` bins of like numbers of accounts."""
    return [_coarse(feature, codes[:, j], most) for j, feature in enumerate(schema.features)]


def _coarse(feature: Feature, column: Codes, most: int) -> BinOf:
    return bins_of(feature, column, most).astype(np.uint8) - np.uint8(1)


@dataclass(frozen=True, slots=True)
class Lead:
    """A pair that may be worth a table, and by how much it stands out from chance, in standard deviations."""

    term: Term
    score: float


def leads(schema: FeatureSchema, codes: Codes, left: Floats, seed: int) -> list[Lead]:
    """Return the pairs that stand out, strongest first, at most 2 * MOST_PAIRS.

    Args:
        schema: what the codes mean.
        codes: (accounts, features).
        left: (accounts,), what single features leave unexplained.
        seed: of the sample of accounts, where they are many.
    """
    if len(left) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(left), MOST_ROWS, replace=False))
        codes, left = codes[rows], left[rows]
    cells = [_cells(feature, codes[:, j]) for j, feature in enumerate(schema.features)]
    owner = np.repeat(np.arange(len(cells)), [one.shape[1] for one in cells])
    indicators = np.concatenate(cells, axis=1)
    sums = indicators.T @ (indicators * left[:, None].astype(np.float32))
    counts = indicators.T @ indicators
    scores = _scores(sums, counts, owner, variance=float(np.mean(left**2)) or 1.0)
    attributes = np.unique([feature.attribute for feature in schema.features], return_inverse=True)[1]
    scores[attributes[:, None] == attributes] = 0.0  # tags of one list exclude or entail each other
    firsts, seconds = np.nonzero(np.triu(scores > LEAST_SCORE, 1))
    found = [
        Lead((a, b), float(scores[a, b])) for a, b in zip(firsts.tolist(), seconds.tolist(), strict=True)
    ]
    return sorted(found, key=lambda lead: (-lead.score, lead.term))[: 2 * MOST_PAIRS]


def _cells(feature: Feature, column: Codes) -> Floats:
    """Return an indicator per bin, of categories for the most frequent levels alone: (accounts, bins)."""
    if isinstance(feature.encoder, CategoryEncoder):
        counts = np.bincount(column, minlength=feature.size)
        kept = np.argsort(-counts, kind="stable")[: SCAN_BINS + 1]
        return (column[:, None] == kept[counts[kept] > 0]).astype(np.float32)  # type: ignore[no-any-return]
    bins = _coarse(feature, column, SCAN_BINS)[column]
    return (bins[:, None] == np.unique(bins)).astype(np.float32)  # type: ignore[no-any-return]


def _scores(sums: Floats, counts: Floats, owner: NDArray[np.intp], *, variance: float) -> Floats:
    """Say for each pair how far its cells' sums go beyond their rows' and columns' averages, against chance.

    Were nothing there, the squares of what is left, over their variances, would add up to chi-squared with
    (rows - 1) * (columns - 1) degrees of freedom.

    Args:
        sums: (cells, cells), of what is left unexplained; a pair's table is the block of its features' cells.
        counts: (cells, cells), of accounts.
        owner: (cells,), the feature of each cell, ascending.
        variance: of what is left, per account.

    Returns:
        Standard deviations beyond the mean of chi-squared: (features, features), symmetric.
    """
    starts = np.flatnonzero(np.diff(owner, prepend=-1))

    def by_feature(values: NDArray[Any]) -> Floats:
        return np.add.reduceat(values, starts, axis=1, dtype=np.float64)

    row_sums, row_counts = by_feature(sums), by_feature(counts)
    means = row_sums / np.maximum(
        row_counts, 1.0
    )  # (cells, features): of a row in its pair with each feature
    whole = by_feature(row_sums.T) / np.maximum(by_feature(row_counts.T), 1.0)  # (features, features)
    expected = means[:, owner] + means[:, owner].T - whole[owner][:, owner]
    filled = counts >= LEAST_CELL
    squares = np.where(filled, (sums - counts * expected) ** 2 / np.maximum(counts, 1.0), 0.0)
    explained = by_feature(by_feature(squares).T) / variance
    rows = by_feature((by_feature(filled) > 0).T) - 1  # that have a filled cell, less one
    degrees = rows * rows.T
    return np.where(degrees >= 1, (explained - degrees) / np.sqrt(np.maximum(2 * degrees, 1.0)), 0.0)


def common(leads_by_member: Sequence[Sequence[Lead]]) -> list[Term]:
    """Return the pairs that most members agree on, strongest first: scores add up over members.

    >>> common([[Lead((0, 1), 3.0), Lead((1, 2), 9.0)], [Lead((0, 1), 4.0)], [Lead((0, 1), 2.0)]])
    [(0, 1)]
    """
    total: dict[Term, float] = {}
    seen: dict[Term, int] = {}
    for member in leads_by_member:
        for lead in member:
            total[lead.term] = total.get(lead.term, 0.0) + lead.score
            seen[lead.term] = seen.get(lead.term, 0) + 1
    agreed = [term for term in total if 2 * seen[term] > len(leads_by_member)]
    return sorted(agreed, key=lambda term: (-total[term], term))[:MOST_PAIRS]
