"""The plan: what people decided, kept in their version control as `plan.toml`.

Weights, segments, exclusions, cut-offs and sign-offs live here. A model proposes; the plan disposes.
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from scoring.errors import PlanError
from scoring.rules import Readers, Rule, Where, spelt

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


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class BookSection(_Section):
    """How to read time and money in the book."""

    as_of: date | None = None  # the day the book speaks of; default: the latest date in its ledgers
    window_months: int = Field(default=12, ge=1, le=60, strict=True)
    currency: str = Field(default="USD", max_length=8)
    preset: Literal["salesforce", "hubspot"] | None = None  # whose exports the tables are


class FileSpec(_Section):
    """Where a table stands when it is not `<table>.csv` or `<table>.parquet`."""

    path: str
    separator: str = Field(default=",", min_length=1, max_length=1)
    header: list[str] | None = None  # the column names of a file without a header row


class AttributesSection(_Section):
    """Which columns may, and may not, become attributes."""

    drop: list[str] = []
    keep: list[str] = []  # used although they look like leaks


class MoneySection(_Section):
    """What turns revenue into value."""

    gross_margin: float = Field(default=0.8, gt=0, le=1)  # where an account has none of its own
    discount_rate: float = Field(default=0.1, ge=0, lt=1)  # a year
    horizon_months: int = Field(default=60, ge=1, le=240, strict=True)  # future months that count towards CLV


class ObjectiveSection(_Section):
    """The weights of the three objectives; only their proportions matter."""

    growth: float = Field(default=0.0, ge=0)
    lifetime_value: float = Field(default=0.0, ge=0)
    efficiency: float = Field(default=0.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "preset" not in raw:
            return raw
        preset = raw["preset"]
        if len(raw) > 1 or not isinstance(preset, str) or preset not in PRESETS:
            raise ValueError(f"preset stands alone and is one of: {', '.join(PRESETS)}")
        return PRESETS[preset]

    @model_validator(mode="after")
    def _has_weight(self) -> ObjectiveSection:
        if self.growth + self.lifetime_value + self.efficiency <= 0:
            raise ValueError(f"give at least one of {', '.join(OBJECTIVES)} a weight above 0")
        return self


class IcpSection(_Section):
    """Which accounts signals may lift, and from which Fit on."""

    require_segment: bool = True  # only accounts inside an approved segment are in the ICP
    fit_floor: float = Field(default=40.0, ge=0, le=100)  # below it no signal counts
    fit_threshold: float = Field(default=60.0, ge=0, le=100)  # from it on signals count in full

    @model_validator(mode="after")
    def _ordered(self) -> IcpSection:
        if self.fit_floor > self.fit_threshold:
            raise ValueError("fit_floor is above fit_threshold")
        return self


class FireSection(_Section):
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


class TiersSection(_Section):
    """The scores from which an account belongs to a tier."""

    tier_1: float = Field(default=70.0, ge=0, le=100)
    tier_2: float = Field(default=50.0, ge=0, le=100)
    tier_3: float = Field(default=30.0, ge=0, le=100)

    @model_validator(mode="after")
    def _descending(self) -> TiersSection:
        if not self.tier_1 >= self.tier_2 >= self.tier_3:
            raise ValueError("tier_1 must be at least tier_2, and tier_2 at least tier_3")
        return self


class SegmentSpec(_Section):
    """A segment that people approved as part of the ICP."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=80)
    name: str = ""
    where: Where

    @property
    def rule(self) -> Rule:
        """The segment as a rule that can be asked."""
        return Rule(self.id, self.where)


class ExclusionSpec(_Section):
    """Accounts that nobody should spend on, and why."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=80)
    reason: str = Field(min_length=1)
    where: Where

    @property
    def rule(self) -> Rule:
        """The exclusion as a rule that can be asked."""
        return Rule(self.id, self.where)


class SignOff(_Section):
    """Who approved the plan."""

    who: str = Field(min_length=1)
    role: str = Field(min_length=1)
    when: date


class Plan(_Section):
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
    segment: list[SegmentSpec] = []
    exclusion: list[ExclusionSpec] = []
    sign_off: list[SignOff] = []

    @field_validator("segment", "exclusion")
    @classmethod
    def _distinct_ids(cls, specs: list[Any]) -> list[Any]:
        ids = [spec.id for spec in specs]
        doubled = sorted({name for name in ids if ids.count(name) > 1})
        if doubled:
            raise ValueError(f"these ids stand more than once: {', '.join(doubled)}")
        return specs

    @model_validator(mode="after")
    def _has_an_icp(self) -> Plan:
        if self.icp.require_segment and self.sign_off and not self.segment:
            raise ValueError("signed off without a [[segment]]: add one, or set icp.require_segment = false")
        return self

    @property
    def approved(self) -> bool:
        """Whether anybody signed the plan."""
        return bool(self.sign_off)

    def spelt(self, readers: Readers) -> Plan:
        """Return the plan with the categories in its rules spelt as the attributes are read.

        Done once, when a book or an artifact is read: rules then compare like with like.
        """
        return self.model_copy(
            update={
                "segment": [s.model_copy(update={"where": spelt(s.where, readers)}) for s in self.segment],
                "exclusion": [
                    s.model_copy(update={"where": spelt(s.where, readers)}) for s in self.exclusion
                ],
            }
        )


def parse_plan(text: str, source: str) -> Plan:
    """Read a plan from TOML text; `source` names it in errors.

    >>> parse_plan('objective = {preset = "growth"}', "plan.toml").objective.growth
    1.0

    Raises:
        PlanError: not TOML, an unknown key, or a value that is not allowed; the message names each.
    """
    try:
        return Plan.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{source} is not valid TOML: {error}") from error
    except ValidationError as error:
        problems = "".join(f"\n  {_problem(dict(fault))}" for fault in error.errors(include_url=False))
        raise PlanError(f"{source} cannot be used:{problems}") from error


def read_plan(path: Path) -> Plan:
    """Read a plan file.

    Raises:
        PlanError: as `parse_plan`, or the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"cannot read the plan {path}: {error}") from error
    return parse_plan(text, str(path))


def _problem(fault: dict[str, Any]) -> str:
    """Say one validation fault with its place and, for an unknown key, the keys that are allowed there."""
    place = fault["loc"]
    where = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in place) or "the plan"
    if fault["type"] == "extra_forbidden":
        allowed = ", ".join(_keys_at(place[:-1]))
        return f"{where}: unknown key. Allowed here: {allowed}"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}"


def _keys_at(place: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = Plan
    children: dict[str, type[BaseModel]] = {
        "files": FileSpec,
        "segment": SegmentSpec,
        "exclusion": ExclusionSpec,
        "sign_off": SignOff,
    }
    for part in place:
        field = model.model_fields.get(str(part))
        if field is None:
            continue
        child = children.get(str(part), field.annotation)
        if isinstance(child, type) and issubclass(child, BaseModel):
            model = child
    return list(model.model_fields)
