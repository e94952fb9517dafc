"""Taking signals out of the store: an account's, or one person's in the logs of an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from scoring.servers.servers import Call, Servers
from scoring.store.families import Families
from scoring.store.family_reads import name_of
from scoring.store.known_names import KnownNames
from scoring.store.last_good import LastGood
from scoring.store.links import Links
from scoring.store.remembered import RememberedScores
from scoring.store.scripts import ERASE
from scoring.store.stored_keys import beside

_EVERYBODY = b""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased.

    Attributes:
        records: how many; a signal sent with an id and a domain is one in each of two logs.
        logs: how many logs had such records.
    """

    records: int
    logs: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of accounts beside their signals, and goes with them.

    Attributes:
        last_good: of this process. Others have caches of their own, which may give what was erased while the
            store does not answer, until it is too old for them.
        scored: what accounts were scored with.
        families: who belongs to whom.
    """

    last_good: LastGood
    scored: RememberedScores
    families: Families


class Erasure:
    """Erases from the logs, and from what is kept beside them.

    Args:
        servers: where they are.
        links: which logs belong together; a log that shares signals with an erased one goes as well.
        names: through which other processes learn that links are gone.
        kept: what goes with an account.
    """

    def __init__(self, servers: Servers, links: Links, names: KnownNames, kept: Kept) -> None:
        self._servers = servers
        self._links = links
        self._names = names
        self._kept = kept

    async def of_accounts(self, logs: Sequence[str]) -> Erased:
        """Erase logs, those that share signals with them, and all that is kept beside.

        Links go last: should this fail on the way, the same call finds the rest.

        Raises:
            StoreUnavailableError: not everything was erased; erase again.
        """
        await (
            self._names.note_erasure()
        )  # others note links anew from here on, also where this fails on the way
        linked = await self._links.with_linked(logs)
        erased = await self._records(linked, _EVERYBODY)
        await self._kept.scored.erase(linked)
        await self._kept.families.forget(tuple(map(name_of, linked)))
        await self._servers.delete([*chain.from_iterable(map(beside, linked))])
        await self._links.remove(logs)
        await self._names.note_erasure()
        return erased

    async def of_person(self, logs: Sequence[str], person: int) -> Erased:
        """Erase one person's records from logs and those linked with them.

        Args:
            logs: their keys.
            person: as `record.person_hashes` gives it.

        Raises:
            StoreUnavailableError: not everything was erased; erase again.
        """
        return await self._records(await self._links.with_linked(logs), person.to_bytes(4, "little"))

    async def _records(self, logs: Sequence[str], person: bytes) -> Erased:
        try:
            counts = await self._servers.run(ERASE, [Call((key,), (person,)) for key in logs])
        finally:
            self._kept.last_good.forget(logs)
        return Erased(sum(counts), sum(map(bool, counts)))
