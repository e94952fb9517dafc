"""The master that Sentinels name."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import aclosing

from scoring.errors import StoreUnavailableError
from scoring.servers.address import Address, Node
from scoring.servers.connections import Connections
from scoring.servers.inquiry import Inquiry
from scoring.servers.layout import Layout


class SentinelLocator:
    """Asks the Sentinels of an address.

    Those that were not part of a failover learn of it a little later. So a majority is heard where there is
    one, and the name given in the latest configuration (the largest `config-epoch`) is taken:
    <https://valkey.io/topics/sentinel/>.
    """

    fresh_for = 1.0  # a master that was replaced while it was cut off still answers, and nothing fails

    def __init__(self, address: Address, connections: Connections) -> None:
        self._sentinels = address.nodes
        self._inquiry = Inquiry(connections.sentinel, "SENTINEL", "MASTER", address.service)

    async def locate(self, known: Collection[Node]) -> Layout:  # noqa: ARG002  # Sentinels need no hint
        """Ask all Sentinels.

        Raises:
            StoreUnavailableError: none of them knows the master.
        """
        heard: list[tuple[int, Node]] = []
        refused = ""
        async with aclosing(self._inquiry.answers(self._sentinels)) as answers:
            async for _, reply in answers:
                if isinstance(reply, list):
                    heard.append(_master(reply))
                else:
                    refused = f" ({reply})"
                if len(heard) * 2 > len(self._sentinels):
                    break
        if not heard:
            raise StoreUnavailableError(f"no Sentinel names the master of the signal store{refused}")
        return Layout((max(heard)[1],))

    async def close(self) -> None:
        """Give back every connection."""
        await self._inquiry.close()


def _master(reply: list[bytes]) -> tuple[int, Node]:
    fields = dict(zip(reply[::2], reply[1::2], strict=True))
    return int(fields[b"config-epoch"]), Node(fields[b"ip"].decode(), int(fields[b"port"]))
