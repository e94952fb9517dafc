"""An open-loop load generator: requests leave when they are due, whether or not earlier ones were answered.

Each is timed from the moment it was due, so that a queue shows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Answered:
    """One request and what came back."""

    due: float  # seconds after the beginning
    took: float  # seconds, from when it was due
    status: int  # 0: the connection broke
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        """The answer's body."""
        found: dict[str, object] = orjson.loads(self.body)
        return found


class _Connections:
    """Connections that are kept and used again."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, request: bytes) -> tuple[int, bytes]:
        reader, writer = (
            self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        )
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        self._idle.append((reader, writer))
        return int(head.split(b" ", 2)[1]), body

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


async def open_load(
    port: int, request: Callable[[int], bytes], *, per_second: float, seconds: float
) -> list[Answered]:
    """Send requests at a constant rate.

    Args:
        port: on loopback.
        request: gives the n-th request, a whole HTTP/1.1 one.
        per_second: how many fall due in a second.
        seconds: for how long.

    Returns:
        All of them, in the order in which they fell due.
    """
    connections = _Connections(port)
    began = time.perf_counter()

    async def one(number: int) -> Answered:
        due = number / per_second
        await asyncio.sleep(max(began + due - time.perf_counter(), 0))
        try:
            status, body = await connections.send(request(number))
        except (OSError, asyncio.IncompleteReadError):
            status, body = 0, b"{}"
        return Answered(due, time.perf_counter() - began - due, status, body)

    answers = await asyncio.gather(*(one(number) for number in range(int(per_second * seconds))))
    connections.close()
    return answers
