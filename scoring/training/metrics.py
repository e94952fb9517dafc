"""What customers turned out to be worth: NRR, GRR, retention, CLV and payback of each account.

Time runs in anniversary windows of `window_months` from each account's first paid day, so that accounts of
any age compare. An account too young for a figure is censored: null, never zero. Sums run in the order of
the ledger's rows, so one book gives the same bits every time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from scoring.plan import Plan
from scoring.training.book import Book
from scoring.training.company import resolve_as_of
from scoring.training.ledger_rows import Ints, Invoices, Rows, Subscriptions, owners
from scoring.training.months import EVER, NEVER, Days, Floats, add_months, boundaries, on_month_scale
from scoring.training.survival import ShiftedBetaGeometric, fit


def account_metrics(book: Book, plan: Plan) -> pl.DataFrame:
    """Return one row per account with ledger rows up to `as_of`, sorted by account_id.

    An account with subscriptions is judged by them alone, any other by its invoices: `ledger` says which, and
    figures pool as sum(end_value) / sum(start_value) within one ledger. Amounts are in the book's currency.

    - first_date: the first paid day, null where nothing was ever paid; n_windows: complete windows since.
    - tenure_months: from then to `as_of`, or to when the account stopped paying.
    - start_value, end_value, kept_value: sums over the complete windows that start above 0 of the value at
      their start, at their end, and the lesser of both. The value is the MRR on a day (a row counts from its
      start until before its end); for invoices the net revenue of a window, its end being the next window.
    - nrr, grr: end_value / start_value, kept_value / start_value.
    - retained: whether it paid at the end of (invoices: in) its last complete window.
    - censored: too young for the figures above (invoices need two windows); they are null then.
    - active: whether it pays at `as_of` (invoices: bought in the last `window_months`); arr: what it pays a
      year; revenue_last_window: what it paid for in the `window_months` up to `as_of`.
    - margin: gross margin as a share: the account's own, else by the costs of its invoices, else by the costs
      of all invoices, else the plan's. realised_margin: what it earned up to `as_of`.
    - clv: realised_margin, plus the present monthly margin in each of the next `horizon_months`, times the
      chance S(t + u) / S(t) that the account is still there, over (1 + discount_rate)^(months / 12). S is
      fitted to all accounts of the ledger, in periods of a window (Fader and Hardie 2007, see `survival`).
      Nothing is expected of an account that left. Null for accounts younger than a window.
    - payback_months: cac over the monthly margin on the MRR of the first day (invoices: on the revenue of the
      first complete window); null without either, or without a margin above 0. ltv_cac: clv / cac.

    Raises:
        BookError: as `resolve_as_of`.
    """
    as_of, window = np.datetime64(resolve_as_of(book, plan), "D"), plan.book.window_months
    histories = []
    if book.subscriptions is not None:
        histories.append(_subscription_history(book.subscriptions, as_of, window))
    if book.invoices is not None:
        subscribed = histories[0].accounts.to_list() if histories else []
        invoices = book.invoices.filter(~pl.col("account_id").is_in(subscribed))
        histories.append(_invoice_history(invoices, as_of, window))
    return pl.concat([_account_frame(history, book, plan, as_of) for history in histories]).sort("account_id")


# Histories: what both ledgers say about an account, in one form


@dataclass(frozen=True, eq=False, slots=True)
class _History:
    """Arrays of shape (n_accounts,), but for `values`: (n_accounts, n), of which `n_values` are known."""

    ledger: str
    window: int  # months
    accounts: pl.Series
    first: Days
    last: Days  # when the account last paid, at most as_of
    n_windows: Ints
    values: Floats
    n_values: Ints
    monthly_new: Floats
    monthly_now: Floats
    revenue: Floats
    recent: Floats  # revenue of the window up to as_of
    age: Floats  # periods survived at as_of, on the scale of the survival fit


def _subscription_history(frame: pl.DataFrame, as_of: np.datetime64, window: int) -> _History:
    rows = Subscriptions.of(frame.filter(pl.col("start") <= as_of.item()))
    paid = (rows.mrr > 0) & (rows.end > rows.start)
    first = rows.earliest(np.where(paid, rows.start, NEVER))
    days = boundaries(first, as_of, window)
    n_values = (~np.isnat(days)).sum(axis=1)
    return _History(
        ledger="subscriptions",
        window=window,
        accounts=rows.accounts,
        first=first,
        last=rows.latest(np.where(paid, np.minimum(rows.end, as_of), NEVER)),
        n_windows=np.maximum(n_values - 1, 0),
        values=np.stack([rows.mrr_on(column) for column in days.T], axis=1),
        n_values=n_values,
        monthly_new=rows.mrr_on(first),
        monthly_now=rows.mrr_on(np.full(rows.n, as_of)),
        revenue=rows.revenue(EVER, as_of),
        recent=rows.revenue(add_months(np.array([as_of]), -window)[0], as_of),
        age=(on_month_scale(np.array([as_of])) - on_month_scale(first)) / window,
    )


def _invoice_history(frame: pl.DataFrame, as_of: np.datetime64, window: int) -> _History:
    rows = Invoices.of(frame.filter(pl.col("date") <= as_of.item()))
    first = rows.earliest(np.where(rows.amount > 0, rows.day, NEVER))
    days = boundaries(first, as_of, window)
    n_windows = np.maximum((~np.isnat(days)).sum(axis=1) - 1, 0)
    columns = [rows.revenue(days[:, at], days[:, at + 1]) for at in range(days.shape[1] - 1)]
    values = np.stack(columns, axis=1) if columns else np.zeros((rows.n, 1))
    tomorrow = as_of + 1
    since = add_months(np.array([as_of]), -window)[0] + 1
    recent = rows.revenue(np.full(rows.n, since), np.full(rows.n, tomorrow))
    periods = (on_month_scale(np.array([as_of])) - on_month_scale(first)) / window
    return _History(
        ledger="invoices",
        window=window,
        accounts=rows.accounts,
        first=first,
        last=rows.latest(np.where(rows.amount > 0, rows.day, NEVER)),
        n_windows=n_windows,
        values=values,
        n_values=n_windows,
        monthly_new=np.where(n_windows > 0, values[:, 0] / window, np.nan),
        monthly_now=np.maximum(recent, 0.0) / window,
        revenue=rows.sum(rows.amount),
        recent=recent,
        age=np.maximum(periods - 1, 0.0),  # the first window is the purchase itself, not a renewal
    )


# Figures


def _account_frame(history: _History, book: Book, plan: Plan, as_of: np.datetime64) -> pl.DataFrame:
    start, end, kept = _window_sums(history)
    margin = _margins(history.accounts, book, plan, as_of)
    cac = _of_accounts(history.accounts, book, "cac")
    censored = history.n_values < 2
    active = history.monthly_now > 0
    until = np.where(active, as_of, history.last)
    realised = history.revenue * margin
    clv = realised + history.monthly_now * margin * _expected_months(history, plan)
    monthly_margin = history.monthly_new * margin
    payback = np.where(monthly_margin > 0, cac / np.where(monthly_margin > 0, monthly_margin, 1.0), np.nan)
    last_value = np.take_along_axis(history.values, np.maximum(history.n_values - 1, 0)[:, None], axis=1)[
        :, 0
    ]
    floats = {
        "tenure_months": on_month_scale(until) - on_month_scale(history.first),
        "start_value": np.where(censored, np.nan, start),
        "end_value": np.where(censored, np.nan, end),
        "kept_value": np.where(censored, np.nan, kept),
        "nrr": _ratio(end, start),
        "grr": _ratio(kept, start),
        "arr": history.monthly_now * 12,
        "revenue_last_window": history.recent,
        "margin": margin,
        "realised_margin": realised,
        "clv": clv,
        "payback_months": payback,
        "ltv_cac": _ratio(clv, cac),
    }
    retained = pl.Series("retained", last_value > 0).set(pl.Series(censored), None)
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


def _window_sums(history: _History) -> tuple[Floats, Floats, Floats]:
    """Sum over each account's complete windows the value at the start, at the end, and the lesser of both."""
    known = np.arange(1, history.values.shape[1]) < history.n_values[:, None]
    before, after = history.values[:, :-1], np.maximum(history.values[:, 1:], 0.0)
    counted = known & (before > 0)
    before, after = before * counted, after * counted
    return before.sum(axis=1), after.sum(axis=1), np.minimum(before, after).sum(axis=1)


def _fit_survival(history: _History) -> ShiftedBetaGeometric | None:
    """Fit survival to when accounts first paid nothing; None where none has been seen for a period."""
    n_periods = history.values.shape[1] - 1
    watched = (history.n_values > 1) & (history.values[:, 0] > 0)
    gone = (history.values[:, 1:] <= 0) & (np.arange(1, n_periods + 1) < history.n_values[:, None])
    left = watched & gone.any(axis=1)
    if not watched.any():
        return None
    lost = np.bincount(gone[left].argmax(axis=1), minlength=n_periods)
    stayed = np.bincount(history.n_values[watched & ~left] - 2, minlength=n_periods)
    return fit(lost, stayed)


def _expected_months(history: _History, plan: Plan) -> Floats:
    """Return how many months at the present margin each account is worth yet, discounted; NaN if too young.

    Ages count in whole months, so that accounts of one age share the sum.
    """
    months = np.arange(1, plan.money.horizon_months + 1)
    discount = (1 + plan.money.discount_rate) ** (-months / 12)
    model = _fit_survival(history)
    old_enough = history.n_windows > 0
    expected = np.full(history.accounts.len(), np.nan)
    if model is None or not old_enough.any():
        return expected
    ages, place = np.unique(np.floor(history.age[old_enough] * history.window), return_inverse=True)
    alive = model.conditional(ages[:, None] / history.window, months / history.window)
    expected[old_enough] = (alive @ discount)[place]
    return expected


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
