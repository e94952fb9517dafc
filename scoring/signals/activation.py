"""Intent, Recency and Engagement of a batch of accounts, from their logs and a policy.

    Intent     = 1 - exp(-sum_e w_type * relevance_topic * strength * 2^(-age / h_type) / kappa)
    Recency    = 2^(-age of the last qualifying signal / h_R)
    Engagement = shares of depth (capped per channel), breadth (distinct people), channel diversity and trend

A level (a gauge, such as a vendor's 0..100 score) counts once per type and topic, by its latest value. What
each signal gives is rounded to a binary grid, so sums are exact: order of arrival and batching change no bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.fit import to_grid
from scoring.signals.log import LEVEL, SignalBatch
from scoring.signals.policy import Policy

DAY = 86_400.0
SIGNAL_GRID = 2.0**-30
STRONGEST = 2  # signals named as reasons for Intent

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Driver:
    """One signal that made an account's Intent."""

    type: str
    topic: str
    age_days: float
    level: bool
    strength: float


@dataclass(frozen=True, slots=True)
class Activation:
    """What the accounts of a batch have been doing; all arrays are (accounts,)."""

    intent: Floats  # 0..1, as are the next two
    recency: Floats
    engagement: Floats
    age_days: Floats  # of the last qualifying signal; NaN where there is none
    people: Integers  # distinct, over the policy's breadth_days
    channels: Integers  # distinct, over the same
    trend: Floats  # 0..1: share of recent depth that fell in the later span; 0.5 is steady, NaN is none
    state: tuple[str, ...]  # ok, none, stale or unavailable
    drivers: tuple[tuple[Driver, ...], ...]  # strongest first


@dataclass(frozen=True, slots=True)
class _Signals:
    """The signals that count at the time of asking, as columns."""

    accounts: int
    owner: Integers
    age: Floats  # days
    strength: Floats  # events: as sent; levels: 0..1 of the policy's full level
    level: Mask
    intent_weight: Floats
    depth_weight: Floats
    half_life: Floats
    person: NDArray[np.uint32]
    channel: NDArray[np.uint8]
    type: NDArray[np.uint16]
    topic: NDArray[np.uint16]

    def where(self, mask: Mask) -> _Signals:
        columns = (getattr(self, name)[mask] for name in self.__slots__ if name != "accounts")
        return _Signals(self.accounts, *columns)

    def total(self, amounts: Floats) -> Floats:
        """Sum amounts by account, exactly."""
        return np.asarray(np.bincount(self.owner, to_grid(amounts, SIGNAL_GRID), self.accounts), np.float64)

    @property
    def decay(self) -> Floats:
        return np.asarray(np.exp2(-self.age / self.half_life))


def measure(policy: Policy, batch: SignalBatch, as_of: Floats) -> Activation:
    """Turn the logs of a batch into I, R and E.

    Args:
        policy: what signals mean.
        batch: the logs, one owner per account of the batch.
        as_of: (accounts,), unix seconds; signals after it do not count.
    """
    known = _columns(policy, batch, as_of)
    age = np.full(known.accounts, np.inf)
    np.minimum.at(age, known.owner, known.age)
    amounts = known.intent_weight * known.strength * known.decay
    recent = known.where(known.age <= policy.breadth_days)
    people = _distinct(recent, recent.person)
    channels = _distinct(recent, recent.channel)
    trend = _trend(policy, known)
    return Activation(
        intent=-np.expm1(-known.total(amounts) / policy.intent_scale),
        recency=np.exp2(-age / policy.recency_half_life_days),
        engagement=_engagement(policy, known, len(batch.channels), people, channels, trend),
        age_days=np.where(np.isinf(age), np.nan, age),
        people=people,
        channels=channels,
        trend=trend,
        state=_states(policy, batch, age),
        drivers=_drivers(batch, known, amounts),
    )


def _columns(policy: Policy, batch: SignalBatch, as_of: Floats) -> _Signals:
    """Keep what the policy knows, what had happened by then, and the latest of each level."""
    weights = [policy.of(name) for name in batch.types]
    by_type = np.array([(w.intent, w.depth, w.half_life_days) if w else (0.0, 0.0, 1.0) for w in weights])
    by_type = by_type.reshape(-1, 3)
    relevance = np.array([policy.topics.get(name, 1.0) for name in batch.topics])
    records, level = batch.records, (batch.records["flags"] & LEVEL) != 0
    strength = records["strength"].astype(np.float64)
    signals = _Signals(
        accounts=len(as_of),
        owner=batch.owner,
        age=(as_of[batch.owner] - records["at"]) / DAY,
        strength=np.where(level, np.minimum(strength / policy.level_full, 1.0), strength),
        level=level,
        intent_weight=by_type[records["type"], 0] * relevance[records["topic"]],
        depth_weight=by_type[records["type"], 1],
        half_life=by_type[records["type"], 2],
        person=records["person"],
        channel=records["channel"],
        type=records["type"],
        topic=records["topic"],
    )
    happened = signals.where((signals.age >= 0) & ((signals.intent_weight > 0) | (signals.depth_weight > 0)))
    return happened.where(_latest(happened))


def _latest(signals: _Signals) -> Mask:
    """Mark all events, and of each account's levels the last per type and topic (records come by time)."""
    keep = ~signals.level
    rows = np.flatnonzero(signals.level)
    keys = zip(
        *(column[rows].tolist() for column in (signals.owner, signals.type, signals.topic)), strict=True
    )
    last = dict(zip(keys, rows.tolist(), strict=True))
    keep[list(last.values())] = True
    return keep


def _distinct(signals: _Signals, values: NDArray[np.unsignedinteger]) -> Integers:
    """Count distinct values other than 0 (unnamed) by account."""
    named = values != 0
    pairs = np.unique(signals.owner[named] << 32 | values[named].astype(np.intp))
    return np.bincount(pairs >> 32, minlength=signals.accounts)


def _trend(policy: Policy, signals: _Signals) -> Floats:
    """Return the share of the last two spans' depth that fell in the later one; NaN where both are empty."""
    amounts = signals.depth_weight * signals.strength
    now = signals.total(amounts * (signals.age <= policy.trend_days))
    both = signals.total(amounts * (signals.age <= 2 * policy.trend_days))
    return np.divide(now, both, out=np.full_like(now, np.nan), where=both > 0)


def _engagement(
    policy: Policy, signals: _Signals, names: int, people: Integers, channels: Integers, trend: Floats
) -> Floats:
    amounts = to_grid(signals.depth_weight * signals.strength * signals.decay, SIGNAL_GRID)
    cell = signals.owner * names + signals.channel
    by_channel = np.bincount(cell, amounts, signals.accounts * names).reshape(signals.accounts, names)
    depth = to_grid(np.minimum(by_channel, policy.channel_cap), SIGNAL_GRID).sum(axis=1)
    return np.asarray(
        policy.depth_share * -np.expm1(-depth / policy.depth_scale)
        + policy.breadth_share * np.minimum(people / policy.people_full, 1.0)
        + policy.diversity_share * np.minimum(channels / policy.channels_full, 1.0)
        + policy.trend_share * np.nan_to_num(trend)
    )


def _states(policy: Policy, batch: SignalBatch, age: Floats) -> tuple[str, ...]:
    stale = np.where(age > policy.stale_days, "stale", "ok")
    present = np.where(np.isinf(age), "none", stale)
    return tuple(np.where(batch.available, present, "unavailable").tolist())


def _drivers(batch: SignalBatch, signals: _Signals, amounts: Floats) -> tuple[tuple[Driver, ...], ...]:
    """Name the signals that give most Intent, strongest first and the most recent first among equals."""
    found: list[list[Driver]] = [[] for _ in range(signals.accounts)]
    for row in np.lexsort((signals.topic, signals.type, signals.age, -amounts)):
        mine = found[signals.owner[row]]
        if len(mine) < STRONGEST and amounts[row] > 0:
            mine.append(_driver(batch, signals, int(row)))
    return tuple(map(tuple, found))


def _driver(batch: SignalBatch, signals: _Signals, row: int) -> Driver:
    return Driver(
        type=batch.types[signals.type[row]],
        topic=batch.topics[signals.topic[row]],
        age_days=float(signals.age[row]),
        level=bool(signals.level[row]),
        strength=float(signals.strength[row]),
    )
