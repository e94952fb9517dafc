"""`make bench`: a service of its own on loopback, loaded beside the floor; rewrites the numbers in README.md.

It exits non-zero only when it could not measure.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
from pathlib import Path

from loadtests.bodies import account, post
from loadtests.closed_loop import Load, load
from loadtests.processes import floor, resident_mb, service

HERE = Path(__file__).parent
BLOCK = re.compile(r"(<!-- numbers -->\n).*?(<!-- /numbers -->)", re.DOTALL)
ROUNDS, SECONDS = 3, 4.0
BATCH = 1_000


def main() -> None:
    """Measure and print; see the module."""
    with tempfile.TemporaryDirectory() as state, service(Path(state)) as (port, pid, started):
        rows = asyncio.run(_measure(port))
        rows.append(("start to first 200", f"{started:.2f} s", ""))
        rows.append(("resident memory of the worker after load", f"{resident_mb(pid):.0f} MB", ""))
    table = "\n".join(
        ["| what | measured | over the floor |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    )
    print(table)
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(BLOCK.sub(lambda block: f"{block[1]}{table}\n{block[2]}", text), encoding="utf-8")


async def _measure(port: int) -> list[tuple[str, str, str]]:
    singles = [post("/score", account(number)) for number in range(512)]
    bulk = [post("/score/bulk", [account(number) for number in range(BATCH)])]
    warm = await load(port, singles, connections=8, seconds=1.0)
    with floor(warm.answer_bytes) as floor_port:
        many = await _paired(port, floor_port, singles, connections=64)
        one = await _paired(port, floor_port, singles, connections=1)
    batches = await load(port, bulk, connections=1, seconds=SECONDS)
    rates = [ours.per_second / floor.per_second for ours, floor in many]
    waits = [ours.percentile(50) / floor.percentile(50) for ours, floor in one]
    return [
        (
            "single, 64 connections: requests/s",
            f"{_median([ours.per_second for ours, _ in many]):,.0f}",
            _ratio(rates),
        ),
        ("the same: p50, p99", f"{_ms(many, 50)}, {_ms(many, 99)}", ""),
        ("single, 1 connection: p50", _ms(one, 50), _ratio(waits)),
        (f"bulk of {BATCH:,}: accounts/s", f"{batches.per_second * BATCH:,.0f}", ""),
    ]


async def _paired(
    port: int, floor_port: int, requests: list[bytes], *, connections: int
) -> list[tuple[Load, Load]]:
    """Load both in turn: a machine that slows down slows both."""
    pairs = []
    for _ in range(ROUNDS):
        ours = await load(port, requests, connections=connections, seconds=SECONDS)
        floor = await load(floor_port, requests, connections=connections, seconds=SECONDS)
        if ours.failures or not ours.latencies or not floor.latencies:
            sys.exit(f"could not measure: {ours.failures} answers were no 200")
        pairs.append((ours, floor))
    return pairs


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _ratio(ratios: list[float]) -> str:
    return f"{_median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _ms(pairs: list[tuple[Load, Load]], percent: float) -> str:
    return f"{1000 * _median([ours.percentile(percent) for ours, _ in pairs]):.2f} ms"


if __name__ == "__main__":
    main()
