"""The lock by which those who change families take turns, in all processes."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scoring.errors import StoreUnavailableError
from scoring.servers.servers import Call, Servers
from scoring.store.scripts import UNLOCK

LOCK_KEY = "fb:families"
LEASE = 10.0  # seconds that a writer may have the lock; one that ended with it holds up others for so long
WAIT = 2.0  # seconds that a writer waits for it
LOOKS_AGAIN = 0.02  # seconds
_log = logging.getLogger(__name__)


@asynccontextmanager
async def alone(servers: Servers) -> AsyncIterator[float]:
    """Hold the lock; gives when to stop writing, on the clock of the event loop.

    Raises:
        StoreUnavailableError: others had it for too long.
    """
    loop, token = asyncio.get_running_loop(), secrets.token_hex(8)
    give_up = loop.time() + WAIT
    while True:
        asked_at = loop.time()
        if await servers.ask(LOCK_KEY, "SET", LOCK_KEY, token, "NX", "PX", int(LEASE * 1000)):
            break
        if loop.time() > give_up:
            raise StoreUnavailableError("others are changing families for too long; try again")
        await asyncio.sleep(LOOKS_AGAIN)
    try:
        yield asked_at + LEASE / 2
    finally:
        try:
            await servers.run(UNLOCK, [Call((LOCK_KEY,), (token,))])
        except StoreUnavailableError as error:
            _log.warning("signal store: the lock of families stays for %g s: %s", LEASE, error)
