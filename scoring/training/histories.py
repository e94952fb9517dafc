"""What each ledger says about its accounts, in one form: what they paid, and what is expected of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from scoring.plan import MoneySection, Plan
from scoring.training import purchases, survival
from scoring.training.ledger_rows import Ints, Invoices, Subscriptions
from scoring.training.months import EVER, NEVER, Days, Floats, add_months, boundaries, on_month_scale

_DAYS_PER_MONTH = 365.25 / 12  # purchases come at random in time, so their months are all of one length


@dataclass(frozen=True, eq=False, slots=True)
class History:
    """Arrays of shape (n_accounts,), but for `values`: (n_accounts, n), of which `n_values` are known."""

    ledger: str
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
    expected: Floats  # present value of the revenue of the horizon's months; NaN if younger than a window

    @property
    def kept_on(self) -> Floats:
        """The last known value of each account."""
        last = np.maximum(self.n_values - 1, 0)[:, None]
        return np.take_along_axis(self.values, last, axis=1)[:, 0]


def subscription_history(frame: pl.DataFrame, as_of: np.datetime64, plan: Plan) -> History:
    """Follow `Book.subscriptions`: values are the MRR on the days on which windows start."""
    window = plan.book.window_months
    rows = Subscriptions.of(frame.filter(pl.col("start") <= as_of.item()))
    paid = (rows.mrr > 0) & (rows.end > rows.start)
    first = rows.earliest(np.where(paid, rows.start, NEVER))
    days = boundaries(first, as_of, window)
    values = np.stack([rows.mrr_on(column) for column in days.T], axis=1)
    n_values = (~np.isnat(days)).sum(axis=1)
    monthly_now = rows.mrr_on(np.full(rows.n, as_of))
    age = np.where(n_values > 1, on_month_scale(np.array([as_of])) - on_month_scale(first), np.nan)
    still_worth = _expected_months(_fit_survival(values, n_values), age, window, plan.money)
    return History(
        ledger="subscriptions",
        accounts=rows.accounts,
        first=first,
        last=rows.latest(np.where(paid, np.minimum(rows.end, as_of), NEVER)),
        n_windows=np.maximum(n_values - 1, 0),
        values=values,
        n_values=n_values,
        monthly_new=rows.mrr_on(first),
        monthly_now=monthly_now,
        revenue=rows.revenue(EVER, as_of),
        recent=rows.revenue(add_months(np.array([as_of]), -window)[0], as_of),
        expected=monthly_now * still_worth,
    )


def invoice_history(frame: pl.DataFrame, as_of: np.datetime64, plan: Plan) -> History:
    """Follow `Book.invoices`: values are the net revenue of windows."""
    window = plan.book.window_months
    rows = Invoices.of(frame.filter(pl.col("date") <= as_of.item()))
    first = rows.earliest(np.where(rows.bought, rows.day, NEVER))
    days = boundaries(first, as_of, window)
    n_windows = np.maximum((~np.isnat(days)).sum(axis=1) - 1, 0)
    columns = [rows.revenue(days[:, at], days[:, at + 1]) for at in range(days.shape[1] - 1)]
    values = np.stack(columns, axis=1) if columns else np.zeros((rows.n, 1))
    since = add_months(np.array([as_of]), -window)[0] + 1
    recent = rows.revenue(np.full(rows.n, since), np.full(rows.n, as_of + 1))
    return History(
        ledger="invoices",
        accounts=rows.accounts,
        first=first,
        last=rows.latest(np.where(rows.bought, rows.day, NEVER)),
        n_windows=n_windows,
        values=values,
        n_values=n_windows,
        monthly_new=np.where(n_windows > 0, values[:, 0] / window, np.nan),
        monthly_now=np.maximum(recent, 0.0) / window,
        revenue=rows.sum(rows.amount),
        recent=recent,
        expected=np.where(n_windows > 0, _expected_revenue(rows, first, as_of, plan.money), np.nan),
    )


def _fit_survival(values: Floats, n_values: Ints) -> survival.ShiftedBetaGeometric | None:
    """Fit survival to when accounts first paid nothing; None where none has been seen for a period."""
    n_periods = values.shape[1] - 1
    watched = (n_values > 1) & (values[:, 0] > 0)
    gone = (values[:, 1:] <= 0) & (np.arange(1, n_periods + 1) < n_values[:, None])
    left = watched & gone.any(axis=1)
    if not watched.any():
        return None
    lost = np.bincount(gone[left].argmax(axis=1), minlength=n_periods)
    stayed = np.bincount(n_values[watched & ~left] - 2, minlength=n_periods)
    return survival.fit(lost, stayed)


def _expected_months(
    model: survival.ShiftedBetaGeometric | None, age: Floats, window: int, money: MoneySection
) -> Floats:
    """Return how many months at its present price each account is worth yet, discounted.

    Ages count in whole months, so that accounts of one age share the sum; NaN in, NaN out.
    """
    months, discount = _horizon(money)
    old_enough = ~np.isnan(age)
    expected = np.full(age.size, np.nan)
    if model is None or not old_enough.any():
        return expected
    ages, place = np.unique(np.floor(age[old_enough]), return_inverse=True)
    alive = model.conditional(ages[:, None] / window, months / window)
    expected[old_enough] = (alive @ discount)[place]
    return expected


def _expected_revenue(rows: Invoices, first: Days, as_of: np.datetime64, money: MoneySection) -> Floats:
    """Return the present value of what each account will buy: NaN where it never bought.

    Purchases are expected by BG/NBD, at what the account is expected to spend on each, returns taken off.
    """
    buyers = ~np.isnat(first)
    expected = np.full(rows.n, np.nan)
    if not buyers.any():
        return expected
    last = rows.latest(np.where(rows.bought, rows.day, NEVER))
    n = rows.sum(rows.bought.astype(np.float64))[buyers]
    spent = rows.sum(np.where(rows.bought, rows.amount, 0.0))[buyers]
    mean = np.zeros(rows.n)
    mean[buyers] = spent / n
    apart = np.where(rows.bought, rows.amount - mean[rows.owner], 0.0)
    spend = purchases.shrunken_spend(rows.sum(rows.amount)[buyers], n, rows.sum(apart**2)[buyers])
    them = n - 1, _months_between(first, last)[buyers], _months_between(first, as_of)[buyers]
    months, discount = _horizon(money)
    expected[buyers] = spend * purchases.fit(*them).discounted(months, discount, them)
    return expected


def _months_between(since: Days, until: Days | np.datetime64) -> Floats:
    return (until - since).astype("m8[D]").astype(np.float64) / _DAYS_PER_MONTH


def _horizon(money: MoneySection) -> tuple[Floats, Floats]:
    """Return the months that count towards CLV, and what money of each is worth now."""
    months = np.arange(1.0, money.horizon_months + 1)
    return months, (1 + money.discount_rate) ** (-months / 12)
