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
    age_days: float | None
    people: int
    channels: int
    trend: float | None


def activation(policy: Policy, signals: Sequence[Signal], as_of: float) -> Obvious:
    """Measure one account that the store could read."""
    counted = _counted(policy, signals, as_of)
    ages = {s: (as_of - int(s.at)) / DAY for s in counted}
    last = min(ages.values(), default=None)
    recent = [s for s in counted if ages[s] <= policy.breadth_days]
    people, channels = len({s.person for s in recent} - {""}), len({s.channel for s in recent} - {""})
    trend = _trend(policy, ages)
    evidence = sum(
        _intent_weight(policy, s) * _strength(policy, s) * _decay(policy, s, ages[s]) for s in ages
    )
    return Obvious(
        intent=1 - math.exp(-evidence / policy.intent_scale),
        recency=0.0 if last is None else 2 ** (-last / policy.recency_half_life_days),
        engagement=(
            policy.depth_share * (1 - math.exp(-_depth(policy, ages) / policy.depth_scale))
            + policy.breadth_share * min(people / policy.people_full, 1)
            + policy.diversity_share * min(channels / policy.channels_full, 1)
            + policy.trend_share * (trend or 0.0)
        ),
        age_days=last,
        people=people,
        channels=channels,
        trend=trend,
    )


def _counted(policy: Policy, signals: Sequence[Signal], as_of: float) -> list[Signal]:
    """Return the signals that say something and had happened: all events, and the latest of each level."""
    telling = [
        s
        for s in sorted(signals, key=lambda s: s.at)
        if s.type in policy.types
        and s.at <= as_of
        and (_intent_weight(policy, s) > 0 or policy.types[s.type].depth > 0)
    ]
    levels = {(s.type, s.topic): s for s in telling if s.level}
    return [s for s in telling if not s.level] + list(levels.values())


def _intent_weight(policy: Policy, signal: Signal) -> float:
    return policy.types[signal.type].intent * policy.topics.get(signal.topic, 1.0)


def _strength(policy: Policy, signal: Signal) -> float:
    return min(signal.strength / policy.level_full, 1.0) if signal.level else signal.strength


def _decay(policy: Policy, signal: Signal, age: float) -> float:
    return float(2 ** (-age / policy.types[signal.type].half_life_days))


def _depth(policy: Policy, ages: Mapping[Signal, float]) -> float:
    by_channel: dict[str, float] = {}
    for s, age in ages.items():
        given = policy.types[s.type].depth * _strength(policy, s) * _decay(policy, s, age)
        by_channel[s.channel] = by_channel.get(s.channel, 0.0) + given
    return sum(min(depth, policy.channel_cap) for depth in by_channel.values())


def _trend(policy: Policy, ages: Mapping[Signal, float]) -> float | None:
    def depth_within(days: float) -> float:
        return sum(
            policy.types[s.type].depth * _strength(policy, s) for s, age in ages.items() if age <= days
        )

    both = depth_within(2 * policy.trend_days)
    return depth_within(policy.trend_days) / both if both > 0 else None


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
