"""Reasons: the numbers behind an answer, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scoring.answer import Answer, Expected, FitDetail, Point
from scoring.explain_signals import signal_reasons
from scoring.features import MISSING, UNSEEN, CountryEncoder, Feature, IndustryEncoder, say_number
from scoring.fit import BASE, Fit
from scoring.plan import Plan
from scoring.values import as_number, as_text

REASONS_FOR_FIT = 3
TOGETHER = " & "  # joins two attributes, and their values, in the points of a pair


def fit_detail(
    fit: Fit, row: int, attributes: Mapping[str, Any], unreadable: Sequence[str], unknown: Sequence[str]
) -> FitDetail:
    """Explain one account's Fit, from the attributes that are known, as written; see `FitDetail`."""
    gathered: dict[tuple[str, str], float] = {}
    for attribute, value, points in _points(fit, row, attributes):
        gathered[attribute, value] = gathered.get((attribute, value), 0.0) + points
    named = [Point(attribute, value, points) for (attribute, value), points in gathered.items()]
    strongest_first = sorted(named, key=lambda point: -abs(point.points))
    return FitDetail(
        base=BASE,
        unclipped=float(fit.unclipped[row]),
        points=strongest_first,
        expected=_expected(fit, row),
        unreadable=list(unreadable),
        unknown=list(unknown),
    )


def _points(fit: Fit, row: int, attributes: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Yield attribute, value and points of each table; a tag list that is missing stands in one per tag."""
    features, spans = fit.model.schema.features, fit.model.tables.spans
    values = [_value(f, code, attributes) for f, code in zip(features, fit.codes[row].tolist(), strict=True)]
    points = fit.points[row].tolist()
    for table in fit.points[row].nonzero()[0].tolist():
        first, second = spans[table]
        attribute, value = features[first].attribute, values[first]
        if second >= 0:
            attribute = f"{attribute}{TOGETHER}{features[second].attribute}"
            value = f"{value}{TOGETHER}{values[second]}"
        yield attribute, value, points[table]


def _value(feature: Feature, code: int, attributes: Mapping[str, Any]) -> str:
    """Say a value: a number as it is, an industry or country with how the caller wrote it."""
    said = feature.say(code)
    if feature.encoder.kind == "number" and code != MISSING:
        number = as_number(attributes[feature.attribute])
        return said if number is None else say_number(number)
    if isinstance(feature.encoder, (IndustryEncoder, CountryEncoder)) and code > UNSEEN:
        written = as_text(attributes[feature.attribute])
        return said if written in (None, said.lower()) else f"{said} (written {written})"
    return said


def _expected(fit: Fit, row: int) -> dict[str, Expected]:
    expected = {}
    for outcome, band in zip(fit.model.outcomes, fit.bands[row].tolist(), strict=True):
        table = outcome.calibration
        expected[outcome.metric] = Expected(
            table.mean[band], table.low[band], table.high[band], outcome.unit, table.count[band]
        )
    return expected


def reasons(plan: Plan, answer: Answer) -> list[str]:
    """Say why an account scores as it does: Fit first, then Intent, Recency and Engagement.

    Args:
        plan: whose segments and exclusions are named.
        answer: complete but for its reasons.
    """
    return [*_fit_reasons(plan, answer), *signal_reasons(answer)]


def _fit_reasons(plan: Plan, answer: Answer) -> Iterator[str]:
    icp = answer.detail.icp
    if icp.exclusion:
        yield f"Fit: excluded: {icp.exclusion_reason}"
    elif answer.segment:
        segment = next(spec for spec in plan.segment if spec.id == answer.segment)
        yield f"Fit: in the ICP: {segment.name or segment.id} ({segment.rule.sentence})"
    elif not answer.in_icp:
        yield f"Fit: outside the ICP: {_why_outside(plan)}, so signals do not count"
    for point in answer.detail.fit.points[:REASONS_FOR_FIT]:
        yield f"Fit: {point.points:+.1f} points: {point.attribute} {point.value}"


def _why_outside(plan: Plan) -> str:
    if plan.icp.require_segment:
        return "no approved segment holds"
    return f"Fit is below the floor of {plan.icp.fit_floor:g}"
