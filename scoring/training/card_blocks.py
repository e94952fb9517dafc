"""What a model card is made of, whatever it says: blocks in sections, and numbers written for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from markupsafe import Markup

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


_NEGATIVE = re.compile(r"(?<!\w)-(?=[\d.])")


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs."""

    kind: ClassVar[str] = "prose"
    paragraphs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of what follows within a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """One point of a list; `term` stands before it in bold, or is empty."""

    term: str
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of points; `alarm` marks them as what is wrong."""

    kind: ClassVar[str] = "bullets"
    items: Sequence[Item]
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """What a reader must not miss; more than one sentence each stands by itself."""

    kind: ClassVar[str] = "notice"
    title: str
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in a cell of a table: a value, smaller lines below it, and whether it is an alarm."""

    text: str
    notes: Sequence[str] = ()
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names its rows; `numbers` are the columns that align right."""

    kind: ClassVar[str] = "table"
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | Entry]]
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture; its title is empty where a heading just above says the same."""

    kind: ClassVar[str] = "figure"
    title: str
    svg: Markup
    caption: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Blocks side by side where the page is wide enough."""

    kind: ClassVar[str] = "grid"
    blocks: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to copy as they are."""

    kind: ClassVar[str] = "code"
    text: str


Block = Prose | Heading | Bullets | Notice | Table | Figure | Grid | Code


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the card; `id` is its anchor on the page."""

    id: str
    title: str
    blocks: Sequence[Block]


# Numbers for people


def say_date(day: date) -> str:
    """Write a date in words.

    >>> say_date(date(2026, 6, 30))
    '30 June 2026'
    """
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def say_number(value: float) -> str:
    """Write a number short: whole and small ones as they are, large ones with k, M or B.

    >>> say_number(2014.0), say_number(391_728.6), say_number(999_950.0), say_number(1_359_776.0)
    ('2014', '392k', '1M', '1.36M')
    """
    if abs(value) < 10_000:
        return f"{value:.5g}".replace("-", "\u2212")
    rounded = float(f"{value:.3g}")
    size, letter = next(pair for pair in ((1e9, "B"), (1e6, "M"), (1e3, "k")) if abs(rounded) >= pair[0])
    return f"{rounded / size:.4g}{letter}".replace("-", "\u2212")


@dataclass(frozen=True, slots=True)
class Amounts:
    """Writes outcomes for people.

    >>> clv = Amounts("currency", "USD")
    >>> clv.value(391_728.6), clv.span(950.4, 1_359_776.2), Amounts("currency", "€").value(391_728.6)
    ('USD 392k', 'USD 950 to 1.36M', '€392k')
    >>> Amounts("ratio", "").value(1.03), Amounts("months", "").span(20.31, 22.9)
    ('103%', '20.3 to 22.9 months')
    """

    unit: str  # ratio, currency, months, days or times
    currency: str

    @property
    def unit_name(self) -> str:
        """What stands at the top of a scale whose numbers are bare."""
        return {"currency": self.currency, "months": "months", "days": "days"}.get(self.unit, "")

    def bare(self, value: float) -> str:
        """Write a value without its unit; shares keep their percent sign."""
        if self.unit == "ratio":
            return f"{value:.0%}".replace("-", "\u2212")
        if self.unit in ("months", "times"):
            return minus(f"{value:.1f}")
        return minus(f"{value:.0f}") if self.unit == "days" else say_number(float(f"{value:.3g}"))

    def value(self, value: float) -> str:
        """Write a value."""
        return self._with_unit(self.bare(value))

    def span(self, low: float, high: float) -> str:
        """Write from where to where."""
        return self._with_unit(f"{self.bare(low)} to {self.bare(high)}")

    def _with_unit(self, amount: str) -> str:
        if self.unit == "currency":
            return f"{self.currency}{' ' if self.currency.isalpha() else ''}{amount}"
        return f"{amount} {self.unit}" if self.unit in ("months", "days", "times") else amount


def as_sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop.

    >>> as_sentence("no backtest: the book is too young"), as_sentence("Done.")
    ('No backtest: the book is too young.', 'Done.')
    """
    return minus(text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else "."))


def minus(text: str) -> str:
    """Write numbers below zero with a minus sign; hyphens within words and ids stay.

    >>> minus("-0.5, of A-7")
    '\u22120.5, of A-7'
    """
    return _NEGATIVE.sub("\u2212", text)


def decimal(value: float | None, places: int = 2) -> str:
    """Write a number with so many places; a dash where there is none.

    >>> decimal(0.305), decimal(None)
    ('0.30', '\u2013')
    """
    return "\u2013" if value is None else minus(f"{value:.{places}f}")


def chance(p: float) -> str:
    """Write a probability short.

    >>> chance(0.0312), chance(4.2e-12)
    ('0.031', 'under 0.0001')
    """
    return f"{p:.2g}" if p >= 0.0001 else "under 0.0001"


def count(number: int, thing: str) -> str:
    """Write how many there are of a thing.

    >>> count(1, "customer"), count(1613, "customer")
    ('1 customer', '1,613 customers')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def listed(items: Sequence[str]) -> str:
    """Join words as a sentence does.

    >>> listed(["growth", "CLV", "payback"]), listed(["growth"])
    ('growth, CLV and payback', 'growth')
    """
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)
