"""The ledgers as arrays: an entry per row, `owner` being the place of its account in `accounts`.

Entries stand in one order whatever the order of the rows, so that sums over them give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.training.months import FOREVER, NEVER, Days, Floats, on_month_scale

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """The rows of a ledger, by account."""

    accounts: pl.Series  # sorted, each once
    owner: Ints

    @property
    def n(self) -> int:
        """How many accounts there are."""
        return self.accounts.len()

    def sum(self, amounts: Floats) -> Floats:
        """Add up amounts per account, in the order of the rows."""
        return np.asarray(np.bincount(self.owner, weights=amounts, minlength=self.n), dtype=np.float64)

    def earliest(self, days: Days) -> Days:
        """Return the earliest day per account; NaT where there is none."""
        found = np.full(self.n, FOREVER)
        np.minimum.at(found, self.owner, np.where(np.isnat(days), FOREVER, days))
        return np.where(found == FOREVER, NEVER, found)

    def latest(self, days: Days) -> Days:
        """Return the latest day per account; NaT where there is none."""
        found = np.full(self.n, NEVER)
        np.fmax.at(found, self.owner, days)
        return found


def owners(frame: pl.DataFrame) -> tuple[pl.Series, Ints]:
    """Return the accounts of a ledger, sorted and each once, and the place of each row's among them."""
    accounts = frame["account_id"].unique().sort()
    owner = frame["account_id"].cast(pl.Enum(accounts)).to_physical()
    return accounts, owner.to_numpy().astype(np.int64)


def _days(column: pl.Series) -> Days:
    return column.to_numpy().astype("M8[D]")


@dataclass(frozen=True, eq=False, slots=True)
class Subscriptions(Rows):
    """Periods at one price."""

    start: Days
    end: Days  # FOREVER while running
    mrr: Floats

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Subscriptions:
        """Take over `Book.subscriptions`."""
        frame = frame.sort("account_id", "start", "end", "mrr", nulls_last=True)
        end = _days(frame["end"])
        end = np.where(np.isnat(end), FOREVER, end)
        return cls(*owners(frame), _days(frame["start"]), end, frame["mrr"].to_numpy())

    def mrr_on(self, days: Days) -> Floats:
        """Return each account's MRR on its day of `days`, shape (n_accounts,)."""
        day = days[self.owner]
        return self.sum(self.mrr * ((self.start <= day) & (day < self.end)))

    def revenue(self, since: np.datetime64, until: np.datetime64) -> Floats:
        """Return what each account paid for between two days."""
        begin, finish = np.maximum(self.start, since), np.minimum(self.end, until)
        return self.sum(self.mrr * np.maximum(on_month_scale(finish) - on_month_scale(begin), 0.0))


@dataclass(frozen=True, eq=False, slots=True)
class Invoices(Rows):
    """Days on which an account was invoiced, with what all its invoices and returns of the day add up to.

    A day with more than 0 is a purchase, however many invoices it took; one cancelled on its day is none.
    """

    day: Days
    amount: Floats

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Invoices:
        """Take over `Book.invoices`."""
        frame = frame.sort("account_id", "date", "amount")
        accounts, owner = owners(frame)
        day, amount = _days(frame["date"]), frame["amount"].to_numpy()
        begins = np.ones(owner.size, dtype=np.bool_)
        begins[1:] = (owner[1:] != owner[:-1]) | (day[1:] != day[:-1])
        total = np.bincount(np.cumsum(begins) - 1, weights=amount).astype(np.float64)
        return cls(accounts, owner[begins], day[begins], total)

    @property
    def bought(self) -> NDArray[np.bool_]:
        """Which days are purchases."""
        return self.amount > 0

    def revenue(self, since: Days, until: Days) -> Floats:
        """Return each account's net revenue from its day of `since` until before its day of `until`."""
        within = (since[self.owner] <= self.day) & (self.day < until[self.owner])
        return self.sum(self.amount * within)
