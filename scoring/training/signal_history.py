"""What accounts did and which opportunities opened, as arrays; and what of it had happened by a moment.

Everything that is learnt from signals sees events through `seen`: only days before the moment count, since a
book knows days and no hours. Of very many accounts a sample is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.signals.log import SignalBatch
from scoring.signals.names import Names
from scoring.signals.record import KINDS, OTHER, RECORD, Records
from scoring.signals.signal import LARGEST_STRENGTH, signal_type
from scoring.training.book import Book

DAY = 86_400
MEMORY_DAYS = 730  # what is older is not looked at: under the longest half-life it has faded to nothing
MOST_DAYS = 1095  # of history that are learnt from
STRAY = 0.01  # share of the events, the earliest, that may be rows of long ago
MOST_ACCOUNTS = 50_000  # accounts that are looked at; of more, a sample
RENEWAL = r"(?i)renew"  # opportunities that the calendar opens, whatever anybody did
UNPLACED = "names no account of the book"
_AT_NOON = DAY // 2
_LAST_DAY = 49_000  # of what a record's seconds can say, counted from 1970
_STRIDE = 1 << 20  # more days than there are: account * _STRIDE + day sorts by account, then by day

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """Accounts, each asked about on a day: what happened on earlier days is known. Arrays are (moments,)."""

    account: Integers
    day: Integers  # counted from 1970

    def where(self, mask: Mask) -> Moments:
        """Return some of them."""
        return Moments(self.account[mask], self.day[mask])

    @property
    def as_of(self) -> Floats:
        """The moment itself, where the day begins, in unix seconds."""
        return np.asarray(self.day * float(DAY), np.float64)

    @property
    def keys(self) -> Integers:
        """Numbers that sort by account, then by day."""
        return _keys(self.account, self.day)


@dataclass(frozen=True, eq=False, slots=True)
class SignalHistory:
    """The events and the opportunities of a book, by account and day.

    Days are counted from 1970. Accounts are numbered from 0 in the order of their ids.
    """

    accounts: int
    owner: Integers  # (events,), sorted
    day: Integers  # (events,), sorted within an owner
    records: Records  # (events,), as the store keeps them
    names: Names
    created: Moments  # of the opportunities, renewals left out; sorted
    closed: Moments  # sorted by itself; open ones are not in it
    known_from: Integers  # (accounts,), the day of the first trace of each
    unplaced: int  # events that name no account of the book

    @property
    def days(self) -> range:
        """The days to learn from, to that of the last event: from the first on, but for stray ones.

        The first hundredth of the events does not count: one row of long ago would stand for years in which
        nothing was recorded. What is older than MOST_DAYS says how people bought then.
        """
        last = int(self.day.max())
        return range(max(int(np.quantile(self.day, STRAY)), last - MOST_DAYS), last + 1)

    def seen(self, moments: Moments) -> tuple[Integers, Integers]:
        """Return what was known at moments: pairs of a moment's and an event's place, sorted, (pairs,) each.

        An event of the moment's own day is not seen, and neither is one older than MEMORY_DAYS.
        """
        return seen(Moments(self.owner, self.day), moments)

    def batch(self, moments: Moments) -> SignalBatch:
        """Return the logs as they stood at moments, an owner for each: what `measure` is given."""
        row, event = self.seen(moments)
        names = self.names
        return SignalBatch(
            owner=row.astype(np.intp),
            records=self.records[event],
            types=names.types,
            topics=names.topics,
            channels=names.channels,
            read_ago=np.zeros(len(moments.day)),
        )

    def opened(self, moments: Moments, days: int) -> Mask:
        """Tell at which moments an opportunity opened in so many days, the moment's own day among them."""
        return self._opened_before(moments.account, moments.day + days) > self._opened_before(
            moments.account, moments.day
        )

    def in_question(self, moments: Moments) -> Mask:
        """Tell which moments can be asked about.

        The account had left a trace in the book by then (an event, an opportunity, a row of a ledger), and
        no opportunity was open: while one is, signals belong to it, and announce no new one.
        """
        running = self._opened_before(moments.account, moments.day) - _before(
            self.closed, moments.account, moments.day
        )
        return (self.known_from[moments.account] < moments.day) & (running <= 0)

    def _opened_before(self, account: Integers, day: Integers) -> Integers:
        return _before(self.created, account, day)


def seen(happened: Moments, moments: Moments) -> tuple[Integers, Integers]:
    """Return what had happened before moments, as `SignalHistory.seen` does.

    >>> happened = Moments(np.array([0, 0, 1]), np.array([10, 12, 11]))
    >>> row, event = seen(happened, Moments(np.array([0, 1]), np.array([12, 12])))
    >>> row.tolist(), event.tolist()
    ([0, 1], [0, 2])
    """
    first = np.searchsorted(happened.keys, _keys(moments.account, np.maximum(moments.day - MEMORY_DAYS, 0)))
    count = np.searchsorted(happened.keys, moments.keys) - first
    row = np.repeat(np.arange(len(count)), count)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, first[row] + offset


def _keys(account: Integers, day: Integers) -> Integers:
    return account * _STRIDE + day


def _before(moments: Moments, account: Integers, day: Integers) -> Integers:
    """Count the moments of each account that lie before a day."""
    keys = moments.keys
    return np.asarray(np.searchsorted(keys, _keys(account, day)) - np.searchsorted(keys, account * _STRIDE))


# From a book


def history_of(book: Book, as_of: date, *, seed: int = 0) -> SignalHistory | str:
    """Take over the events and opportunities of a book up to a day.

    Args:
        book: as it was read: its events are placed at accounts by id, domain or e-mail address, and those
            that name nobody stand in its rejects.
        as_of: the day it speaks of; what is later is left alone.
        seed: of the sample, where accounts are many.

    Returns:
        The history, or why there is none, as a sentence.
    """
    if book.events is None or book.opportunities is None:
        missing = "events" if book.events is None else "opportunities"
        return f"the book has no {missing}: what signals announce is learnt from events before opportunities"
    accounts = _accounts(book, seed)
    events = _up_to(book.events, "occurred_at", as_of, accounts).sort(
        "account", "day", "type", "topic", "channel", "person", "event_id", "strength", nulls_last=True
    )
    deals = _up_to(book.opportunities, "created", as_of, accounts)
    deals = deals.filter(~pl.col("type").fill_null("").str.contains(RENEWAL))
    if events.is_empty() or deals.is_empty():
        missing = "event" if events.is_empty() else "opportunity but renewals"
        return f"the book has no {missing} up to {as_of}"
    records, names = _records(events)
    return SignalHistory(
        accounts=len(accounts),
        owner=_integers(events["account"]),
        day=_integers(events["day"]),
        records=records,
        names=names,
        created=_moments(deals, "day"),
        closed=_moments(deals.filter(_closed_by(as_of)).with_columns(until=_closing()), "until"),
        known_from=_known_from(book, accounts, as_of),
        unplaced=book.rejects.filter((pl.col("table") == "events") & (pl.col("reason") == UNPLACED)).height,
    )


def _accounts(book: Book, seed: int) -> pl.Series:
    tables = [table["account_id"] for table in (book.accounts, book.prospects) if table is not None]
    ids = pl.concat(tables).unique().sort()
    if len(ids) > MOST_ACCOUNTS:
        drawn = np.random.default_rng(seed).choice(len(ids), MOST_ACCOUNTS, replace=False)
        ids = ids[np.sort(drawn)]
    return ids


def _up_to(frame: pl.DataFrame, when: str, as_of: date, accounts: pl.Series) -> pl.DataFrame:
    """Return the rows of these accounts up to a day, with the account's number and the day's."""
    numbers = pl.DataFrame({"account_id": accounts, "account": np.arange(len(accounts))})
    day = pl.col(when).cast(pl.Int32).cast(pl.Int64)
    within = (pl.col(when) <= as_of) & day.is_between(1, _LAST_DAY)
    return frame.filter(within).with_columns(day=day).join(numbers, on="account_id", maintain_order="left")


def _closing() -> pl.Expr:
    """Return when a deal closed; one that is decided and has no day of it counts as closed at once."""
    return pl.coalesce("closed", "created").cast(pl.Int32).cast(pl.Int64)


def _closed_by(as_of: date) -> pl.Expr:
    return (pl.col("outcome") != "open") & (pl.coalesce("closed", "created") <= as_of)


def _moments(frame: pl.DataFrame, day: str) -> Moments:
    ordered = frame.sort("account", day)
    return Moments(_integers(ordered["account"]), _integers(ordered[day]))


def _integers(column: pl.Series) -> Integers:
    return column.to_numpy().astype(np.int64)


def _known_from(book: Book, accounts: pl.Series, as_of: date) -> Integers:
    """Return the day of each account's first trace; a day that never comes where it has none."""
    traces = (
        (book.events, "occurred_at"),
        (book.opportunities, "created"),
        (book.subscriptions, "start"),
        (book.invoices, "date"),
    )
    found = np.full(len(accounts), _STRIDE - 1, np.int64)
    for frame, when in traces:
        if frame is not None:
            rows = _up_to(frame.select("account_id", when), when, as_of, accounts)
            np.minimum.at(found, _integers(rows["account"]), _integers(rows["day"]))
    return found


def _records(events: pl.DataFrame) -> tuple[Records, Names]:
    """Write events as the store would keep them, at noon of their day."""
    types, type_ids = _numbered(_spelt_types(events["type"]), "type")
    topics, topic_ids = _numbered(_label(events["topic"]), "topic")
    channels, channel_ids = _numbered(_label(events["channel"]), "channel")
    people = _label(events["person"])
    records = np.zeros(events.height, RECORD)
    records["id"] = np.arange(1, events.height + 1)
    records["at"] = _integers(events["day"]) * DAY + _AT_NOON
    records["person"] = np.where(people == "", 0, people.rank("dense").to_numpy())
    records["type"], records["topic"], records["channel"] = type_ids, topic_ids, channel_ids
    records["strength"] = events["strength"].fill_null(1.0).clip(0.0, LARGEST_STRENGTH).to_numpy()
    return records, Names(types, topics, channels)


def _spelt_types(column: pl.Series) -> pl.Series:
    written = column.unique().sort()
    return column.replace_strict(written, [signal_type(name) for name in written], return_dtype=pl.String)


def _label(column: pl.Series) -> pl.Series:
    return column.fill_null("").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


def _numbered(column: pl.Series, kind: str) -> tuple[tuple[str, ...], Integers]:
    """Give each name an id as the store does: 0 is no name, 1 any name after the ids have run out."""
    names: Sequence[str] = column.filter(column != "").unique().sort().to_list()
    kept = Names.from_ids({kind: {name: at + 2 for at, name in enumerate(names[: KINDS[kind] - 1])}})
    listed: tuple[str, ...] = getattr(kept, f"{kind}s")
    ids = {"": 0} | {name: at for at, name in enumerate(listed) if at > OTHER}
    return listed, column.replace_strict(ids, default=OTHER, return_dtype=pl.Int64).to_numpy()
