from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from scoring.signals.policy import DEFAULT_TYPES, Policy


def test_the_default_policy_knows_its_types_and_no_others() -> None:
    policy = Policy()
    assert policy.of("demo_request") == DEFAULT_TYPES["demo_request"]
    assert policy.of("mystery") is None


def test_every_default_type_weighs_something_and_its_name_is_as_signals_spell_types() -> None:
    assert all(worth.intent + worth.depth > 0 for worth in DEFAULT_TYPES.values())
    assert all(name.isidentifier() and name.islower() for name in DEFAULT_TYPES)


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
        {"half_life": 3},
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
