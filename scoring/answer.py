"""The answer: all that Firebrand says of one account. Flat fields first, always present; then the detail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Point:
    """What one attribute value gives to Fit. Two attributes together stand as `a & b`."""

    attribute: str
    value: str
    points: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What customers with a like prediction turned out to be: the mean and its 90% interval."""

    value: float
    low: float
    high: float
    unit: str  # ratio, currency or months
    customers: int


@dataclass(frozen=True, slots=True)
class FitDetail:
    """Fit to the last point: base + the sum of points = unclipped, exactly; Fit is that within 0..100."""

    base: float
    unclipped: float
    points: list[Point]
    expected: dict[str, Expected]  # by metric: nrr, clv, payback, win_rate
    unreadable: list[str]  # attributes whose value could not be read and counts as missing
    unknown: list[str]  # attributes that were sent and that neither the model nor its plan knows


@dataclass(frozen=True, slots=True)
class ObjectiveDetail:
    """The weights of this answer, and the objectives the model could not learn, with the reason."""

    name: str
    weights: Mapping[str, float]
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class IcpDetail:
    """Where the account stands towards the plan's rules."""

    segments: list[str]
    exclusion: str
    exclusion_reason: str
    gate: float  # how much of the signals counts, 0..1


@dataclass(frozen=True, slots=True)
class DriverDetail:
    """A signal that made the account's Intent, together with its repeats of that day by the same person."""

    type: str
    topic: str
    at: str  # ISO 8601
    age_days: float
    times: int
    strength: float  # as sent; what a level read
    level: bool
    points: float  # of Intent's 0..100


@dataclass(frozen=True, slots=True)
class TriggerDetail:
    """A triggering situation of the plan that the account is in."""

    id: str
    name: str
    why: str
    since: str | None  # ISO 8601: its last signal or its date; null where conditions alone make it
    age_days: float | None
    points: float  # of Intent's 0..100


@dataclass(frozen=True, slots=True)
class FamilyDetail:
    """The state and age of the signals behind one of I, R and E: absent is not zero."""

    state: str  # ok, none, stale or unavailable
    age_days: float | None  # of the last signal of the family
    last: str | None  # when that was, ISO 8601


@dataclass(frozen=True, slots=True)
class RolledUpDetail:
    """The other accounts whose signals count at this one; the request says whether any do."""

    rollup: str = "none"  # none, parent (and all accounts beneath it) or family
    accounts: int = 0  # how many others
    ids: list[str] = field(default_factory=list)  # ten of them at most, from the top down; domains without id
    unread: int = 0  # how many, itself among them, could not be read in full
    cut: bool = False  # there are more than are counted together


@dataclass(frozen=True, slots=True)
class SignalsDetail:
    """The signals behind I, R and E. The points of drivers, triggers and others sum exactly to Intent's."""

    state: str  # ok, none, stale or unavailable
    age_days: float | None  # of the last signal of any family
    read_ago: float | None  # seconds since they were read: 0 is now, null could not be read
    intent: FamilyDetail
    recency: FamilyDetail
    engagement: FamilyDetail
    people: int
    roles: int  # distinct, of people whose role is known
    most_senior: str  # individual, manager, director, vice_president, executive; empty where unknown
    seniors: int  # how many people are as senior as that
    channels: int
    trend: float | None  # share of the last two months' depth in the later one
    course: str  # new, deepening, steady, plateauing or fading; empty where there is no trend
    intent_points: float  # Intent, 0..100, not rounded
    other_points: float  # what signals give that are not among the drivers
    drivers: list[DriverDetail]
    rolled_up: RolledUpDetail = RolledUpDetail()


@dataclass(frozen=True, slots=True)
class Detail:
    """The numbers behind the flat fields."""

    objective: ObjectiveDetail
    fit: FitDetail
    icp: IcpDetail
    signals: SignalsDetail
    triggers: list[TriggerDetail]


@dataclass(frozen=True, slots=True)
class Answer:
    """One account's score."""

    account_id: str
    domain: str
    reference: str  # the caller's own, echoed
    score: float  # 0..100
    grade: str  # A1 (best) to D4: the letter is Fit, the digit is activation
    tier: str  # tier_1, tier_2, tier_3 or none
    fit: float  # 0..100
    intent: float | None  # 0..100, as are the next two; null while signals are unavailable
    recency: float | None
    engagement: float | None
    in_icp: bool
    segment: str  # id of the first approved segment it belongs to, or empty
    coverage: float  # share of the model's weight whose attributes were present, 0..1
    confidence: str  # high, medium or low
    degraded: bool  # signals could not be read, or are what was read a while ago
    draft: bool  # nobody approved the plan behind the model
    as_of: str  # ISO 8601; asked again with it, the same log of signals gives the same answer
    model_version: str
    request_id: str
    reasons: list[str]
    detail: Detail
