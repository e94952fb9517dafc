from __future__ import annotations

import pytest

from scoring.errors import PlanError
from scoring.plan import Plan, parse_plan
from scoring.plan_signals import SignalsSection, policy_of, signals_said
from scoring.signals.policy import DEFAULT_TYPES, Policy

LEARNT = Policy(
    types={**DEFAULT_TYPES, "meeting": DEFAULT_TYPES["meeting"].model_copy(update={"half_life_days": 7.0})},
)
BY_HAND = """
[signals]
use = "learnt"
intent_scale = 3
recency_half_life_days = 10
[signals.types]
demo_request = {half_life_days = 5}
meeting = {intent = 9, depth = 1.5}
plant_tour = {intent = 2, half_life_days = 40}
[signals.topics]
"Fraud  Detection" = 1.5
"""


def section(text: str = BY_HAND) -> SignalsSection:
    return parse_plan(text, "plan.toml").signals


def test_a_plan_without_the_section_means_the_defaults_whatever_was_learnt() -> None:
    assert policy_of(Plan().signals, None) == policy_of(Plan().signals, LEARNT) == Policy()


def test_a_plan_that_asks_for_what_was_learnt_gets_it_where_there_is_any() -> None:
    asks = section('[signals]\nuse = "learnt"')
    assert policy_of(asks, LEARNT) == LEARNT
    assert policy_of(asks, None) == Policy()


def test_what_people_set_stands_above_what_was_learnt_and_the_rest_stays() -> None:
    policy = policy_of(section(), LEARNT)
    assert policy.types["demo_request"] == DEFAULT_TYPES["demo_request"].model_copy(
        update={"half_life_days": 5.0}
    )
    meeting = policy.types["meeting"]
    assert (meeting.intent, meeting.depth, meeting.half_life_days) == (9.0, 1.5, 7.0)
    tour = policy.types["plant_tour"]
    assert (tour.intent, tour.depth, tour.half_life_days) == (2.0, 0.0, 40.0)
    assert (policy.intent_scale, policy.recency_half_life_days) == (3.0, 10.0)
    assert policy.topics == {"fraud detection": 1.5}
    assert policy.types["webinar"] == DEFAULT_TYPES["webinar"]


def test_the_section_is_said_in_sentences() -> None:
    assert list(signals_said(section())) == [
        "weights and half-lives are learnt from the book where they prove better than the defaults",
        "Intent reaches 63% at 3 weighted signals",
        "Recency halves every 10 days",
        "demo_request: half-life 5 days (default 21)",
        "meeting: weight in Intent 9 (default 2), weight in depth 1.5 (default 4)",
        "plant_tour: weight in Intent 2, half-life 40 days, a type of your own",
        "topic fraud detection counts 1.5 times",
    ]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('[signals]\nuse = "lernt"', 2, "did you mean learnt?"),
        ("[signals]\nhalf_life = 3", 2, "unknown key; allowed here: use, intent_scale"),
        ("[signals]\nintent_scale = 0", 2, "allowed: a number above 0"),
        ("[signals]\nrecency_half_life_days = inf", 2, "not allowed"),
        ("[signals.types.meeting]\nhalf_life_days = 0", 2, "allowed: a number above 0 and at most 3,650"),
        ("[signals.types.meeting]\nintent = -1", 2, "allowed: a number from 0 to 1,000"),
        ("[signals.types.meeting]\nhalflife = 1", 2, "did you mean half_life_days?"),
        ("[signals.types.meating]\nhalf_life_days = 4", 1, "did you mean meeting?"),
        ('[signals.types."Plant Tour"]\nintent = 1\nhalf_life_days = 2', 1, "as signals have it, plant_tour"),
        ("[signals.topics]\npricing = -1", 2, "allowed: a number from 0 to 1,000"),
        ('[signals.topics]\npricing = 1\n"Pricing " = 2', 3, "stands twice"),
        ('[signals.topics]\n" " = 2', 2, "is empty"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(PlanError) as raised:
        parse_plan(text, "plan.toml")
    assert f"plan.toml, line {line}: signals." in str(raised.value)
    assert what in str(raised.value)


def test_a_vendors_scale_can_be_set_and_must_rise() -> None:
    section = SignalsSection.model_validate({"types": {"intent_score": {"floor": 40, "full": 90}}})
    scale = policy_of(section, None).types["intent_score"]
    assert (scale.floor, scale.full) == (40, 90)
    assert "intent_score: nothing up to 40 (default 0), in full from 90 (default 100)" in signals_said(
        section
    )
    with pytest.raises(PlanError, match="full must be above floor"):
        parse_plan("[signals.types.intent_score]\nfloor = 90\nfull = 40\n", "plan.toml")


def test_a_topic_that_is_not_named_may_count_less() -> None:
    section = SignalsSection.model_validate({"topics": {"data": 2}, "topics_default": 0.5})
    policy = policy_of(section, None)
    assert (policy.relevance("data"), policy.relevance("jobs"), policy.relevance("")) == (2, 0.5, 1)


def test_a_trigger_may_wait_for_a_type_of_the_companys_own() -> None:
    own = "[signals.types.board_change]\nintent = 1\nhalf_life_days = 30\n"
    trigger = '[[trigger]]\nid = "t"\nwhy = "They buy then."\nsignals = ["board_change"]\n'
    assert parse_plan(own + trigger, "plan.toml").trigger[0].signals == ("board_change",)
    with pytest.raises(PlanError, match="is no type of signal"):
        parse_plan(trigger, "plan.toml")
