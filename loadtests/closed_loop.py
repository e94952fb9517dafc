"""A closed-loop load generator: each connection sends its next request once the last one is answered.

It looks at no more of an answer than status and length: the generator should cost little beside the server.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Load:
    """What came back."""

    seconds: float
    latencies: list[float] = field(default_factory=list)  # seconds, of answers with 200
    failures: int = 0  # answers with another status
    answer_bytes: int = 0  # of the last answer's body

    @property
    def per_second(self) -> float:
        """Answers with 200 a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """Return the latency, in seconds, that so many percent of answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]


async def load(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Load a server on this machine.

    Args:
        port: on loopback.
        requests: whole HTTP/1.1 requests, sent in turn.
        connections: how many at once.
        seconds: for how long.
    """
    result = Load(seconds)
    until = time.perf_counter() + seconds
    shares = (cycle(requests[at::connections] or requests) for at in range(connections))
    await asyncio.gather(*(_one(port, share, until, result) for share in shares))
    return result


async def send_all(port: int, requests: Sequence[bytes], *, connections: int) -> Load:
    """Send each of the requests once, and say how long that took."""
    result = Load(0.0)
    began = time.perf_counter()
    shares = (requests[at::connections] for at in range(connections))
    await asyncio.gather(*(_one(port, share, math.inf, result) for share in shares))
    result.seconds = time.perf_counter() - began
    return result


async def _one(port: int, requests: Iterable[bytes], until: float, result: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        began = time.perf_counter()
        if began >= until:
            break
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None:
            raise ValueError("the answer has no Content-Length")
        result.answer_bytes = int(length[1])
        await reader.readexactly(result.answer_bytes)
        if head.startswith(b"HTTP/1.1 200"):
            result.latencies.append(time.perf_counter() - began)
        else:
            result.failures += 1
    writer.close()
    await writer.wait_closed()
