"""Adding records to logs, exactly once each, and compacting the logs that grow long by it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, count

import numpy as np

from scoring.servers.servers import Call, Servers
from scoring.signals.bounds import Bounds, counting, in_order
from scoring.signals.record import LEVEL, SIZE, Records, decode
from scoring.store.scripts import APPEND, COMPACT

RECORDS_PER_SCRIPT = 500  # a script holds up every other caller; so many take some milliseconds
SLACK = 1.25  # a log is compacted when it holds so many times what counts at most
COMPACTIONS = 5  # tries, where others write to the log meanwhile
_log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of a signal."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    DROPPED = "dropped"  # older than the horizon, or than all that counts of a full log


_WORST_FIRST = (Outcome.DROPPED, Outcome.DUPLICATE, Outcome.ACCEPTED)
_DROPPED, _DUPLICATE, _ACCEPTED = range(3)  # ranks: in several logs, the best counts


@dataclass(frozen=True, slots=True)
class _Share:
    """What one run of the script gets: some logs, and which records each is to have, no id twice in one."""

    keys: list[str]
    rows: list[list[int]]


class Writes:
    """Writes to the logs.

    Args:
        servers: where they are.
        bounds: how much of an account counts.
        horizon: seconds after which a signal does not count.
    """

    def __init__(self, servers: Servers, bounds: Bounds, horizon: int) -> None:
        self._servers = servers
        self._bounds = bounds
        self._horizon = horizon
        self._longest = int(SIZE * SLACK * (bounds.events + bounds.gauges * bounds.history))

    async def append(self, keys: Sequence[Sequence[str]], records: Records, *, now: float) -> list[Outcome]:
        """Add each record to its logs.

        Args:
            keys: of each record, the logs it goes to.
            records: shape (n,).
            now: unix seconds.

        Returns:
            What became of each record; in several logs, the best of it.

        Raises:
            StoreUnavailableError: not all of them were stored.
        """
        rows_of: dict[str, list[int]] = {}
        for row, logs in enumerate(keys):
            for key in logs:
                rows_of.setdefault(key, []).append(row)
        ranks = [_DROPPED] * len(records)
        repeats = len(np.unique(records["id"])) < len(records)
        if repeats:
            _leave_out_repeats(rows_of, records, ranks)
        too_many = any(len(rows) > self._bounds.events for rows in rows_of.values())
        if too_many:
            self._leave_out_what_cannot_count(rows_of, records)
        shares = list(self._shares(rows_of))
        replies = await self._servers.run(APPEND, [self._call(share, records, now) for share in shares])
        if not (repeats or too_many) and not any(
            chain.from_iterable(replies)
        ):  # all new, no log long: the usual case
            return [Outcome.ACCEPTED] * len(records)
        for share, (known, long) in zip(shares, replies, strict=True):
            repeated = frozenset(known)
            kept = {place - 1: await self._compacted(share.keys[place - 1], now) for place in long}
            numbers = count(1)
            for place, rows in enumerate(share.rows):
                for row in rows:
                    gone = place in kept and records[row].tobytes() not in kept[place]
                    rank = _DUPLICATE if next(numbers) in repeated else _DROPPED if gone else _ACCEPTED
                    ranks[row] = max(ranks[row], rank)
        return [_WORST_FIRST[rank] for rank in ranks]

    def _leave_out_what_cannot_count(self, rows_of: Mapping[str, list[int]], records: Records) -> None:
        """Of more events for one log than count of any, leave the latest: whatever it holds, no other can."""
        for rows in rows_of.values():
            if len(rows) > self._bounds.events:
                events = [row for row in rows if not records["flags"][row] & LEVEL]
                ordered = sorted(events, key=lambda row: (records["at"][row], records["id"][row]))
                gone = frozenset(ordered[: -self._bounds.events])
                rows[:] = [row for row in rows if row not in gone]

    def _shares(self, rows_of: Mapping[str, list[int]]) -> Iterator[_Share]:
        """Share the records out over calls of bounded size, each of logs that one script may name."""
        logs = list(rows_of)
        for group in self._servers.groups(logs):
            share, size = _Share([], []), 0
            for key in (logs[place] for place in group):
                rows = rows_of[key]
                for start in range(0, len(rows), RECORDS_PER_SCRIPT):
                    part = rows[start : start + RECORDS_PER_SCRIPT]
                    if size and size + len(part) > RECORDS_PER_SCRIPT:
                        yield share
                        share, size = _Share([], []), 0
                    share.keys.append(key)
                    share.rows.append(part)
                    size += len(part)
            yield share

    def _call(self, share: _Share, records: Records, now: float) -> Call:
        new = records[list(chain.from_iterable(share.rows))].tobytes()
        limits = (self._horizon, self._longest, int(now) - self._horizon)
        return Call(tuple(share.keys), (new, *limits, *map(len, share.rows)))

    async def _compacted(self, key: str, now: float) -> frozenset[bytes]:
        """Leave in a log what counts, and return its records.

        It is put in place only where the log still begins with what was read: what others add meanwhile
        stays. A process that ends on the way leaves the log as it was, for the next writer.
        """
        for _ in range(COMPACTIONS):
            log: bytes = await self._servers.ask(key, "GET", key) or b""
            records = _settled(decode(log), replace(self._bounds, earliest=now - self._horizon))
            sha = hashlib.sha1(log, usedforsecurity=False).hexdigest()
            (done,) = await self._servers.run(COMPACT, [Call((key,), (len(log), sha, records.tobytes()))])
            if done:
                break
        else:
            _log.info("signal store: a log is written to too often to be compacted now; the next write will")
        return frozenset(record.tobytes() for record in records)


def _leave_out_repeats(rows_of: Mapping[str, list[int]], records: Records, ranks: list[int]) -> None:
    """Of the records of one id that go to one log, leave the latest; the others are duplicates."""
    ids, at = records["id"].tolist(), records["at"].tolist()
    rest = records.view("<u8").reshape(-1, 3)[:, 1:].tolist()
    for rows in rows_of.values():
        latest: dict[int, int] = {}
        for row in rows:
            other = latest.setdefault(ids[row], row)
            if (at[row], rest[row]) > (at[other], rest[other]):
                latest[ids[row]] = row
        for row in set(rows).difference(latest.values()):
            ranks[row] = _DUPLICATE
        rows[:] = latest.values()


def _settled(records: Records, bounds: Bounds) -> Records:
    owner = np.zeros(len(records), dtype=np.intp)
    owner, records = in_order(owner, records)
    return records[counting(owner, records, bounds, several_logs=False)]
