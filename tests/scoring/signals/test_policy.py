from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from scoring.signals.people import SENIORITIES
from scoring.signals.policy import COUNTED_TYPES, DEFAULT_TYPES, Policy, TypePolicy
from scoring.signals.signal import signal_type


def test_the_default_policy_knows_its_types_and_no_others() -> None:
    policy = Policy()
    assert policy.of("demo_request") == DEFAULT_TYPES["demo_request"]
    assert policy.of("mystery") is None


def test_every_default_type_is_named_as_signals_spell_types_and_some_weigh_nothing() -> None:
    assert all(signal_type(name) == name for name in DEFAULT_TYPES)
    weightless = {name for name, worth in DEFAULT_TYPES.items() if worth.intent + worth.depth == 0}
    assert weightless == set(DEFAULT_TYPES) - set(COUNTED_TYPES)
    assert {"identify", "property_change", "sixsense_profile_fit"} <= weightless


@pytest.mark.parametrize(
    "name",
    ["bombora_surge", "sixsense_intent", "sixsense_buying_stage", "demandbase_intent", "intent_score"],
)
def test_a_vendors_level_is_of_intent_and_has_its_own_scale(name: str) -> None:
    worth = DEFAULT_TYPES[name]
    assert worth.intent > 0
    assert worth.full == 100


def test_a_policy_of_before_is_read_with_todays_defaults() -> None:
    old = '{"types": {"visit": {"intent": 1, "depth": 1, "half_life_days": 7}}, "intent_scale": 3}'
    policy = Policy.model_validate_json(old)
    assert (policy.of("visit"), policy.of("demo_request")) == (
        TypePolicy(intent=1, depth=1, half_life_days=7),
        None,
    )
    assert (policy.repeat, policy.strength_cap, policy.topics_default) == (0.5, 5.0, 1.0)


def test_seniority_is_worth_more_the_higher_and_a_seniority_that_is_not_listed_is_one_person() -> None:
    weights = Policy().seniority_weights
    assert len(weights) == len(SENIORITIES)
    assert weights[0] == 1.0
    assert list(weights) == sorted(weights)
    assert Policy(seniority={"executive": 3}).seniority_weights == (1, 1, 1, 1, 1, 3)


@pytest.mark.parametrize(
    "fields",
    [
        {"intent_scale": 0},
        {"recency_half_life_days": -1},
        {"level_full": float("inf")},
        {"channel_cap": float("nan")},
        {"topics": {"pricing": -0.5}},
        {"topics": {"pricing": float("nan")}},
        {"types": {"x": {"intent": -1, "depth": 0, "half_life_days": 1}}},
        {"types": {"x": {"intent": 1, "depth": 0, "half_life_days": 0}}},
        {"types": {"x": {"intent": 1, "depth": 0}}},
        {"types": {"x": {"intent": 1, "depth": 0, "half_life_days": 1, "floor": 5}}},
        {"types": {"x": {"intent": 1, "depth": 0, "half_life_days": 1, "floor": 5, "full": 5}}},
        {"half_life": 3},
        {"repeat": 1.1},
        {"strength_cap": 0},
        {"topics_default": -1},
        {"seniority": {"executive": -1}},
        {"seniority": {"boss": 2}},
    ],
)
def test_a_policy_that_would_leave_0_to_1_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Policy(**fields)


def test_the_shares_of_engagement_sum_to_1() -> None:
    with pytest.raises(ValidationError, match=r"sum to 1\.1; make them sum to 1"):
        Policy(trend_share=0.2)
    assert Policy(depth_share=0.7, breadth_share=0.1, diversity_share=0.1, trend_share=0.1).depth_share == 0.7


def test_a_policy_survives_json_to_the_bit() -> None:
    policy = Policy(topics={"Preise €": 0.1 + 0.2}, channel_cap=1 / 3)
    assert Policy.model_validate_json(policy.model_dump_json()) == policy
