"""From attributes to codes: the small whole numbers that index the model's tables.

Each encoder reads one attribute and makes one feature of it (a number, a date, a category, a flag) or one
feature per tag. Code 0 always means missing. Training and serving share these encoders, so an account is
seen the same way in both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from scoring.country import as_country
from scoring.industry import as_industry
from scoring.readings import Known, Reading, read_all
from scoring.values import as_flag, as_number, as_tags, as_text, as_year

MISSING = 0
UNSEEN = 1  # a category that training did not see, or too rarely to have an entry of its own
LARGEST_SIZE = 255  # codes a feature may have; scikit-learn bins into at most 255

Codes: TypeAlias = NDArray[np.int32] | NDArray[np.uint8]  # training keeps them in bytes


class Encoder(ABC):
    """Reads one attribute into the codes of one or more features."""

    __slots__ = ()
    kind: ClassVar[str]
    attribute: str

    @property
    @abstractmethod
    def sizes(self) -> tuple[int, ...]:
        """How many codes each of its features has."""

    @abstractmethod
    def encode(self, value: Any) -> tuple[int, ...]:
        """Return one code per feature; raises ValueError for a value it cannot read."""

    @abstractmethod
    def say(self, feature: int, code: int) -> str:
        """Say in words what a code of the given feature stands for."""


def say_number(number: float) -> str:
    """Write a number as people read it: six digits, and no exponent where it can be helped.

    >>> say_number(1_500_000.4), say_number(0.1234567), say_number(-40.0)
    ('1,500,000', '0.123457', '-40')
    """
    return f"{number:,.0f}" if 1e5 <= abs(number) < 1e15 else f"{number:,.6g}"


def _say_between(low: str | None, high: str | None) -> str:
    if low is None:
        return "any" if high is None else f"at most {high}"
    return f"over {low}" if high is None else f"over {low}, up to {high}"


@dataclass(frozen=True, slots=True)
class NumberEncoder(Encoder):
    """A number, by the interval between ascending `edges` it falls into; an edge belongs to the left."""

    kind: ClassVar[str] = "number"
    attribute: str
    edges: tuple[float, ...]

    def _read(self, value: Any) -> float | None:
        return as_number(value)

    def _say_edge(self, edge: float) -> str:
        return say_number(edge)

    @property
    @override
    def sizes(self) -> tuple[int, ...]:
        return (len(self.edges) + 2,)

    @override
    def encode(self, value: Any) -> tuple[int, ...]:
        number = self._read(value)
        return (MISSING if number is None else 1 + bisect_left(self.edges, number),)

    @override
    def say(self, feature: int, code: int) -> str:
        if code == MISSING:
            return "missing"
        low = self._say_edge(self.edges[code - 2]) if code > 1 else None
        high = self._say_edge(self.edges[code - 1]) if code <= len(self.edges) else None
        return _say_between(low, high)


@dataclass(frozen=True, slots=True)
class DateEncoder(NumberEncoder):
    """A date, as the year with its fraction, by interval; a bare number is such a year already."""

    kind: ClassVar[str] = "date"
    day_first: bool = False  # how dates that are not ISO 8601 are written

    @override
    def _read(self, value: Any) -> float | None:
        if isinstance(value, (int, float)):
            return as_number(value)
        return as_year(value, day_first=self.day_first)

    @override
    def _say_edge(self, edge: float) -> str:
        return f"{edge:.6g}"  # a year has no separator of thousands


@dataclass(frozen=True, slots=True)
class CategoryEncoder(Encoder):
    """A category with an entry for each of its `levels`, and one for all others."""

    kind: ClassVar[str] = "category"
    attribute: str
    levels: tuple[str, ...]
    _code: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_code", {level: code for code, level in enumerate(self.levels, UNSEEN + 1)})

    def _read(self, value: Any) -> str | None:
        return as_text(value)

    @property
    @override
    def sizes(self) -> tuple[int, ...]:
        return (len(self.levels) + 2,)

    @override
    def encode(self, value: Any) -> tuple[int, ...]:
        text = self._read(value)
        return (MISSING if text is None else self._code.get(text, UNSEEN),)

    @override
    def say(self, feature: int, code: int) -> str:
        return ("missing", "another value")[code] if code <= UNSEEN else self.levels[code - 2]


@dataclass(frozen=True, slots=True)
class IndustryEncoder(CategoryEncoder):
    """A category whose levels are industries, however they are written; see `as_industry`."""

    kind: ClassVar[str] = "industry"

    @override
    def _read(self, value: Any) -> str | None:
        return as_industry(value)


@dataclass(frozen=True, slots=True)
class CountryEncoder(CategoryEncoder):
    """A category whose levels are countries, however they are written; see `as_country`."""

    kind: ClassVar[str] = "country"

    @override
    def _read(self, value: Any) -> str | None:
        return as_country(value)


@dataclass(frozen=True, slots=True)
class FlagEncoder(Encoder):
    """A flag: 1 for no, 2 for yes."""

    kind: ClassVar[str] = "flag"
    attribute: str

    @property
    @override
    def sizes(self) -> tuple[int, ...]:
        return (3,)

    @override
    def encode(self, value: Any) -> tuple[int, ...]:
        flag = as_flag(value)
        return (MISSING if flag is None else 1 + flag,)

    @override
    def say(self, feature: int, code: int) -> str:
        return ("missing", "no", "yes")[code]


@dataclass(frozen=True, slots=True)
class TagsEncoder(Encoder):
    """A tag list, as one feature per known tag: 1 without it, 2 with it, 0 where the list is missing."""

    kind: ClassVar[str] = "tags"
    attribute: str
    tags: tuple[str, ...]

    @property
    @override
    def sizes(self) -> tuple[int, ...]:
        return (3,) * len(self.tags)

    @override
    def encode(self, value: Any) -> tuple[int, ...]:
        tags = as_tags(value)
        if tags is None:
            return (MISSING,) * len(self.tags)
        return tuple(1 + (tag in tags) for tag in self.tags)

    @override
    def say(self, feature: int, code: int) -> str:
        return "missing" if code == MISSING else f"{'no ' if code == 1 else ''}{self.tags[feature]}"


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of codes: the attribute it comes from, and how many codes it has."""

    attribute: str
    size: int
    encoder: Encoder
    index: int  # among the features of its encoder

    def say(self, code: int) -> str:
        """Say in words what a code stands for."""
        return self.encoder.say(self.index, code)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch of accounts as codes, with the attributes whose values could not be read, by row."""

    codes: Codes  # (accounts, features)
    unreadable: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True)
class FeatureSchema:
    """All encoders of a model, in order, and how attributes are read; what a model knows about attributes.

    The readings also cover attributes that have no encoder but may stand in a rule.

    >>> schema = FeatureSchema((NumberEncoder("employees", (10.0, 200.0)), TagsEncoder("tools", ("dbt",))))
    >>> encoded = schema.encode([{"employees": "1,200", "tools": "dbt;aws"}, {"employees": "many"}])
    >>> encoded.codes.tolist(), dict(encoded.unreadable)
    ([[3, 2], [0, 0]], {1: ('employees',)})
    """

    encoders: tuple[Encoder, ...]
    readings: tuple[Reading, ...] = ()
    features: tuple[Feature, ...] = field(init=False)

    def __post_init__(self) -> None:
        features = (
            Feature(encoder.attribute, size, encoder, index)
            for encoder in self.encoders
            for index, size in enumerate(encoder.sizes)
        )
        object.__setattr__(self, "features", tuple(features))

    def read(self, attributes: Mapping[str, Any]) -> Known:
        """Read the attributes of one account, once, for its rules and its encoding."""
        return read_all(self.readings, attributes)

    def encode(self, accounts: Sequence[Mapping[str, Any]]) -> Encoded:
        """Read the attributes of a batch; one that is absent or unreadable is missing.

        Args:
            accounts: attributes by name, one mapping per account.

        Returns:
            Codes of shape (accounts, features), and which attributes could not be read.
        """
        rows, unreadable = [], {}
        for row, attributes in enumerate(accounts):
            codes, failed = self._encode_one(attributes)
            rows.append(codes)
            if failed:
                unreadable[row] = tuple(failed)
        return Encoded(np.array(rows, np.int32).reshape(len(accounts), len(self.features)), unreadable)

    def _encode_one(self, attributes: Mapping[str, Any]) -> tuple[list[int], list[str]]:
        codes: list[int] = []
        failed: list[str] = []
        for encoder in self.encoders:
            try:
                codes.extend(encoder.encode(attributes.get(encoder.attribute)))
            except ValueError:
                codes.extend(MISSING for _ in encoder.sizes)
                failed.append(encoder.attribute)
        return codes, failed
