"""The signals of all accounts: a log per account in a store that speaks the Redis protocol.

Writes add records to logs (`writes.py`); reads put them in order and drop what does not count (`bounds.py`).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from scoring.errors import StoreUnavailableError
from scoring.servers.servers import Servers
from scoring.servers.shard import AWAY, Away
from scoring.servers.shared_reads import SharedReads
from scoring.signals.bounds import Bounds
from scoring.signals.columns import SignalColumns
from scoring.signals.encode import encode, names_used
from scoring.signals.log import SignalBatch
from scoring.signals.record import person_hashes
from scoring.signals.rolled_up import Rollup
from scoring.store.erasure import Erased, Erasure, Kept
from scoring.store.families import Families
from scoring.store.family_reads import FamilyReads, gather, name_of
from scoring.store.known_names import KnownNames
from scoring.store.last_good import LastGood
from scoring.store.links import Links
from scoring.store.remembered import RememberedScores
from scoring.store.stored_keys import StoredKeys
from scoring.store.transfer import Parts, Transfer
from scoring.store.writes import Outcome, Writes

LARGE, PORTION = 1_000, 500  # logs; more than the one are read in portions of the other, each in the budget
LARGE_BYTES = 1_000_000  # of logs; more are put in order in a thread: others wait on the event loop
READ_BUDGET = 2.0  # seconds that looking into the store may take
_SECONDS_PER_DAY = 86_400
FAMILY_SIZE = 10  # a family counts with as many signals as so many accounts
_LONGEST_KEY = 64  # bytes, blake2b's limit
_log = logging.getLogger(__name__)


class SignalStore:
    """The signals of all accounts.

    Args:
        servers: where the logs are.
        person_key: 1 to 64 secret bytes that key the hashes of people and event ids. With another key,
            people known before count anew and so do resends.
        read_budget: seconds a read may take in all.
        last_good: what was read last, for when the servers do not answer.
        horizon_days: older signals do not count, and a log that nothing is added to for so long expires.
        bounds: how much of an account counts; its `earliest` comes from the horizon.
        remember_days: how long it is kept what accounts were scored with; 0 keeps nothing.

    Attributes:
        scored: what accounts were scored with.
        transfer: takes logs out as they are, and into another store.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        person_key: bytes,
        read_budget: float = 0.05,
        last_good: LastGood | None = None,
        horizon_days: int = 400,
        bounds: Bounds | None = None,
        remember_days: int = 90,
    ) -> None:
        if not 1 <= len(person_key) <= _LONGEST_KEY:
            raise ValueError(f"person_key must be 1 to {_LONGEST_KEY} bytes long")
        self._servers = servers
        self._shared = SharedReads(self._get, budget=read_budget)
        self._last_good = LastGood() if last_good is None else last_good
        self._person_key = person_key
        self._read_budget = read_budget
        self._stored = StoredKeys(person_key)
        self._horizon = horizon_days * _SECONDS_PER_DAY
        self._bounds = bounds or Bounds()
        self._names = KnownNames(servers, seconds=2 * self._horizon, person_key=person_key)
        self._links = Links(servers, seconds=self._horizon)
        self.families = Families(servers, self._stored, self._last_good, seconds=self._horizon)
        self._writes = Writes(servers, self._bounds, self._horizon)
        self.scored = RememberedScores(servers, self._stored, days=remember_days)
        parts = Parts(servers, self._names, self._links, self._writes, self._stored)
        self.transfer = Transfer(parts, self._horizon)
        kept = Kept(self._last_good, self.scored, self.families)
        self._erasure = Erasure(servers, self._links, self._names, kept)

    @property
    def horizon(self) -> int:
        """Seconds after which a signal does not count."""
        return self._horizon

    async def append(self, signals: SignalColumns, *, now: float) -> list[Outcome]:
        """Store signals, each event id once per account, in whatever order they come.

        A signal with two keys goes to both logs and is accepted if it is new to either. When this raises,
        some signals may have been stored; sending all of them again is safe.

        Args:
            signals: for any number of accounts.
            now: unix seconds, from which the horizon is counted.

        Returns:
            What became of each signal, in order.

        Raises:
            StoreUnavailableError: not everything was stored.
        """
        young = signals.at >= now - self._horizon
        if not young.any():
            return [Outcome.DROPPED] * len(signals)
        try:
            outcomes = await self._append(signals.where(young), now)
        except StoreUnavailableError as error:
            raise StoreUnavailableError(f"not all signals were stored, send them again: {error}") from error
        if young.all():
            return outcomes
        taken = iter(outcomes)
        return [next(taken) if kept else Outcome.DROPPED for kept in young]

    async def _append(self, signals: SignalColumns, now: float) -> list[Outcome]:
        records = encode(signals, await self._names.numbers(names_used(signals)), key=self._person_key)
        logs = [self._stored.all_of(keys) for keys in signals.keys]
        await self._links.add(logs, now=now, erasures=self._names.erasures)
        return await self._writes.append(logs, records, now=now)

    async def read(
        self,
        accounts: Sequence[tuple[str, ...]],
        *,
        rollups: Sequence[Rollup] = (),
        now: float | None = None,
        budget: float | None = None,
    ) -> SignalBatch:
        """Read the signals of n accounts in one round trip, or in portions, and of each account all its logs.

        Families take a round trip for each level. An account of one of which something could not be read has
        the rest, and `rolled_up` of the batch says so.

        A store that is down or slow is no error here: what was read of an account last then stands in, and
        an account of which nothing is known is unavailable.

        Args:
            accounts: the keys of each account.
            rollups: whose signals count at each account; their own where absent.
            now: unix seconds, from which the horizon is counted; the clock's where absent.
            budget: seconds this read may take, where it is not the usual number: in all, or of more than
                `LARGE` logs each portion of them.
        """
        allowed = self._read_budget if budget is None else budget
        until = asyncio.get_running_loop().time() + allowed
        stored = [self._stored.all_of(keys) for keys in accounts]
        bounds = replace(self._bounds, earliest=(time.time() if now is None else now) - self._horizon)
        if rollups.count(Rollup.NONE) < len(rollups):
            return await self._read_families(stored, rollups, bounds, until)
        keys = list(dict.fromkeys(chain.from_iterable(stored)))
        if not keys:
            return SignalBatch.empty(len(accounts))
        logs, ago = await self._logs(keys, allowed)
        if len(keys) > LARGE:
            until = asyncio.get_running_loop().time() + allowed
        oldest = np.array([max((ago[key] for key in account), default=0.0) for account in stored])
        read_ago = np.where(np.isinf(oldest), np.nan, oldest)
        return await self._batch(
            [[logs[key] for key in account] for account in stored], read_ago, bounds, until
        )

    async def _read_families(
        self, stored: Sequence[tuple[str, ...]], rollups: Sequence[Rollup], bounds: Bounds, until: float
    ) -> SignalBatch:
        async def logs_in_time(keys: Sequence[str]) -> tuple[dict[str, bytes], dict[str, float]]:
            return await self._logs(keys, until - asyncio.get_running_loop().time())

        reads = FamilyReads(logs_in_time)
        names = (tuple(map(name_of, keys)) for keys in stored)
        gathered = await gather(list(zip(names, rollups, strict=True)), reads)
        self.families.noted(gathered.families.values())
        read_ago = np.array([reads.ago(names) for names in gathered.names])
        batch = await self._batch([reads.logs(names) for names in gathered.names], read_ago, bounds, until)
        of_family = replace(bounds, events=FAMILY_SIZE * bounds.events, gauges=FAMILY_SIZE * bounds.gauges)
        united = batch.united(gathered.into, len(stored), of_family)
        return replace(united, rolled_up=gathered.rolled_up(batch.read_ago))

    async def _batch(
        self, logs: Sequence[Sequence[bytes]], read_ago: NDArray[np.float64], bounds: Bounds, until: float
    ) -> SignalBatch:
        large = sum(map(len, chain.from_iterable(logs))) > LARGE_BYTES
        put_together = partial(SignalBatch.from_logs, logs, read_ago, bounds)
        batch = await asyncio.to_thread(put_together) if large else put_together()
        if damaged := int((np.isnan(batch.read_ago) & ~np.isnan(read_ago)).sum()):
            _log.error("signal store: the logs of %d accounts are damaged: not written by Firebrand", damaged)
        return batch.with_names(await self._names.covering(batch.records, until=until))

    async def _get(self, keys: Sequence[bytes | str], budget: float) -> list[bytes | Away | None]:
        return await self._servers.get(keys, budget=budget)

    async def _logs(self, keys: Sequence[str], budget: float) -> tuple[dict[str, bytes], dict[str, float]]:
        """Return the logs, and how many seconds ago each was read; without end where nothing is known."""
        portion = PORTION if len(keys) > LARGE else LARGE
        values: list[bytes | Away | None] = []
        for start in range(0, len(keys), portion):
            part = keys[start : start + portion]
            values += await self._shared.get(part, budget=budget) if budget > 0 else [AWAY] * len(part)
        found = dict(zip(keys, values, strict=True))
        self._last_good.remember([*found], [*found.values()])
        logs: dict[str, bytes] = {}
        ago: dict[str, float] = {}
        for key, log in found.items():
            recalled = self._last_good.recall(key) if isinstance(log, Away) else (log, 0.0)
            logs[key], ago[key] = (b"", math.inf) if recalled is None else (recalled[0] or b"", recalled[1])
        return logs, ago

    async def erase(self, keys: Sequence[str], *, person: str = "") -> Erased:
        """Forget accounts, their logs, those linked with them and what is kept beside; or one person in them.

        All that was acknowledged before is gone afterwards. A signal that is sent meanwhile counts as sent
        before or after; erase again to be sure of it. A resend of what was erased is new. This process
        forgets what it read before. Other processes keep that for up to 15 minutes (`LastGood`), and use it
        only while the store does not answer.

        Args:
            keys: the accounts' keys. A log that shares signals with one of them is erased from as well.
            person: as senders name them, such as an e-mail address; everybody where empty. Of people who
                share a hash, 1 in 4 billion, all are erased.

        Raises:
            StoreUnavailableError: not everything was erased; erase again.
        """
        logs = self._stored.all_of(tuple(keys))
        if not person:
            return await self._erasure.of_accounts(logs)
        (hashed,) = person_hashes([person], key=self._person_key)
        return await self._erasure.of_person(logs, hashed)

    async def known(self, keys: Sequence[str], *, now: float) -> SignalBatch:
        """Read one account's signals as the store has them now, or not at all.

        Raises:
            StoreUnavailableError: the store does not answer.
        """
        batch = await self.read([tuple(keys)], now=now, budget=READ_BUDGET)
        if batch.read_ago[0] != 0:
            raise StoreUnavailableError("the signals could not be read; try again")
        return batch

    async def check_person_key(self) -> None:
        """See that the store was written with our key for people: with another, all of it would count anew.

        Raises:
            PersonKeyError: it was written with another.
            StoreUnavailableError: the store cannot be asked.
        """
        await self._names.check_person_key()

    async def ping(self) -> bool:
        """Tell whether the store answers within the read budget."""
        return await self._servers.ping()

    async def close(self) -> None:
        """Give back every connection. The store cannot be used after that."""
        await self.scored.close()
        await self.families.close()
        await self._names.close()
        await self._shared.close()
        await self._servers.close()
