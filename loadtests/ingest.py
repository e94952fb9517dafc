"""How fast signals are taken in over HTTP, beside how fast `orjson` alone parses the same bodies.

`python -m loadtests.ingest`: batches of 500 new events of 100 accounts each, one worker, the embedded store.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
import uuid
from pathlib import Path

import orjson

from loadtests.bodies import post
from loadtests.closed_loop import send_all
from loadtests.processes import service

ROUNDS, BATCHES, BATCH = 5, 300, 500
ACCOUNTS, ACCOUNTS_A_BATCH = 20_000, 100
CONNECTIONS = 4
TYPES = ("page_view", "email_click", "content_download", "webinar", "pricing_page", "demo_request")
TOPICS = ("analytics", "fraud detection", "forecasting", "compliance", "personalisation")
TITLES = ("VP of Finance", "Head of Data", "Software Engineer", "CFO", "Marketing Manager")
CHANNELS = ("web", "email", "event", "sales")


def events(rng: random.Random, per_account: int) -> list[dict[str, object]]:
    """Return one batch of events: so many of each account."""
    accounts = rng.sample(range(ACCOUNTS), BATCH // per_account)
    return [_event(rng, account) for account in accounts for _ in range(per_account)]


def _event(rng: random.Random, account: int) -> dict[str, object]:
    at = time.gmtime(time.time() - rng.random() * 90 * 86_400)
    domain = f"company-{account:05}.com"
    return {
        "domain": domain,
        "type": rng.choice(TYPES),
        "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", at),
        "person": f"person{rng.randrange(5)}@{domain}",
        "title": rng.choice(TITLES),
        "topic": rng.choice(TOPICS),
        "channel": rng.choice(CHANNELS),
    }


async def measure(port: int, per_account: int) -> list[float]:
    """Return the ratio of each round, and print them."""
    rng = random.Random(per_account)  # noqa: S311 - made-up events
    ratios = []
    for _ in range(ROUNDS):
        batches = [events(rng, per_account) for _ in range(BATCHES)]
        bodies = [orjson.dumps(batch) for batch in batches]
        parse = _parsing(bodies)
        taken = await send_all(port, [post("/signals", batch) for batch in batches], connections=CONNECTIONS)
        parse = min(parse, _parsing(bodies))  # the machine may have been busy at one of the two
        if taken.failures:
            raise SystemExit(f"could not measure: {taken.failures} answers were no 200")
        rate, bound = BATCHES * BATCH / taken.seconds, BATCHES * BATCH / parse
        ratios.append(rate / bound)
        print(
            f"  {rate:10,.0f} events/s   orjson alone {bound:12,.0f}   ratio {rate / bound:.3f}", flush=True
        )
    return ratios


def _parsing(bodies: list[bytes]) -> float:
    began = time.perf_counter()
    for body in bodies:
        orjson.loads(body)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print; see the module."""
    with tempfile.TemporaryDirectory() as state, service(Path(state)) as (port, _, _):
        for per_account in (BATCH // ACCOUNTS_A_BATCH, 1):
            print(f"batches of {BATCH}, {per_account} of each account")
            ratios = asyncio.run(measure(port, per_account))
            spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
            print(f"median ratio {statistics.median(ratios):.3f} ({spread})\n", flush=True)


if __name__ == "__main__":
    main()
