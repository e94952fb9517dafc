"""The model card on what drives Fit: the attributes' weight, their curves, and what two do together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.features import MISSING, CategoryEncoder, Feature, NumberEncoder
from scoring.fit import BASE, FitModel, Floats
from scoring.training.card_blocks import Block, Figure, Grid, Heading, Prose, Section, count, say_number
from scoring.training.curves import HALF, Bar, Cell, Step, bar_chart, heat_map, signed, step_chart
from scoring.training.study import Study

TOP_ATTRIBUTES = 12
TOP_CURVES = 6
TOP_PAIRS = 3
MOST_BARS = 12  # of one attribute's values; what lies between the highest and lowest is left to words
MOST_GROUPS = 9  # of one attribute's values along the side of a heat map
LEAST_IN_CELL = 5  # customers a combination must have to be named as the highest or lowest
WEAK_PAIR = 0.05  # points of Fit, on average: a pair below it is not worth a picture

Integers = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Effect:
    """One table of the model in points of Fit, under the plan's weights."""

    features: tuple[int, ...]
    points: Floats  # by the codes of its features
    strength: float  # mean absolute points on the customers


def drivers_section(study: Study, model: FitModel) -> Section:
    """Show which attributes move Fit, by how much, and which do so together."""
    effects = _effects(study, model)
    singles = [effect for effect in effects if len(effect.features) == 1][:TOP_CURVES]
    pairs = [effect for effect in effects if len(effect.features) == 2 and effect.strength >= WEAK_PAIR]
    blocks = [
        *_importance_blocks(study, model),
        Heading("How single attributes move Fit"),
        Prose([_CURVES_SENTENCE]),
        Grid([_curve(study, model, effect, singles) for effect in singles]),
        Heading("What two attributes say together"),
        *_pair_blocks(study, model, pairs),
    ]
    return Section("drivers", "What drives Fit", blocks)


_CURVES_SENTENCE = (
    f"An account's points add up to its Fit: {BASE:.0f}, the average customer, plus the points of each "
    "attribute and of each two together. A curve's steps are as wide as their share of the customers. All "
    "pictures have one scale."
)


def _effects(study: Study, model: FitModel) -> list[_Effect]:
    """Return all tables in points, the strongest on the customers first."""
    factors = np.array(model.planned(study.plan.objective).factors)
    tables, found = model.tables, []
    for first, second, offset in zip(tables.first, tables.second, tables.offset, strict=True):
        features = (int(first),) if second < 0 else (int(first), int(second))
        shape = [int(tables.sizes[feature]) for feature in features]
        cells = tables.entries[:, offset : offset + int(np.prod(shape))]
        points = (factors[:, None] * cells).sum(axis=0).reshape(shape)
        held = points[tuple(study.codes[:, feature] for feature in features)]
        found.append(_Effect(features, points, float(np.abs(held).mean())))
    return sorted(found, key=lambda effect: -effect.strength)


def _importance_blocks(study: Study, model: FitModel) -> list[Block]:
    factors = np.array(model.planned(study.plan.objective).factors)
    weight: dict[str, float] = {}
    by_feature = (factors[:, None] * model.importance).sum(axis=0)
    for feature, share in zip(model.schema.features, (by_feature / by_feature.sum()).tolist(), strict=True):
        weight[feature.attribute] = weight.get(feature.attribute, 0.0) + share
    ranked = sorted(weight.items(), key=lambda pair: -pair[1])
    top, rest = ranked[:TOP_ATTRIBUTES], ranked[TOP_ATTRIBUTES:]
    others = sum(share for _, share in rest)
    caption = (
        "Share of the model's weight: how far an attribute moves the predictions of customers, on average."
    )
    if rest:
        caption += f" {count(len(rest), 'other attribute')} together: {others:.1%}."
    said = ", ".join(f"{name} {share:.1%}" for name, share in top)
    bars = [Bar(name, share, "") for name, share in top]
    picture = bar_chart(
        "Top attributes by their share of the model's weight",
        said,
        bars,
        lambda x: f"{x:.1%}",
        largest=top[0][1],
    )
    return [Heading("Top attributes"), Figure("", picture, caption)]


def _curve(study: Study, model: FitModel, effect: _Effect, shown: Sequence[_Effect]) -> Figure:
    feature = model.schema.features[effect.features[0]]
    customers = np.bincount(study.codes[:, effect.features[0]], minlength=feature.size)
    largest = max(float(np.abs(one.points).max()) for one in shown) or 1.0
    title = f"{_name(feature)}: points of Fit"
    if isinstance(feature.encoder, NumberEncoder) and feature.size > MOST_BARS:
        return _step_figure(title, feature, effect.points, customers, largest)
    return _bar_figure(title, feature, effect.points, customers, largest)


def _step_figure(title: str, feature: Feature, points: Floats, customers: Integers, largest: float) -> Figure:
    steps = [
        Step(_say(feature, code), float(points[code]), int(customers[code]), _right_edge(feature, code))
        for code in range(feature.size)
    ]
    missing = steps[MISSING] if customers[MISSING] else None
    held = [step for step in steps[MISSING + 1 :] if step.customers]
    caption = _extremes([(step.name, step.value, step.customers) for step in held])
    return Figure(title, step_chart(title, caption, held, missing, signed, largest=largest), caption)


def _bar_figure(title: str, feature: Feature, points: Floats, customers: Integers, largest: float) -> Figure:
    held = np.flatnonzero(customers).tolist()
    rows = [(_say(feature, code), float(points[code]), int(customers[code])) for code in held]
    if isinstance(feature.encoder, CategoryEncoder):
        rows.sort(key=lambda row: -row[1])
    between = max(len(rows) - MOST_BARS, 0)
    half = MOST_BARS // 2
    drawn = [*rows[:half], *rows[half + between :]]
    bars = [Bar(name, value, f"n = {customers:,}") for name, value, customers in drawn]
    caption = _extremes(rows) + (f" {count(between, 'value')} between them are not shown." if between else "")
    return Figure(title, bar_chart(title, caption, bars, signed, largest=largest, width=HALF), caption)


def _extremes(rows: Sequence[tuple[str, float, int]]) -> str:
    (best, most, _), (worst, least, _) = max(rows, key=lambda row: row[1]), min(rows, key=lambda row: row[1])
    return f"Most: {best} ({signed(most)}). Least: {worst} ({signed(least)})."


def _name(feature: Feature) -> str:
    """Name a feature: its attribute, and for a tag list the tag."""
    return f"{feature.attribute}: {feature.say(2)}" if feature.encoder.kind == "tags" else feature.attribute


def _say(feature: Feature, code: int) -> str:
    """Say a code; intervals of numbers shorter than the feature itself does."""
    if isinstance(feature.encoder, NumberEncoder):
        return _interval(feature, code, code)
    return feature.say(code)


def _right_edge(feature: Feature, code: int) -> str:
    """Return where an interval of a number or date ends, for people; empty where it has no end."""
    encoder = feature.encoder
    if not isinstance(encoder, NumberEncoder) or not MISSING < code <= len(encoder.edges):
        return ""
    edge = encoder.edges[code - 1]
    if encoder.kind == "date":
        return f"{int(edge)}-{int(edge % 1 * 12) + 1:02d}"
    return say_number(edge)


# Two attributes together


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a heat map: what its rows or columns are called, and which of them each code falls into."""

    names: tuple[str, ...]
    group: Integers  # (codes,)


def _pair_blocks(study: Study, model: FitModel, pairs: Sequence[_Effect]) -> list[Block]:
    if not pairs:
        return [Prose(["Nothing worth showing: no two attributes together say more than each does alone."])]
    shown = pairs[:TOP_PAIRS]
    sentence = (
        "What is left when each attribute's own points are taken away. Cells are the average of the "
        "customers in them; a dashed cell has none."
    )
    if len(pairs) > len(shown):
        sentence += f" The strongest {len(shown)} of {len(pairs)} are shown."
    return [Prose([sentence]), *(_pair_figure(study, model, effect) for effect in shown)]


def _pair_figure(study: Study, model: FitModel, effect: _Effect) -> Figure:
    features = [model.schema.features[j] for j in effect.features]
    codes = [study.codes[:, j] for j in effect.features]
    points = effect.points[codes[0], codes[1]]
    if isinstance(features[0].encoder, NumberEncoder) and not isinstance(features[1].encoder, NumberEncoder):
        features, codes = features[::-1], codes[::-1]  # numbers run along the bottom
    sides = [_side(f, np.bincount(held, minlength=f.size)) for f, held in zip(features, codes, strict=True)]
    cells = _cells(sides, [side.group[held] for side, held in zip(sides, codes, strict=True)], points)
    title = f"{_name(features[0])} and {_name(features[1])}"
    caption = _cell_extremes([cell for row in cells for cell in row])
    description = (
        f"Points of Fit by {_name(features[0])} (rows) and {_name(features[1])} (columns). {caption}"
    )
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
    names = [_interval(feature, some[0], some[-1]) for some in codes]
    return _Side(tuple(names), group)


def _interval(feature: Feature, first: int, last: int) -> str:
    if first == MISSING:
        return feature.say(MISSING)
    low, high = _right_edge(feature, first - 1), _right_edge(feature, last)
    if low and high:
        return f"{low} to {high}"
    return f"over {low}" if low else f"up to {high}" if high else "any"
