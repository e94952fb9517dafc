"""Exclusions to decide on: companies that come too early or too late, are too large, or are locked in.

Each is drawn from the book's own values, and from no outcome: how its customers fared is for people to read
beside it, and to decide by.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from scoring.attribute_names import folded
from scoring.rules import Between, Condition, Flag, Has, OneOf, Rule
from scoring.training.attributes import Attribute
from scoring.training.book import Book
from scoring.training.plan_meanings import meant, words

KINDS = ("too_early", "too_late", "too_large", "locked_in")
EDGE = 0.1  # the share of customers that counts as the smallest, youngest or oldest
LEAST_AT_EDGE = 10  # customers with the attribute; fewer have no edge to speak of
_MOST_VENDORS = 3


@dataclass(frozen=True, slots=True)
class Proposed:
    """An exclusion that people may accept."""

    id: str
    kind: str  # of KINDS
    reason: str
    where: tuple[tuple[str, Condition], ...]

    @property
    def rule(self) -> Rule:
        """The proposal as a rule that can be asked."""
        return Rule(self.id, self.where)


def propose_exclusions(book: Book) -> tuple[Proposed, ...]:
    """Return the exclusions that a book's attributes allow to state, in the order of KINDS.

    An attribute is taken for what its name says. An edge is where the outermost tenth of the customers is.
    """
    customers = paying(book)
    found = [
        *_early_and_late(book.attributes, customers),
        *_too_large(book.attributes, customers),
        *_locked_in(book),
    ]
    return tuple(sorted(found, key=lambda proposed: KINDS.index(proposed.kind)))


def paying(book: Book) -> pl.DataFrame:
    """Return the accounts that have rows in a ledger, those of former customers included."""
    ledgers = [frame["account_id"] for frame in (book.subscriptions, book.invoices) if frame is not None]
    return book.accounts.filter(pl.col("account_id").is_in(pl.concat(ledgers).unique().to_list()))


def _proposed(kind: str, attribute: Attribute, reason: str, condition: Condition) -> Proposed:
    name = folded(attribute.name).encode("ascii", "ignore").decode().replace("_", "-")
    of_attribute = f"{kind.replace('_', '-')}-by-{name}".strip("-")[:80].rstrip("-")
    return Proposed(of_attribute, kind, reason, ((attribute.name, condition),))


def _early_and_late(attributes: Sequence[Attribute], customers: pl.DataFrame) -> Iterator[Proposed]:
    for size in meant(attributes, "size")[:1]:
        smallest = _edge(customers[size.name], EDGE)
        if smallest is not None:
            yield _proposed(
                "too_early", size, "Too small to need the product yet.", Between(max=two_digits(smallest))
            )
    for founded in meant(attributes, "founded")[:1]:
        oldest, youngest = (_edge(customers[founded.name], share) for share in (EDGE, 1 - EDGE))
        if oldest is not None and youngest is not None and oldest < youngest:
            yield _proposed("too_early", founded, "Too young a company.", Between(min=math.ceil(youngest)))
            yield _proposed("too_late", founded, "Set in its ways.", Between(max=math.floor(oldest)))
    for funding in meant(attributes, "funding")[:1]:
        present = set(customers[funding.name].drop_nulls().to_list())
        for kind, reason in (("early", "Funded too early."), ("late", "Past the stage that buys.")):
            stages = [stage for stage in words()["funding"][kind] if stage in present]
            if stages and len(stages) < len(present):
                yield _proposed(f"too_{kind}", funding, reason, OneOf(one_of=tuple(stages)))


def _edge(column: pl.Series, share: float) -> float | None:
    """Return where a share of the values ends; None where there are few, or where all are one."""
    present = column.drop_nulls()
    if len(present) < LEAST_AT_EDGE or present.n_unique() == 1:
        return None
    found = present.quantile(share, interpolation="lower")
    return None if found is None else float(found)


def _too_large(attributes: Sequence[Attribute], customers: pl.DataFrame) -> Iterator[Proposed]:
    for size in meant(attributes, "size")[:1]:
        present = customers[size.name].drop_nulls().to_list()
        if present and max(present) > 0:
            yield _proposed(
                "too_large", size, "Larger than any customer so far.", Between(min=beyond(max(present)))
            )


def two_digits(number: float) -> float:
    """Round to two digits, as people write limits.

    >>> two_digits(1874.0), two_digits(7.0), two_digits(0.0)
    (1900.0, 7.0, 0.0)
    """
    return float(f"{number:.2g}")


def beyond(number: float) -> float:
    """Return the next number of two digits above a positive one; from a whole number, a whole one.

    >>> beyond(1874.0), beyond(7.0), beyond(99.0), beyond(0.25)
    (1900.0, 8.0, 100.0, 0.26)
    """
    step = 10.0 ** (math.floor(math.log10(number)) - 1)
    if number.is_integer():
        step = max(step, 1.0)
    return float(f"{(math.floor(number / step + 1e-9) + 1) * step:.12g}")


def _locked_in(book: Book) -> Iterator[Proposed]:
    """Name the vendors that most accounts are with; which of them are competitors, people know."""
    market = book.accounts if book.prospects is None else book.prospects
    for attribute in meant(book.attributes, "locked_in_with")[:1]:
        column, reason = market[attribute.name].drop_nulls(), "Bound to a competitor."
        if attribute.kind == "flag":
            if column.any():
                yield _proposed("locked_in", attribute, reason, Flag(flag=True))
            continue
        named = Counter((column.explode() if attribute.kind == "tags" else column).to_list())
        commonest = sorted(named, key=lambda vendor: (-named[vendor], vendor))
        if attribute.kind == "tags":
            for vendor in commonest[:1]:
                yield _proposed("locked_in", attribute, reason, Has(has=(vendor,)))
        elif commonest:
            yield _proposed("locked_in", attribute, reason, OneOf(one_of=tuple(commonest[:_MOST_VENDORS])))
