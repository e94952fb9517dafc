"""Readings: attributes that are read through a taxonomy, so that one thing has one name.

Training reads a book's columns so, and serving the attributes of a request; the rules of a plan are spelt the
same way once, when book or artifact is read (`Plan.spelt`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

from scoring.country import as_country, is_country
from scoring.industry import System, as_industry, is_industry

ReadingKind: TypeAlias = Literal["industry", "country"]
Source: TypeAlias = tuple[str, System | None]  # an attribute, and what its codes are

_IS_KNOWN: Mapping[str, Callable[[str | None], bool]] = {"industry": is_industry, "country": is_country}


@dataclass(frozen=True, slots=True)
class Reading:
    """How one attribute is read, and from which attributes: the first that is recognised decides.

    >>> reading = Reading("industry", "industry", (("industry", None), ("naics", "naics")))
    >>> reading.of({"industry": "Fin-Tech", "naics": "51"}), reading.of({"naics": "524"})
    (('fintech', 'Fin-Tech'), ('insurance', '524'))
    """

    attribute: str
    kind: ReadingKind
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        systems = {system for _, system in self.sources} - {None, *get_args(System)}
        if self.kind not in _IS_KNOWN or systems or not self.sources:
            raise ValueError(f"no such reading: {self}")

    def reader(self, system: System | None = None) -> Callable[[Any], str | None]:
        """Return what reads a single value."""
        return as_country if self.kind == "country" else partial(as_industry, system=system)

    def recognises(self, read: Any) -> bool:
        """Tell whether a value that was read stands in the taxonomy."""
        return isinstance(read, str) and _IS_KNOWN[self.kind](read)

    def of(self, attributes: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return what an account's attribute reads as, and the value as it was written.

        Where nothing is recognised, the first value that can be read keeps its own text; where nothing can
        be read, the attribute's own value stays as it is.
        """
        own_text: tuple[Any, Any] | None = None
        for name, system in self.sources:
            written = attributes.get(name)
            if written is None:
                continue
            try:
                read = _read(self.reader(system), written)
            except ValueError:
                continue
            if self.recognises(read):
                return read, written
            if own_text is None and read is not None:
                own_text = (read, written)
        unread = attributes.get(self.attribute)
        return own_text or (unread, unread)


def _read(reader: Callable[[Any], str | None], value: Any) -> Any:
    """Read a value, or each value of a list."""
    return [reader(part) for part in value] if isinstance(value, (list, tuple)) else reader(value)


def readers(readings: Sequence[Reading]) -> dict[str, Callable[[Any], str | None]]:
    """Return each attribute's reader, as `Plan.spelt` takes them."""
    return {reading.attribute: reading.reader() for reading in readings}


@dataclass(frozen=True, slots=True)
class Known:
    """The attributes of one account that are known."""

    values: Mapping[str, Any]  # as rules and encoders take them
    written: Mapping[str, Any]  # as the caller wrote them; a filled one has the value that filled it


def read_all(readings: Sequence[Reading], attributes: Mapping[str, Any]) -> Known:
    """Read the attributes of one account; those without a reading stay as they are.

    >>> country = Reading("country", "country", (("country", None),))
    >>> read_all([country], {"country": "Deutschland", "size": 7}).values
    {'country': 'DE', 'size': 7}
    """
    if not readings:
        return Known(attributes, attributes)
    values, written = dict(attributes), dict(attributes)
    for reading in readings:
        value, original = reading.of(attributes)
        if value is not None:
            values[reading.attribute], written[reading.attribute] = value, original
    return Known(values, written)
