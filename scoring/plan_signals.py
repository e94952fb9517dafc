"""What signals mean, as far as people decide it: the plan's `[signals]`, and the policy that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator

from scoring.plan_faults import MisplacedError, advice
from scoring.plan_rules import Section
from scoring.signals.policy import DEFAULT_TYPES, Policy, TypePolicy
from scoring.signals.signal import signal_type

_Weight = Annotated[float, Field(ge=0, le=1000)]
_Days = Annotated[float, Field(gt=0, le=3650)]


class TypeSection(Section):
    """What one type of signal is worth; what is not said stays as it is."""

    intent: _Weight | None = None
    depth: _Weight | None = None
    half_life_days: _Days | None = None
    floor: _Weight | None = None  # of a vendor's scale: what reads no more gives nothing
    full: _Weight | None = None  # of a vendor's scale: what reads as much gives all


class SignalsSection(Section):
    """From where weights and half-lives are taken, and what people set themselves.

    `types` may name a type of the company's own; it needs `intent` and `half_life_days`.
    """

    use: Literal["defaults", "learnt"] = "defaults"
    intent_scale: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    recency_half_life_days: _Days | None = None
    types: dict[str, TypeSection] = {}
    topics: dict[str, _Weight] = {}  # relevance by topic, as signals spell it
    topics_default: _Weight | None = None  # relevance of any other topic

    @field_validator("types")
    @classmethod
    def _spelt_and_whole(cls, types: dict[str, TypeSection]) -> dict[str, TypeSection]:
        for name, said in types.items():
            if signal_type(name) != name or not name:
                raise MisplacedError(
                    f"write a type as signals have it, {signal_type(name) or 'demo_request'}", name
                )
            if name not in DEFAULT_TYPES and (said.intent is None or said.half_life_days is None):
                raise MisplacedError(
                    "a type of your own needs intent and half_life_days; if it is none, "
                    f"{advice(name, DEFAULT_TYPES, 'known types')}",
                    name,
                )
            try:
                _type_of(DEFAULT_TYPES.get(name), said)
            except ValidationError as error:
                raise MisplacedError(str(error.errors()[0]["ctx"]["error"]), name) from error
        return types

    @field_validator("topics")
    @classmethod
    def _spelt_topics(cls, topics: dict[str, float]) -> dict[str, float]:
        spelt: dict[str, float] = {}
        for name, relevance in topics.items():
            as_stored = " ".join(name.lower().split())
            if not as_stored or as_stored in spelt:
                raise MisplacedError("a topic stands twice, or is empty; keep one of them", name)
            spelt[as_stored] = relevance
        return spelt


def policy_of(section: SignalsSection, learnt: Policy | None) -> Policy:
    """Return what signals mean under a plan.

    Args:
        section: the plan's.
        learnt: what training proposes, or None where the defaults stay.

    >>> section = SignalsSection.model_validate({"types": {"demo_request": {"half_life_days": 5}}})
    >>> policy_of(section, None).types["demo_request"].half_life_days
    5.0
    """
    base = learnt if learnt is not None and section.use == "learnt" else Policy()
    set_by_hand = {
        name: value
        for name in ("intent_scale", "recency_half_life_days", "topics_default")
        if (value := getattr(section, name)) is not None
    }
    types = {name: _type_of(base.of(name), said) for name, said in section.types.items()}
    topics = {**base.topics, **section.topics}
    return base.model_copy(update={**set_by_hand, "types": {**base.types, **types}, "topics": topics})


def _type_of(known: TypePolicy | None, said: TypeSection) -> TypePolicy:
    before = {"depth": 0.0} if known is None else known.model_dump()
    return TypePolicy.model_validate({**before, **said.model_dump(exclude_none=True)})


def signals_said(section: SignalsSection) -> Iterator[str]:
    """Say what the section decides, a sentence each.

    >>> section = SignalsSection.model_validate({"types": {"demo_request": {"half_life_days": 5}}})
    >>> list(signals_said(section))
    ['weights and half-lives are the defaults', 'demo_request: half-life 5 days (default 21)']
    """
    yield (
        "weights and half-lives are the defaults"
        if section.use == "defaults"
        else "weights and half-lives are learnt from the book where they prove better than the defaults"
    )
    if section.intent_scale is not None:
        yield f"Intent reaches 63% at {section.intent_scale:g} weighted signals"
    if section.recency_half_life_days is not None:
        yield f"Recency halves every {section.recency_half_life_days:g} days"
    if section.topics_default is not None:
        yield f"a topic that is not named has relevance {section.topics_default:g}"
    for name, said in section.types.items():
        yield f"{name}: {', '.join(_type_said(name, said)) or 'as it is'}"
    for topic, relevance in section.topics.items():
        yield f"topic {topic} counts {relevance:g} times"


def _type_said(name: str, said: TypeSection) -> Iterator[str]:
    default = DEFAULT_TYPES.get(name)
    units = {
        "intent": "weight in Intent {:g}",
        "depth": "weight in depth {:g}",
        "half_life_days": "half-life {:g} days",
        "floor": "nothing up to {:g}",
        "full": "in full from {:g}",
    }
    for key, unit in units.items():
        value, usual = getattr(said, key), getattr(default, key, None)
        if value is not None:
            yield unit.format(value) + ("" if usual is None else f" (default {usual:g})")
    if default is None:
        yield "a type of your own"
