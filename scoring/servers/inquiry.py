"""Asking several servers the same thing, any of which may be gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection

from redis.asyncio import Redis
from redis.exceptions import RedisError

from scoring.servers.address import Node
from scoring.servers.connections import pipelined


class Inquiry:
    """Asks servers one command.

    Args:
        client: makes a client for a server.
        command: what to ask.
    """

    def __init__(self, client: Callable[[Node], Redis], *command: str) -> None:
        self._client = client
        self._command = command
        self._clients: dict[Node, Redis] = {}

    async def answers(self, nodes: Collection[Node]) -> AsyncGenerator[tuple[Node, object]]:
        """Ask all at once and yield who answered what, the quickest first; an error reply is an answer.

        Servers that cannot be reached are left out. Close this (`contextlib.aclosing`) to wait no longer.
        """
        await self._forget(set(self._clients) - set(nodes))
        asked = [asyncio.create_task(self._ask(node)) for node in nodes]
        try:
            for done in asyncio.as_completed(asked):
                answer = await done
                if answer is not None:
                    yield answer
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _ask(self, node: Node) -> tuple[Node, object] | None:
        if node not in self._clients:
            self._clients[node] = self._client(node)
        try:
            (reply,) = await pipelined(self._clients[node], [self._command])
        except (RedisError, OSError):
            return None
        return node, reply

    async def _forget(self, nodes: Collection[Node]) -> None:
        for client in [self._clients.pop(node) for node in nodes]:
            await client.aclose()

    async def close(self) -> None:
        """Give back every connection."""
        await self._forget(list(self._clients))
