"""The masters of a Cluster, and which slots each has."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import aclosing
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from scoring.errors import StoreUnavailableError
from scoring.servers.address import Address, Node
from scoring.servers.connections import Connections
from scoring.servers.inquiry import Inquiry
from scoring.servers.layout import Layout


class ClusterLocator:
    """Asks the servers of a Cluster; the first that answers is believed.

    What it says may be a moment old. A server that has lost a slot names the new one when it is asked for it,
    so the layout mends itself.
    """

    fresh_for = 10.0

    def __init__(self, address: Address, connections: Connections) -> None:
        self._first = address.nodes
        self._inquiry = Inquiry(lambda node: connections.store(node, 1), "CLUSTER", "SLOTS")

    async def locate(self, known: Collection[Node]) -> Layout:
        """Ask the servers that are known and those of the address.

        Raises:
            StoreUnavailableError: none of them knows who has the slots.
        """
        refused = ""
        async with aclosing(self._inquiry.answers({*known, *self._first})) as answers:
            async for node, reply in answers:
                if isinstance(reply, list) and reply:
                    return _layout(reply, node)
                refused = f" ({reply})" if isinstance(reply, Exception) else " (no slot is assigned)"
        raise StoreUnavailableError(f"no server of the signal store knows its Cluster{refused}")

    async def close(self) -> None:
        """Give back every connection."""
        await self._inquiry.close()


def _layout(reply: list[Any], asked: Node) -> Layout:
    """Read what `CLUSTER SLOTS` says: first slot, last slot, its master, and then replicas, of each range."""
    slots: list[Node | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
    for first, last, (host, port, *_), *_ in reply:
        # A server that does not know its own name gives none, or a question mark: it is the one we asked.
        master = Node(host.decode() if host and host != b"?" else asked.host, port)
        slots[first : last + 1] = [master] * (last + 1 - first)
    return Layout(tuple(sorted({node for node in slots if node is not None})), tuple(slots))
