"""A demo book as the search for segments gets it: customers, their metrics, attributes without the leaks."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from scoring.plan import read_plan
from scoring.rules import Rule
from scoring.training.attributes import Attribute
from scoring.training.book import read_book
from scoring.training.conditions import holds_for
from scoring.training.demo_book import write_demo_book
from scoring.training.demo_outcomes import rule_from
from scoring.training.discovery import discover
from scoring.training.found import Discovery
from scoring.training.leaks import find_leaks
from scoring.training.metrics import account_metrics
from scoring.training.proposals import overlap
from scoring.training.survey import attributes_of


@dataclass(frozen=True, eq=False, slots=True)
class Demo:
    """What `discover` is given, and the rules that were planted, the trap last; none in a null book."""

    attributes: list[Attribute]
    customers: pl.DataFrame
    metrics: pl.DataFrame
    prospects: pl.DataFrame
    planted: dict[str, Rule]

    def discover(self, *, seed: int) -> Discovery:
        """Search the book."""
        return discover(self.attributes, self.customers, self.metrics, self.prospects, seed=seed)

    def overlap(self, one: Rule, other: Rule) -> float:
        """Return the Jaccard overlap of two rules over customers and prospects."""
        everybody = pl.concat([self.customers, self.prospects], how="diagonal_relaxed")
        return overlap(holds_for(one.where, everybody), holds_for(other.where, everybody))


def demo(seed: int, *, accounts: int = 2000, null: bool = False) -> Demo:
    """Write a demo book, read it as training does, and leave out the leaks."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "book"
        write_demo_book(folder, accounts=accounts, seed=seed, null=null)
        plan = read_plan(folder / "plan.toml")
        book = read_book(folder, plan)
        truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    metrics = account_metrics(book, plan)
    customers = attributes_of(metrics, book)
    leaks = find_leaks(book, metrics, customers, keep=(), seed=0)
    if book.prospects is None:
        raise AssertionError("a demo book has prospects")
    groups = truth["segments"] + ([truth["trap"]] if truth["trap"] else [])
    return Demo(
        attributes=[one for one in book.attributes if one.name not in leaks],
        customers=customers,
        metrics=metrics,
        prospects=book.prospects,
        planted={group["id"]: rule_from(group["id"], group["where"]) for group in groups},
    )
