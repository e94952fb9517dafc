"""What each account adds to the sums that figures of groups are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.plan import Plan
from scoring.training.book import Book
from scoring.training.company import resolve_as_of
from scoring.training.deals import new_deals
from scoring.training.ledger_rows import Ints
from scoring.training.months import Floats

Masks = NDArray[np.bool_]

# Figures that are one sum over accounts divided by another. An account that adds to neither does not count
# towards a figure's n.
RATIOS: Mapping[str, tuple[str, str]] = {
    "nrr": ("end", "start"),
    "grr": ("kept", "start"),
    "logo_retention": ("renewed_windows", "paid_windows"),
    "expansion_rate": ("grown", "start"),
    "clv": ("clv", "clv_known"),
    "payback": ("cac_to_pay_back", "new_margin"),
    "ltv_cac": ("clv_with_cac", "cac_with_clv"),
    "win_rate": ("won", "closed"),
    "acv": ("amount", "priced"),
}
_DEAL_COLUMNS = ("open", "won", "closed", "priced", "amount", "cycle_sum")


@dataclass(frozen=True, eq=False, slots=True)
class AccountSums:
    """A row per account that has a ledger or a new deal, customers and others.

    Rows stand in the order of what they hold, not of their ids: what accounts are called changes no bit of a
    sum or a resample.
    """

    ids: pl.Series
    customers: Masks  # which have a row of metrics
    columns: Mapping[str, Floats]  # each (n_accounts,), 0 where an account adds nothing
    deal_owner: Ints  # of each won deal with both dates: the place of its account
    deal_days: Floats

    @classmethod
    def of(cls, book: Book, plan: Plan, metrics: pl.DataFrame) -> AccountSums:
        """Take over metrics, as of `account_metrics`, and the new deals of a book."""
        frame = _of_metrics(metrics, plan.book.window_months)
        owner, days, place = np.empty(0, np.int64), np.empty(0), "deal_row"
        if book.opportunities is not None:
            deals = new_deals(book.opportunities, resolve_as_of(book, plan))
            owner, days = deals.owner, deals.days
            frame = frame.join(deals.sums.with_row_index(place), on="account_id", how="full", coalesce=True)
        else:
            empty = (pl.lit(0.0).alias(name) for name in _DEAL_COLUMNS)
            frame = frame.with_columns(*empty, pl.lit(None, pl.UInt32).alias(place))
        names = [name for name in frame.columns if name not in ("account_id", "customer", place)]
        frame = frame.with_columns(pl.col("customer").fill_null(value=False), pl.col(names).fill_null(0.0))
        frame = frame.sort(*names, "customer", "account_id")
        moved = frame[place].drop_nulls().to_numpy()
        places = np.empty(moved.size, np.int64)
        places[moved] = np.flatnonzero(frame[place].is_not_null().to_numpy())
        return cls(
            ids=frame["account_id"],
            customers=frame["customer"].to_numpy(),
            columns={name: frame[name].to_numpy() for name in names},
            deal_owner=places[owner],
            deal_days=days,
        )

    def holds(self, members: pl.Series) -> Masks:
        """Tell which accounts are among these ids."""
        return self.ids.is_in(members.implode()).to_numpy()


def _of_metrics(metrics: pl.DataFrame, window: int) -> pl.DataFrame:
    """Return the sums of customers: account_id, customer, and the columns of `RATIOS` that money makes.

    An MRR counts for each month of a window, so that subscriptions and invoices add up to revenue.
    """
    months = pl.when(pl.col("ledger") == "subscriptions").then(float(window)).otherwise(1.0)
    start, end, kept = (pl.col(name) * months for name in ("start_value", "end_value", "kept_value"))
    paid = pl.col("cac").is_not_null() & pl.col("new_margin").is_not_null()
    costed = pl.col("cac").is_not_null() & pl.col("clv").is_not_null()
    return metrics.select(
        "account_id",
        pl.lit(value=True).alias("customer"),
        start.alias("start"),
        end.alias("end"),
        kept.alias("kept"),
        (end - kept).alias("grown"),
        "paid_windows",
        "renewed_windows",
        "clv",
        pl.col("clv").is_not_null().cast(pl.Float64).alias("clv_known"),
        pl.when(paid).then("cac").alias("cac_to_pay_back"),
        pl.when(paid).then("new_margin").alias("new_margin"),
        pl.when(costed).then("clv").alias("clv_with_cac"),
        pl.when(costed).then("cac").alias("cac_with_clv"),
    )
