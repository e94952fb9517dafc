from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.signals.activation import Activation, measure
from scoring.signals.log import SignalBatch
from scoring.signals.policy import Policy
from scoring.signals.signal import Signal
from tests.scoring import obvious
from tests.scoring.models import AS_OF, DAY, IDS, POLICY, batch_of, log_of, own_ids, signal, signals

PER_ACCOUNT = (
    "intent",
    "recency",
    "engagement",
    "age_days",
    "people",
    "channels",
    "trend",
    "state",
    "drivers",
)
moments = st.integers(-30 * DAY, 30 * DAY).map(lambda shift: AS_OF + shift)


def measured(*found: Signal, policy: Policy = POLICY, as_of: float = AS_OF) -> Activation:
    return measure(policy, batch_of([[log_of(found)]]), np.array([as_of]))


def row_of(activation: Activation, row: int = 0) -> list[Any]:
    """Return all that was found of one account, with None for NaN, so that it can be compared to the bit."""
    values = [getattr(activation, name)[row] for name in PER_ACCOUNT]
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]


@settings(deadline=None)
@given(signals(), moments, st.sampled_from([POLICY, Policy()]))
def test_every_number_is_its_formula(found: list[Signal], as_of: float, policy: Policy) -> None:
    expected = obvious.activation(policy, found, as_of)
    intent, recency, engagement, age, people, channels, trend, *_ = row_of(
        measured(*found, policy=policy, as_of=as_of)
    )
    assert intent == pytest.approx(expected.intent, abs=1e-7)
    assert recency == pytest.approx(expected.recency, abs=1e-12)
    assert engagement == pytest.approx(expected.engagement, abs=1e-5)
    assert (people, channels) == (expected.people, expected.channels)
    assert age == expected.age_days
    assert trend == (None if expected.trend is None else pytest.approx(expected.trend, abs=1e-5))
    assert 0 <= min(intent, recency, engagement) <= max(intent, recency, engagement) <= 1


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(signals(), moments), min_size=1, max_size=6))
def test_a_batch_is_each_account_alone_to_the_bit(asked: list[tuple[list[Signal], float]]) -> None:
    moments_asked = np.array([as_of for _, as_of in asked])
    together = measure(POLICY, batch_of([[log_of(found)] for found, _ in asked]), moments_asked)
    for row, (found, as_of) in enumerate(asked):
        assert row_of(measured(*found, as_of=as_of)) == row_of(together, row)


@settings(deadline=None)
@given(signals(), st.randoms(use_true_random=False))
def test_order_duplicates_and_splits_over_logs_change_nothing(
    found: list[Signal], chance: random.Random
) -> None:
    found = list(
        {(s.type, s.topic) if s.level else s.event_id: s for s in found}.values()
    )  # as a store keeps
    whole = row_of(measured(*found))
    chance.shuffle(found)
    here, there = (log_of([s for s in found if chance.random() < 0.6]) for _ in range(2))
    rest = log_of(found)
    for logs in ([rest], [here, rest], [here, there, rest], [rest, rest]):
        assert row_of(measure(POLICY, batch_of([logs]), np.array([AS_OF]))) == whole


@settings(deadline=None)
@given(signals())
def test_what_other_accounts_do_and_how_names_are_numbered_changes_no_number(found: list[Signal]) -> None:
    ids = own_ids(found)
    alone = measure(POLICY, batch_of([[log_of(found, ids)]], ids), np.array([AS_OF]))
    numbers = len(PER_ACCOUNT) - 1  # equal drivers are told apart by their number
    assert row_of(alone)[:numbers] == row_of(measured(*found))[:numbers]


@pytest.mark.parametrize("cap", [0.1, 0.7, 1.1, 1 / 3])
def test_more_channels_in_the_store_leave_an_accounts_engagement_to_the_bit(cap: float) -> None:
    """Caps that are no binary fractions must not make a sum depend on how many names it runs over."""
    policy = POLICY.model_copy(update={"channel_cap": cap, "depth_share": 1.0, "depth_scale": 1.0})
    channels = [*IDS["channel"]]
    found = [signal("meeting", channel=c, event_id=c, strength=9.0) for c in channels]
    engagement = set()
    for more in range(12):
        names = [f"other {n}" for n in range(more)]
        for order in ([*names, *channels], [*channels[:2], *names, *channels[2:]]):
            ids = {**IDS, "channel": {name: number for number, name in enumerate(order, 2)}}
            batch = batch_of([[log_of(found, ids)]], ids)
            engagement.add(float(measure(policy, batch, np.array([AS_OF])).engagement[0]))
    assert len(engagement) == 1


@given(st.permutations([0.1, 0.7, 3.3, 11.1, 23.7, 47.9, 0.3, 5.9]))
def test_signals_of_one_second_add_up_to_the_same_bit_in_any_order(strengths: list[float]) -> None:
    def visits(of: list[float]) -> list[Signal]:
        return [signal("page_view", days_ago=3.3, strength=s, event_id=f"{n}") for n, s in enumerate(of)]

    policy = POLICY.model_copy(update={"intent_scale": 1024.0})  # else the curve would hide a lost bit
    ordered, shuffled = (measured(*visits(of), policy=policy) for of in (sorted(strengths), strengths))
    assert row_of(shuffled)[:7] == row_of(ordered)[:7]


@settings(deadline=None)
@given(signals(), signals())
def test_signals_after_the_moment_asked_for_never_count(past: list[Signal], future: list[Signal]) -> None:
    past = [s for s in past if s.at <= AS_OF]
    later = [replace(s, at=AS_OF + 1 + n, event_id=f"later {n}") for n, s in enumerate(future)]
    assert row_of(measured(*past, *later)) == row_of(measured(*past))


def test_a_signal_counts_from_its_own_second_on() -> None:
    now = signal("demo_request", days_ago=0)
    assert measured(now).recency[0] == 1.0
    assert measured(now, as_of=AS_OF - 0.001).state == ("none",)


@settings(deadline=None)
@given(signals(), signals())
def test_types_the_policy_does_not_know_weigh_nothing(known: list[Signal], others: list[Signal]) -> None:
    known = [s for s in known if s.type != "mystery"]
    unknown = [replace(s, type="mystery", event_id=f"unknown {n}") for n, s in enumerate(others)]
    assert row_of(measured(*known, *unknown)) == row_of(measured(*known))


def test_an_account_that_did_nothing_is_told_from_one_that_could_not_be_read() -> None:
    nothing = measure(POLICY, SignalBatch.empty(1), np.array([AS_OF]))
    unread = measure(POLICY, SignalBatch.unavailable(1), np.array([AS_OF]))
    assert (nothing.state, unread.state) == (("none",), ("unavailable",))
    for found in (nothing, unread):
        assert (found.intent[0], found.recency[0], found.engagement[0]) == (0, 0, 0)
        assert (found.people[0], found.channels[0], found.drivers) == (0, 0, ((),))
        assert np.isnan([found.age_days[0], found.trend[0]]).all()


def test_no_accounts_are_measured_as_none() -> None:
    found = measure(POLICY, SignalBatch.empty(0), np.empty(0))
    assert (found.intent.shape, found.people.shape, found.state, found.drivers) == ((0,), (0,), (), ())


def test_a_damaged_log_is_unavailable_and_the_others_are_read() -> None:
    batch = batch_of([[log_of([signal()]) + b"x"], [log_of([signal()])]])
    assert measure(POLICY, batch, np.array([AS_OF, AS_OF])).state == ("unavailable", "ok")


def test_signals_are_stale_once_the_last_one_is() -> None:
    assert measured(signal(days_ago=90)).state == ("ok",)
    assert measured(signal(days_ago=90.001)).state == ("stale",)
    assert measured(signal(days_ago=200), signal(days_ago=2)).state == ("ok",)


def test_recency_halves_every_half_life_since_the_last_signal_that_counts() -> None:
    found = measured(signal(days_ago=28), signal("mystery", days_ago=1), signal("meeting", days_ago=14))
    assert (found.recency[0], found.age_days[0]) == (0.5, 14)


@pytest.mark.parametrize("topic", ["", "security"])
def test_the_latest_level_wins_however_strong_the_earlier(topic: str) -> None:
    early = signal("intent_score", days_ago=9, strength=100.0, level=True, topic=topic)
    late = signal("intent_score", days_ago=2, strength=20.0, level=True, topic=topic)
    assert row_of(measured(early, late)) == row_of(measured(late))
    assert row_of(measured(early, late, as_of=AS_OF - 3 * DAY)) == row_of(
        measured(early, as_of=AS_OF - 3 * DAY)
    )


def test_levels_of_other_topics_and_types_stand_beside_each_other() -> None:
    ones = [signal("intent_score", strength=50.0, level=True, topic=t, event_id=t) for t in ("", "security")]
    both, one = (measured(*found).intent[0] for found in (ones, ones[:1]))
    assert 1 - both == pytest.approx((1 - one) ** 2)


def test_a_level_counts_by_its_share_of_the_full_level_and_never_more() -> None:
    half, full, over = (
        measured(signal("intent_score", days_ago=0, strength=s, level=True)).intent[0] for s in (50, 100, 900)
    )
    assert half == pytest.approx(1 - math.exp(-2.5 * 0.5 / 4), abs=1e-9)
    assert over == full == pytest.approx(1 - math.exp(-2.5 / 4), abs=1e-9)


def test_events_add_up_where_levels_replace() -> None:
    visits = [signal("page_view", days_ago=d, event_id=f"{d}") for d in (1, 2, 3)]
    assert measured(*visits).intent[0] > measured(*visits[:1]).intent[0]


def test_a_topic_counts_by_its_relevance_and_one_of_no_relevance_not_at_all() -> None:
    plain, twice, none = (
        measured(signal("demo_request", topic=topic)).intent[0] for topic in ("security", "pricing", "jobs")
    )
    assert 1 - twice == pytest.approx((1 - plain) ** 2)
    assert none == 0
    assert measured(signal("intent_score", topic="jobs")).state == ("none",)


def test_one_channel_gives_no_more_depth_than_its_cap() -> None:
    def meetings(channels: Sequence[str]) -> float:
        found = [signal("meeting", channel=c, event_id=f"{n}") for n, c in enumerate(channels)]
        policy = POLICY.model_copy(update={"channels_full": 1.0})
        return float(measured(*found, policy=policy).engagement[0])

    assert meetings(["web"] * 2) == meetings(["web"]) < meetings(["web", "mail"])


def test_people_and_channels_are_counted_once_named_and_within_their_days() -> None:
    found = measured(
        signal(person="ana", channel="web", event_id="1"),
        signal(person="ana", channel="mail", event_id="2"),
        signal(person="ben", channel="web", event_id="3"),
        signal(person="", channel="", event_id="4"),
        signal(person="cleo", channel="sales", days_ago=91, event_id="5"),
    )
    assert (found.people[0], found.channels[0]) == (2, 2)


@pytest.mark.parametrize(
    ("days", "trend"), [((10,), 1.0), ((40,), 0.0), ((10, 40), 0.5), ((30, 60), 0.5), ((61,), None)]
)
def test_trend_is_the_share_of_the_later_of_two_spans(days: tuple[float, ...], trend: float | None) -> None:
    found = measured(*(signal("meeting", days_ago=d) for d in days))
    assert row_of(found)[PER_ACCOUNT.index("trend")] == trend


def test_drivers_are_the_two_that_give_most_intent_and_the_latest_of_equals() -> None:
    (drivers,) = measured(
        signal("demo_request", days_ago=30, topic="security"),
        signal("page_view", days_ago=0, strength=2.0),
        signal("page_view", days_ago=7, strength=4.0),
        signal("meeting", days_ago=0),
        signal("demo_request", days_ago=1, topic="jobs"),
    ).drivers
    assert [(d.type, d.topic, d.age_days) for d in drivers] == [
        ("demo_request", "security", 30.0),
        ("page_view", "", 0.0),
    ]
    assert (drivers[1].level, drivers[1].strength) == (False, 2.0)
