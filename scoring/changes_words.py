"""What changed about an account and its model, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from scoring.answer import Answer
from scoring.changes_answer import AttributeEffect, ChangesDetail
from scoring.explain import TOGETHER
from scoring.explain_signals import LONGEST_REASON, shortened
from scoring.features import say_number
from scoring.fire import DECIMALS
from scoring.scorer import Scorer
from scoring.values import as_number, is_missing

REASONS_PER_PART = 3
MOST_ATTRIBUTES = 40  # that are told of one change
_LONGEST_VALUE = 40  # characters of a value in words
_LARGEST = 1e300  # larger numbers are not read either


@dataclass(frozen=True, slots=True)
class AttributesRead:
    """The attributes of both states that one model knows, as it reads them and as they were written."""

    then: Mapping[str, Any]
    now: Mapping[str, Any]
    written_then: Mapping[str, Any]
    written_now: Mapping[str, Any]

    @classmethod
    def of(cls, scorer: Scorer, then: Mapping[str, Any], now: Mapping[str, Any]) -> AttributesRead:
        """Read attributes as a scorer does."""
        before, after = (
            scorer.artifact.model.schema.read(scorer.names.recognise(attributes)[0])
            for attributes in (then, now)
        )
        return cls(before.values, after.values, before.written, after.written)

    def changed(self) -> set[str]:
        """Return the names of those that say something else now."""
        return {
            name
            for name in (*self.then, *self.now)
            if not _says_the_same(self.then.get(name), self.now.get(name))
        }


def _says_the_same(one: Any, other: Any) -> bool:
    if one == other or (is_missing(one) and is_missing(other)):
        return True
    with suppress(ValueError):  # not both are numbers
        return as_number(one) == as_number(other) is not None
    return False


def attribute_effects(read: AttributesRead, before: Answer, after: Answer) -> list[AttributeEffect]:
    """Tell what each changed attribute did to Fit, strongest first.

    Args:
        read: the attributes.
        before: scored with those of then.
        after: scored with those of now, and all else the same.
    """
    old, new = _points_by_attribute(before), _points_by_attribute(after)
    changed = read.changed()
    told = [name for name in {**old, **new} if name in changed or new.get(name, 0.0) != old.get(name, 0.0)]
    effects = [
        _attribute_effect(read, name, new.get(name, 0.0) - old.get(name, 0.0))
        for name in (*told, *sorted(changed.difference(told)))
    ]
    return sorted(effects, key=lambda effect: -abs(effect.fit_points))[:MOST_ATTRIBUTES]


def _points_by_attribute(answer: Answer) -> dict[str, float]:
    points: dict[str, float] = {}
    for point in answer.detail.fit.points:
        points[point.attribute] = points.get(point.attribute, 0.0) + point.points
    return points


def _attribute_effect(read: AttributesRead, name: str, points: float) -> AttributeEffect:
    names = name.split(TOGETHER) if name not in {**read.then, **read.now} else [name]
    then = TOGETHER.join(filter(None, (_say(read.written_then.get(part)) for part in names)))
    now = TOGETHER.join(filter(None, (_say(read.written_now.get(part)) for part in names)))
    shown = round(points, DECIMALS)
    how = f"{name} from {then or 'nothing'} to {now or 'nothing'}" if len(names) == 1 else f"{name} together"
    ending = f": {shown:+g} points of Fit"
    return AttributeEffect(name, then, now, shown, shortened(how, LONGEST_REASON - len(ending)) + ending)


def _say(value: Any) -> str:
    if is_missing(value):
        return ""
    if isinstance(value, (list, tuple)):
        said = ", ".join(str(part) for part in value)
    elif isinstance(value, bool):
        said = "yes" if value else "no"
    elif isinstance(value, (int, float)):
        said = "a number out of all range" if abs(value) > _LARGEST else say_number(value)
    else:
        said = str(value)
    return shortened(said, _LONGEST_VALUE)


def standing_words(before: Answer, after: Answer) -> list[str]:
    """Say how an account stands otherwise towards the plan's rules than before."""
    return [*_standing(before, after), *_situations(before, after)]


def _standing(before: Answer, after: Answer) -> Iterator[str]:
    was, now = before.detail.icp, after.detail.icp
    if now.exclusion and now.exclusion != was.exclusion:
        yield shortened(f"excluded now: {now.exclusion_reason}", LONGEST_REASON)
    elif was.exclusion and not now.exclusion:
        yield shortened(f"no longer excluded: {was.exclusion_reason}", LONGEST_REASON)
    if after.in_icp != before.in_icp:
        where = "inside the ICP now, so signals count" if after.in_icp else "outside the ICP now"
        yield where if after.in_icp else f"{where}, so signals do not count"
    elif after.segment != before.segment:
        yield f"segment now {after.segment or 'none'}, {before.segment or 'none'} before"
    if now.gate != was.gate and after.in_icp and before.in_icp:
        yield f"by its Fit, signals count {now.gate:.0%} now, {was.gate:.0%} before"


def _situations(before: Answer, after: Answer) -> Iterator[str]:
    held, holds = ({one.id: one.name for one in answer.detail.triggers} for answer in (before, after))
    for key, name in holds.items():
        if key not in held:
            yield shortened(f"a situation holds now: {name}", LONGEST_REASON)
    for key, name in held.items():
        if key not in holds:
            yield shortened(f"a situation no longer holds: {name}", LONGEST_REASON)


def model_words(old: Scorer, new: Scorer, before: Answer, after: Answer) -> list[str]:
    """Say how the model of now differs from that of then, as far as it concerns an account."""
    return [] if old is new else list(_model(old, new, before, after))


def _model(old: Scorer, new: Scorer, before: Answer, after: Answer) -> Iterator[str]:
    yield f"model {new.artifact.version} in place of {old.artifact.version}"
    fire_then, fire_now = old.artifact.plan.fire, new.artifact.plan.fire
    for name in type(fire_now).model_fields:
        then, now = getattr(fire_then, name), getattr(fire_now, name)
        if then != now:
            yield f"weight of {name.capitalize()} from {then:g} to {now:g}"
    aims_then, aims_now = before.detail.objective.weights, after.detail.objective.weights
    for name in dict.fromkeys((*aims_then, *aims_now)):
        then, now = aims_then.get(name, 0.0), aims_now.get(name, 0.0)
        if then != now:
            yield f"weight of {name.replace('_', ' ')} in Fit from {then:g} to {now:g}"
    if after.fit != before.fit:
        yield f"Fit {after.fit:g} by the model of now, {before.fit:g} by that of then"
    if old.artifact.policy != new.artifact.policy:
        yield "its policy weighs signals otherwise"


def reasons(detail: ChangesDetail) -> list[str]:
    """Return the strongest words of every part that changed the score."""
    parts = {
        "Decay": detail.decay,
        "New signals": detail.new_signals,
        "Attributes": detail.attributes,
        "Model": detail.model,
    }
    return [f"{name}: {words}" for name, part in parts.items() for words in part.words[:REASONS_PER_PART]]
