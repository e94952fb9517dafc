from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.account import Account
from scoring.changes import ChangesRequest, State, changes
from scoring.changes_answer import Changes, Part
from scoring.errors import StoreUnavailableError
from scoring.plan import OBJECTIVES, PRESETS
from scoring.scorer import Scorer, ScoreRequest
from scoring.signals.log import SignalBatch
from scoring.signals.policy import TypePolicy
from scoring.signals.signal import Signal
from tests.scoring.models import (
    ANY_ICP,
    AS_OF,
    DAY,
    PLAN,
    POLICY,
    artifact,
    attributes,
    batch_of,
    log_of,
    signal,
    signals,
)

OLD = Scorer(artifact(ANY_ICP))
NEW_PLAN = PLAN + "\n[fire]\nfit = 0.4\nintent = 0.3\nrecency = 0.1\nengagement = 0.2\n"
NEW_POLICY = POLICY.model_copy(
    update={"types": {**POLICY.types, "meeting": TypePolicy(intent=2.0, depth=1.0, half_life_days=60)}}
)
NEW = Scorer(replace(artifact(NEW_PLAN, policy=NEW_POLICY), version="2026-07-31-ba9876543210"))
FINTECH = {"industry": "fintech", "employees": 500, "public": "yes", "tools": ["dbt"]}
ACCOUNT = Account("A-1")
PARTS = ("decay", "new_signals", "attributes", "model")
SCALES = ("score", "fit", "intent", "recency", "engagement")
LATE = "signals that happened before `since` count as known then, also those that arrived later"


def told(
    sent: Sequence[Signal],
    *,
    days: float = 21.0,
    then: Mapping[str, Any] = FINTECH,
    now: Mapping[str, Any] | None = None,
    models: tuple[Scorer, Scorer] = (OLD, OLD),
    asked: Mapping[str, float] | str | None = None,
) -> Changes:
    request = ChangesRequest(
        ACCOUNT,
        asked,
        then=State(models[0], then, AS_OF - days * DAY),
        now=State(models[1], then if now is None else now, AS_OF),
    )
    return changes(request, batch_of([[log_of(sent)]]))


def parts(answer: Changes) -> list[Part]:
    return [getattr(answer.detail, name) for name in PARTS]


def hundredths(points: float | None) -> int:
    assert points is not None
    found = round(100 * points)
    assert points == found / 100  # nothing hides behind the shown decimals
    return found


def score_of(
    scorer: Scorer, known: Mapping[str, Any], at: float, sent: Sequence[Signal], asked: Any = None
) -> float:
    request = ScoreRequest(Account("A-1", "", known), at, scorer.objective(asked))
    return scorer.score_one(request, batch_of([[log_of(sent)]])).score


def test_what_fades_is_as_computed_by_hand() -> None:
    answer = told([signal("demo_request", days_ago=21.0, channel="web", person="ana")])
    before, after = 1 - math.exp(-3 / 4), 1 - math.exp(-1.5 / 4)  # one half-life of 21 days
    recency = 1 - 2 ** (-21 / 14)
    decay = answer.detail.decay
    assert decay.intent == pytest.approx(100 * (after - before), abs=0.011)
    assert decay.recency == pytest.approx(-100 * recency, abs=0.011)
    assert decay.fit == 0
    lost = (0.2 * (before - after) + 0.1 * recency) * 100 - 0.2 * decay.engagement
    assert answer.decay == pytest.approx(-lost, abs=0.03)
    assert (answer.change, answer.new_signals, answer.attributes, answer.model) == (answer.decay, 0, 0, 0)
    (effect,) = decay.signals
    assert effect.points == answer.decay
    assert effect.words == f"demo request 21 days ago (10 Jun 2026) counts {-answer.decay:g} points less"
    assert answer.reasons == [f"Decay: {effect.words}"]
    assert answer.notes == [LATE]


def test_what_is_new_is_told_by_type_topic_and_day_in_the_order_of_time() -> None:
    sent = [
        signal("demo_request", days_ago=30.0),
        signal("page_view", days_ago=2.1, topic="pricing", event_id="1"),
        signal("page_view", days_ago=2.2, topic="pricing", event_id="2"),
        signal("meeting", days_ago=1.0, person="ana", channel="sales"),
    ]
    answer = told(sent, days=10.0)
    new = answer.detail.new_signals
    assert sorted((one.type, one.topic, one.times) for one in new.signals) == [
        ("meeting", "", 1),
        ("page_view", "pricing", 2),
    ]
    by_type = {one.type: one.points for one in new.signals}
    viewed = score_of(OLD, FINTECH, AS_OF, sent[:3])
    assert by_type["page_view"] == pytest.approx(viewed - score_of(OLD, FINTECH, AS_OF, sent[:1]), abs=1e-9)
    assert by_type["meeting"] == pytest.approx(score_of(OLD, FINTECH, AS_OF, sent) - viewed, abs=1e-9)
    words = f"page view on pricing 2 times 3 days ago (28 Jun 2026): {by_type['page_view']:+g} points"
    assert words in new.words
    assert answer.new_signals > 0 > answer.decay


def test_of_a_level_that_moved_both_readings_are_told() -> None:
    def level(strength: float, days_ago: float) -> Signal:
        return signal("intent_score", days_ago=days_ago, level=True, strength=strength)

    answer = told([level(90.0, 30.0), level(10.0, 1.0)], days=10.0)
    (old,), (new,) = answer.detail.decay.signals, answer.detail.new_signals.signals
    assert old.words.startswith("intent score at 90 30 days ago (1 Jun 2026) counts ")
    assert new.words.startswith("intent score at 10 yesterday (30 Jun 2026): ")
    assert answer.new_signals == new.points


def test_an_attribute_is_told_by_its_points() -> None:
    answer = told([], now={**FINTECH, "industry": "retail", "employees": "500"})
    known = answer.detail.attributes
    by_name = {one.attribute: one for one in known.attributes}
    assert (by_name["industry"].then, by_name["industry"].now) == ("fintech", "retail")
    assert "employees" not in by_name  # written otherwise, and the same
    assert set(by_name) == {"industry", "employees & industry", "industry & public"} & set(by_name)
    assert sum(one.fit_points for one in known.attributes) == pytest.approx(known.fit, abs=0.03)
    assert any(words.startswith("industry from fintech to retail: ") for words in known.words)
    assert answer.change == answer.attributes != 0


def test_an_exclusion_is_told_in_words() -> None:
    answer = told([], now={**FINTECH, "employees": 3})
    assert answer.score_now == 0
    assert "excluded now: Under 5 employees: no budget." in answer.detail.attributes.words
    back = told([], then={**FINTECH, "employees": 3}, now=FINTECH)
    assert "no longer excluded: Under 5 employees: no budget." in back.detail.attributes.words


def test_a_gate_that_closes_is_told_in_words() -> None:
    sent = [signal("demo_request", days_ago=30.0)]
    answer = told(sent, now={**FINTECH, "tools": ["dbt", "snowflake"]})
    assert answer.attributes < 0.5 * answer.detail.attributes.fit  # more than Fit's own share
    assert "by its Fit, signals count 0% now, 100% before" in answer.detail.attributes.words


def test_an_attribute_that_makes_no_difference_is_listed_and_not_told() -> None:
    answer = told([], now={**FINTECH, "employees": 501})
    (effect,) = answer.detail.attributes.attributes
    assert (effect.then, effect.now, effect.fit_points) == ("500", "501", 0)
    assert answer.reasons == []


def test_another_model_is_told_with_its_weights() -> None:
    answer = told([signal("meeting", days_ago=30.0, person="ana")], models=(OLD, NEW))
    assert (answer.detail.then.model_version, answer.detail.now.model_version) == (
        OLD.artifact.version,
        NEW.artifact.version,
    )
    words = answer.detail.model.words
    assert words[0] == f"model {NEW.artifact.version} in place of {OLD.artifact.version}"
    assert {"weight of Fit from 0.5 to 0.4", "weight of Intent from 0.2 to 0.3"} <= set(words)
    assert "its policy weighs signals otherwise" in words
    assert answer.model != 0


def test_an_objective_that_the_model_of_then_has_not_learnt_is_said() -> None:
    growth_only = Scorer(artifact(ANY_ICP, objectives=["growth"]))
    answer = told([], models=(growth_only, OLD), asked={"lifetime_value": 1.0})
    assert any("has not learnt the objective" in note for note in answer.notes)
    assert answer.detail.attributes.score == 0


def test_signals_that_add_nothing_outside_the_icp_are_said_to() -> None:
    answer = told([signal("meeting")], then={"employees": 3})
    assert (answer.new_signals, answer.detail.new_signals.signals[0].points) == (0, 0)
    assert "outside the ICP, or below its floor of Fit: signals add nothing to the score now" in answer.notes


def test_a_situation_that_only_time_ends_is_told_with_decay() -> None:
    dated = """
[[trigger]]
id = "new-cfo"
name = "A new CFO"
why = "Budgets move."
date_of = "cfo_since"
within_days = 90
"""
    scorer = Scorer(artifact(ANY_ICP + dated))
    answer = told([], then={**FINTECH, "cfo_since": "2026-03-15"}, models=(scorer, scorer))
    assert answer.decay < 0
    assert "a situation no longer holds: A new CFO" in answer.detail.decay.words


def test_a_log_with_very_many_days_tells_the_earliest_together() -> None:
    sent = [signal("page_view", days_ago=float(day), event_id=str(day)) for day in range(1, 101)]
    answer = told(sent, days=200.0)
    effects = answer.detail.new_signals.signals
    assert len(effects) == 40
    (together,) = [one for one in effects if not one.type]
    assert together.times == 61
    assert together.words.startswith("61 earlier signals until 40 days ago (22 May 2026): ")
    assert sum(hundredths(one.points) for one in effects) == hundredths(answer.new_signals)


def test_a_log_that_could_not_be_read_gives_no_answer() -> None:
    request = ChangesRequest(ACCOUNT, None, State(OLD, FINTECH, AS_OF - DAY), State(OLD, FINTECH, AS_OF))
    with pytest.raises(StoreUnavailableError):
        changes(request, SignalBatch.unavailable(1))


def test_a_log_read_a_while_ago_is_said() -> None:
    request = ChangesRequest(ACCOUNT, None, State(OLD, FINTECH, AS_OF - DAY), State(OLD, FINTECH, AS_OF))
    batch = SignalBatch.empty(1)
    answer = changes(request, replace(batch, read_ago=batch.read_ago + 95.0))
    assert answer.degraded
    assert any("2 minutes ago" in note for note in answer.notes)


@settings(max_examples=200, deadline=None)
@given(
    sent=signals(),
    days=st.floats(0.0, 60.0),
    known=st.tuples(attributes(), attributes()),
    models=st.sampled_from([(OLD, NEW), (NEW, OLD), (OLD, OLD)]),
    asked=st.sampled_from([None, *PRESETS, {OBJECTIVES[0]: 1.0}]),
)
def test_the_parts_sum_to_the_change_and_both_ends_are_the_scores_of_their_moments(
    sent: list[Signal],
    days: float,
    known: tuple[dict[str, object], dict[str, object]],
    models: tuple[Scorer, Scorer],
    asked: Any,
) -> None:
    answer = told(sent, days=days, then=known[0], now=known[1], models=models, asked=asked)
    for scale in SCALES:
        ends = [hundredths(getattr(end, scale)) for end in (answer.detail.then, answer.detail.now)]
        assert sum(hundredths(getattr(part, scale)) for part in parts(answer)) == ends[1] - ends[0]
    assert sum(hundredths(getattr(answer, name)) for name in PARTS) == hundredths(answer.change)
    since = AS_OF - days * DAY
    known_then = [one for one in sent if one.at <= since]
    assert score_of(models[0], known[0], since, known_then, asked) == answer.score_then
    assert score_of(models[1], known[1], AS_OF, sent, asked) == answer.score_now
    new = answer.detail.new_signals
    assert sum(hundredths(one.points) for one in new.signals) == hundredths(new.score)
    decay = answer.detail.decay  # these plans date nothing
    assert sum(hundredths(one.points) for one in decay.signals) == hundredths(decay.score)
    assert all(len(words) <= 118 + len("New signals: ") for words in answer.reasons)


@settings(max_examples=200, deadline=None)
@given(
    sent=signals(),
    known=st.tuples(attributes(), attributes()),
    which=st.sets(st.sampled_from(PARTS)),
)
def test_a_part_is_nothing_where_only_the_others_changed(
    sent: list[Signal], known: tuple[dict[str, object], dict[str, object]], which: set[str]
) -> None:
    """Leave out the cause of all parts but some, and only those may be other than zero."""
    since = AS_OF - 30 * DAY
    if "new_signals" not in which:
        sent = [one for one in sent if one.at <= since]
    if "decay" not in which:  # nothing that could fade was known
        sent = [one for one in sent if one.at > since]
    answer = told(
        sent,
        days=30.0,
        then=known[0],
        now=known[1] if "attributes" in which else known[0],
        models=(OLD, NEW) if "model" in which else (OLD, OLD),
    )
    for name, part in zip(PARTS, parts(answer), strict=True):
        if name not in which:
            nothing = replace(part, score=0.0, fit=0.0, intent=0.0, recency=0.0, engagement=0.0)
            assert part == replace(nothing, signals=[], attributes=[], words=[])


def test_an_answer_is_plain_data() -> None:
    answer = told([])
    assert [field.name for field in fields(answer)][:4] == ["account_id", "domain", "since", "as_of"]
    assert (answer.since, answer.as_of) == ("2026-06-10T00:00:00.000Z", "2026-07-01T00:00:00.000Z")
    assert (answer.reasons, answer.notes) == ([], [])
