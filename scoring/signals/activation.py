"""Intent, Recency and Engagement of a batch of accounts, from their logs and a policy.

    Intent     = 1 - exp(-evidence / kappa),  evidence = weights of triggers that hold
                 + sum_e w_type * relevance_topic * value * repeat^(k - 1) * 2^(-age / h_type)
    Recency    = 2^(-age of the last event that qualifies / h_R); a gauge that a vendor reads anew each night
                 is nothing the account did
    Engagement = shares of depth (capped per channel), breadth (distinct people by seniority, and the spread
                 over roles), channel diversity and trend

`counted.py` says what a value is and when an event is the k-th of its kind. Levels of several topics add up
in the evidence as events do, so each further one gives less. What each signal gives is rounded to a binary
grid, so sums are exact: order of arrival and batching change no bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.fit import POINT_GRID, to_grid
from scoring.signals.breadth import Breadth, breadth
from scoring.signals.counted import SIGNAL_GRID, Counted, Floats, Mask, count
from scoring.signals.drivers import Drivers, drivers
from scoring.signals.log import SignalBatch
from scoring.signals.policy import Policy

FAMILIES = ("intent", "recency", "engagement")
Words = NDArray[np.object_]
DEEPENING, FADING = 0.6, 0.4  # trends above and below which depth is not steady
_STATES = np.array(["ok", "none", "stale", "unavailable"], dtype=object)
_COURSES = np.array(["", "new", "deepening", "steady", "plateauing", "fading"], dtype=object)


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """The signals behind one of I, R and E."""

    age_days: Floats  # (accounts,), of the last one; NaN where there is none
    state: Words  # (accounts,): ok, none, stale or unavailable


@dataclass(frozen=True, slots=True, eq=False)
class Activation:
    """What the accounts of a batch have been doing; all arrays are (accounts,)."""

    intent: Floats  # 0..1, as are the next two
    recency: Floats
    engagement: Floats
    families: Mapping[str, Family]  # by name, and "all" of them together
    read_ago: Floats  # seconds since the logs were read; 0 is now, NaN could not be read
    breadth: Breadth
    trend: Floats  # 0..1: share of recent depth that fell in the later span; 0.5 is steady, NaN is none
    course: Words  # new, deepening, steady, plateauing or fading; empty where there is no trend
    intent_points: Floats  # Intent as 0..100, on the grid of points
    drivers: Drivers

    @property
    def live(self) -> Mask:
        """Which accounts' signals were read from the store for this answer."""
        return np.asarray(self.read_ago == 0)


def measure(policy: Policy, batch: SignalBatch, as_of: Floats, standing: Floats | None = None) -> Activation:
    """Turn the logs of a batch into I, R and E.

    Args:
        policy: what signals mean.
        batch: the logs, one owner per account of the batch.
        as_of: (accounts,), unix seconds; signals after it do not count.
        standing: (accounts,), the weights of the triggers that hold, in the unit of a type's weight; none
            where not given. Accounts that could not be read have no Intent, whatever holds.
    """
    signals = count(policy, batch, as_of)
    given = np.zeros(signals.accounts) if standing is None else to_grid(standing, SIGNAL_GRID)
    given = np.where(batch.available, given, 0.0)
    amounts = _amounts(policy, signals)
    evidence, *spans = signals.totals(amounts[:5])
    evidence += given
    intent = -np.expm1(-evidence / policy.intent_scale)
    points = to_grid(100.0 * intent, POINT_GRID)
    taking_part = breadth(policy, batch, signals)
    trend = _share(spans[0], spans[1])
    ages, families = _families(policy, signals, batch, given)
    return Activation(
        intent=intent,
        recency=np.exp2(-ages[FAMILIES.index("recency")] / policy.recency_half_life_days),
        engagement=_engagement(policy, signals, amounts[5], taking_part, trend),
        families=families,
        read_ago=batch.read_ago,
        breadth=taking_part,
        trend=trend,
        course=_course(spans, trend),
        intent_points=points,
        drivers=drivers(batch, signals, amounts[0], given, evidence, points),
    )


def _amounts(policy: Policy, signals: Counted) -> Floats:
    """Return what each signal gives, (6, signals).

    They are: its part of Intent's evidence; its depth, not decayed, if within one, two and three spans, and
    at any age; and its depth, decayed.
    """
    amounts = np.empty((6, len(signals.owner)))
    fresh = signals.value * signals.kept
    depth = signals.depth_weight * fresh
    amounts[0] = signals.intent_weight * fresh * signals.decay
    for spans in (1, 2, 3):
        amounts[spans] = depth * (signals.age <= spans * policy.trend_days)
    amounts[4] = depth
    amounts[5] = depth * signals.decay
    amounts *= 1 / SIGNAL_GRID  # as `to_grid`, in place: these are the largest arrays there are
    np.rint(amounts, out=amounts)
    amounts *= SIGNAL_GRID
    return amounts


def _families(
    policy: Policy, signals: Counted, batch: SignalBatch, standing: Floats
) -> tuple[Floats, Mapping[str, Family]]:
    """Return the age of the last signal of each family, inf where there is none, and what it amounts to."""
    gives = (signals.intent_weight + signals.depth_weight) * signals.value
    qualifies = ~signals.level & (gives > 0) & (gives >= policy.recency_least)
    masks = np.empty((4, len(qualifies)), np.bool_)
    masks[0], masks[1] = signals.intent_weight > 0, qualifies
    masks[2], masks[3] = signals.depth_weight * signals.value > 0, True
    ages = signals.last(masks)
    none = ages == np.inf
    state = np.where(none, 1, np.where(ages > policy.stale_days, 2, 0))
    state[::3, standing > 0] = 0  # a trigger that holds is as fresh as the moment asked
    state[:, batch.read_ago > 0] = 2
    state[:, ~batch.available] = 3
    known, words = np.where(none, np.nan, ages), _STATES[state]
    names = (*FAMILIES, "all")
    return ages, {name: Family(known[n], words[n]) for n, name in enumerate(names)}


def _share(part: Floats, whole: Floats) -> Floats:
    """Return which share a part is; NaN of nothing."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _course(spans: list[Floats], trend: Floats) -> Words:
    """Say where depth is going; it is plateauing where it is steady and had been deepening before."""
    one, two, three, all_of_it = spans
    rose = (three > two) & (_share(two - one, three - one) > DEEPENING)
    course = np.where(rose, 4, 3)
    course = np.where(trend > DEEPENING, 2, np.where(trend < FADING, 5, course))
    course = np.where((one > 0) & (one == all_of_it), 1, course)
    return np.asarray(_COURSES[np.where(np.isnan(trend), 0, course)])


def _engagement(
    policy: Policy, signals: Counted, amounts: Floats, taking_part: Breadth, trend: Floats
) -> Floats:
    channel = signals.records["channel"]
    names = int(channel.max(initial=0)) + 1
    by_channel = np.bincount(signals.owner * names + channel, amounts, signals.accounts * names)
    capped = np.minimum(by_channel.reshape(signals.accounts, names), policy.channel_cap)
    depth = to_grid(capped, SIGNAL_GRID).sum(axis=1)
    return np.asarray(
        policy.depth_share * -np.expm1(-depth / policy.depth_scale)
        + policy.breadth_share * np.minimum(taking_part.counted_as / policy.people_full, 1.0)
        + policy.diversity_share * np.minimum(taking_part.channels / policy.channels_full, 1.0)
        + policy.trend_share * np.where(np.isnan(trend), 0.0, trend)
    )
