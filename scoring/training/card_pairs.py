"""The model card on what two attributes say together, beyond what each says alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.features import MISSING, Feature, NumberEncoder
from scoring.fit import FitModel, Floats
from scoring.training.card_blocks import Block, Entry, Figure, Prose, Table, count
from scoring.training.card_effects import Effect, Integers, feature_name, interval
from scoring.training.heat_map import Cell, heat_map
from scoring.training.study import Study
from scoring.training.svg import signed

TOP_PAIRS = 3
MOST_GROUPS = 9  # of one attribute's values along the side of a heat map
LEAST_IN_CELL = 5  # customers a combination must have to be named as the highest or lowest
WEAK_PAIR = 0.05  # points of Fit, on average: a pair below it is not worth a picture


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a heat map: what its rows or columns are called, and which of them each code falls into."""

    names: tuple[str, ...]
    group: Integers  # (codes,)


def pair_blocks(study: Study, model: FitModel, effects: Sequence[Effect]) -> list[Block]:
    """Say what all pairs that were kept are worth, and show the strongest."""
    kept = _kept(study, model)
    pairs = [effect for effect in effects if len(effect.features) == 2 and effect.strength >= WEAK_PAIR]
    if not pairs:
        return [*kept, Prose(["Nothing worth showing: no two attributes together say more than each alone."])]
    shown = pairs[:TOP_PAIRS]
    sentence = (
        "What is left when each attribute's own points are taken away. Cells are the average of the "
        "customers in them; a dashed cell has none."
    )
    if len(pairs) > len(shown):
        sentence += f" The strongest {len(shown)} of {len(pairs)} are shown."
    return [*kept, Prose([sentence]), *(_pair_figure(study, model, effect) for effect in shown)]


def _kept(study: Study, model: FitModel) -> list[Block]:
    """Say how many pairs each objective kept, and the spread of each beside that of the whole prediction."""
    shares: dict[tuple[int, ...], dict[str, float]] = {}
    for head in study.heads:
        for pair in head.learnt.pairs:
            shares.setdefault(pair.term, {})[head.target.objective] = pair.share
    if not shares:
        return []
    objectives = [head.target.objective for head in study.heads]
    ranked = sorted(shares, key=lambda term: (-max(shares[term].values()), term))
    rows: list[list[str | Entry]] = [
        [
            " & ".join(feature_name(model.schema.features[feature]) for feature in term),
            *(f"{shares[term][name]:.1%}" if name in shares[term] else "" for name in objectives),
        ]
        for term in ranked
    ]
    caption = (
        f"{count(len(ranked), 'pair')} kept: how far what the two say together alone spreads, beside the "
        "whole prediction of the objective"
    )
    columns = ["Pair", *(name.replace("_", " ").capitalize() for name in objectives)]
    return [Table(caption, columns, rows, [*range(1, len(columns))])]


def _pair_figure(study: Study, model: FitModel, effect: Effect) -> Figure:
    features = [model.schema.features[j] for j in effect.features]
    codes = [study.codes[:, j] for j in effect.features]
    points = effect.points[codes[0], codes[1]]
    if isinstance(features[0].encoder, NumberEncoder) and not isinstance(features[1].encoder, NumberEncoder):
        features, codes = features[::-1], codes[::-1]  # numbers run along the bottom
    sides = [_side(f, np.bincount(held, minlength=f.size)) for f, held in zip(features, codes, strict=True)]
    cells = _cells(sides, [side.group[held] for side, held in zip(sides, codes, strict=True)], points)
    names = [feature_name(feature) for feature in features]
    title = f"{names[0]} and {names[1]}"
    caption = _cell_extremes([cell for row in cells for cell in row])
    description = f"Points of Fit by {names[0]} (rows) and {names[1]} (columns). {caption}"
    return Figure(title, heat_map(title, description, sides[0].names, sides[1].names, cells), caption)


def _cells(sides: Sequence[_Side], groups: Sequence[Integers], points: Floats) -> list[list[Cell]]:
    rows, columns = (side.names for side in sides)
    at = groups[0] * len(columns) + groups[1]
    customers = np.bincount(at, minlength=len(rows) * len(columns))
    means = np.bincount(at, points, len(customers)) / np.maximum(customers, 1)
    cells = [
        Cell(f"{row}, {column}", mean, held)
        for (row, column), mean, held in zip(
            ((row, column) for row in rows for column in columns),
            means.tolist(),
            customers.tolist(),
            strict=True,
        )
    ]
    return [cells[start : start + len(columns)] for start in range(0, len(cells), len(columns))]


def _cell_extremes(cells: Sequence[Cell]) -> str:
    ranked = sorted((cell for cell in cells if cell.customers >= LEAST_IN_CELL), key=lambda cell: -cell.value)
    most, least = ranked[:3], ranked[:-4:-1]
    if len(ranked) < 6:
        return f"Fewer than six combinations have {LEAST_IN_CELL} customers."
    said = ["; ".join(f"{cell.name} ({signed(cell.value)})" for cell in some) for some in (most, least)]
    return f"Highest with at least {LEAST_IN_CELL} customers: {said[0]}. Lowest: {said[1]}."


def _side(feature: Feature, customers: Integers) -> _Side:
    """Group the codes of a feature: like numbers of customers for numbers, the frequent ones for the rest."""
    if isinstance(feature.encoder, NumberEncoder):
        return _number_side(feature, customers)
    frequent = sorted(np.argsort(-customers, kind="stable")[:MOST_GROUPS].tolist())
    shown = [code for code in frequent if customers[code]]
    group = np.full(feature.size, len(shown), np.intp)
    group[shown] = np.arange(len(shown))
    names = [feature.say(code) for code in shown]
    rest = int((customers > 0).sum()) - len(shown)
    return _Side((*names, count(rest, "other")) if rest else tuple(names), group)


def _number_side(feature: Feature, customers: Integers) -> _Side:
    present = customers.copy()
    present[MISSING] = 0
    middle = (np.cumsum(present) - present / 2) / max(int(present.sum()), 1)
    wanted = np.minimum((middle * MOST_GROUPS).astype(np.intp), MOST_GROUPS - 1)
    wanted[MISSING] = -1  # a group of its own, at the front
    held = np.unique(wanted[customers > 0])
    group = np.clip(np.searchsorted(held, wanted), 0, len(held) - 1)
    codes = [np.flatnonzero(wanted == one).tolist() for one in held]
    names = [interval(feature, some[0], some[-1]) for some in codes]
    return _Side(tuple(names), group)
