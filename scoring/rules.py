"""Rules over attributes: how people say in a plan which accounts they mean.

A rule is a conjunction of conditions, each on one attribute. An attribute that is missing meets no
condition but `{missing = true}`: what is unknown is never taken for a match.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from scoring.values import as_flag, as_number, as_tags, as_text, is_missing

Attributes = Mapping[str, Any]
_Value = TypeVar("_Value")
Readers = Mapping[str, Callable[[Any], str | None]]  # by attribute: what gives its categories one spelling
_EXACTLY = ",.15g"  # a bound as people wrote it, never 1.5e+06


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OneOf(_Strict):
    """The attribute is one of these categories, in any letter case."""

    one_of: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, raw: Any) -> Any:
        if not isinstance(raw, list):
            return raw
        texts = [as_text(value) for value in raw]
        if not texts or None in texts:
            raise ValueError("list at least one value; for a missing one write {missing = true}")
        return {"one_of": list(dict.fromkeys(texts))}

    def holds(self, value: Any) -> bool:
        """Tell whether an attribute with this value meets the condition."""
        if isinstance(value, (list, tuple)):  # some systems send every value as a list
            return not set(self.one_of).isdisjoint(_read(as_tags, value) or ())
        return _read(as_text, value) in self.one_of

    def sentence(self, attribute: str) -> str:
        """Say the condition in words."""
        return f"{attribute} is {' or '.join(self.one_of)}"


class Between(_Strict):
    """The attribute is a number from `min` to `max`, both included; either may be absent."""

    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _has_a_bound(self) -> Between:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self

    def holds(self, value: Any) -> bool:
        """Tell whether an attribute with this value meets the condition."""
        number = _read(as_number, value)
        if number is None:
            return False
        return (self.min is None or number >= self.min) and (self.max is None or number <= self.max)

    def sentence(self, attribute: str) -> str:
        """Say the condition in words."""
        if self.max is None:
            return f"{attribute} is at least {self.min:{_EXACTLY}}"
        if self.min is None:
            return f"{attribute} is at most {self.max:{_EXACTLY}}"
        return f"{attribute} is from {self.min:{_EXACTLY}} to {self.max:{_EXACTLY}}"


def _some_tags(raw: Any) -> tuple[str, ...]:
    tags = as_tags(raw)
    if tags is None:
        raise ValueError("name at least one tag; for a missing list write {missing = true}")
    return tags


class Has(_Strict):
    """The attribute is a tag list that holds all of these tags."""

    has: Annotated[tuple[str, ...], BeforeValidator(_some_tags)]

    def holds(self, value: Any) -> bool:
        """Tell whether an attribute with this value meets the condition."""
        return set(self.has) <= set(_read(as_tags, value) or ())

    def sentence(self, attribute: str) -> str:
        """Say the condition in words."""
        return f"{attribute} has {' and '.join(self.has)}"


class Flag(_Strict):
    """The attribute is this flag."""

    flag: bool

    @model_validator(mode="before")
    @classmethod
    def _from_bool(cls, raw: Any) -> Any:
        return {"flag": raw} if isinstance(raw, bool) else raw

    def holds(self, value: Any) -> bool:
        """Tell whether an attribute with this value meets the condition."""
        return _read(as_flag, value) is self.flag

    def sentence(self, attribute: str) -> str:
        """Say the condition in words."""
        return f"{attribute} is {'yes' if self.flag else 'no'}"


class Missing(_Strict):
    """The attribute is missing (`true`), or present (`false`)."""

    missing: bool

    def holds(self, value: Any) -> bool:
        """Tell whether an attribute with this value meets the condition."""
        return is_missing(value) is self.missing

    def sentence(self, attribute: str) -> str:
        """Say the condition in words."""
        return f"{attribute} is {'missing' if self.missing else 'known'}"


Condition = OneOf | Between | Has | Flag | Missing


def _spelt(condition: Condition, reader: Callable[[Any], str | None]) -> Condition:
    """Spell the categories of a condition as a reader does; conditions without any stay as they are."""
    if isinstance(condition, OneOf):
        return OneOf.model_validate([reader(value) for value in condition.one_of])
    if isinstance(condition, Has):
        return Has.model_validate({"has": [reader(value) for value in condition.has]})
    return condition


def _read(reader: Callable[[Any], _Value | None], value: Any) -> _Value | None:
    try:
        return reader(value)
    except ValueError:  # a value of another kind meets no condition of this kind
        return None


def _condition(raw: Any) -> Any:
    """Pick the kind of condition by its shape, so that an error speaks of that kind alone."""
    if isinstance(raw, list):
        return OneOf.model_validate(raw)
    if isinstance(raw, bool):
        return Flag.model_validate(raw)
    keys = set(raw) if isinstance(raw, dict) else set()
    for kind, known in ((Between, {"min", "max"}), (Has, {"has"}), (Missing, {"missing"})):
        if keys and keys <= known:
            return kind.model_validate(raw)
    raise ValueError(
        'a condition is ["a", "b"], {min = 1, max = 9}, {has = "a"}, true, false or {missing = true}'
    )


def _condition_on(attribute: str, raw: Any) -> Any:
    try:
        return _condition(raw)
    except ValidationError as error:
        faults = "; ".join(_fault(dict(fault)) for fault in error.errors(include_url=False))
        raise ValueError(f"{attribute}: {faults}") from error
    except ValueError as error:
        raise ValueError(f"{attribute}: {error}") from error


def _fault(fault: dict[str, Any]) -> str:
    place = "".join(f"{part}: " for part in fault["loc"])
    return place + str(fault["msg"]).removeprefix("Value error, ")


def _parse_where(raw: Any) -> Any:
    if isinstance(raw, list) and all(isinstance(part, dict) and len(part) == 1 for part in raw):
        return [(name, _condition_on(name, value)) for part in raw for name, value in part.items()]
    raise ValueError("write where = [{attribute = CONDITION}, {attribute = CONDITION}, ...]")


Where = Annotated[tuple[tuple[str, Condition], ...], BeforeValidator(_parse_where), Field(min_length=1)]


def spelt(where: Sequence[tuple[str, Condition]], readers: Readers) -> Where:
    """Return conditions with their categories spelt as the attributes are read.

    >>> from pydantic import TypeAdapter
    >>> where = TypeAdapter(Where).validate_python([{"country": ["Germany", "DEU"]}, {"size": {"min": 5}}])
    >>> Rule("german", spelt(where, {"country": lambda _: "DE"})).sentence
    'country is de and size is at least 5'
    """
    return tuple(
        (name, _spelt(condition, readers[name]) if name in readers else condition)
        for name, condition in where
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """A named conjunction of conditions.

    >>> from pydantic import TypeAdapter
    >>> where = TypeAdapter(Where).validate_python([{"industry": ["Fintech"]}, {"employees": {"min": 200}}])
    >>> rule = Rule("mid-fintech", where)
    >>> rule.matches({"industry": "fintech", "employees": "1,200"}), rule.matches({"industry": "fintech"})
    (True, False)
    >>> rule.sentence
    'industry is fintech and employees is at least 200'
    """

    id: str
    where: Sequence[tuple[str, Condition]]

    def matches(self, attributes: Attributes) -> bool:
        """Tell whether all conditions hold."""
        return all(condition.holds(attributes.get(name)) for name, condition in self.where)

    @property
    def sentence(self) -> str:
        """The rule in words."""
        return " and ".join(condition.sentence(name) for name, condition in self.where)
