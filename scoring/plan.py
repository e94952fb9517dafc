"""The plan: what people decided, kept in their version control as `plan.toml`.

Weights, segments, exclusions, cut-offs and sign-offs live here. A model proposes; the plan disposes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from scoring.errors import PlanError
from scoring.plan_faults import MisplacedError, Origin, advice, described, dotted, written
from scoring.plan_reach import CoverageSection, ListSection, RolesSection
from scoring.plan_rules import (
    SAY_WHY,
    ExclusionSpec,
    ReadinessSpec,
    Section,
    SegmentSpec,
    TriggerSpec,
    distinct_ids,
)
from scoring.rules import Readers, spelt

OBJECTIVES = ("growth", "lifetime_value", "efficiency")

# Named mixes of the three objectives. The single objectives are presets of themselves.
PRESETS: dict[str, dict[str, float]] = {
    "growth": {"growth": 1.0},
    "lifetime_value": {"lifetime_value": 1.0},
    "efficiency": {"efficiency": 1.0},
    "balanced": {"growth": 0.4, "lifetime_value": 0.3, "efficiency": 0.3},
    "early_stage": {"growth": 0.7, "lifetime_value": 0.1, "efficiency": 0.2},
    "growth_stage": {"growth": 0.5, "lifetime_value": 0.3, "efficiency": 0.2},
    "capital_efficient": {"growth": 0.2, "lifetime_value": 0.3, "efficiency": 0.5},
}

TableName = Literal[
    "accounts", "prospects", "subscriptions", "invoices", "opportunities", "events", "contacts"
]


class BookSection(Section):
    """How to read time and money in the book."""

    as_of: date | None = None  # the day the book speaks of; default: the latest date in its ledgers
    window_months: int = Field(default=12, ge=1, le=60, strict=True)
    currency: str = Field(default="USD", max_length=8)
    preset: Literal["salesforce", "hubspot"] | None = None  # whose exports the tables are


class FileSpec(Section):
    """Where a table stands when it is not `<table>.csv` or `<table>.parquet`."""

    path: str
    separator: str = Field(default=",", min_length=1, max_length=1)
    header: list[str] | None = None  # the column names of a file without a header row


class AttributesSection(Section):
    """Which columns may, and may not, become attributes."""

    drop: list[str] = []
    keep: list[str] = []  # used although they look like leaks
    monotone: dict[str, Literal["rising", "falling"]] = {}  # more of it never lowers, or never raises, Fit


class MoneySection(Section):
    """What turns revenue into value."""

    gross_margin: float = Field(default=0.8, gt=0, le=1)  # where an account has none of its own
    discount_rate: float = Field(default=0.1, ge=0, lt=1)  # a year
    horizon_months: int = Field(default=60, ge=1, le=240, strict=True)  # future months that count towards CLV


def _with_preset(schema: dict[str, Any]) -> None:
    schema["properties"]["preset"] = {"enum": list(PRESETS)}


class ObjectiveSection(Section):
    """The weights of the three objectives, or `preset`, a named mix; only their proportions matter."""

    model_config = ConfigDict(json_schema_extra=_with_preset)

    growth: float = Field(default=0.0, ge=0)
    lifetime_value: float = Field(default=0.0, ge=0)
    efficiency: float = Field(default=0.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "preset" not in raw:
            return raw
        preset = raw["preset"]
        if len(raw) > 1:
            raise MisplacedError("a preset stands alone: leave out the weights, or the preset", "preset")
        if not isinstance(preset, str) or preset not in PRESETS:
            raise MisplacedError(f"{written(preset)} is not known; {advice(preset, PRESETS)}", "preset")
        return PRESETS[preset]

    @model_validator(mode="after")
    def _has_weight(self) -> ObjectiveSection:
        if self.growth + self.lifetime_value + self.efficiency <= 0:
            raise ValueError(f"give at least one of {', '.join(OBJECTIVES)} a weight above 0")
        return self


class IcpSection(Section):
    """Which accounts signals may lift, and from which Fit on."""

    require_segment: bool = True  # only accounts inside an approved segment are in the ICP
    fit_floor: float = Field(default=40.0, ge=0, le=100)  # below it no signal counts
    fit_threshold: float = Field(default=60.0, ge=0, le=100)  # from it on signals count in full

    @model_validator(mode="after")
    def _ordered(self) -> IcpSection:
        if self.fit_floor > self.fit_threshold:
            raise ValueError("fit_floor is above fit_threshold")
        return self


class FireSection(Section):
    """The shares of Fit, Intent, Recency and Engagement in the score; they sum to 1."""

    fit: float = Field(default=0.5, gt=0, le=1)
    intent: float = Field(default=0.2, ge=0, le=1)
    recency: float = Field(default=0.1, ge=0, le=1)
    engagement: float = Field(default=0.2, ge=0, le=1)

    @model_validator(mode="after")
    def _sums_to_one(self) -> FireSection:
        total = self.fit + self.intent + self.recency + self.engagement
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the four weights sum to {total:g}; make them sum to 1")
        return self


class TiersSection(Section):
    """The scores from which an account belongs to a tier."""

    tier_1: float = Field(default=70.0, ge=0, le=100)
    tier_2: float = Field(default=50.0, ge=0, le=100)
    tier_3: float = Field(default=30.0, ge=0, le=100)

    @model_validator(mode="after")
    def _descending(self) -> TiersSection:
        if not self.tier_1 >= self.tier_2 >= self.tier_3:
            raise ValueError("tier_1 must be at least tier_2, and tier_2 at least tier_3")
        return self


class SignOff(Section):
    """Who approved the plan."""

    who: str = Field(min_length=1)
    role: str = Field(min_length=1)
    when: date

    @property
    def person(self) -> str:
        """Who it is, however they wrote their name."""
        return " ".join(self.who.casefold().split())


def _distinct_people(sign_offs: list[SignOff]) -> list[SignOff]:
    """Refuse two approvals by one person. Two people of one role may sign: there are many VPs of Sales.

    Nothing is asked of the day: people sign after the book was exported, and keep a plan for the next one.
    """
    seen: set[str] = set()
    for n, sign_off in enumerate(sign_offs):
        if sign_off.person in seen:
            raise MisplacedError(
                f"{sign_off.who} signed already; a second approval must come from another person", n, "who"
            )
        seen.add(sign_off.person)
    return sign_offs


class Plan(Section):
    """A whole plan; `Plan()` is the default one, which nobody approved."""

    format: Literal[1] = 1
    name: str = "Default plan"
    book: BookSection = BookSection()
    files: dict[TableName, FileSpec] = {}
    columns: dict[TableName, dict[str, str | list[str]]] = {}
    attributes: AttributesSection = AttributesSection()
    money: MoneySection = MoneySection()
    objective: ObjectiveSection = ObjectiveSection(**PRESETS["balanced"])
    icp: IcpSection = IcpSection()
    fire: FireSection = FireSection()
    tiers: TiersSection = TiersSection()
    target_list: ListSection = Field(default=ListSection(), alias="list")
    coverage: CoverageSection = CoverageSection()
    roles: RolesSection = RolesSection()
    segment: Annotated[list[SegmentSpec], AfterValidator(distinct_ids)] = []
    exclusion: Annotated[list[ExclusionSpec], AfterValidator(distinct_ids)] = []
    trigger: Annotated[list[TriggerSpec], AfterValidator(distinct_ids)] = []
    readiness: Annotated[list[ReadinessSpec], AfterValidator(distinct_ids)] = []
    sign_off: Annotated[list[SignOff], AfterValidator(_distinct_people)] = []
    _origin: Origin = PrivateAttr(default=Origin())

    def model_post_init(self, context: Any) -> None:
        """Remember where the plan was read."""
        if isinstance(context, Origin):
            self._origin = context

    @model_validator(mode="after")
    def _has_an_icp(self) -> Plan:
        if self.icp.require_segment and self.sign_off and not self.segment:
            message = "signed off without a [[segment]]: add one, or set icp.require_segment = false"
            raise MisplacedError(message, "sign_off")
        return self

    @property
    def approved(self) -> bool:
        """Whether anybody signed the plan."""
        return bool(self.sign_off)

    def spelt(self, readers: Readers) -> Plan:
        """Return the plan with the categories in its rules spelt as the attributes are read.

        Done once, when a book or an artifact is read: rules then compare like with like.
        """

        def respelt(specs: Sequence[Any]) -> list[Any]:
            return [
                spec if spec.where is None else spec.model_copy(update={"where": spelt(spec.where, readers)})
                for spec in specs
            ]

        sections = ("segment", "exclusion", "trigger", "readiness")
        return self.model_copy(update={name: respelt(getattr(self, name)) for name in sections})

    @property
    def origin(self) -> Origin:
        """Where the plan was read, for errors that name its lines."""
        return self._origin


def parse_plan(text: str, source: str) -> Plan:
    """Read a plan from TOML text; `source` names it in errors.

    >>> parse_plan('objective = {preset = "growth"}', "plan.toml").objective.growth
    1.0

    Raises:
        PlanError: not TOML, unknown keys, or values that are not allowed; the message says for each on
            which line it stands and what is allowed there.
    """
    origin = Origin(source, text)
    try:
        return Plan.model_validate(tomllib.loads(text), context=origin)
    except tomllib.TOMLDecodeError as error:
        raise origin.no_toml(error) from error
    except ValidationError as error:
        faults = described(error.errors(include_url=False), Plan.model_json_schema())
        raise origin.refusal(faults) from error


def read_plan(path: Path) -> Plan:
    """Read a plan file.

    Raises:
        PlanError: as `parse_plan`, or the file cannot be read, or a rule's reason is still to be written.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"cannot read the plan {path}: {error}") from error
    plan = parse_plan(text, str(path))
    _refuse_unwritten(plan)
    return plan


def _refuse_unwritten(plan: Plan) -> None:
    """Refuse reasons that are still the words which `plan init` wrote; plans of artifacts may have them."""
    reasons = [
        *((("exclusion", n, "reason"), spec.reason) for n, spec in enumerate(plan.exclusion)),
        *((("trigger", n, "why"), spec.why) for n, spec in enumerate(plan.trigger)),
        *((("readiness", n, "reason"), spec.reason) for n, spec in enumerate(plan.readiness)),
    ]
    sentence = f'"{SAY_WHY}" only holds the place of a reason; write yours, for those who read the plan'
    unwritten = [place for place, why in reasons if why.strip().casefold() == SAY_WHY.casefold()]
    if unwritten:
        raise plan.origin.refusal((place, f"{dotted(place)}: {sentence}") for place in unwritten)
