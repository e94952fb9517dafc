"""What the CRM's opportunities say: win rate, sales cycle, ACV and pipeline velocity.

Only deals that would win a customer count. Expansions and renewals are sold to customers already, and a lost
renewal is churn, which NRR has. A deal without a type counts as new: many CRMs keep only those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from scoring.training.ledger_rows import Ints, Rows, owners
from scoring.training.months import Floats

# In CRMs' own words: Salesforce has "Existing Customer - Upgrade", HubSpot "existingbusiness".
_NOT_NEW = r"renew|existing|expansion|upgrade|downgrade|upsell|up-sell|cross-sell|add-on|replacement"
_DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True, eq=False, slots=True)
class Deals:
    """New deals as known on a day; one that closes later is still open.

    `sums` has a row per account, sorted by account_id: how many deals are open, won, closed (won or lost) and
    priced (won, with an amount), the amount of the priced, and the cycle_sum of the timed in days. The arrays
    have an entry per won deal with both dates: the row of its account, and the days from creation to close.
    """

    sums: pl.DataFrame
    owner: Ints
    days: Floats


def new_deals(opportunities: pl.DataFrame, as_of: date) -> Deals:
    """Take over `Book.opportunities` up to a day."""
    frame = _new_by(opportunities, as_of)
    is_open = _open_on(as_of)
    is_won = ~is_open & (pl.col("outcome") == "won")
    days = (pl.col("closed") - pl.col("created")).dt.total_days().cast(pl.Float64)
    facts = frame.select(
        is_open.alias("open"),
        is_won.alias("won"),
        (~is_open).alias("closed"),
        (is_won & pl.col("amount").is_not_null()).alias("priced"),
        pl.when(is_won).then("amount").alias("amount"),
        pl.when(is_won).then(days).alias("cycle_sum"),
    )
    rows = Rows(*owners(frame))
    numbers = {name: facts[name].cast(pl.Float64) for name in facts.columns}
    sums = {name: rows.sum(column.fill_null(0.0).to_numpy()) for name, column in numbers.items()}
    timed = numbers["cycle_sum"].is_not_null().to_numpy()
    return Deals(
        sums=pl.DataFrame({"account_id": rows.accounts, **sums}),
        owner=rows.owner[timed],
        days=numbers["cycle_sum"].drop_nulls().to_numpy(),
    )


def decided_deals(opportunities: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the new deals that were won or lost up to a day: account_id and won, by account."""
    decided = _new_by(opportunities, as_of).filter(~_open_on(as_of))
    return decided.select("account_id", (pl.col("outcome") == "won").alias("won"))


def _new_by(opportunities: pl.DataFrame, as_of: date) -> pl.DataFrame:
    is_new = ~pl.col("type").fill_null("").str.to_lowercase().str.contains(_NOT_NEW)
    frame = opportunities.filter(is_new & (pl.col("created") <= as_of))
    return frame.sort("account_id", "created", "closed", "outcome", "amount", nulls_last=True)


def _open_on(as_of: date) -> pl.Expr:
    return (pl.col("outcome") == "open") | (pl.col("closed") > as_of).fill_null(value=False)


def velocity(open_deals: Floats, win_rate: Floats, acv: Floats, cycle_days: Floats) -> Floats:
    """Return the ACV that the pipeline brings a month; NaN where a term is.

    open deals * win rate * ACV / sales cycle in months: the sales velocity equation of sales operations.
    Deals leave a pipeline at the rate of its size over the time they spend in it (J. Little, "A proof for the
    queuing formula L = lambda W", Operations Research 9, 1961), won and lost ones taken to need the same.

    >>> velocity(np.array([30.0]), np.array([0.25]), np.array([40_000.0]), np.array([60.875])).tolist()
    [150000.0]
    """
    months = np.where(cycle_days > 0, cycle_days, np.nan) / _DAYS_PER_MONTH
    return open_deals * win_rate * acv / months
