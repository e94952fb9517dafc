"""Which logs hold signals of one account: sent with an id and a domain, a signal stands in the logs of both.

Erasing an account must reach every log of it, whichever of its names the caller knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scoring.servers.servers import Call, Servers
from scoring.store.scripts import LINK
from scoring.store.stored_keys import link_key

NOTED = 100_000  # links that a process remembers to have noted
NOTED_FOR = 86_400.0  # seconds; then they are noted again, so that they outlive the logs
LOGS_PER_WAVE = 1_000  # whose links are asked for together


class Links:
    """The links between logs, kept in the store.

    Args:
        servers: where they are.
        seconds: how long a link lives after a signal last said so.
    """

    def __init__(self, servers: Servers, *, seconds: int) -> None:
        self._servers = servers
        self._seconds = seconds
        self._noted: dict[tuple[str, ...], float] = {}
        self._erasures: object = None

    async def add(self, accounts: Iterable[Sequence[str]], *, now: float, erasures: object = None) -> None:
        """Note that the logs of each account belong together.

        Args:
            accounts: of each the keys of its logs.
            now: unix seconds.
            erasures: how often accounts were erased so far. When it changes, what this process has noted may
                be gone, and is noted again.

        Raises:
            StoreUnavailableError: not all of them were noted.
        """
        if erasures != self._erasures:
            self._noted, self._erasures = {}, erasures
        together = dict.fromkeys(tuple(keys) for keys in accounts if len(keys) > 1)
        new = [keys for keys in together if now - self._noted.get(keys, 0.0) >= NOTED_FOR]
        if not new:
            return
        pairs = dict.fromkeys((one, other) for keys in new for one in keys for other in keys if other != one)
        await self._servers.run(
            LINK, [Call((link_key(one),), (self._seconds, other)) for one, other in pairs]
        )
        if len(self._noted) + len(new) > NOTED:
            self._noted.clear()
        self._noted.update(dict.fromkeys(new, now))

    async def of(self, keys: Sequence[str]) -> list[list[str]]:
        """Return the logs that each of these is linked with, in one round trip per server.

        Raises:
            StoreUnavailableError: the store cannot be asked.
        """
        commands = [(key, ("SMEMBERS", key)) for key in map(link_key, keys)]
        replies = await self._servers.ask_all(commands) if commands else []
        return [sorted(other.decode() for other in linked) for linked in replies]

    async def with_linked(self, keys: Sequence[str]) -> list[str]:
        """Return these logs and those that share signals with one of them.

        No further: two ids of one domain each have a log of their own, and share no signal.

        Raises:
            StoreUnavailableError: the store cannot be asked.
        """
        found = dict.fromkeys(keys)
        for start in range(0, len(keys), LOGS_PER_WAVE):
            for linked in await self.of(keys[start : start + LOGS_PER_WAVE]):
                found.update(dict.fromkeys(linked))
        return list(found)

    async def remove(self, keys: Sequence[str]) -> None:
        """Part these logs from all others, which stay linked among themselves.

        Raises:
            StoreUnavailableError: not all of them were parted.
        """
        linked = await self.of(keys)
        await self._servers.ask_all(
            [
                (link_key(other), ("SREM", link_key(other), key))
                for key, others in zip(keys, linked, strict=True)
                for other in others
            ]
        )
        await self._servers.delete([link_key(key) for key in keys])
