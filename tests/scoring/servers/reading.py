"""Reading from a store that fails, and how long it takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from scoring.servers.servers import Call, Script, Servers

BUDGET = 0.05
LATE = 0.02  # seconds beyond the budget that a request may take
SET = Script.of("return redis.call('SET', KEYS[1], ARGV[1])")
KEYS = [f"key {number}" for number in range(30)]


@asynccontextmanager
async def opened(url: str, **options: float) -> AsyncIterator[Servers]:
    servers = Servers(url, **{"read_budget": BUDGET, **options})
    try:
        yield servers
    finally:
        await servers.close()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def fill(servers: Servers, keys: Sequence[str] = KEYS) -> None:
    await servers.run(SET, [Call((key,), (key,)) for key in keys])
    await until_fresh(servers, keys)


async def until_fresh(servers: Servers, keys: Sequence[str] = KEYS, seconds: float = 5.0) -> float:
    """Read until all is fresh; return how long that took."""
    began = time.monotonic()
    while await servers.get(keys) != [key.encode() for key in keys]:
        assert time.monotonic() < began + seconds, "it does not come back"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def timed(servers: Servers, keys: Sequence[str] = KEYS) -> tuple[list[Any], float]:
    """Read, and return what came and how long it took beyond what everything takes on this machine now."""
    async with Lag() as lag:
        began = time.monotonic()
        values = await servers.get(keys)
        seconds = time.monotonic() - began
    return values, seconds - lag.seconds


class Lag:
    """How much later than it asked to be a task was woken, in all, in an `async with` block."""

    seconds = 0.0

    async def __aenter__(self) -> Lag:
        self._task = asyncio.create_task(self._tick(time.monotonic()))
        return self

    async def _tick(self, began: float) -> None:
        while True:
            await asyncio.sleep(0.001)
            now = time.monotonic()
            self.seconds += now - began - 0.001
            began = now

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0.002)  # for the task to see what held us up last
        self._task.cancel()
