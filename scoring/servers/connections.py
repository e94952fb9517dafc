"""Connections to one server of the signal store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import RedisSSLContext
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from scoring.servers.address import Address, Node

CLOSING_SECONDS = 2.0  # to say goodbye to a server; also the most that one may take to accept


class Connections:
    """Makes clients for the servers of an address.

    Time-outs are the callers': one deadline around a whole request (scoring/servers/deadline.py), where those
    of sockets begin anew with each reply. The client's own defaults retry for 12 s; here nothing is retried.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._store_tls = _tls(address.options) if address.tls else None
        self._sentinel_tls = _tls(address.sentinel_options) if address.tls else None

    def store(self, node: Node, most: int) -> Redis:
        """Make a client of at most so many connections, for whose turn callers wait."""
        return _client(node, most, self._address.options, self._store_tls)

    def sentinel(self, node: Node) -> Redis:
        """Make a client for a Sentinel."""
        return _client(node, 1, self._address.sentinel_options, self._sentinel_tls)


async def pipelined(client: Redis, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """Run commands in one round trip; a command that failed has its error in place of its reply.

    Raises:
        RedisError, OSError: the server could not be reached, or closed the connection.
    """
    async with client.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)
        return await pipeline.execute(raise_on_error=False)


class _TLSConnection(SSLConnection):
    """A connection whose TLS context is its pool's: to make one takes 20 ms, in which nothing else runs."""

    def __init__(self, *, shared: RedisSSLContext, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context = shared


def _tls(options: Mapping[str, Any]) -> RedisSSLContext:
    own = {name: value for name, value in options.items() if name.startswith("ssl_")}
    return SSLConnection(**own).ssl_context


def _client(node: Node, most: int, options: Mapping[str, Any], tls: RedisSSLContext | None) -> Redis:
    place: dict[str, Any] = {"host": node.host, "port": node.port}
    kind: type[Connection | UnixDomainSocketConnection] = Connection
    if tls is not None:
        kind, place = _TLSConnection, {**place, "shared": tls}
    elif not node.port:
        kind, place = UnixDomainSocketConnection, {"path": node.host}
    pool = BlockingConnectionPool(
        connection_class=kind,
        max_connections=most,
        timeout=None,
        socket_timeout=None,
        socket_connect_timeout=CLOSING_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # what every store of this protocol speaks
        **place,
        **options,
    )
    return Redis.from_pool(pool)
