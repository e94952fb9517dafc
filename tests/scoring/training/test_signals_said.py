import json

import pytest

from scoring.plan import FireSection, Plan, parse_plan
from scoring.plan_signals import SignalsSection, policy_of
from scoring.training.signals_learnt import SignalLessons
from scoring.training.signals_said import (
    gain_said,
    in_plan,
    pinned_toml,
    proposed_fire,
    proposed_policy,
    signal_facts,
)
from tests.scoring.training.signal_lessons import BETTER, GAIN, NO_BETTER

BY_HAND = SignalsSection.model_validate(
    {"types": {"meeting": {"half_life_days": 5}}, "topics": {"fraud detection": 1.5}}
)


def test_only_what_proved_better_is_proposed() -> None:
    assert proposed_policy(BETTER) == BETTER.policy
    assert proposed_fire(BETTER) == BETTER.fire
    assert [proposed_policy(none) or proposed_fire(none) for none in (NO_BETTER, "no events")] == [None, None]


def test_the_pinned_values_pasted_into_a_plan_mean_what_was_learnt() -> None:
    plan = parse_plan("\n".join(pinned_toml(BETTER)), "pasted")
    assert policy_of(plan.signals, None) == BETTER.policy
    assert plan.fire == BETTER.fire
    assert pinned_toml(NO_BETTER) == []


@pytest.mark.parametrize("lessons", [BETTER, NO_BETTER, "no events"])
@pytest.mark.parametrize("section", [SignalsSection(), BY_HAND, SignalsSection(use="learnt")])
def test_a_first_plan_keeps_what_is_decided(lessons: SignalLessons | str, section: SignalsSection) -> None:
    assert parse_plan("\n".join(in_plan(section, lessons)), "first").signals == section


def test_a_first_plan_offers_what_was_learnt_behind_a_mark() -> None:
    lines = in_plan(BY_HAND, BETTER)
    accepted = "\n".join(line.removeprefix("#") if line.startswith("#use") else line for line in lines)
    assert parse_plan(accepted, "accepted").signals == BY_HAND.model_copy(update={"use": "learnt"})
    said = " ".join(line.lstrip("# ") for line in lines)
    assert "- meeting: half-life 7 days (default 30), weight 1.5 (default 2)" in said
    assert "For [fire] these were learnt: fit = 0.5, intent = 0.25, recency = 0.05, engagement = 0.2." in said


def test_a_first_plan_says_why_nothing_is_offered() -> None:
    assert "# The defaults stay: no better." in in_plan(SignalsSection(), NO_BETTER)
    assert "# Nothing was learnt of signals: no events." in in_plan(SignalsSection(), "no events")
    assert not any("use = " in line and line.startswith("#") for line in in_plan(SignalsSection(), NO_BETTER))


@pytest.mark.parametrize("lessons", [BETTER, NO_BETTER, "no events"])
def test_the_facts_are_plain_json(lessons: SignalLessons | str) -> None:
    facts = signal_facts(lessons, Plan().signals)
    assert json.loads(json.dumps(facts, allow_nan=False)) == json.loads(json.dumps(facts))
    assert facts["use"] == "defaults"


def test_the_facts_hold_every_figure() -> None:
    learnt = signal_facts(BETTER, Plan().signals)["learnt"]
    assert (learnt["unplaced"], learnt["too_few"]) == (17, {"webinar": 12})
    assert learnt["types"][0]["half_life_days"] == 7.0
    assert learnt["types"][0]["default"]["half_life_days"] == 30.0
    assert FireSection.model_validate(learnt["fire"]) == BETTER.fire
    assert learnt["intent_gain"]["ours"] == {"auc": 0.81, "top_lift": 4.5}


def test_a_gain_is_said_in_pairs_and_in_the_top_tenth() -> None:
    assert gain_said(GAIN, "the defaults") == (
        "Of an account about to open an opportunity and one that was not, what was learnt knew which in "
        "81.0% of pairs, the defaults in 79.0% (90% interval of the difference +1.0 to +3.0 points); the "
        "tenth that it ranked highest opened 4.5 times as many as the average, against 4.0."
    )
