"""Looking back: customers as they were known on a day in the past, and as they are known a window later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.features import Codes, FeatureSchema
from scoring.plan import Plan
from scoring.training.additive import Floats
from scoring.training.attributes import Attribute
from scoring.training.book import Book
from scoring.training.encode import encode_frame
from scoring.training.metrics import account_metrics
from scoring.training.outcomes import TARGETS, Target
from scoring.training.schema import build_schema

MOST_ACCOUNTS = 10_000  # customers that are looked at; of more, a sample

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Then:
    """Customers as of the day of measuring, with what was known of them at the cut; a row each."""

    before: pl.DataFrame  # the metrics at the cut, nulls for accounts that were no customers yet
    after: pl.DataFrame  # the metrics a window later
    schema: FeatureSchema
    codes: Codes
    customers: Mask  # who was a customer at the cut
    targets: Mapping[str, Floats]  # objective -> what was known at the cut, on the scale that is learnt
    later: Mapping[str, Floats]  # objective -> what is known a window later, on the same scale


def plan_as_of(plan: Plan, day: date) -> Plan:
    """Return the plan as of another day."""
    return plan.model_copy(update={"book": plan.book.model_copy(update={"as_of": day})})


def accounts_by(book: Book, day: date) -> int:
    """Return how many accounts had a ledger row up to a day."""
    ledgers = ((book.subscriptions, "start"), (book.invoices, "date"))
    known = [frame.filter(pl.col(when) <= day)["account_id"] for frame, when in ledgers if frame is not None]
    return pl.concat(known).n_unique() if known else 0


def look_back(
    book: Book, plan: Plan, attributes: Sequence[Attribute], day: date, until: date, *, seed: int
) -> tuple[Then, list[str]]:
    """Measure customers on two days, with what is known of them on each.

    Args:
        book: the whole book; ledger rows after a day do not count on it.
        plan: its window and money.
        attributes: those to learn from.
        day: the earlier day.
        until: the later one.
        seed: of the sample, where customers are many.

    Returns:
        The customers, and what a reader must know of how they were chosen, in sentences.
    """
    after = account_metrics(book, plan_as_of(plan, until))
    then = account_metrics(book, plan_as_of(plan, day))
    notes = []
    if after.height > MOST_ACCOUNTS:
        notes.append(f"of {after.height:,} customers a sample of {MOST_ACCOUNTS:,} was looked at")
        drawn = np.random.default_rng(seed).choice(after.height, MOST_ACCOUNTS, replace=False)
        after = after[np.sort(drawn)]
    ids = after.select("account_id")
    before = ids.join(then, on="account_id", how="left", maintain_order="left")
    frame = ids.join(book.accounts, on="account_id", how="left", maintain_order="left")
    customers = before["ledger"].is_not_null().to_numpy()
    schema = build_schema(attributes, frame.filter(pl.Series(customers)))
    targets, later = {}, {}
    for target in TARGETS:
        targets[target.objective], later[target.objective] = _on_one_scale(target, before, after)
    return Then(before, after, schema, encode_frame(schema, frame), customers, targets, later), notes


def _on_one_scale(target: Target, before: pl.DataFrame, after: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return a target at the cut and a window later, both on the scale that was known at the cut."""
    known = target.values(before)
    return target.to_target(known), target.to_target(target.values(after), base=known)
