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

from scoring.fit import POINT_GRID
from scoring.signals.activation import FAMILIES, Activation, measure
from scoring.signals.log import SignalBatch
from scoring.signals.policy import Policy, TypePolicy
from scoring.signals.signal import Signal
from tests.scoring import obvious
from tests.scoring.models import AS_OF, DAY, IDS, POLICY, batch_of, log_of, own_ids, signal, signals

NUMBERS = ("intent", "recency", "engagement", "trend", "course", "intent_points")
WHO = ("people", "counted_as", "roles", "senior", "seniors", "channels")
moments = st.integers(-30 * DAY, 30 * DAY).map(lambda shift: AS_OF + shift)
DAMPED = POLICY.model_copy(update={"repeat": 0.3, "strength_cap": 2.5, "topics_default": 0.7})
SURE = 1e-6  # how far from a threshold a trend must be for rounding not to matter


def measured(
    *found: Signal, policy: Policy = POLICY, as_of: float = AS_OF, standing: float = 0.0
) -> Activation:
    return measure(policy, batch_of([[log_of(found)]]), np.array([as_of]), np.array([standing]))


def numbers_of(activation: Activation, row: int = 0) -> list[Any]:
    """Return all that was found of one account but its drivers, with None for NaN, to compare to the bit."""
    values = [getattr(activation, name)[row] for name in NUMBERS]
    values += [getattr(activation.breadth, name)[row] for name in WHO]
    for family in activation.families.values():
        values += [family.age_days[row], family.state[row]]
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]


def row_of(activation: Activation, row: int = 0) -> list[Any]:
    drivers = activation.drivers
    points = [drivers.standing[row], drivers.other[row], *drivers.points[:, row]]
    return [*numbers_of(activation, row), *points, drivers.of(row)]


def state_of(activation: Activation, family: str = "all") -> str:
    return str(activation.families[family].state[0])


@settings(deadline=None)
@given(
    signals(), moments, st.sampled_from([POLICY, DAMPED, Policy()]), st.sampled_from([0.0, 0.25, 1.1, 7.0])
)
def test_every_number_is_its_formula(
    found: list[Signal], as_of: float, policy: Policy, standing: float
) -> None:
    expected = obvious.activation(policy, found, as_of, standing)
    activation = measured(*found, policy=policy, as_of=as_of, standing=standing)
    intent, recency, engagement, trend, course, _ = (getattr(activation, name)[0] for name in NUMBERS)
    assert intent == pytest.approx(expected.intent, abs=1e-7)
    assert recency == pytest.approx(expected.recency, abs=1e-12)
    assert engagement == pytest.approx(expected.engagement, abs=1e-5)
    assert 0 <= min(intent, recency, engagement) <= max(intent, recency, engagement) <= 1
    for name in ("people", "roles", "senior", "seniors", "channels"):
        assert getattr(activation.breadth, name)[0] == getattr(expected, name)
    ages = [activation.families[name].age_days[0] for name in FAMILIES]
    assert [None if math.isnan(age) else age for age in ages] == list(expected.ages)
    if expected.trend is None:
        assert (math.isnan(trend), course) == (True, "")
    else:
        assert trend == pytest.approx(expected.trend, abs=1e-5)
        near = min(abs(expected.trend - edge) for edge in (0.4, 0.6))
        assert course == expected.course or near < SURE


@settings(deadline=None)
@given(signals(), st.sampled_from([POLICY, Policy()]), st.sampled_from([0.0, 0.1, 3.0]))
def test_points_of_triggers_drivers_and_others_are_intent_to_the_bit(
    found: list[Signal], policy: Policy, standing: float
) -> None:
    activation = measured(*found, policy=policy, standing=standing)
    drivers = activation.drivers
    parts = [float(drivers.standing[0]), *drivers.points[:, 0].tolist(), float(drivers.other[0])]
    assert sum(parts) == activation.intent_points[0] == pytest.approx(100 * activation.intent[0], abs=1e-6)
    assert min(parts) >= 0
    assert [driver.points for driver in drivers.of(0)] == [part for part in parts[1:-1] if part > 0][:3]
    if len(drivers.of(0)) < 3:
        assert parts[-1] <= 3 * POINT_GRID, "what is too faint to be named"


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
    assert numbers_of(alone) == numbers_of(measured(*found))


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

    more = {"intent_scale": 1024.0, "strength_cap": 99.0}  # else the curve would hide a lost bit
    policy = POLICY.model_copy(update=more)
    ordered, shuffled = (measured(*visits(of), policy=policy) for of in (sorted(strengths), strengths))
    assert numbers_of(shuffled) == numbers_of(ordered)


@settings(deadline=None)
@given(signals(), signals())
def test_signals_after_the_moment_asked_for_never_count(past: list[Signal], future: list[Signal]) -> None:
    past = [s for s in past if s.at <= AS_OF]
    later = [replace(s, at=AS_OF + 1 + n, event_id=f"later {n}") for n, s in enumerate(future)]
    assert row_of(measured(*past, *later)) == row_of(measured(*past))


def test_a_signal_counts_from_its_own_second_on() -> None:
    now = signal("demo_request", days_ago=0)
    assert measured(now).recency[0] == 1.0
    assert state_of(measured(now, as_of=AS_OF - 0.001)) == "none"


@settings(deadline=None)
@given(signals(), signals())
def test_types_the_policy_does_not_know_weigh_nothing(known: list[Signal], others: list[Signal]) -> None:
    known = [s for s in known if s.type != "mystery"]
    unknown = [replace(s, type="mystery", event_id=f"unknown {n}") for n, s in enumerate(others)]
    assert row_of(measured(*known, *unknown)) == row_of(measured(*known))


def test_an_account_that_did_nothing_is_told_from_one_that_could_not_be_read() -> None:
    nothing = measure(POLICY, SignalBatch.empty(1), np.array([AS_OF]))
    unread = measure(POLICY, SignalBatch.unavailable(1), np.array([AS_OF]))
    assert (state_of(nothing), state_of(unread)) == ("none", "unavailable")
    assert (nothing.live.tolist(), unread.live.tolist()) == ([True], [False])
    for found in (nothing, unread):
        assert (found.intent[0], found.recency[0], found.engagement[0]) == (0, 0, 0)
        assert (found.breadth.people[0], found.breadth.channels[0], found.drivers.of(0)) == (0, 0, ())
        assert np.isnan([found.trend[0], *(family.age_days[0] for family in found.families.values())]).all()


def test_no_accounts_are_measured_as_none() -> None:
    found = measure(POLICY, SignalBatch.empty(0), np.empty(0))
    assert (found.intent.shape, found.breadth.people.shape) == ((0,), (0,))
    assert (found.course.shape, found.families["all"].state.shape) == ((0,), (0,))


def test_a_damaged_log_is_unavailable_and_the_others_are_read() -> None:
    batch = batch_of([[log_of([signal()]) + b"x"], [log_of([signal()])]])
    found = measure(POLICY, batch, np.array([AS_OF, AS_OF]), np.array([1.0, 1.0]))
    for name in ("all", "intent"):
        assert found.families[name].state.tolist() == ["unavailable", "ok"]
    assert found.intent[0] == 0, "what holds counts nothing where signals are not known"


def test_signals_are_stale_once_the_last_one_is() -> None:
    assert state_of(measured(signal(days_ago=90))) == "ok"
    assert state_of(measured(signal(days_ago=90.001))) == "stale"
    assert state_of(measured(signal(days_ago=200), signal(days_ago=2))) == "ok"


def test_each_family_has_the_state_and_age_of_its_own_last_signal() -> None:
    found = measured(
        signal("meeting", days_ago=100), signal("intent_score", days_ago=3, strength=90.0, level=True)
    )
    families = {name: (family.state[0], family.age_days[0]) for name, family in found.families.items()}
    assert families == {
        "intent": ("ok", 3),
        "recency": ("stale", 100),  # a gauge is nothing the account did
        "engagement": ("stale", 100),
        "all": ("ok", 3),
    }


def test_a_trigger_that_holds_makes_intent_without_any_signal() -> None:
    found = measured(standing=1.0)
    assert found.intent[0] == pytest.approx(1 - math.exp(-1 / 4), abs=1e-9)
    assert (state_of(found, "intent"), state_of(found, "recency")) == ("ok", "none")
    assert found.drivers.standing[0] == found.intent_points[0] > 0


def test_signals_known_from_an_earlier_read_count_in_full_and_are_stale() -> None:
    batch = batch_of([[log_of([signal("demo_request")])]])
    live = measure(POLICY, batch, np.array([AS_OF]))
    late = measure(POLICY, replace(batch, read_ago=np.array([12.5])), np.array([AS_OF]))
    assert (late.intent[0], late.recency[0]) == (live.intent[0], live.recency[0])
    assert {state_of(late, name) for name in late.families} == {"stale"}
    assert (live.live.tolist(), late.live.tolist(), late.read_ago.tolist()) == ([True], [False], [12.5])


def test_recency_halves_every_half_life_since_the_last_signal_that_counts() -> None:
    found = measured(signal(days_ago=28), signal("mystery", days_ago=1), signal("meeting", days_ago=14))
    assert (found.recency[0], found.families["recency"].age_days[0]) == (0.5, 14)


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
    assert state_of(measured(signal("intent_score", topic="jobs"))) == "none"


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
    assert (found.breadth.people[0], found.breadth.channels[0]) == (2, 2)


@pytest.mark.parametrize(
    ("days", "trend"), [((10,), 1.0), ((40,), 0.0), ((10, 40), 0.5), ((30, 60), 0.5), ((61,), None)]
)
def test_trend_is_the_share_of_the_later_of_two_spans(days: tuple[float, ...], trend: float | None) -> None:
    found = measured(*(signal("meeting", days_ago=d) for d in days))
    assert found.trend[0] == trend or (trend is None and math.isnan(found.trend[0]))


def test_drivers_are_those_that_give_most_intent_and_the_latest_of_equals() -> None:
    drivers = measured(
        signal("demo_request", days_ago=30, topic="security"),
        signal("page_view", days_ago=0, strength=2.0),
        signal("page_view", days_ago=7, strength=4.0),
        signal("meeting", days_ago=0),
        signal("demo_request", days_ago=1, topic="jobs"),
    ).drivers.of(0)
    assert [(d.type, d.topic, d.age_days) for d in drivers] == [
        ("demo_request", "security", 30.0),
        ("page_view", "", 0.0),
        ("page_view", "", 7.0),
    ]
    assert (drivers[1].level, drivers[1].strength) == (False, 2.0)


def evidence(*found: Signal, policy: Policy = POLICY) -> float:
    return float(-4 * np.log1p(-measured(*found, policy=policy).intent[0]))


def test_repeats_of_a_day_count_half_each_time_whichever_comes_first() -> None:
    def views(*strengths: float, **fields: Any) -> list[Signal]:
        return [
            signal("page_view", days_ago=0.1 + n / 1000, strength=s, event_id=f"{n} {fields}", **fields)
            for n, s in enumerate(strengths)
        ]

    policy = POLICY.model_copy(
        update={"types": {"page_view": TypePolicy(intent=1, depth=0, half_life_days=1e9)}}
    )
    assert evidence(*views(1, 1, 1), policy=policy) == pytest.approx(1.75)
    assert (
        evidence(*views(1, 4), policy=policy) == evidence(*views(4, 1), policy=policy) == pytest.approx(4.5)
    )
    apart = [*views(1, person="ana"), *views(1, person="ben"), *views(1), *views(1, topic="security")]
    assert evidence(*apart, policy=policy) == pytest.approx(4)
    assert evidence(*views(1), signal(days_ago=1.01), policy=policy) == pytest.approx(2), "of two days"


def test_repeats_stand_together_as_one_driver() -> None:
    views = [signal("page_view", days_ago=0.1 + n / 100, event_id=f"{n}", person="ana") for n in range(5)]
    (driver,) = measured(*views).drivers.of(0)
    assert (driver.times, driver.age_days) == (5, 0.1)
    (level,) = measured(signal("intent_score", strength=40.0, level=True)).drivers.of(0)
    assert (level.times, level.level, level.strength) == (1, True, 40)


@settings(deadline=None)
@given(signals(), signals())
def test_a_further_event_never_lowers_intent(found: list[Signal], more: list[Signal]) -> None:
    found = [replace(s, level=False) for s in found]
    more = [replace(s, level=False, event_id=f"more {s.event_id}") for s in more]
    assert measured(*found, *more).intent[0] >= measured(*found).intent[0]


def test_a_single_event_of_any_strength_counts_no_more_than_the_cap() -> None:
    assert evidence(signal("page_view", days_ago=0, strength=1000.0)) == pytest.approx(5 * 0.2)


@pytest.mark.parametrize(("strength", "worth"), [(0, 0), (49, 0), (50, 0), (60, 0.2), (100, 1), (900, 1)])
@pytest.mark.parametrize("level", [True, False])
def test_a_surge_counts_from_its_floor_to_its_full_value(strength: float, worth: float, level: bool) -> None:
    found = signal("surge", days_ago=0, strength=strength, level=level)
    assert evidence(found) == pytest.approx(2.5 * worth, abs=1e-8)


def test_a_row_of_a_surge_report_that_gives_no_score_counts_in_full() -> None:
    assert evidence(signal("surge", days_ago=0)) == pytest.approx(2.5)


def test_a_topic_that_is_not_listed_has_the_default_relevance_and_no_topic_counts_in_full() -> None:
    policy = POLICY.model_copy(update={"topics_default": 0.5})
    other, none, listed = (
        evidence(signal("demo_request", days_ago=0, topic=t), policy=policy)
        for t in ("security", "", "pricing")
    )
    assert [other, none, listed] == pytest.approx([1.5, 3, 6])


def test_people_count_by_their_highest_seniority_and_each_further_role_adds_to_them() -> None:
    found = [
        signal(person="ana", seniority=1, role=2, event_id="1"),
        signal(person="ana", seniority=5, role=2, event_id="2", days_ago=9),
        signal(person="ben", event_id="3"),
        signal(person="cleo", seniority=5, role=7, event_id="4"),
        signal(person="", seniority=5, role=8, event_id="5"),
    ]
    for order in (found, found[::-1]):
        who = measured(*order).breadth
        assert (who.people[0], who.roles[0], who.senior[0], who.seniors[0]) == (3, 2, 5, 2)
        assert who.counted_as[0] == 2 + 1 + 2 + 0.5


@pytest.mark.parametrize(
    ("days", "course"),
    [
        ((10,), "new"),
        ((10, 20, 40), "deepening"),
        ((10, 200), "deepening"),
        ((10, 40), "steady"),
        ((10, 40, 70), "steady"),
        ((10, 11, 40, 41, 70), "plateauing"),
        ((10, 40, 50, 70), "fading"),
        ((100,), ""),
    ],
)
def test_a_course_says_where_depth_is_going(days: tuple[float, ...], course: str) -> None:
    assert measured(*(signal("meeting", days_ago=d) for d in days)).course.tolist() == [course]


def test_what_vendors_report_is_no_engagement() -> None:
    reported = signal("surge", strength=90.0, level=True, channel="ads", person="ana", seniority=5)
    found = measured(reported)
    assert found.intent[0] > 0
    assert (found.engagement[0], found.breadth.people[0], found.breadth.channels[0]) == (0, 0, 0)
    assert (state_of(found, "engagement"), state_of(found, "recency")) == ("none", "none")


def test_what_gives_too_little_leaves_recency_as_it_is() -> None:
    policy = Policy()
    seen = signal("ad_impression", days_ago=0)
    ids = own_ids([seen])
    found = measure(policy, batch_of([[log_of([seen], ids)]], ids), np.array([AS_OF]))
    assert (found.recency[0], state_of(found, "recency"), state_of(found, "intent")) == (0, "none", "ok")
