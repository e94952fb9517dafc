"""A process that writes events to a store, for tests that kill it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

from scoring.servers.servers import Servers
from scoring.signals.bounds import Bounds
from scoring.signals.columns import SignalColumns
from scoring.signals.signal import Signal
from scoring.store.store import SignalStore

ACCOUNTS, EVENTS = 400, 100_000
NOW = 1_782_820_800.0
BATCH = 250
KEY = b"a key for tests"


def event(number: int) -> Signal:
    """Return one of the events that all writers know: every account has as many as any other."""
    account = number % ACCOUNTS
    return Signal((f"a:{account}",), "visit", NOW - number, f"e{number}", person=f"p{number % 7}")


def numbers(part: int, parts: int) -> Iterator[int]:
    """Yield what one writer sends: its own part, and that of the next one as well."""
    for start in (part, (part + 1) % parts):
        yield from range(start, EVENTS, parts)


def bounds(events: int) -> Bounds:
    """Return bounds of so many events an account."""
    return Bounds(events=events, gauges=1, history=1)


async def write(url: str, part: int, parts: int, events: int) -> None:
    """Send all events of a part, batch by batch, and say so after each."""
    store = SignalStore(Servers(url, write_budget=60.0), person_key=KEY, bounds=bounds(events))
    mine = list(numbers(part, parts))
    for start in range(0, len(mine), BATCH):
        await store.append(SignalColumns.of([*map(event, mine[start : start + BATCH])]), now=NOW)
        print(start, flush=True)  # noqa: T201  # what the test waits for
    await store.close()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], *map(int, sys.argv[2:])))
