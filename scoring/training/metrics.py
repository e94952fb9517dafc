"""What customers turned out to be worth: NRR, GRR, retention, CLV and payback, by account and in all.

Time runs in anniversary windows of `window_months` from each account's first paid day, so that accounts of
any age compare. An account too young for a figure is censored: null, never zero. Sums run in the order of
the ledger's rows, so one book gives the same bits every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.errors import BookError
from scoring.plan import Plan
from scoring.training.book import Book
from scoring.training.survival import ShiftedBetaGeometric, fit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Days = NDArray[np.datetime64]  # whole days; NaT is "never"

_NEVER = np.datetime64("NaT", "D")
_FOREVER = np.datetime64("9999-12-31", "D")
_EVER = np.datetime64("0001-01-01", "D")


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
    start, before = _add_months(day, -window)[0], _add_months(day, -2 * window)[0]
    if book.subscriptions is not None:
        rows = _Subscriptions.of(book.subscriptions)
        return rows.mrr_on(np.full(rows.n, start)), rows.mrr_on(np.full(rows.n, as_of))
    bought = _Invoices.of(cast("pl.DataFrame", book.invoices))
    days = [
        np.full(bought.n, edge + 1) for edge in (before, start, as_of)
    ]  # as_of itself belongs to the window
    return bought.revenue(days[0], days[1]), bought.revenue(days[1], days[2])


# Months


def _add_months(days: Days, months: int) -> Days:
    """Move days by whole months; the 31st becomes the last day of a shorter month."""
    first_of_month = days.astype("M8[M]")
    target = first_of_month + months
    last_day = (target + 1).astype("M8[D]") - target.astype("M8[D]") - 1
    return cast("Days", target.astype("M8[D]") + np.minimum(days - first_of_month.astype("M8[D]"), last_day))


def _on_month_scale(days: Days) -> Floats:
    """Place days where whole months are whole numbers; differences add up over adjacent spans."""
    month = days.astype("M8[M]")
    start = month.astype("M8[D]")
    share = (days - start) / ((month + 1).astype("M8[D]") - start)
    return np.where(np.isnat(days), np.nan, month.astype(np.float64) + share)


def _boundaries(first: Days, as_of: np.datetime64, window: int) -> Days:
    """Return the days on which windows start, shape (n_accounts, n); NaT once they lie after `as_of`."""
    columns = [first]
    while (columns[-1] <= as_of).any():
        columns.append(_add_months(first, window * len(columns)))
    days = np.stack(columns, axis=1)
    return np.where(days <= as_of, days, _NEVER)


# Ledgers as arrays: one entry per row, `owner` being the place of its account in `accounts`


@dataclass(frozen=True, eq=False, slots=True)
class _Rows:
    accounts: pl.Series  # sorted, each once
    owner: Ints

    @property
    def n(self) -> int:
        return self.accounts.len()

    def sum(self, amounts: Floats) -> Floats:
        """Add up amounts per account, in the order of the rows."""
        return np.asarray(np.bincount(self.owner, weights=amounts, minlength=self.n), dtype=np.float64)

    def earliest(self, days: Days) -> Days:
        """Return the earliest day per account; NaT where there is none."""
        found = np.full(self.n, _FOREVER)
        np.minimum.at(found, self.owner, np.where(np.isnat(days), _FOREVER, days))
        return np.where(found == _FOREVER, _NEVER, found)

    def latest(self, days: Days) -> Days:
        """Return the latest day per account; NaT where there is none."""
        found = np.full(self.n, _NEVER)
        np.fmax.at(found, self.owner, days)
        return found


def _owners(frame: pl.DataFrame) -> tuple[pl.Series, Ints]:
    accounts = frame["account_id"].unique().sort()
    owner = frame["account_id"].cast(pl.Enum(accounts)).to_physical()
    return accounts, owner.to_numpy().astype(np.int64)


def _days(column: pl.Series) -> Days:
    return column.to_numpy().astype("M8[D]")


@dataclass(frozen=True, eq=False, slots=True)
class _Subscriptions(_Rows):
    start: Days
    end: Days  # _FOREVER while running
    mrr: Floats

    @classmethod
    def of(cls, frame: pl.DataFrame) -> _Subscriptions:
        end = _days(frame["end"])
        end = np.where(np.isnat(end), _FOREVER, end)
        return cls(*_owners(frame), _days(frame["start"]), end, frame["mrr"].to_numpy())

    def mrr_on(self, days: Days) -> Floats:
        """Return each account's MRR on its day of `days`, shape (n_accounts,)."""
        day = days[self.owner]
        return self.sum(self.mrr * ((self.start <= day) & (day < self.end)))

    def revenue(self, since: np.datetime64, until: np.datetime64) -> Floats:
        """Return what each account paid for between two days."""
        begin, finish = np.maximum(self.start, since), np.minimum(self.end, until)
        return self.sum(self.mrr * np.maximum(_on_month_scale(finish) - _on_month_scale(begin), 0.0))


@dataclass(frozen=True, eq=False, slots=True)
class _Invoices(_Rows):
    day: Days
    amount: Floats

    @classmethod
    def of(cls, frame: pl.DataFrame) -> _Invoices:
        return cls(*_owners(frame), _days(frame["date"]), frame["amount"].to_numpy())

    def revenue(self, since: Days, until: Days) -> Floats:
        """Return each account's net revenue from its day of `since` until before its day of `until`."""
        within = (since[self.owner] <= self.day) & (self.day < until[self.owner])
        return self.sum(self.amount * within)


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
    rows = _Subscriptions.of(frame.filter(pl.col("start") <= as_of.item()))
    paid = (rows.mrr > 0) & (rows.end > rows.start)
    first = rows.earliest(np.where(paid, rows.start, _NEVER))
    days = _boundaries(first, as_of, window)
    n_values = (~np.isnat(days)).sum(axis=1)
    return _History(
        ledger="subscriptions",
        window=window,
        accounts=rows.accounts,
        first=first,
        last=rows.latest(np.where(paid, np.minimum(rows.end, as_of), _NEVER)),
        n_windows=np.maximum(n_values - 1, 0),
        values=np.stack([rows.mrr_on(column) for column in days.T], axis=1),
        n_values=n_values,
        monthly_new=rows.mrr_on(first),
        monthly_now=rows.mrr_on(np.full(rows.n, as_of)),
        revenue=rows.revenue(_EVER, as_of),
        recent=rows.revenue(_add_months(np.array([as_of]), -window)[0], as_of),
        age=(_on_month_scale(np.array([as_of])) - _on_month_scale(first)) / window,
    )


def _invoice_history(frame: pl.DataFrame, as_of: np.datetime64, window: int) -> _History:
    rows = _Invoices.of(frame.filter(pl.col("date") <= as_of.item()))
    first = rows.earliest(np.where(rows.amount > 0, rows.day, _NEVER))
    days = _boundaries(first, as_of, window)
    n_windows = np.maximum((~np.isnat(days)).sum(axis=1) - 1, 0)
    columns = [rows.revenue(days[:, at], days[:, at + 1]) for at in range(days.shape[1] - 1)]
    values = np.stack(columns, axis=1) if columns else np.zeros((rows.n, 1))
    tomorrow = as_of + 1
    since = _add_months(np.array([as_of]), -window)[0] + 1
    recent = rows.revenue(np.full(rows.n, since), np.full(rows.n, tomorrow))
    periods = (_on_month_scale(np.array([as_of])) - _on_month_scale(first)) / window
    return _History(
        ledger="invoices",
        window=window,
        accounts=rows.accounts,
        first=first,
        last=rows.latest(np.where(rows.amount > 0, rows.day, _NEVER)),
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
        "tenure_months": _on_month_scale(until) - _on_month_scale(history.first),
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
    rows = _Rows(*_owners(costed))
    per_account = pl.DataFrame(
        {"account_id": rows.accounts, "margin": 1 - _ratio(rows.sum(cost), rows.sum(amount))}
    )
    found = accounts.to_frame("account_id").join(
        per_account, on="account_id", how="left", maintain_order="left"
    )
    return found["margin"].fill_null(float("nan")).to_numpy(), 1 - float(cost.sum() / amount.sum())
