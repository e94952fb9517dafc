"""The logs of many accounts, read together into the arrays that a scorer works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from scoring.signals.bounds import Bounds, counting, in_order
from scoring.signals.names import Names
from scoring.signals.record import RECORD, SIZE, Records, decode
from scoring.signals.rolled_up import RolledUp


@dataclass(frozen=True, slots=True, eq=False)
class SignalBatch:
    """What is known about n accounts, read together.

    Attributes:
        owner: shape (m,), which of the accounts each record is of.
        records: shape (m,), dtype `RECORD`, sorted by (owner, at, id); nothing is in it twice.
        types: names by id, as in `records["type"]`; so `topics` and `channels`.
        read_ago: shape (n,), seconds since the logs were read: 0 is now, more is what was known when the
            store last answered, and NaN could not be read, which is not the same as no signals.
        rolled_up: by account, whose signals count at it beside its own; accounts without are on their own.
    """

    owner: NDArray[np.intp]
    records: Records
    types: tuple[str, ...]
    topics: tuple[str, ...]
    channels: tuple[str, ...]
    read_ago: NDArray[np.float64]
    rolled_up: Mapping[int, RolledUp] = field(default_factory=dict)

    @property
    def available(self) -> NDArray[np.bool_]:
        """Which accounts anything could be read of, shape (n,)."""
        return ~np.isnan(self.read_ago)

    @classmethod
    def empty(cls, n: int) -> SignalBatch:
        """Return the batch of n accounts that have done nothing.

        >>> SignalBatch.empty(2).available.tolist()
        [True, True]
        """
        return cls._without_records(np.zeros(n))

    @classmethod
    def unavailable(cls, n: int) -> SignalBatch:
        """Return the batch of n accounts of which nothing could be read.

        >>> SignalBatch.unavailable(2).available.tolist()
        [False, False]
        """
        return cls._without_records(np.full(n, np.nan))

    @classmethod
    def _without_records(cls, read_ago: NDArray[np.float64]) -> SignalBatch:
        names = Names()
        nothing = np.empty(0, dtype=RECORD)
        owner = np.empty(0, dtype=np.intp)
        return cls(owner, nothing, names.types, names.topics, names.channels, read_ago)

    @classmethod
    def from_logs(
        cls,
        logs: Sequence[Sequence[bytes]],
        read_ago: NDArray[np.float64] | None = None,
        bounds: Bounds | None = None,
    ) -> SignalBatch:
        """Unite the logs of each of n accounts, as kept in the store; `with_names` must follow.

        An account with a log that is not a whole number of records is unavailable.

        Args:
            logs: of each account all its logs.
            read_ago: (n,), seconds; where absent they were read just now.
            bounds: how much of each account counts; the usual bounds where absent.

        >>> SignalBatch.from_logs([[], [bytes(24)], [bytes(25)]]).available.tolist()
        [True, True, False]
        """
        ago = np.zeros(len(logs)) if read_ago is None else read_ago
        whole = [all(len(log) % SIZE == 0 for log in account) for account in logs]
        read = np.array(whole, dtype=np.bool_) & ~np.isnan(ago)
        joined = [
            b"".join(account) if good else b"" for account, good in zip(logs, read.tolist(), strict=True)
        ]
        owner = np.repeat(np.arange(len(logs), dtype=np.intp), [len(account) // SIZE for account in joined])
        owner, records = in_order(owner, decode(b"".join(joined)))
        several = any(sum(map(bool, account)) > 1 for account in logs)
        keep = counting(owner, records, bounds or Bounds(), several_logs=several)
        names = Names()
        ago = np.where(read, ago, np.nan)
        return cls(owner[keep], records[keep], names.types, names.topics, names.channels, ago)

    def with_names(self, names: Names) -> SignalBatch:
        """Return the batch with the names behind its numbers.

        An account of which some names could not be learnt is unavailable: its signals cannot be weighed.

        >>> SignalBatch.empty(1).with_names(Names(types=("", "(other)", "visit"))).types
        ('', '(other)', 'visit')
        """
        named = replace(self, types=names.types, topics=names.topics, channels=names.channels)
        unknown = names.unknown(self.records)
        if not unknown.any():
            return named
        read_ago = self.read_ago.copy()
        read_ago[self.owner[unknown]] = np.nan
        kept = ~np.isnan(read_ago)[self.owner]
        return replace(named, owner=self.owner[kept], records=self.records[kept], read_ago=read_ago)

    def united(self, into: NDArray[np.intp], n: int, bounds: Bounds) -> SignalBatch:
        """Return the batch of n accounts, each with the signals of some accounts of this one.

        Events of two accounts are two, whatever their ids; of a gauge the latest value counts. An account is
        as old as the oldest log that was read for it, and unavailable where none could be.

        Args:
            into: (accounts of this batch,), which of the n each goes to.
            n: accounts, each of which something goes to.
            bounds: how much of each of the n counts.

        >>> two = SignalBatch.from_logs([[bytes(24)], [bytes(24)]])
        >>> len(two.united(np.array([0, 0]), 1, Bounds()).records)
        2
        """
        owner, records = in_order(into[self.owner], self.records)
        keep = counting(owner, records, bounds, several_logs=False)
        read_ago = np.full(n, np.nan)
        np.fmax.at(read_ago, into, self.read_ago)
        return replace(self, owner=owner[keep], records=records[keep], read_ago=read_ago)
