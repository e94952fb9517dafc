"""What signals mean: weights, half-lives and caps. It belongs to the artifact; stored signals know none.

The defaults below are judgement, not measurement: a demo request says more than a page view, and for longer.
An artifact records the policy it was made with.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Relevance = Annotated[float, Field(ge=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TypePolicy(_Frozen):
    """What one type of signal is worth."""

    intent: float = Field(ge=0)  # weight in Intent
    depth: float = Field(ge=0)  # weight in Engagement's depth
    half_life_days: float = Field(gt=0)


def _type(intent: float, depth: float, half_life_days: float) -> TypePolicy:
    return TypePolicy(intent=intent, depth=depth, half_life_days=half_life_days)


DEFAULT_TYPES: dict[str, TypePolicy] = {
    "demo_request": _type(3.0, 3.0, 21),
    "contact_request": _type(3.0, 2.0, 21),
    "product_trial": _type(3.0, 4.0, 21),
    "pricing_page": _type(2.0, 1.0, 14),
    "meeting": _type(2.0, 4.0, 30),
    "review_site_visit": _type(1.5, 0.5, 21),
    "content_download": _type(1.0, 1.5, 21),
    "webinar": _type(1.0, 2.0, 30),
    "event_attended": _type(1.0, 2.0, 30),
    "email_reply": _type(0.8, 1.5, 21),
    "email_click": _type(0.3, 0.5, 14),
    "page_view": _type(0.2, 0.3, 7),
    "email_open": _type(0.05, 0.1, 7),
    "intent_surge": _type(2.5, 0.0, 30),
    "intent_score": _type(2.5, 0.0, 30),
}


class Policy(_Frozen):
    """All that turns a log of signals into Intent, Recency and Engagement.

    A type that is not listed is kept in the log and weighs nothing.
    """

    types: dict[str, TypePolicy] = DEFAULT_TYPES
    topics: dict[str, _Relevance] = {}  # relevance by topic; any other topic, and none, counts in full
    intent_scale: float = Field(default=4.0, gt=0)  # weighted signals at which Intent reaches 1 - 1/e
    level_full: float = Field(default=100.0, gt=0)  # the strength at which a vendor's level counts in full
    recency_half_life_days: float = Field(default=14.0, gt=0)
    stale_days: float = Field(default=90.0, gt=0)  # a last signal older than this makes its family stale
    channel_cap: float = Field(default=4.0, gt=0)  # most depth that one channel can give
    depth_scale: float = Field(default=5.0, gt=0)  # depth at which its share reaches 1 - 1/e
    people_full: float = Field(default=5.0, gt=0)  # distinct people that count as full breadth
    channels_full: float = Field(default=4.0, gt=0)  # distinct channels that count as full diversity
    breadth_days: float = Field(default=90.0, gt=0)  # how far back people and channels are counted
    trend_days: float = Field(default=30.0, gt=0)  # the span held against the one before it
    depth_share: float = Field(default=0.5, ge=0, le=1)
    breadth_share: float = Field(default=0.25, ge=0, le=1)
    diversity_share: float = Field(default=0.15, ge=0, le=1)
    trend_share: float = Field(default=0.1, ge=0, le=1)

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Policy:
        total = self.depth_share + self.breadth_share + self.diversity_share + self.trend_share
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the four shares of Engagement sum to {total:g}; make them sum to 1")
        return self

    def of(self, signal_type: str) -> TypePolicy | None:
        """Return what a type is worth, or None where the policy does not know it."""
        return self.types.get(signal_type)
