from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scoring.account import Account
from scoring.answer import Answer, DriverDetail, TriggerDetail
from scoring.explain import TOGETHER, fit_detail, reasons
from scoring.explain_signals import LONGEST_REASON
from scoring.fit import POINT_GRID
from scoring.plan import parse_plan
from scoring.scorer import Scorer, ScoreRequest
from scoring.signals.log import SignalBatch
from scoring.signals.signal import Signal
from tests.scoring import obvious
from tests.scoring.models import (
    ANY_ICP,
    AS_OF,
    AWS,
    DBT,
    EMPLOYEES,
    FOUNDED,
    INDUSTRY,
    PLAN,
    PUBLIC,
    SCHEMA,
    SNOWFLAKE,
    artifact,
    batch_of,
    fit_model,
    log_of,
    signal,
)

KNOWN = {"employees": "1.5m", "industry": " Mining ", "public": "yes", "founded": "2010-07-02"}
WEIGHTS = {"growth": 0.5, "lifetime_value": 0.3, "efficiency": 0.2}
NO_SIGNALS = "Intent, Recency, Engagement: no signals yet"


def answered(known: dict[str, Any], *found: Signal, plan: str = PLAN) -> Answer:
    scorer = Scorer(artifact(plan))
    request = ScoreRequest(Account("A-1", attributes=known), AS_OF, scorer.objective())
    return scorer.score_one(request, batch_of([[log_of(found)]]))


def points_of(known: dict[str, Any]) -> dict[tuple[str, str], float]:
    return {(p.attribute, p.value): p.points for p in answered(known).detail.fit.points}


def near(expected: float, tables: int = 1) -> Any:
    return pytest.approx(expected, abs=tables * POINT_GRID)


def test_each_attribute_and_pair_has_the_points_of_its_tables_and_says_its_value() -> None:
    by_term = obvious.points(SCHEMA.encode([KNOWN]).codes[0].tolist(), WEIGHTS)
    assert points_of(KNOWN) == {
        ("employees", "1,500,000"): near(by_term[(EMPLOYEES,)]),
        ("industry", "another value"): near(by_term[(INDUSTRY,)]),
        ("public", "yes"): near(by_term[(PUBLIC,)]),
        ("founded", "over 2000, up to 2015.5"): near(by_term[(FOUNDED,)]),
        ("tools", "missing"): near(by_term[(AWS,)] + by_term[(DBT,)] + by_term[(SNOWFLAKE,)], 3),
        ("employees & industry", "1,500,000 & another value"): near(by_term[EMPLOYEES, INDUSTRY]),
        ("industry & public", "another value & yes"): near(by_term[INDUSTRY, PUBLIC]),
        ("tools & tools", "missing & missing"): near(by_term[AWS, DBT]),
    }


def test_tags_that_are_known_have_points_of_their_own() -> None:
    points = points_of({"tools": "dbt"})
    tags = [value for attribute, value in points if attribute == "tools"]
    assert sorted(tags) == ["dbt", "no aws", "no snowflake"]
    assert (f"tools{TOGETHER}tools", "no aws & dbt") in points


@pytest.mark.parametrize(
    ("employees", "said"),
    [(0, "0"), ("1,200", "1,200"), (12_345_678, "12,345,678"), (0.1234567, "0.123457"), ("many", "missing")],
)
def test_a_number_is_said_as_people_write_it(employees: Any, said: str) -> None:
    assert [
        value for attribute, value in points_of({"employees": employees}) if attribute == "employees"
    ] == [said]


def test_points_stand_strongest_first() -> None:
    sizes = [abs(point.points) for point in answered(KNOWN).detail.fit.points]
    assert sizes == sorted(sizes, reverse=True)


def test_tables_that_give_nothing_are_left_out() -> None:
    model = fit_model()
    entries = model.tables.entries.copy()
    entries[:, :5] = 0.0  # the table of employees alone
    model = replace(model, tables=replace_entries(model.tables, entries))
    encoded = model.schema.encode([KNOWN])
    detail = fit_detail(model.fit(encoded.codes, [model.preset("balanced")]), 0, KNOWN, (), ())
    assert "employees" not in [point.attribute for point in detail.points]
    assert len(detail.points) == 7
    assert detail.base + sum(point.points for point in detail.points) == detail.unclipped


def replace_entries(tables: Any, entries: Any) -> Any:
    return type(tables)(tables.first, tables.second, entries, tables.sizes)


def test_an_account_of_the_icp_is_told_its_segment_and_strongest_points() -> None:
    answer = answered({"industry": "fintech", "employees": 300})
    strongest = answer.detail.fit.points[:3]
    assert answer.reasons == [
        "Fit: in the ICP: Mid-size fintech (industry is fintech and employees is at least 200)",
        *(f"Fit: {p.points:+.1f} points: {p.attribute} {p.value}" for p in strongest),
        NO_SIGNALS,
    ]


def test_a_segment_without_a_name_is_told_by_its_id() -> None:
    assert answered({"tools": "snowflake"}).reasons[0] == (
        "Fit: in the ICP: on-snowflake (tools has snowflake)"
    )


def test_an_excluded_account_is_told_why_first() -> None:
    told = answered({"tools": "snowflake", "employees": 2}).reasons
    assert told[0] == "Fit: excluded: Under 5 employees: no budget."
    assert not any("in the ICP" in reason for reason in told)


def test_an_account_outside_every_segment_is_told_that_signals_do_not_count() -> None:
    assert answered({"industry": "mining"}).reasons[0] == (
        "Fit: outside the ICP: no approved segment holds, so signals do not count"
    )


def test_where_no_segment_is_required_the_floor_is_what_keeps_an_account_outside() -> None:
    sizes, years = (7, 50, 500, 5e6), (1990, 2010, 2020)
    told = [answered({"employees": n, "founded": y}, plan=ANY_ICP) for n in sizes for y in years]
    outside = [answer.reasons[0] for answer in told if not answer.in_icp]
    inside = [answer.reasons[0] for answer in told if answer.in_icp]
    assert set(outside) == {"Fit: outside the ICP: Fit is below the floor of 40, so signals do not count"}
    assert {reason.partition(" ")[2][0] for reason in inside} <= {"+", "-"}  # straight to the points
    assert inside


def test_signals_are_told_as_intent_recency_and_engagement() -> None:
    told = answered(
        {},
        signal("demo_request", days_ago=2.7, topic="pricing", person="ana", channel="web"),
        signal("page_view", days_ago=0.5, person="ben", channel="web"),
        signal("meeting", days_ago=40),
    ).reasons
    assert told[-3:] == [
        "Intent: demo request on pricing 3 days ago (28 Jun 2026), page view yesterday (30 Jun 2026)",
        "Recency: last signal yesterday (30 Jun 2026)",
        "Engagement: 2 people over 1 channel, steady",
    ]


SIGNALS = answered({}, signal("page_view", person="ana", channel="web")).detail.signals


def told(triggers: Sequence[TriggerDetail] = (), **fields: Any) -> list[str]:
    """Return the reasons of an account whose signals are these."""
    answer = answered({})
    detail = replace(answer.detail, signals=replace(SIGNALS, **fields), triggers=list(triggers))
    return reasons(parse_plan(PLAN, "plan.toml"), replace(answer, detail=detail))[4:]


@pytest.mark.parametrize("course", ["", "new", "deepening", "steady", "plateauing", "fading"])
def test_engagement_says_where_it_is_going(course: str) -> None:
    assert told(course=course) == [
        "Intent: page view yesterday (30 Jun 2026)",
        "Recency: last signal yesterday (30 Jun 2026)",
        f"Engagement: 1 person over 1 channel{', ' if course else ''}{course}",
    ]


@pytest.mark.parametrize(
    ("people", "senior", "seniors", "words"),
    [
        (4, "executive", 2, "4 people over 3 channels, 2 of them executives, steady"),
        (4, "vice_president", 1, "4 people over 3 channels, 1 of them a vice president, steady"),
        (1, "executive", 1, "1 person over 3 channels, an executive, steady"),
        (2, "director", 2, "2 people over 3 channels, all of them directors, steady"),
        (4, "manager", 1, "4 people over 3 channels, steady"),
        (4, "", 0, "4 people over 3 channels, steady"),
    ],
)
def test_engagement_mentions_the_most_senior(people: int, senior: str, seniors: int, words: str) -> None:
    said = told(people=people, most_senior=senior, seniors=seniors, channels=3, course="steady")
    assert said[-1] == f"Engagement: {words}"


def test_roles_and_repeats_and_readings_are_told() -> None:
    drivers = [
        DriverDetail("intent_score", "security", "2026-06-22T00:00:00Z", 9.0, 1, 82.5, True, 30.0),
        DriverDetail("page_view", "", "2026-07-01T00:00:00Z", 0.0, 12, 1.0, False, 3.0),
    ]
    said = told(drivers=drivers, people=3, roles=2)
    assert said[0] == (
        "Intent: intent score on security at 82.5 9 days ago (22 Jun 2026), "
        "page view 12 times today (1 Jul 2026)"
    )
    assert said[-1].startswith("Engagement: 3 people in 2 roles over 1 channel")


def test_reasons_stay_short_whatever_the_names() -> None:
    driver = DriverDetail("t" * 256, "x" * 256, "2026-06-22T00:00:00Z", 9.0, 12, 1.0, False, 30.0)
    trigger = TriggerDetail("a", "n" * 200, "w" * 200, "2026-06-22T00:00:00Z", 9.0, 1.0)
    said = told([trigger], drivers=[driver, driver])
    assert max(map(len, said)) <= LONGEST_REASON
    assert said[0].endswith("…")
    assert said[1].count("22 Jun 2026") == 1


def test_a_trigger_is_told_with_its_date_and_why() -> None:
    trigger = TriggerDetail("cfo", "A new CFO", "New CFOs look at it all.", "2026-06-22T00:00:00Z", 9.0, 20.0)
    assert told([trigger], age_days=None) == [
        "Intent: A new CFO 9 days ago (22 Jun 2026): New CFOs look at it all.",
        "Recency, Engagement: no signals yet",
    ]
    assert told([trigger], drivers=[])[:2] == [
        "Intent: A new CFO 9 days ago (22 Jun 2026): New CFOs look at it all.",
        "Recency: last signal yesterday (30 Jun 2026)",
    ]


def test_signals_of_a_while_ago_are_told_as_such() -> None:
    assert told(read_ago=12.0)[0] == (
        "Intent, Recency, Engagement: the store did not answer; signals are those read 12 seconds ago"
    )
    assert told(read_ago=12.0, age_days=None)[1] == NO_SIGNALS


def test_signals_that_say_nothing_of_intent_are_told_as_such() -> None:
    assert answered({}, signal("meeting")).reasons[-3] == "Intent: no signal that speaks of intent"


def test_a_gauge_alone_is_told_as_no_event() -> None:
    said = answered({}, signal("intent_score", days_ago=2, strength=80.125, level=True)).reasons[-3:]
    assert said == [
        "Intent: intent score at 80.1 2 days ago (29 Jun 2026)",
        "Recency: no event yet that counts",
        "Engagement: nothing yet",
    ]


def test_signals_that_could_not_be_read_are_told_from_none() -> None:
    scorer = Scorer(artifact())
    request = ScoreRequest(Account("A-1"), AS_OF, scorer.objective())
    assert scorer.score_one(request, SignalBatch.empty(1)).reasons[-1] == NO_SIGNALS
    assert scorer.score_one(request, SignalBatch.unavailable(1)).reasons[-1] == (
        "Intent, Recency, Engagement: signals were not read; the score is Fit's share alone"
    )


def test_the_signals_behind_a_score_are_detailed() -> None:
    detail = answered(
        {}, signal("meeting", days_ago=10.12345, person="ana"), signal("demo_request", days_ago=45)
    ).detail.signals
    assert (detail.state, detail.age_days, detail.people, detail.channels) == ("ok", 10.12, 1, 0)
    assert detail.trend == round(4 / 7, 3)
    assert detail.drivers == [
        DriverDetail("demo_request", "", "2026-05-17T00:00:00Z", 45.0, 1, 1.0, False, detail.intent_points)
    ]
    assert (detail.intent.age_days, detail.intent.last) == (45.0, "2026-05-17T00:00:00Z")
    assert (detail.recency.age_days, detail.engagement.age_days) == (10.12, 10.12)


def test_details_hold_plain_numbers_that_any_writer_of_json_takes() -> None:
    detail = answered(KNOWN, signal()).detail
    numbers = [detail.fit.unclipped, detail.icp.gate, detail.signals.age_days, detail.signals.people]
    numbers += [point.points for point in detail.fit.points]
    assert not any(isinstance(number, np.generic) for number in numbers)
