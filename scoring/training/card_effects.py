"""The tables of a model in points of Fit under the plan's weights, with how sure they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.features import MISSING, Feature, NumberEncoder
from scoring.fit import FitModel, Floats
from scoring.training.card_blocks import say_number
from scoring.training.study import Study

Integers = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Effect:
    """One table of the model in points of Fit, under the plan's weights."""

    features: tuple[int, ...]
    points: Floats  # by the codes of its features
    errors: Floats  # standard errors, of the same shape
    strength: float  # mean absolute points on the customers


def effects_of(study: Study, model: FitModel) -> list[Effect]:
    """Return all tables in points, the strongest on the customers first.

    Points are sum_k f_k t_k, with f_k the points for a standard deviation of objective k and t_k the entry in
    standard deviations. Their standard error is sqrt(sum_k (f_k e_k)^2), e_k being the entry's: as if the
    objectives erred independently of one another.
    """
    factors = np.array(model.planned(study.plan.objective).factors)
    tables, found = model.tables, []
    for first, second, offset in zip(tables.first, tables.second, tables.offset, strict=True):
        features = (int(first),) if second < 0 else (int(first), int(second))
        shape = [int(tables.sizes[feature]) for feature in features]
        cells = tables.entries[:, offset : offset + int(np.prod(shape))]
        points = (factors[:, None] * cells).sum(axis=0).reshape(shape)
        held = points[tuple(study.codes[:, feature] for feature in features)]
        errors = _errors(study, model, features, factors)
        found.append(Effect(features, points, np.broadcast_to(errors, shape), float(np.abs(held).mean())))
    return sorted(found, key=lambda effect: -effect.strength)


def _errors(study: Study, model: FitModel, features: tuple[int, ...], factors: Floats) -> Floats:
    squares = [
        np.square(factor / outcome.scale * head.learnt.errors[features])
        for head, outcome, factor in zip(study.heads, model.weighable, factors, strict=False)
        if features in head.learnt.errors  # an objective that has no such table is not unsure of it
    ]
    return np.sqrt(np.sum(squares, axis=0)) if squares else np.zeros(())


def feature_name(feature: Feature) -> str:
    """Name a feature: its attribute, and for a tag list the tag."""
    return f"{feature.attribute}: {feature.say(2)}" if feature.encoder.kind == "tags" else feature.attribute


def right_edge(feature: Feature, code: int) -> str:
    """Return where an interval of a number or date ends, for people; empty where it has no end."""
    encoder = feature.encoder
    if not isinstance(encoder, NumberEncoder) or not MISSING < code <= len(encoder.edges):
        return ""
    edge = encoder.edges[code - 1]
    if encoder.kind == "date":
        return f"{int(edge)}-{int(edge % 1 * 12) + 1:02d}"
    return say_number(edge)


def interval(feature: Feature, first: int, last: int) -> str:
    """Say the interval from the first of some codes of a number or date to the last."""
    if first == MISSING:
        return feature.say(MISSING)
    low, high = right_edge(feature, first - 1), right_edge(feature, last)
    if low and high:
        return f"{low} to {high}"
    return f"over {low}" if low else f"up to {high}" if high else "any"
