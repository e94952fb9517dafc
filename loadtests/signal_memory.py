"""How many bytes an account's signals take in the store: `python -m loadtests.signal_memory [ACCOUNTS]`.

Written as senders do, through the store's own writes: one event of each account at a time, in another order
each round, so that every log has grown bit by bit.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import redis
from rich.progress import track

from scoring.servers.embedded import EmbeddedStore
from scoring.servers.servers import Servers
from scoring.signals.columns import SignalColumns
from scoring.store.store import SignalStore

ACCOUNTS, EVENTS = 200_000, 30
BATCH = 500
TYPES = ("page_view", "email_click", "content_download", "webinar", "pricing_page", "demo_request")
CHANNELS = ("web", "email", "event", "sales")
TOPICS = ("", "", "analytics", "fraud detection", "forecasting")
YEAR = 365 * 86_400


async def fill(url: str, accounts: int) -> None:
    """Give every account its events."""
    store = SignalStore(Servers(url, write_budget=60.0), person_key=b"a key for measuring")
    rng = random.Random(0)  # noqa: S311 - made-up events
    order = list(range(accounts))
    for number in track(range(EVENTS), "writing", transient=True):
        rng.shuffle(order)
        for start in range(0, accounts, BATCH):
            await store.append(_events(order[start : start + BATCH], number, rng), now=time.time())
    await store.close()


def _events(accounts: list[int], number: int, rng: random.Random) -> SignalColumns:
    n, now = len(accounts), time.time()
    return SignalColumns(
        keys=[(f"d:company-{account:06}.com",) for account in accounts],
        type=rng.choices(TYPES, k=n),
        topic=rng.choices(TOPICS, k=n),
        channel=rng.choices(CHANNELS, k=n),
        person=[f"person{rng.randrange(5)}@company-{account:06}.com" for account in accounts],
        event_id=[f"{account}-{number}" for account in accounts],
        at=np.array([now - rng.random() * YEAR for _ in accounts]),
        strength=np.ones(n),
        flags=np.zeros(n, dtype=np.uint8),
    )


def main() -> None:
    """Fill a store of its own and print what it says of its memory."""
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS
    with tempfile.TemporaryDirectory() as folder, EmbeddedStore(Path(folder)) as embedded:
        client = redis.Redis.from_url(embedded.url, protocol=2)
        before = client.info("memory")
        asyncio.run(fill(embedded.url, accounts))
        after = client.info("memory")
        logs = client.dbsize() - 1  # beside them the names
        held = int(client.strlen(b"fb:s:d:company-000000.com"))
        used, resident = (
            (after[name] - before[name]) / accounts for name in ("used_memory", "used_memory_rss")
        )
        print(f"{accounts:,} accounts of {EVENTS} events each, {logs:,} logs of {held} bytes")
        print(f"used memory      {used:7.1f} bytes an account  {used / EVENTS:5.1f} an event")
        print(f"resident memory  {resident:7.1f} bytes an account  {resident / EVENTS:5.1f} an event")


if __name__ == "__main__":
    main()
