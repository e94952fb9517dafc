from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.account import Account
from scoring.answer import Answer
from scoring.artifact import read_artifact, write_artifact
from scoring.errors import RequestError
from scoring.features import FeatureSchema, IndustryEncoder
from scoring.plan import PRESETS
from scoring.readings import Reading
from scoring.scorer import Scorer, ScoreRequest
from scoring.signals.log import SignalBatch
from scoring.signals.signal import Signal
from tests.scoring import obvious
from tests.scoring.models import (
    ANY_ICP,
    AS_OF,
    DAY,
    PLAN,
    POLICY,
    SCHEMA,
    artifact,
    attributes,
    batch_of,
    fit_model,
    log_of,
    signal,
    signals,
)

SCORER, OPEN = Scorer(artifact()), Scorer(artifact(ANY_ICP))
FINTECH = {"industry": "fintech", "employees": 500}
BUSY = [signal("demo_request", days_ago=d, person=f"p{d}", channel="web", strength=9.0) for d in range(1, 6)]
ASKED = [None, *PRESETS, {"growth": 2.0, "efficiency": 1.0}, {"lifetime_value": 1e-9}]


@dataclass(frozen=True)
class Case:
    account: Account
    as_of: float
    asked: Mapping[str, float] | str | None
    signals: Sequence[Signal]
    available: bool = True

    def request(self, scorer: Scorer) -> ScoreRequest:
        return ScoreRequest(self.account, self.as_of, scorer.objective(self.asked), "ref", "req")

    def log(self) -> bytes:
        return log_of(self.signals) if self.available else b"damaged"


def cases() -> st.SearchStrategy[Case]:
    ids = st.text(st.characters(categories=["L", "N", "S"]), min_size=1, max_size=5)
    identities = st.one_of(
        st.tuples(ids.map(lambda text: f"id {text}"), st.just("")),  # a text such as "na" alone is no id
        st.tuples(st.just(""), st.sampled_from(["acme.com", "https://bücher.de", "jo@shop.co.uk"])),
        st.just(("A-1", "acme.com")),
    )
    accounts = st.builds(lambda who, known: Account(who[0], who[1], known), identities, attributes())
    moments = st.floats(AS_OF - 30 * DAY, AS_OF + 30 * DAY)
    mostly = st.sampled_from([True, True, True, False])
    return st.builds(Case, accounts, moments, st.sampled_from(ASKED), signals(), mostly)


def scored(scorer: Scorer, *found: Case) -> list[Answer]:
    batch = batch_of([[case.log()] for case in found])
    return scorer.score_many([case.request(scorer) for case in found], batch)


def score(known: Mapping[str, Any], *found: Signal, scorer: Scorer = SCORER, **fields: Any) -> Answer:
    return scored(scorer, Case(Account("A-1", attributes=known), AS_OF, fields.get("asked"), found))[0]


@settings(deadline=None, max_examples=60)
@given(st.lists(cases(), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_batch_in_any_order_is_each_account_alone_to_the_bit(
    found: list[Case], chance: random.Random
) -> None:
    found = [*found, chance.choice(found)]  # an account may stand in a batch twice
    chance.shuffle(found)
    for scorer in (SCORER, OPEN):
        for case, together in zip(found, scored(scorer, *found), strict=True):
            assert scorer.score_one(case.request(scorer), batch_of([[case.log()]])) == together


@settings(deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_base_and_points_are_the_unclipped_fit_exactly_in_any_order(
    case: Case, chance: random.Random
) -> None:
    (answer,) = scored(SCORER, case)
    fit = answer.detail.fit
    parts = [fit.base, *(point.points for point in fit.points)]
    chance.shuffle(parts)
    assert sum(parts) == fit.unclipped
    assert answer.fit == round(min(max(fit.unclipped, 0.0), 100.0), 2)
    named = [(point.attribute, point.value) for point in fit.points]
    assert len(named) == len(set(named))


@settings(deadline=None)
@given(cases(), st.sampled_from([SCORER, OPEN]))
def test_every_number_of_an_answer_is_its_formula(case: Case, scorer: Scorer) -> None:
    (answer,) = scored(scorer, case)
    plan, known = scorer.artifact.plan, case.account.attributes
    weights = scorer.objective(case.asked).weights
    codes = SCHEMA.encode([known]).codes[0].tolist()
    found = obvious.activation(POLICY, case.signals if case.available else [], case.as_of)
    fit = min(max(obvious.unclipped(codes, weights), 0.0), 100.0)

    held = [spec.id for spec in plan.segment if spec.rule.matches(known)]
    excluded = any(spec.rule.matches(known) for spec in plan.exclusion)
    inside = bool(held) or (not plan.icp.require_segment and fit >= plan.icp.fit_floor)
    opening = obvious.gate(fit, 40, 60) if inside and not excluded else 0.0
    lift = 0.2 * found.intent + 0.1 * found.recency + 0.2 * found.engagement
    expected = 0.0 if excluded else 100 * (0.5 * fit / 100 + opening * lift)

    assert answer.fit == pytest.approx(fit, abs=0.0051)
    assert answer.coverage == pytest.approx(obvious.coverage(codes, weights), abs=0.000_06)
    assert answer.score == pytest.approx(expected, abs=0.006)
    assert answer.detail.icp.gate == pytest.approx(opening, abs=1e-5)
    assert (answer.in_icp, answer.detail.icp.segments) == (inside and not excluded, held)
    assert answer.segment == (held[0] if held else "")
    if case.available:
        assert answer.intent == pytest.approx(100 * found.intent, abs=0.006)
        assert answer.recency == pytest.approx(100 * found.recency, abs=0.006)
        assert answer.engagement == pytest.approx(100 * found.engagement, abs=0.007)


@settings(deadline=None)
@given(attributes(), signals())
def test_no_signal_lifts_an_account_outside_the_icp(known: dict[str, Any], found: list[Signal]) -> None:
    known = {**known, "industry": "mining", "tools": "cobol", "employees": 50}
    quiet, busy = score(known), score(known, *found)
    assert not busy.in_icp
    assert busy.score == quiet.score
    assert busy.score == pytest.approx(0.5 * min(max(busy.detail.fit.unclipped, 0.0), 100.0), abs=0.0051)


@settings(deadline=None)
@given(attributes(), signals())
def test_an_excluded_account_scores_0_whatever_it_does(known: dict[str, Any], found: list[Signal]) -> None:
    answer = score({**known, "employees": 4, "tools": "snowflake"}, *found)
    assert (answer.score, answer.grade, answer.tier, answer.in_icp) == (0.0, "D4", "none", False)
    assert answer.detail.icp.exclusion == "too-small"
    assert answer.detail.icp.exclusion_reason == "Under 5 employees: no budget."
    assert answer.segment == "on-snowflake"


@settings(deadline=None, max_examples=50)
@given(attributes(), st.lists(signals(), min_size=2, max_size=2))
def test_more_signals_of_nobody_in_no_channel_never_lower_the_score(
    known: dict[str, Any], found: list[list[Signal]]
) -> None:
    few = [replace(s, level=False, person="", channel="", event_id=f"few {s.event_id}") for s in found[0]]
    more = [replace(s, level=False, person="", channel="", event_id=f"more {s.event_id}") for s in found[1]]
    recent = [replace(s, at=min(s.at, AS_OF)) for s in more if s.at > AS_OF - 29 * DAY]
    assert score(known, *few, *recent).score >= score(known, *few).score


def test_signals_count_inside_the_icp_by_the_gate() -> None:
    gates = set()
    for known in grid():
        quiet, busy = score(known), score(known, *BUSY)
        assert quiet.score == pytest.approx(0.5 * quiet.fit, abs=0.006)
        assert (busy.score > quiet.score) == (busy.detail.icp.gate > 0)
        gates.add(busy.detail.icp.gate if busy.in_icp else None)
    assert {None, 0.0, 1.0} < gates


def grid() -> list[dict[str, Any]]:
    tools, years = [None, "aws", "dbt", "aws;dbt"], [1990, 2010, 2020]
    values = itertools.product(["retail", "fintech", "mining"], [7, 100, 500], [True, False], years, tools)
    names = ("industry", "employees", "public", "founded", "tools")
    return [dict(zip(names, each, strict=True)) for each in values]


def test_with_require_segment_only_members_are_in_the_icp() -> None:
    answers = [score(known, *BUSY) for known in grid()]
    assert all(answer.in_icp == bool(answer.segment) for answer in answers)
    assert any(not answer.in_icp and answer.fit > 60 for answer in answers)


def test_without_require_segment_fit_from_the_floor_is_enough_and_a_segment_too() -> None:
    answers = [score(known, *BUSY, scorer=OPEN) for known in grid()]
    assert all(answer.in_icp == (bool(answer.segment) or answer.fit >= 40) for answer in answers)
    assert {answer.in_icp for answer in answers} == {True, False}
    assert any(answer.detail.icp.gate == 1.0 and not answer.segment for answer in answers)


def test_an_account_in_two_segments_is_named_by_the_first_of_the_plan() -> None:
    answer = score({**FINTECH, "tools": "snowflake;dbt"})
    assert (answer.segment, answer.detail.icp.segments) == ("fintech-mid", ["fintech-mid", "on-snowflake"])


def test_without_signals_the_answer_is_fit_alone_and_says_so() -> None:
    request = Case(Account("A-1", attributes=FINTECH), AS_OF, None, ()).request(SCORER)
    lost = SCORER.score_one(request, SignalBatch.unavailable(1))
    none = SCORER.score_one(request, SignalBatch.empty(1))
    assert (lost.degraded, lost.intent, lost.recency, lost.engagement) == (True, None, None, None)
    assert (lost.detail.signals.state, lost.detail.signals.age_days) == ("unavailable", None)
    assert (lost.detail.signals.read_ago, none.detail.signals.read_ago) == (None, 0.0)
    assert (none.degraded, none.intent, none.recency, none.engagement) == (False, 0.0, 0.0, 0.0)
    assert lost.score == none.score == pytest.approx(0.5 * lost.fit, abs=0.006)
    assert (lost.fit, lost.detail.fit) == (none.fit, none.detail.fit)


ALL_KNOWN = {**FINTECH, "public": True, "founded": 2010, "tools": "dbt"}


@pytest.mark.parametrize(
    ("known", "confidence", "degraded"),
    [(ALL_KNOWN, "high", "medium"), (dict(list(ALL_KNOWN.items())[:4]), "medium", "low"), ({}, "low", "low")],
)
def test_confidence_is_coverage_one_step_lower_without_signals(
    known: dict[str, Any], confidence: str, degraded: str
) -> None:
    request = Case(Account("A-1", attributes=known), AS_OF, None, ()).request(SCORER)
    answers = [SCORER.score_one(request, make(1)) for make in (SignalBatch.empty, SignalBatch.unavailable)]
    assert [answer.confidence for answer in answers] == [confidence, degraded]
    assert answers[0].coverage == {"high": 1.0, "low": 0.0}.get(confidence, answers[0].coverage)


def test_an_answer_echoes_who_was_asked_about_and_by_which_model() -> None:
    request = ScoreRequest(Account("A-1", "acme.com"), AS_OF, SCORER.objective(), "row 7", "r-1")
    answer = SCORER.score_one(request, SignalBatch.empty(1))
    assert (answer.account_id, answer.domain, answer.reference) == ("A-1", "acme.com", "row 7")
    assert (answer.request_id, answer.model_version) == ("r-1", "2026-06-30-0123456789ab")
    assert (answer.as_of, answer.draft) == ("2026-07-01T00:00:00.000Z", False)


def test_a_plan_nobody_signed_makes_drafts() -> None:
    assert score({}, scorer=Scorer(artifact("[icp]\nrequire_segment = false"))).draft


def test_no_requests_have_no_answers() -> None:
    assert SCORER.score_many([], SignalBatch.empty(0)) == []


def test_what_could_not_be_read_is_named_and_counts_as_missing() -> None:
    answer, without = score({"employees": "many", "industry": "fintech"}), score({"industry": "fintech"})
    assert answer.detail.fit.unreadable == ["employees"]
    assert (answer.fit, answer.coverage) == (without.fit, without.coverage)


def test_the_default_objective_is_the_plans() -> None:
    detail = score(FINTECH).detail.objective
    assert (detail.name, detail.left_out) == ("plan", {})
    assert detail.weights == pytest.approx({"growth": 0.5, "lifetime_value": 0.3, "efficiency": 0.2})
    custom = score(FINTECH, asked={"growth": 5, "lifetime_value": 3, "efficiency": 2})
    assert custom.detail.objective.name == "custom"
    assert custom.fit == score(FINTECH).fit
    assert score(FINTECH, asked="efficiency").fit != custom.fit


def test_the_default_objective_leaves_out_what_the_model_lacks_and_says_why() -> None:
    scorer = Scorer(artifact(objectives=["growth", "lifetime_value"]))
    answer = score(FINTECH, scorer=scorer)
    assert answer.detail.objective.weights == pytest.approx({"growth": 0.625, "lifetime_value": 0.375})
    assert answer.detail.objective.left_out == {"efficiency": "no costs in the book"}
    assert set(answer.detail.fit.expected) == {"nrr", "clv"}
    with pytest.raises(RequestError) as caught:
        scorer.objective("balanced")
    assert caught.value.code == "objective_unavailable"


def test_a_plan_that_weighs_only_what_the_model_lacks_falls_back_on_all_it_has() -> None:
    plan = PLAN.replace("growth = 0.5", "growth = 0.0").replace(
        "lifetime_value = 0.3", "lifetime_value = 0.0"
    )
    scorer = Scorer(artifact(plan, objectives=["growth", "lifetime_value"]))
    assert scorer.objective().weights == {"growth": 0.5, "lifetime_value": 0.5}


def test_expectations_are_those_of_the_accounts_band() -> None:
    for known in grid():
        answer = score(known)
        growth, _, payback = obvious.z(SCHEMA.encode([known]).codes[0].tolist())
        expected = answer.detail.fit.expected
        assert expected["nrr"].value == (0.9 if growth < 0 else 1.1)
        assert (expected["clv"].value, expected["clv"].low, expected["clv"].customers) == (8e4, 7e4, 90)
        assert expected["payback"].value == (20.0 if payback < -0.5 else 14.0 if payback < 0.5 else 9.0)
        assert [found.unit for found in expected.values()] == ["ratio", "currency", "months"]


# Industries and countries

READINGS: tuple[Reading, ...] = (
    Reading("industry", "industry", (("industry", None), ("naics", "naics"), ("sic_code", "sic"))),
    Reading("public", "country", (("public", None),)),  # no encoder asks for it as a country, a rule does
)
TAXONOMY_PLAN = (
    PLAN.replace('["fintech"]', '["Financial Technology"]')
    + """
[[segment]]
id = "weavers"
where = [{industry = ["Basket weaving"]}]

[[segment]]
id = "german"
where = [{public = ["Germany"]}]
"""
)


@pytest.fixture(scope="module")
def taxonomy(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """A scorer of an artifact that was written and read, with an industry in place of a category."""
    encoders = tuple(
        IndustryEncoder("industry", ("basket weaving", "fintech")) if e.attribute == "industry" else e
        for e in SCHEMA.encoders
    )
    model = replace(fit_model(), schema=FeatureSchema(encoders, READINGS))
    folder = tmp_path_factory.mktemp("taxonomy")
    facts: dict[str, Any] = {"left_out": {}}
    version = write_artifact(
        folder,
        as_of="2026-06-30",
        facts=facts,
        model=model,
        policy=POLICY,
        plan_text=TAXONOMY_PLAN,
        card="",
    )
    return Scorer(read_artifact(folder, version))


@pytest.mark.parametrize(
    "written",
    [
        {"industry": "Financial Technology"},
        {"INDUSTRY": "FIN_TECH"},
        {"industry": 522320},
        {"industry": "NAICS 522320"},
        {"NAICS": "522320"},
        {"naics": 522320.0, "SIC Code": "6021"},
        {"industry": "n/a", "naics": "522320"},
        {"industry": "Payments"},
    ],
)
def test_however_an_industry_is_written_the_answer_is_one(taxonomy: Scorer, written: dict[str, Any]) -> None:
    plain = score({"industry": "fintech", "employees": 450}, *BUSY, scorer=taxonomy)
    answer = score({**written, "employees": 450}, *BUSY, scorer=taxonomy)
    assert plain.segment == "fintech-mid"
    assert plain.fit != score({"employees": 450}, scorer=taxonomy).fit
    numbers = ("score", "fit", "grade", "tier", "in_icp", "segment", "coverage", "confidence")
    assert [getattr(answer, name) for name in numbers] == [getattr(plain, name) for name in numbers]
    assert answer.detail.fit.unclipped == plain.detail.fit.unclipped
    assert answer.detail.fit.unknown == answer.detail.fit.unreadable == []


def test_a_reason_says_the_industry_and_how_the_caller_wrote_it(taxonomy: Scorer) -> None:
    def said(**known: Any) -> set[str]:
        points = score(known, scorer=taxonomy).detail.fit.points
        return {point.value for point in points if point.attribute == "industry"}

    assert said(industry="FinTech") == {"fintech"}
    assert said(industry="Financial  Technology") == {"fintech (written financial technology)"}
    assert said(naics=522320) == {"fintech (written 522320)"}
    assert said(industry="Basket Weaving") == {"basket weaving"}
    assert said(industry="Media") == {"another value"}
    assert said() == {"missing"}


def test_a_category_of_a_companys_own_keeps_its_entry_and_its_segment(taxonomy: Scorer) -> None:
    answer = score({"industry": " Basket WEAVING "}, scorer=taxonomy)
    assert answer.segment == "weavers"
    assert "basket weaving" in {point.value for point in answer.detail.fit.points}


def test_a_rule_reads_an_attribute_that_no_encoder_reads_so(taxonomy: Scorer) -> None:
    assert score({"public": "Deutschland"}, scorer=taxonomy).segment == "german"
    assert score({"public": ["DEU"]}, scorer=taxonomy).segment == "german"
    assert score({"public": "France"}, scorer=taxonomy).segment == ""


def test_an_industry_that_cannot_be_read_is_named(taxonomy: Scorer) -> None:
    assert score({"industry": {"a": 1}}, scorer=taxonomy).detail.fit.unreadable == ["industry"]


# Triggers, and signals read a while ago

TRIGGERED = (
    PLAN
    + """
[[trigger]]
id = "public-soon"
name = "Goes public"
why = "A listing needs numbers that hold."
where = [{public = true}]
intent = 2

[[trigger]]
id = "asked"
signals = ["demo_request", "contact_request"]
within_days = 30

[[trigger]]
id = "old-enough"
date_of = "founded"
within_days = 3650
where = [{employees = {min = 100}}]
intent = 0
"""
)
TRIGGERS = Scorer(artifact(TRIGGERED))


def test_a_trigger_that_holds_adds_its_weight_to_intent_and_is_explained() -> None:
    quiet = score(FINTECH, scorer=TRIGGERS)
    answer = score({**FINTECH, "public": "yes"}, scorer=TRIGGERS)
    assert (quiet.intent, quiet.detail.triggers) == (0, [])
    assert answer.intent == pytest.approx(100 * (1 - math.exp(-2 / 4)), abs=0.006)
    assert answer.detail.signals.intent.state == "ok"
    (held,) = answer.detail.triggers
    assert (held.id, held.name, held.since, held.age_days) == ("public-soon", "Goes public", None, None)
    assert held.points == answer.detail.signals.intent_points
    assert answer.reasons[-2:] == [
        "Intent: Goes public: A listing needs numbers that hold.",
        "Recency, Engagement: no signals yet",
    ]


def test_triggers_hold_by_attributes_signals_and_dates_as_of_the_moment_asked() -> None:
    known = {**FINTECH, "founded": "2020-07-01", "public": True}
    asked = signal("demo_request", days_ago=29)
    answer = score(known, asked, scorer=TRIGGERS)
    held = {one.id: (one.since, one.age_days) for one in answer.detail.triggers}
    assert held == {
        "public-soon": (None, None),
        "asked": ("2026-06-02T00:00:00Z", 29.0),
        "old-enough": ("2020-07-01T00:00:00Z", 2191.0),
    }
    weights = {one.id: one.points for one in answer.detail.triggers}
    assert weights["old-enough"] == 0 < weights["asked"] < weights["public-soon"]
    before = scored(TRIGGERS, Case(Account("A-1", attributes=known), AS_OF - 30 * DAY, None, [asked]))[0]
    assert [one.id for one in before.detail.triggers] == ["public-soon", "old-enough"]
    assert score({**known, "founded": "soon"}, scorer=TRIGGERS).detail.triggers[1:] == []


@settings(deadline=None, max_examples=60)
@given(st.lists(cases(), min_size=1, max_size=4))
def test_intent_is_explained_to_the_last_bit_and_batches_change_nothing(found: list[Case]) -> None:
    for case, answer in zip(found, scored(TRIGGERS, *found), strict=True):
        signals_ = answer.detail.signals
        parts = [one.points for one in signals_.drivers] + [one.points for one in answer.detail.triggers]
        assert sum(parts) + signals_.other_points == signals_.intent_points
        assert answer.intent == (round(signals_.intent_points, 2) if case.available else None)
        assert TRIGGERS.score_one(case.request(TRIGGERS), batch_of([[case.log()]])) == answer
        assert all(len(reason) <= 118 for reason in answer.reasons if not reason.startswith("Fit"))


def test_attributes_that_only_a_trigger_asks_for_are_known() -> None:
    plan = PLAN + '\n[[trigger]]\nid = "moved"\ndate_of = "Moved On"\nwhere = [{"Uses ERP" = true}]\n'
    answer = score({"moved_on": "2026-06-30", "uses-erp": "yes"}, scorer=Scorer(artifact(plan)))
    assert answer.detail.fit.unknown == []
    assert [one.since for one in answer.detail.triggers] == ["2026-06-30T00:00:00Z"]


def test_signals_read_a_while_ago_give_numbers_and_the_answer_is_degraded() -> None:
    request = Case(Account("A-1", attributes=FINTECH), AS_OF, None, ()).request(SCORER)
    live = batch_of([[log_of(BUSY)]])
    now = SCORER.score_one(request, live)
    then = SCORER.score_one(request, replace(live, read_ago=np.array([90.0])))
    assert (now.degraded, then.degraded) == (False, True)
    assert (then.intent, then.recency, then.engagement) == (now.intent, now.recency, now.engagement)
    assert (then.score, then.detail.signals.read_ago) == (now.score, 90.0)
    assert {family.state for family in families(then)} == {"stale"}
    assert {family.state for family in families(now)} == {"ok"}
    assert (
        "Intent, Recency, Engagement: the store did not answer; signals are those read 2 minutes ago"
        in then.reasons
    )


def families(answer: Answer) -> list[Any]:
    found = answer.detail.signals
    return [found.intent, found.recency, found.engagement]
