"""What customers turned out to be worth: NRR, GRR, retention, CLV and payback of each account.

Time runs in anniversary windows of `window_months` from each account's first paid day, so that accounts of
any age compare. An account too young for a figure is censored: null, never zero. The order of the
ledger's rows and the names of the accounts change no bit of a figure.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from scoring.plan import Plan
from scoring.training.book import Book
from scoring.training.company import resolve_as_of
from scoring.training.histories import History, invoice_history, subscription_history
from scoring.training.ledger_rows import Rows, owners
from scoring.training.months import Floats, on_month_scale


def account_metrics(book: Book, plan: Plan) -> pl.DataFrame:
    """Return one row per account with ledger rows up to `as_of`, sorted by account_id.

    An account with subscriptions is judged by them alone, any other by its invoices: `ledger` says which, and
    figures pool as sum(end_value) / sum(start_value) within one ledger. Amounts are in the book's currency.

    - first_date: the first paid day, null where nothing was ever paid; n_windows: complete windows since.
    - tenure_months: from then to `as_of`, or to when the account stopped paying.
    - start_value, end_value, kept_value: sums over the complete windows that start above 0 of the value at
      their start, at their end, and the lesser of both. The value is the MRR on a day (a row counts from its
      start until before its end); for invoices the net revenue of a window, its end being the next window.
    - nrr, grr, expansion_rate: end_value, kept_value and end_value - kept_value over start_value.
    - paid_windows: how many windows those are; renewed_windows: those of them whose end is above 0 too.
    - retained: whether it paid at the end of (invoices: in) its last complete window.
    - censored: too young for the figures above (invoices need two windows); they are null then.
    - active: whether it pays at `as_of` (invoices: bought in the last `window_months`); arr: what it pays a
      year; revenue_last_window: what it paid for in the `window_months` up to `as_of`.
    - margin: gross margin as a share: the account's own, else by the costs of its invoices, else by the costs
      of all invoices, else the plan's. realised_margin: what it earned up to `as_of`.
    - clv: realised_margin, plus the margin on what it is expected to pay in each of the next
      `horizon_months`, over (1 + discount_rate)^(months / 12). Null for accounts younger than a window.
      With subscriptions that is the present MRR times the chance S(t + u) / S(t) that the account is still
      there; S is fitted to all accounts of the ledger, in periods of a window (see `survival`). Nothing is
      expected of an account that left.
      With invoices it is the purchases that the account will still make, by how often and how lately it
      bought (see `purchases`), times what it is expected to spend on each.
    - new_margin: monthly margin on the MRR of the first day (invoices: on the revenue of the first complete
      window). payback_months: cac over it; null without either, or without a margin above 0.
      cac: what winning it cost. ltv_cac: clv / cac.

    Raises:
        BookError: as `resolve_as_of`.
    """
    as_of = np.datetime64(resolve_as_of(book, plan), "D")
    with threadpool_limits(1):  # products then add up in one order on any machine
        histories = list(_histories(book, plan, as_of))
    return pl.concat([_account_frame(history, book, plan, as_of) for history in histories]).sort("account_id")


def _histories(book: Book, plan: Plan, as_of: np.datetime64) -> Iterator[History]:
    invoices = book.invoices
    if book.subscriptions is not None:
        yield subscription_history(book.subscriptions, as_of, plan)
        if invoices is not None:
            begun = book.subscriptions.filter(pl.col("start") <= as_of.item())
            invoices = invoices.join(begun, on="account_id", how="anti", maintain_order="left")
    if invoices is not None:
        yield invoice_history(invoices, as_of, plan)


def _account_frame(history: History, book: Book, plan: Plan, as_of: np.datetime64) -> pl.DataFrame:
    windows = _window_sums(history)
    margin = _margins(history.accounts, book, plan, as_of)
    cac = _of_accounts(history.accounts, book, "cac")
    censored = history.n_values < 2
    active = history.monthly_now > 0
    until = np.where(active, as_of, history.last)
    realised = history.revenue * margin
    clv = realised + margin * history.expected
    new_margin = history.monthly_new * margin
    floats = {
        "tenure_months": on_month_scale(until) - on_month_scale(history.first),
        **{name: np.where(censored, np.nan, total) for name, total in windows.items()},
        "nrr": _ratio(windows["end_value"], windows["start_value"]),
        "grr": _ratio(windows["kept_value"], windows["start_value"]),
        "expansion_rate": _ratio(windows["end_value"] - windows["kept_value"], windows["start_value"]),
        "arr": history.monthly_now * 12,
        "revenue_last_window": history.recent,
        "margin": margin,
        "realised_margin": realised,
        "clv": clv,
        "cac": cac,
        "new_margin": new_margin,
        "payback_months": _ratio(cac, new_margin),
        "ltv_cac": _ratio(clv, cac),
    }
    retained = pl.Series("retained", history.kept_on > 0).set(pl.Series(censored), None)
    return pl.DataFrame([history.accounts.alias("account_id")]).with_columns(
        pl.lit(history.ledger).alias("ledger"),
        pl.Series("first_date", history.first),
        pl.Series("n_windows", history.n_windows),
        retained,
        pl.Series("censored", censored),
        pl.Series("active", active),
        *(pl.Series(name, numbers).fill_nan(None) for name, numbers in floats.items()),
    )


def _ratio(over: Floats, under: Floats) -> Floats:
    """Divide where the divisor is above 0; NaN elsewhere."""
    divides = under > 0
    return np.where(divides, over / np.where(divides, under, 1.0), np.nan)


def _window_sums(history: History) -> dict[str, Floats]:
    """Add up each account's complete windows: values at their start and end, the lesser, and counts."""
    known = np.arange(1, history.values.shape[1]) < history.n_values[:, None]
    before, after = history.values[:, :-1], np.maximum(history.values[:, 1:], 0.0)
    counted = known & (before > 0)
    before, after = before * counted, after * counted
    return {
        "start_value": before.sum(axis=1),
        "end_value": after.sum(axis=1),
        "kept_value": np.minimum(before, after).sum(axis=1),
        "paid_windows": counted.sum(axis=1).astype(np.float64),
        "renewed_windows": (after > 0).sum(axis=1).astype(np.float64),
    }


def _of_accounts(accounts: pl.Series, book: Book, column: str) -> Floats:
    """Look up a number of each account; NaN where missing."""
    known = book.accounts.select("account_id", column)
    found = accounts.to_frame("account_id").join(known, on="account_id", how="left", maintain_order="left")
    return found[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _margins(accounts: pl.Series, book: Book, plan: Plan, as_of: np.datetime64) -> Floats:
    """Return each account's gross margin as a share, from the best source there is."""
    own = _of_accounts(accounts, book, "gross_margin")
    by_cost, of_all = _margins_by_cost(accounts, book, as_of)
    fallback = plan.money.gross_margin if of_all is None else of_all
    return np.where(np.isnan(own), np.where(np.isnan(by_cost), fallback, by_cost), own)


def _margins_by_cost(accounts: pl.Series, book: Book, as_of: np.datetime64) -> tuple[Floats, float | None]:
    """Return 1 - cost / amount over invoices with a cost: by account (NaN without), and over all."""
    unknown = np.full(accounts.len(), np.nan)
    if book.invoices is None:
        return unknown, None
    costed = book.invoices.filter(pl.col("cost").is_not_null() & (pl.col("date") <= as_of.item()))
    costed = costed.sort("date", "amount", "cost")  # rows that tie are alike in all that is added up
    cost, amount = costed["cost"].to_numpy(), costed["amount"].to_numpy()
    if amount.sum() <= 0:
        return unknown, None
    rows = Rows(*owners(costed))
    per_account = pl.DataFrame(
        {"account_id": rows.accounts, "margin": 1 - _ratio(rows.sum(cost), rows.sum(amount))}
    )
    found = accounts.to_frame("account_id").join(
        per_account, on="account_id", how="left", maintain_order="left"
    )
    return found["margin"].fill_null(float("nan")).to_numpy(), 1 - float(cost.sum() / amount.sum())
