"""What signals mean: weights, half-lives and caps. It belongs to the artifact; stored signals know none.

The defaults, here and in `types.toml`, are judgement, not measurement. An artifact records the policy it was
made with.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from scoring.signals.people import SENIORITIES

_Relevance = Annotated[float, Field(ge=0)]
Seniority = Literal["individual", "manager", "director", "vice_president", "executive"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TypePolicy(_Frozen):
    """What one type of signal is worth.

    With `full`, its strengths are a vendor's scale: `floor` and under count nothing, `full` and over count 1.
    An event that says no strength has 1, and counts in full.
    """

    intent: float = Field(ge=0)  # weight in Intent
    depth: float = Field(ge=0)  # weight in Engagement's depth
    half_life_days: float = Field(gt=0)
    floor: float = Field(default=0.0, ge=0)
    full: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _rises(self) -> TypePolicy:
        if self.full is None and self.floor > 0:
            raise ValueError("floor needs full, the strength from which on it counts 1")
        if self.full is not None and self.full <= self.floor:
            raise ValueError("full must be above floor")
        return self


DEFAULT_TYPES: dict[str, TypePolicy] = {
    name: TypePolicy.model_validate(worth)
    for name, worth in tomllib.loads(
        files(__package__).joinpath("types.toml").read_text(encoding="utf-8")
    ).items()
}
COUNTED_TYPES = tuple(name for name, worth in DEFAULT_TYPES.items() if worth.intent + worth.depth > 0)


class Policy(_Frozen):
    """All that turns a log of signals into Intent, Recency and Engagement.

    A type that is not listed is kept in the log and weighs nothing.
    """

    types: dict[str, TypePolicy] = DEFAULT_TYPES
    topics: dict[str, _Relevance] = {}  # relevance by topic
    topics_default: _Relevance = 1.0  # relevance of any other topic; a signal without one counts in full
    intent_scale: float = Field(default=4.0, gt=0)  # weighted signals at which Intent reaches 1 - 1/e
    strength_cap: float = Field(default=5.0, gt=0)  # most that one event's strength counts
    repeat: float = Field(default=0.5, ge=0, le=1)  # what each repeat of a kind, person and day keeps
    level_full: float = Field(default=100.0, gt=0)  # full level of a type that has no scale of its own
    recency_half_life_days: float = Field(default=14.0, gt=0)
    recency_least: float = Field(default=0.1, ge=0)  # an event that gives less when new does not qualify
    stale_days: float = Field(default=90.0, gt=0)  # a last signal older than this makes its family stale
    channel_cap: float = Field(default=4.0, gt=0)  # most depth that one channel can give
    depth_scale: float = Field(default=5.0, gt=0)  # depth at which its share reaches 1 - 1/e
    people_full: float = Field(default=5.0, gt=0)  # distinct people that count as full breadth
    seniority: dict[Seniority, _Relevance] = {  # how many people one person counts as; unknown is 1
        "individual": 1.0,
        "manager": 1.25,
        "director": 1.5,
        "vice_president": 1.75,
        "executive": 2.0,
    }
    role_spread: float = Field(default=0.5, ge=0)  # how many people each role beyond the first counts as
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

    @property
    def seniority_weights(self) -> tuple[float, ...]:
        """How many people one person counts as, by index into `people.SENIORITIES`."""
        return tuple(self.seniority.get(name, 1.0) for name in SENIORITIES)  # type: ignore[call-overload]  # "" is in none

    def relevance(self, topic: str) -> float:
        """Return how much a topic counts; a signal without one, topic "", counts in full.

        >>> policy = Policy(topics={"pricing": 2.0}, topics_default=0.5)
        >>> policy.relevance("pricing"), policy.relevance("jobs"), policy.relevance("")
        (2.0, 0.5, 1.0)
        """
        return self.topics.get(topic, self.topics_default if topic else 1.0)
