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
    indicators = np.concatenate(cells, axis=1)
    sums = indicators.T @ (indicators * left[:, None].astype(np.float32))
    counts = indicators.T @ indicators
    scores = _scores(sums, counts, [one.shape[1] for one in cells], float(np.mean(left**2)) or 1.0)
    attributes = [feature.attribute for feature in schema.features]
    standing_out = [
        Lead((a, b), float(scores[a, b]))
        for a, b in np.argwhere(scores > LEAST_SCORE).tolist()
        if a < b and attributes[a] != attributes[b]
    ]
    return sorted(standing_out, key=lambda lead: (-lead.score, lead.term))[: 2 * MOST_PAIRS]


def _cells(feature: Feature, column: Codes) -> Floats:
    """Return an indicator per bin, of categories for the most frequent levels alone: (accounts, bins)."""
    if isinstance(feature.encoder, CategoryEncoder):
        counts = np.bincount(column, minlength=feature.size)
        kept = np.argsort(-counts, kind="stable")[: SCAN_BINS + 1]
        return (column[:, None] == kept[counts[kept] > 0]).astype(np.float32)  # type: ignore[no-any-return]
    bins = _coarse(feature, column, SCAN_BINS)[column]
    return (bins[:, None] == np.unique(bins)).astype(np.float32)  # type: ignore[no-any-return]


def _scores(sums: Floats, counts: Floats, widths: Sequence[int], variance: float) -> Floats:
    """Say how far each pair's cells go beyond their rows' and columns' averages: (features, features).

    Were nothing there, the squares of what is left, over their variances, would be chi-squared with
    (rows - 1) * (columns - 1) degrees of freedom; a score is the distance from its mean, in its standard
    deviations. One feature's pairs with all others are looked at together.

    Args:
        sums: (cells, cells) of all features, symmetric: what is left unexplained, added up.
        counts: likewise, accounts.
        widths: cells of each feature.
        variance: of what is left unexplained, per account.
    """
    starts = np.cumsum([0, *widths[:-1]])
    feature = np.repeat(np.arange(len(widths)), widths)  # by cell
    totals = np.add.reduceat(counts, starts, axis=1, dtype=np.float64)
    left = np.add.reduceat(sums, starts, axis=1, dtype=np.float64)
    means = left / np.maximum(totals, 1.0)  # (cells, features): of a cell, over the cells of a feature
    scores = np.zeros((len(widths), len(widths)))
    for a, start in enumerate(starts):
        own = slice(start, start + widths[a])
        whole = left[own].sum(axis=0) / np.maximum(totals[own].sum(axis=0), 1.0)
        average = means[own][:, feature] + means[:, a] - whole[feature]
        filled = counts[own] >= LEAST_CELL
        beyond = np.where(filled, sums[own] - counts[own] * average, 0.0) ** 2 / np.maximum(counts[own], 1.0)
        explained = np.add.reduceat(beyond.sum(axis=0), starts) / variance
        rows = np.logical_or.reduceat(filled, starts, axis=1).sum(axis=0)
        columns = np.add.reduceat(filled.any(axis=0).astype(np.intp), starts)
        degrees = np.maximum(rows - 1, 0) * np.maximum(columns - 1, 0)
        scores[a] = np.where(degrees > 0, (explained - degrees) / np.sqrt(2 * np.maximum(degrees, 1)), 0.0)
    return scores


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
