"""What people say of accounts by rule, in a plan: segments, exclusions, triggers, readiness."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from scoring.plan_faults import MisplacedError, advice
from scoring.rules import Attributes, Rule, Where
from scoring.signals.policy import DEFAULT_TYPES

SAY_WHY = "Say why."  # what `plan init` writes for a reason that only people know
CONDITIONS = 'a list of conditions, such as [{industry = ["fintech"]}, {employees = {min = 200}}]'


class Section(BaseModel):
    """A table of the plan: nothing but what is known may stand in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Named(Section):
    id: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        max_length=80,
        description="lower-case letters, digits and dashes, 80 at most",
    )


class _Ruled(_Named):
    where: Where = Field(description=CONDITIONS)

    @field_validator("where", mode="wrap")
    @classmethod
    def _name_the_condition(cls, raw: Any, read: Callable[[Any], Any]) -> Any:
        return _at_its_condition(raw, read)

    @property
    def rule(self) -> Rule:
        """Its conditions as a rule that can be asked."""
        return Rule(self.id, self.where)


def _at_its_condition(raw: Any, read: Callable[[Any], Any]) -> Any:
    """Read a rule; where that fails for one condition, say which."""
    try:
        return read(raw)
    except ValidationError:
        for n, condition in enumerate(raw if isinstance(raw, list) else ()):
            try:
                read([condition])
            except ValidationError as error:
                message = str(error.errors(include_url=False)[0]["msg"])
                raise MisplacedError(message.removeprefix("Value error, "), n) from error
        raise


class SegmentSpec(_Ruled):
    """A segment that people approved as part of the ICP."""

    name: str = ""


class ExclusionSpec(_Ruled):
    """Accounts that nobody should spend on, and why."""

    reason: str = Field(min_length=1)
    kind: Literal["too_early", "too_late", "too_large", "locked_in", "other"] = "other"


class ReadinessSpec(_Ruled):
    """What an organisation must have before it can buy and succeed, and why."""

    reason: str = Field(min_length=1)


class TriggerSpec(_Named):
    """A triggering situation: what happens at an account when it begins to need the product.

    It holds when everything it gives does: one of its signals came within `within_days`, its date is as
    recent, its conditions are met. While it holds, its `intent` counts in full, as a signal of that weight
    does when it is new.
    """

    name: str = ""
    why: str = ""
    signals: tuple[str, ...] = ()
    date_of: str = ""  # an attribute with a date, such as that of the last funding round
    within_days: int = Field(default=90, ge=1, le=3650, strict=True)
    where: Where | None = Field(default=None, description=CONDITIONS)
    intent: float = Field(default=1.0, ge=0, le=100)

    @field_validator("where", mode="wrap")
    @classmethod
    def _name_the_condition(cls, raw: Any, read: Callable[[Any], Any]) -> Any:
        return _at_its_condition(raw, read)

    @field_validator("signals")
    @classmethod
    def _known_signals(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for n, name in enumerate(names):
            if name not in DEFAULT_TYPES:
                raise MisplacedError(f'"{name}" is no type of signal; {advice(name, DEFAULT_TYPES)}', n)
        return names

    @model_validator(mode="after")
    def _says_when(self) -> TriggerSpec:
        if not self.signals and not self.date_of and self.where is None:
            raise ValueError("say when it holds: give signals, date_of, where, or more than one of them")
        return self

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that it asks for."""
        dated = (self.date_of,) if self.date_of else ()
        return (*dated, *(name for name, _ in self.where or ()))

    @property
    def sentence(self) -> str:
        """The situation in words."""
        signals = f"{' or '.join(self.signals)} within {self.within_days} days" if self.signals else ""
        dated = f"{self.date_of} within {self.within_days} days" if self.date_of else ""
        met = Rule(self.id, self.where).sentence if self.where else ""
        return " and ".join(part for part in (signals, dated, met) if part)

    def holds(
        self, attributes: Attributes, signal_ages: Mapping[str, float], date_ages: Mapping[str, float]
    ) -> bool:
        """Tell whether an account is in this situation.

        Args:
            attributes: of the account.
            signal_ages: days since the last signal of each type that the account has sent.
            date_ages: days since the date of each attribute that holds one; below 0 in the future.
        """
        sent = not self.signals or any(self._is_recent(signal_ages.get(name)) for name in self.signals)
        return sent and self.is_met(attributes, date_ages.get(self.date_of))

    def is_met(self, attributes: Attributes, date_age: float | None) -> bool:
        """Tell whether its date and its conditions hold, signals aside.

        Args:
            attributes: of the account.
            date_age: days since its date; None where there is none, below 0 in the future.
        """
        dated = not self.date_of or self._is_recent(date_age)
        return dated and (self.where is None or Rule(self.id, self.where).matches(attributes))

    def _is_recent(self, age: float | None) -> bool:
        return age is not None and 0 <= age <= self.within_days


_Spec = TypeVar("_Spec", SegmentSpec, ExclusionSpec, TriggerSpec, ReadinessSpec)


def distinct_ids(specs: list[_Spec]) -> list[_Spec]:
    """Refuse two of one id."""
    seen: set[str] = set()
    for n, spec in enumerate(specs):
        if spec.id in seen:
            raise MisplacedError(f"the id {spec.id} stands more than once; give each one its own", n, "id")
        seen.add(spec.id)
    return specs
