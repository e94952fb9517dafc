"""One server of the signal store: reads that it may fail, writes that say so when it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

from redis.exceptions import AskError, MovedError, RedisError, TryAgainError

from scoring.servers.address import Node
from scoring.servers.background import cancelled, in_background
from scoring.servers.breaker import Breaker
from scoring.servers.connections import Connections, pipelined
from scoring.servers.deadline import Deadline

READ_CONNECTIONS, WRITE_CONNECTIONS = 32, 8  # per process; more callers than that wait their turn
PROBE_EVERY = 0.25  # seconds from one question to a server that is away to the next, and what each may take
ELSEWHERE = (MovedError, AskError, TryAgainError)  # the server answers; the keys are another's
_log = logging.getLogger(__name__)


class Away(Enum):
    """What stands for the log of an account whose server does not answer."""

    AWAY = "away"


AWAY: Final = Away.AWAY


class Shard:
    """One server and the connections to it.

    While its breaker is open, reads are away at once. One probe at a time, on nobody's time, asks it for what
    was asked last; a probe may take longer than a read only to connect.

    Args:
        node: where it is.
        connections: makes its clients.
        budget: seconds that a read has.
        on_failure: called upon each failed read or probe; it may find that another server has the keys now.
    """

    def __init__(
        self, node: Node, connections: Connections, *, budget: float, on_failure: Callable[[], None]
    ) -> None:
        self.node = node
        self._reader = connections.store(node, READ_CONNECTIONS)
        self._writer = connections.store(node, WRITE_CONNECTIONS)
        self._budget = budget
        self._on_failure = on_failure
        self._breaker = Breaker()
        self._last_asked: Sequence[Any] = ("PING",)
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_away(self) -> bool:
        """Whether reads are given up without asking."""
        return self._breaker.is_open

    async def read(self, commands: Sequence[Sequence[Any]], until: float) -> list[Any]:
        """Run commands that change nothing, in one round trip.

        Returns:
            Replies, in order: `AWAY` for all of them where the server fails or is late; an error of
            `ELSEWHERE` in place of a reply where another server has the keys.
        """
        if self._breaker.is_open:
            return [AWAY] * len(commands)
        began = asyncio.get_running_loop().time()
        self._last_asked = commands[-1][:2]  # of many keys one will do
        try:
            async with Deadline(until):
                replies = _answers(await pipelined(self._reader, commands))
        except (RedisError, OSError) as error:  # a time-out is an OSError
            self._note_failure(began, error)
            return [AWAY] * len(commands)
        self._note_answer()
        return replies

    async def write(self, commands: Sequence[Sequence[Any]], until: float) -> list[Any]:
        """Run commands in one round trip; one that failed has its error in its place."""
        try:
            async with Deadline(until):
                return await pipelined(self._writer, commands)
        except (RedisError, OSError) as error:
            self._on_failure()
            return [error] * len(commands)

    async def answers(self, until: float) -> bool:
        """Tell whether the server answers by then."""
        try:
            async with Deadline(until):
                _answers(await pipelined(self._reader, [("PING",)]))
        except (RedisError, OSError):
            return False
        return True

    def _note_failure(self, began: float, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if self._breaker.failed(began=began, now=now):
            message = "signal store: %s does not answer (%s: %s); scores go without its signals until it does"
            _log.warning(message, self.node, type(error).__name__, error)
            self._probing = in_background(self._probe())
        self._on_failure()

    def _note_answer(self) -> None:
        if self._breaker.answered():
            _log.info("signal store: %s is answering again", self.node)

    async def _probe(self) -> None:
        loop = asyncio.get_running_loop()
        while self._breaker.is_open:
            began = loop.time()
            try:
                async with Deadline(began + PROBE_EVERY):
                    await pipelined(self._reader, [("PING",)])  # connects, which may outlast a read's budget
                    async with Deadline(loop.time() + self._budget):
                        _answers(await pipelined(self._reader, [self._last_asked]))
            except (RedisError, OSError):
                self._on_failure()
                await asyncio.sleep(began + PROBE_EVERY - loop.time())
            else:
                self._note_answer()

    async def stop_probing(self) -> None:
        """Ask no more on one's own: the server has lost its keys."""
        await cancelled(self._probing)

    async def close(self) -> None:
        """Give back every connection."""
        await self.stop_probing()
        await self._reader.aclose()
        await self._writer.aclose()


def _answers(replies: list[Any]) -> list[Any]:
    """Pass replies on.

    Raises:
        RedisError: one of them is an error of a server that cannot answer now.
    """
    for reply in replies:
        if isinstance(reply, Exception) and not isinstance(reply, ELSEWHERE):
            raise reply
    return replies
