"""The company's own figures: NRR, GRR, retention and expansion of all accounts together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import cast

import numpy as np

from scoring.errors import BookError
from scoring.plan import Plan
from scoring.training.book import Book
from scoring.training.ledger_rows import Invoices, Subscriptions
from scoring.training.months import Floats, add_months


@dataclass(frozen=True, slots=True)
class CompanyMetrics:
    """Figures of all accounts together over the window that ends with `as_of`.

    Values are MRR for subscriptions, and for invoices the net revenue of this window and the one before.
    Rates are shares of `start_value` (logo retention: of `n`), and None where no account paid at the start.
    """

    as_of: date
    n: int  # accounts that paid at the start
    start_value: float
    end_value: float  # of those accounts
    nrr: float | None
    grr: float | None
    logo_retention: float | None
    expansion_rate: float | None


def resolve_as_of(book: Book, plan: Plan) -> date:
    """Return the day the book speaks of: the plan's, else the latest start or invoice in the ledgers.

    Ends do not count: a contract that runs into the future does not bring the future into the book.

    Raises:
        BookError: the plan has no `as_of` and the ledgers have no row.
    """
    if plan.book.as_of is not None:
        return plan.book.as_of
    ledgers = ((book.subscriptions, "start"), (book.invoices, "date"))
    latest = [frame[name].max() for frame, name in ledgers if frame is not None and frame.height]
    if not latest:
        raise BookError(
            "the ledgers have no usable row, so nothing says what accounts are worth; see the rejects"
        )
    return max(cast("list[date]", latest))


def company_metrics(book: Book, plan: Plan) -> CompanyMetrics:
    """Return the company's figures over the calendar window that ends with `as_of`.

    They come from the subscriptions where the book has them, else from the invoices.

    Raises:
        BookError: as `resolve_as_of`.
    """
    as_of, window = resolve_as_of(book, plan), plan.book.window_months
    before, end = _values_around(book, np.datetime64(as_of, "D"), window)
    paid = before > 0
    start, end = before[paid], np.maximum(end[paid], 0.0)
    n, total = int(paid.sum()), float(start.sum())
    kept, grown = np.minimum(start, end).sum(), np.maximum(end - start, 0.0).sum()
    return CompanyMetrics(
        as_of=as_of,
        n=n,
        start_value=total,
        end_value=float(end.sum()),
        nrr=float(end.sum()) / total if n else None,
        grr=float(kept) / total if n else None,
        logo_retention=int((end > 0).sum()) / n if n else None,
        expansion_rate=float(grown) / total if n else None,
    )


def _values_around(book: Book, as_of: np.datetime64, window: int) -> tuple[Floats, Floats]:
    """Return each account's value at the start and at the end of the window that ends with `as_of`."""
    day = np.array([as_of])
    start, before = add_months(day, -window)[0], add_months(day, -2 * window)[0]
    ledger = book.subscriptions
    if ledger is not None and (ledger.height or book.invoices is None):
        rows = Subscriptions.of(ledger)
        return rows.mrr_on(np.full(rows.n, start)), rows.mrr_on(np.full(rows.n, as_of))
    if book.invoices is None:
        raise BookError("the book has neither subscriptions nor invoices")
    bought = Invoices.of(book.invoices)
    days = [
        np.full(bought.n, edge + 1) for edge in (before, start, as_of)
    ]  # as_of itself belongs to the window
    return bought.revenue(days[0], days[1]), bought.revenue(days[1], days[2])
