"""Which pairs of features do something together that neither does alone.

All pairs are looked at, those of features without any effect of their own too: two of them may cancel out.
What is left unexplained is added up in every cell of every pair by two matrix products; what a cell has
beyond its row's and its column's average speaks for the pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
    ends = np.cumsum([one.shape[1] for one in cells])
    indicators = np.concatenate(cells, axis=1)
    sums = indicators.T @ (indicators * left[:, None].astype(np.float32))
    counts = indicators.T @ indicators
    spans = [slice(end - one.shape[1], end) for end, one in zip(ends, cells, strict=True)]
    variance = float(np.mean(left**2)) or 1.0
    found = []
    for a, first in enumerate(spans):
        for b in range(a + 1, len(spans)):
            if schema.features[a].attribute != schema.features[b].attribute:
                second = spans[b]
                score = _score(sums[first, second], counts[first, second], variance)
                found.append(Lead((a, b), score))
    standing_out = [lead for lead in found if lead.score > LEAST_SCORE]
    return sorted(standing_out, key=lambda lead: (-lead.score, lead.term))[: 2 * MOST_PAIRS]


def _cells(feature: Feature, column: Codes) -> Floats:
    """Return an indicator per bin, of categories for the most frequent levels alone: (accounts, bins)."""
    if isinstance(feature.encoder, CategoryEncoder):
        counts = np.bincount(column, minlength=feature.size)
        kept = np.argsort(-counts, kind="stable")[: SCAN_BINS + 1]
        return (column[:, None] == kept[counts[kept] > 0]).astype(np.float32)  # type: ignore[no-any-return]
    bins = _coarse(feature, column, SCAN_BINS)[column]
    return (bins[:, None] == np.unique(bins)).astype(np.float32)  # type: ignore[no-any-return]


def _score(sums: Floats, counts: Floats, variance: float) -> float:
    """Say how far the cells' sums go beyond their rows' and columns' averages, against chance.

    Were nothing there, the squares of what is left, over their variances, would be chi-squared with
    (rows - 1) * (columns - 1) degrees of freedom.
    """
    rows, columns = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    row_means = sums.sum(axis=1, keepdims=True) / np.maximum(rows, 1.0)
    column_means = sums.sum(axis=0, keepdims=True) / np.maximum(columns, 1.0)
    beyond = sums - counts * (row_means + column_means - sums.sum() / max(float(counts.sum()), 1.0))
    filled = counts >= LEAST_CELL
    degrees = (int(filled.any(axis=1).sum()) - 1) * (int(filled.any(axis=0).sum()) - 1)
    if degrees < 1:
        return 0.0
    explained = float((beyond[filled] ** 2 / counts[filled]).sum()) / variance
    return (explained - degrees) / float(np.sqrt(2 * degrees))


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
