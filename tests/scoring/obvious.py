"""The formulas as the docstrings say them: one account at a time, in plain Python, slow and obvious."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.plan import OBJECTIVES
from scoring.signals.policy import Policy
from scoring.signals.signal import Signal
from tests.scoring.models import CORRELATION, DAY, ENTRIES, IMPORTANCE, TERMS


def z(codes: Sequence[int]) -> list[float]:
    """Return the z of each objective."""
    return [sum(_entry(term, k, codes) for term in TERMS) for k in range(len(OBJECTIVES))]


def points(codes: Sequence[int], weights: Mapping[str, float]) -> dict[tuple[int, ...], float]:
    """Return the points of each table."""
    w = _normalised(weights)
    return {
        term: 20 * sum(w[k] * _entry(term, k, codes) for k in range(len(w))) / _spread(w) for term in TERMS
    }


def unclipped(codes: Sequence[int], weights: Mapping[str, float]) -> float:
    """Return Fit before the clip."""
    w = _normalised(weights)
    return 50 + 20 * sum(weight * z_k for weight, z_k in zip(w, z(codes), strict=True)) / _spread(w)


def coverage(codes: Sequence[int], weights: Mapping[str, float]) -> float:
    """Return the share of the model's weight whose attributes are present."""
    w = _normalised(weights)
    by_feature = [sum(w[k] * IMPORTANCE[k][j] for k in range(len(w))) for j in range(len(codes))]
    present = sum(weight for weight, code in zip(by_feature, codes, strict=True) if code != 0)
    return float(present / sum(by_feature))


def _entry(term: tuple[int, ...], k: int, codes: Sequence[int]) -> float:
    table = ENTRIES[term][k].tolist()
    for feature in term:
        table = table[codes[feature]]
    return float(table)


def _normalised(weights: Mapping[str, float]) -> list[float]:
    total = sum(weights.values())
    return [weights.get(name, 0.0) / total for name in OBJECTIVES]


def _spread(w: Sequence[float]) -> float:
    both = range(len(w))
    return math.sqrt(sum(w[a] * CORRELATION[a][b] * w[b] for a in both for b in both))


@dataclass(frozen=True)
class Obvious:
    """What `measure` finds, for one account."""

    intent: float
    recency: float
    engagement: float
    ages: tuple[float | None, ...]  # of intent, recency and engagement
    people: int
    roles: int
    senior: int
    seniors: int
    channels: int
    trend: float | None
    course: str


def activation(policy: Policy, signals: Sequence[Signal], as_of: float, standing: float = 0.0) -> Obvious:
    """Measure one account that the store could read; `standing` is the weight of triggers that hold."""
    found = [_Counted(policy, s, (as_of - int(s.at)) / DAY) for s in _current(policy, signals, as_of)]
    _damp(policy, found)
    ages = (
        min((one.age for one in found if one.intent > 0), default=None),
        min((one.age for one in found if _qualifies(policy, one)), default=None),
        min((one.age for one in found if one.depth * one.value > 0), default=None),
    )
    recent = [one for one in found if one.age <= policy.breadth_days and one.depth * one.value > 0]
    people = _people(recent)
    roles = {one.signal.role for one in recent if one.signal.person} - {0}
    channels = len({one.signal.channel for one in recent} - {""})
    senior = max(people.values(), default=0)
    breadth = sum(policy.seniority_weights[rank] for rank in people.values())
    breadth += policy.role_spread * max(len(roles) - 1, 0)
    trend = _trend(policy, found)
    evidence = standing + sum(one.intent * one.value * one.kept * one.decay for one in found)
    return Obvious(
        intent=1 - math.exp(-evidence / policy.intent_scale),
        recency=0.0 if ages[1] is None else 2 ** (-ages[1] / policy.recency_half_life_days),
        engagement=(
            policy.depth_share * (1 - math.exp(-_depth(policy, found) / policy.depth_scale))
            + policy.breadth_share * min(breadth / policy.people_full, 1)
            + policy.diversity_share * min(channels / policy.channels_full, 1)
            + policy.trend_share * (trend or 0.0)
        ),
        ages=ages,
        people=len(people),
        roles=len(roles),
        senior=senior,
        seniors=sum(rank == senior for rank in people.values()) if senior else 0,
        channels=channels,
        trend=trend,
        course=_course(policy, found, trend),
    )


class _Counted:
    """One signal, and how much of it counts."""

    def __init__(self, policy: Policy, signal: Signal, age: float) -> None:
        worth = policy.types[signal.type]
        self.signal, self.age, self.kept = signal, age, 1.0
        self.intent = worth.intent * policy.relevance(signal.topic)
        self.depth = worth.depth
        self.decay = float(2 ** (-age / worth.half_life_days))
        self.value = _value(policy, signal)
        self.gives = (self.intent + self.depth) * self.value


def _current(policy: Policy, signals: Sequence[Signal], as_of: float) -> list[Signal]:
    """Return the signals that say something and had happened: all events, and the latest of each level."""
    telling = [
        s
        for s in sorted(signals, key=lambda s: s.at)
        if s.type in policy.types
        and s.at <= as_of
        and policy.types[s.type].intent * policy.relevance(s.topic) + policy.types[s.type].depth > 0
    ]
    levels = {(s.type, s.topic): s for s in telling if s.level}
    return [s for s in telling if not s.level] + list(levels.values())


def _qualifies(policy: Policy, one: _Counted) -> bool:
    return not one.signal.level and one.gives > 0 and one.gives >= policy.recency_least


def _value(policy: Policy, signal: Signal) -> float:
    worth = policy.types[signal.type]
    if signal.level or (worth.full is not None and signal.strength != 1):
        full = policy.level_full if worth.full is None else worth.full
        return min(max((signal.strength - worth.floor) / (full - worth.floor), 0.0), 1.0)
    return min(signal.strength, policy.strength_cap)


def _damp(policy: Policy, found: Sequence[_Counted]) -> None:
    """Keep the strongest event of a type, topic, person and day in full, and less of each further one."""
    alike: dict[tuple[object, ...], list[_Counted]] = {}
    for one in found:
        if not one.signal.level:
            s = one.signal
            alike.setdefault((s.type, s.topic, s.person, int(s.at) // DAY), []).append(one)
    for group in alike.values():
        for k, one in enumerate(sorted(group, key=lambda one: (-one.value * one.decay, one.age))):
            one.kept = policy.repeat**k


def _people(found: Sequence[_Counted]) -> dict[str, int]:
    """Return who is named, and how senior they are at most."""
    people: dict[str, int] = {}
    for one in found:
        if one.signal.person:
            people[one.signal.person] = max(people.get(one.signal.person, 0), one.signal.seniority)
    return people


def _depth(policy: Policy, found: Sequence[_Counted]) -> float:
    by_channel: dict[str, float] = {}
    for one in found:
        given = one.depth * one.value * one.kept * one.decay
        by_channel[one.signal.channel] = by_channel.get(one.signal.channel, 0.0) + given
    return sum(min(depth, policy.channel_cap) for depth in by_channel.values())


def _within(policy: Policy, found: Sequence[_Counted], spans: float) -> float:
    days = spans * policy.trend_days
    return sum(one.depth * one.value * one.kept for one in found if one.age <= days)


def _trend(policy: Policy, found: Sequence[_Counted]) -> float | None:
    both = _within(policy, found, 2)
    return _within(policy, found, 1) / both if both > 0 else None


def _course(policy: Policy, found: Sequence[_Counted], trend: float | None) -> str:
    one, two, three, ever = (_within(policy, found, spans) for spans in (1, 2, 3, math.inf))
    if trend is None:
        return ""
    if one == ever:
        return "new"
    if trend > 0.6:
        return "deepening"
    if trend < 0.4:
        return "fading"
    return "plateauing" if three > two and (two - one) / (three - one) > 0.6 else "steady"


def gate(fit: float, floor: float, threshold: float) -> float:
    """Return how much of the signals counts inside the ICP."""
    if fit < floor:
        return 0.0
    return 1.0 if fit >= threshold else (fit - floor) / (threshold - floor)


def tier(score: float, tier_1: float, tier_2: float, tier_3: float) -> str:
    """Return the tier of a score."""
    if score >= tier_1:
        return "tier_1"
    if score >= tier_2:
        return "tier_2"
    return "tier_3" if score >= tier_3 else "none"


def grade(fit: float, activity: float, *, excluded: bool) -> str:
    """Return A1 to D4: the letter is Fit, the digit is activation (0..1)."""
    if excluded:
        return "D4"
    letter = "A" if fit >= 65 else "B" if fit >= 50 else "C" if fit >= 35 else "D"
    digit = 1 if activity >= 0.6 else 2 if activity >= 0.35 else 3 if activity >= 0.1 else 4
    return f"{letter}{digit}"
