"""Taking logs out of a store as they are, and putting them into another with the same key for people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from scoring.errors import PersonKeyError, StoreUnavailableError
from scoring.moments import say_second
from scoring.servers.servers import Servers
from scoring.servers.shard import Away
from scoring.signals.record import SIZE, decode
from scoring.signals.stored_signal import StoredSignal, names_stored, read_stored, to_records
from scoring.store.export_format import ExportHeader
from scoring.store.known_names import KnownNames
from scoring.store.links import Links
from scoring.store.stored_keys import LOG_PREFIX, StoredKeys
from scoring.store.writes import Outcome, Writes

READ_BUDGET = 10.0  # seconds that a read of some logs may take; nobody waits for it
LOGS_TOGETHER = 200  # read at once: 3 MB at most


@dataclass(frozen=True, slots=True)
class StoredLog:
    """One log.

    Attributes:
        name: its key without the prefix.
        linked: the names of the logs that hold signals of the same account.
        signals: its records, as they lie; None where something else wrote to it.
    """

    name: str
    linked: tuple[str, ...]
    signals: list[StoredSignal] | None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a transfer works with, all of one store."""

    servers: Servers
    names: KnownNames
    links: Links
    writes: Writes
    stored: StoredKeys


class Transfer:
    """Reads and writes logs with the hashes that they hold.

    Args:
        parts: of the store.
        horizon: seconds after which a signal does not count.
    """

    def __init__(self, parts: Parts, horizon: int) -> None:
        self._parts = parts
        self._horizon = horizon

    async def header(self, *, now: float) -> ExportHeader:
        """Return what an export begins with.

        Args:
            now: unix seconds.

        Raises:
            PersonKeyError: people were hashed with another key than ours.
            StoreUnavailableError: the store cannot be asked.
        """
        await self._parts.names.check_person_key()
        check = f"{self._parts.names.key_check:016x}"
        return ExportHeader(made_at=say_second(now), key_check=check, names=await self._parts.names.listed())

    async def logs(self, keys: Sequence[str] = ()) -> AsyncIterator[list[StoredLog]]:
        """Yield logs, some at a time: of all accounts, or those that erasing would reach.

        A log may come twice; one that is written to meanwhile comes as it was before or after.

        Args:
            keys: of accounts; all where there are none.

        Raises:
            StoreUnavailableError: not all could be read.
        """
        async for found in self._found(keys):
            for start in range(0, len(found), LOGS_TOGETHER):
                yield await self._read(found[start : start + LOGS_TOGETHER])

    async def _found(self, keys: Sequence[str]) -> AsyncIterator[list[str]]:
        if keys:
            yield await self._parts.links.with_linked(self._parts.stored.all_of(tuple(keys)))
            return
        async for found in self._parts.servers.scan(LOG_PREFIX + "*"):
            yield [key.decode() for key in found]

    async def _read(self, logs: Sequence[str]) -> list[StoredLog]:
        contents = await self._parts.servers.get(logs, budget=READ_BUDGET)
        linked = await self._parts.links.of(logs)
        found = []
        for key, content, others in zip(logs, contents, linked, strict=True):
            if isinstance(content, Away):
                raise StoreUnavailableError("not all signals could be read; try again")
            found.append(
                StoredLog(_name(key), tuple(map(_name, others)), await self._signals(content or b""))
            )
        return found

    async def _signals(self, content: bytes) -> list[StoredSignal] | None:
        if len(content) % SIZE:
            return None
        records = decode(content)
        until = asyncio.get_running_loop().time() + READ_BUDGET
        names = await self._parts.names.covering(records, until=until)
        if names.unknown(records).any():
            raise StoreUnavailableError("the names of signals could not be read; try again")
        return list(read_stored(records, names))

    async def begin(self, header: ExportHeader | None = None) -> None:
        """See that signals may be added, and give the names of an export their numbers in its order.

        Args:
            header: of the export; None for signals as senders have them.

        Raises:
            PersonKeyError: people were hashed with another key, in this store or in the export.
            StoreUnavailableError: the store cannot be asked.
        """
        names = self._parts.names
        await names.check_person_key()
        if header is None:
            return
        if int(header.key_check, 16) != names.key_check:
            message = "the export was made with another key for people, so that all of them would count anew"
            what = "set FIREBRAND_PERSON_KEY as it was there, for the service as well"
            raise PersonKeyError(f"{message}: {what} (a store of its own has it in person.key)")
        await names.give(header.names)

    async def restore(
        self, logs: Sequence[str], signals: Sequence[StoredSignal], *, now: float
    ) -> list[Outcome]:
        """Store n signals, each in one log, exactly once.

        Args:
            logs: (n,), the name of the log of each.
            signals: (n,).
            now: unix seconds, from which the horizon is counted.

        Returns:
            What became of each, in order.

        Raises:
            StoreUnavailableError: not everything was stored; doing it again is safe.
        """
        young = [place for place, one in enumerate(signals) if one.at >= now - self._horizon]
        kept = [signals[place] for place in young]
        outcomes = [Outcome.DROPPED] * len(signals)
        if not kept:
            return outcomes
        records = to_records(kept, await self._parts.names.numbers(names_stored(kept)))
        keys = [(LOG_PREFIX + logs[place],) for place in young]
        for place, outcome in zip(
            young, await self._parts.writes.append(keys, records, now=now), strict=True
        ):
            outcomes[place] = outcome
        return outcomes

    async def link(self, pairs: Sequence[tuple[str, str]], *, now: float) -> None:
        """Note that two logs hold signals of the same account, by their names.

        Raises:
            StoreUnavailableError: not all of it was noted; doing it again is safe.
        """
        keys = [(LOG_PREFIX + one, LOG_PREFIX + other) for one, other in pairs]
        await self._parts.links.add(keys, now=now, erasures=self._parts.names.erasures)


def _name(key: str) -> str:
    return key.removeprefix(LOG_PREFIX)
