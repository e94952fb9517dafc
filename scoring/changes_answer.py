"""What raised or lowered a score, as it is answered. Flat fields first, always present; then the detail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignalEffect:
    """What signals of one type, topic and day (UTC) did to the score."""

    type: str  # empty: the earliest signals, where there were too many to tell apart
    topic: str
    at: str  # ISO 8601: the last of them
    times: int
    points: float  # of the score's 0..100
    words: str


@dataclass(frozen=True, slots=True)
class AttributeEffect:
    """What an attribute did to Fit by having another value. Two attributes together stand as `a & b`."""

    attribute: str
    then: str  # empty where it was missing
    now: str
    fit_points: float  # of Fit's 0..100, before it is clipped
    words: str


@dataclass(frozen=True, slots=True)
class Part:
    """One step from the score of then to that of now: what it changed, and what was behind it."""

    score: float  # points of 0..100, as are the next four
    fit: float
    intent: float
    recency: float
    engagement: float
    signals: list[SignalEffect]  # strongest first, as are the next
    attributes: list[AttributeEffect]
    words: list[str]


@dataclass(frozen=True, slots=True)
class StateDetail:
    """The score at one end."""

    as_of: str  # ISO 8601
    model_version: str
    score: float
    grade: str
    tier: str
    fit: float
    intent: float | None
    recency: float | None
    engagement: float | None
    in_icp: bool
    segment: str


@dataclass(frozen=True, slots=True)
class ChangesDetail:
    """Both ends, and the steps between them in their order."""

    then: StateDetail
    now: StateDetail
    decay: Part
    new_signals: Part
    attributes: Part
    model: Part


@dataclass(frozen=True, slots=True)
class Changes:
    """What raised or lowered one account's score. The four parts sum to the change exactly."""

    account_id: str
    domain: str
    since: str  # ISO 8601
    as_of: str
    score_then: float  # 0..100
    score_now: float
    change: float
    decay: float  # time passed, as are the next three points of the score
    new_signals: float  # signals of since then
    attributes: float  # what is known of the account is different
    model: float  # the model, its plan's weights or its policy are different
    degraded: bool  # signals are what was read a while ago
    reasons: list[str]
    notes: list[str]  # what to know when reading this
    detail: ChangesDetail
