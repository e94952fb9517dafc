"""Books whose accounts did things and opened opportunities, made by hand or at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from scoring.training.book import Book
from scoring.training.rejects import Log
from scoring.training.signal_history import SignalHistory, history_of
from tests.scoring.training.typed_books import book_of

FIRST = date(2025, 1, 1)
FIRST_DAY = (FIRST - date(1970, 1, 1)).days
Row = tuple[Any, ...]
_EVENTS = {
    "account_id": pl.String,
    "type": pl.String,
    "occurred_at": pl.Date,
    "event_id": pl.String,
    "topic": pl.String,
    "strength": pl.Float64,
    "person": pl.String,
    "channel": pl.String,
}


def event(account: str, type_: str, day: int, **more: Any) -> Row:
    """Return a row of events; days are counted from FIRST."""
    given = {"event_id": None, "topic": None, "strength": None, "person": None, "channel": None, **more}
    return (account, type_, FIRST + timedelta(days=day), *given.values())


def deal(
    account: str, day: int, closed: int | None = None, outcome: str = "won", type_: str | None = "new"
) -> Row:
    """Return a row of opportunities."""
    end = None if closed is None else FIRST + timedelta(days=closed)
    return (account, FIRST + timedelta(days=day), end, outcome, 1.0, type_)


def signal_book(events: Sequence[Row], deals: Sequence[Row], accounts: Sequence[str] = ("a", "b")) -> Book:
    book = book_of(deals=deals, prospects=list(accounts))
    frame = pl.DataFrame(list(events), _EVENTS, orient="row")
    return replace(book, events=frame, rejects=Log().rejects_frame())


def history(
    events: Sequence[Row], deals: Sequence[Row], accounts: Sequence[str] = ("a", "b"), *, last: int = 3650
) -> SignalHistory:
    found = history_of(signal_book(events, deals, accounts), FIRST + timedelta(days=last))
    assert isinstance(found, SignalHistory)
    return found


def planted(seed: int, leads: dict[str, float], *, accounts: int = 1500, days: int = 500) -> Book:
    """Make a book in which some signals lead to an opportunity after an exponential time; others say nothing.

    Args:
        seed: of chance.
        leads: type -> mean days before an opportunity; 0 for a type that says nothing.
        accounts: how many.
        days: the length of the history.
    """
    rng = np.random.default_rng(seed)
    names, events, deals = [f"a{n:04}" for n in range(accounts)], [], []
    for name in names:
        deals += [deal(name, day, day) for day in rng.integers(0, days, rng.poisson(0.5)).tolist()]
        for type_, lead in leads.items():
            for day in rng.integers(0, days, rng.poisson(2.0)).tolist():
                events.append(event(name, type_, day))
                if lead and rng.random() < 0.3 and (opens := day + 1 + int(rng.exponential(lead))) < days:
                    deals.append(deal(name, opens, opens))
    return signal_book(events, sorted(deals), names)
