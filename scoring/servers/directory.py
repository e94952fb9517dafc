"""The servers of the signal store as they are known now, looked up again when something fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress

from scoring.errors import StoreUnavailableError
from scoring.servers.address import Address, Kind, Node
from scoring.servers.background import cancelled, in_background
from scoring.servers.cluster import ClusterLocator
from scoring.servers.connections import Connections
from scoring.servers.deadline import Deadline
from scoring.servers.layout import Layout, Locator
from scoring.servers.sentinel import SentinelLocator
from scoring.servers.shard import Shard

LOOK_EVERY = 0.2  # seconds between looks, however much fails
LOOK_SECONDS = 1.0  # for one look; a few servers may be gone
RETIRED_FOR = (
    5.0  # seconds that a server keeps its connections after it lost its keys: requests are under way
)
_log = logging.getLogger(__name__)


class Directory:
    """Knows the layout, and a `Shard` for each server of it.

    Args:
        address: where to begin.
        budget: seconds that a read has.
    """

    def __init__(self, address: Address, *, budget: float) -> None:
        self._address = address
        self._budget = budget
        self._connections = Connections(address)
        self._locator = _locator(address, self._connections)
        self._layout = None if self._locator else Layout(address.nodes)
        self._shards: dict[Node, Shard] = {}
        self._retiring: dict[Shard, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._looked_at: float | None = None
        self._reported = False

    async def layout(self, until: float, *, patient: bool) -> Layout | None:
        """Return the layout; None while it is unknown.

        The first look of all is waited for, until the deadline. When that fails, later ones go on in the
        background, and only the patient wait for them.
        """
        first = self._looked_at is None
        if self._is_due():
            self.look_again()
        if self._layout is None and self._looking and (first or patient):
            await self.looked(until)
        return self._layout

    def _is_due(self) -> bool:
        if self._locator is None:
            return False
        if self._layout is None or self._looked_at is None:
            return True
        return asyncio.get_running_loop().time() - self._looked_at > self._locator.fresh_for

    def look_again(self) -> None:
        """Have the layout looked up in the background, unless that is under way."""
        if self._locator and (self._looking is None or self._looking.done()):
            self._looking = in_background(self._look(self._locator))

    async def looked(self, until: float) -> None:
        """Have the layout looked up, and wait for it until the deadline."""
        self.look_again()
        if self._looking:
            with suppress(TimeoutError):
                async with Deadline(until):
                    await asyncio.shield(self._looking)

    async def _look(self, locator: Locator) -> None:
        loop = asyncio.get_running_loop()
        if self._looked_at is not None:
            await asyncio.sleep(self._looked_at + LOOK_EVERY - loop.time())
        try:
            async with Deadline(loop.time() + LOOK_SECONDS):
                layout = await locator.locate(self._layout.masters if self._layout else ())
        except (StoreUnavailableError, TimeoutError) as error:
            if not self._reported:
                _log.warning(
                    "signal store: %s cannot be found (%s: %s)", self._address, type(error).__name__, error
                )
            self._reported = True
        else:
            self._reported = False
            self._take(layout)
        finally:
            self._looked_at = loop.time()

    def _take(self, layout: Layout) -> None:
        if self._layout and self._layout.masters != layout.masters:
            _log.info("signal store: its masters are now %s", ", ".join(map(str, layout.masters)))
        self._layout = layout
        for node in set(self._shards) - set(layout.masters):
            shard = self._shards.pop(node)
            self._retiring[shard] = in_background(self._retire(shard))

    def moved(self, slot: int, node: Node) -> None:
        """Take a server's word that another has a slot now."""
        if self._layout:
            self._layout = self._layout.moved(slot, node)
            self.look_again()

    def shard(self, node: Node) -> Shard:
        """Return the connections to a server."""
        shard = self._shards.get(node)
        if shard is None:
            shard = self._shards[node] = Shard(
                node, self._connections, budget=self._budget, on_failure=self.look_again
            )
        return shard

    @property
    def shards(self) -> Collection[Shard]:
        """Those that were asked for anything yet."""
        return self._shards.values()

    async def _retire(self, shard: Shard) -> None:
        await shard.stop_probing()
        await asyncio.sleep(RETIRED_FOR)
        await shard.close()
        del self._retiring[shard]

    async def close(self) -> None:
        """Give back every connection."""
        await cancelled(self._looking, *self._retiring.values())
        for shard in (*self._shards.values(), *self._retiring):
            await shard.close()
        if self._locator:
            await self._locator.close()


def _locator(address: Address, connections: Connections) -> Locator | None:
    if address.kind is Kind.SENTINEL:
        return SentinelLocator(address, connections)
    return ClusterLocator(address, connections) if address.kind is Kind.CLUSTER else None
