"""`make bench`: a service of its own on loopback, loaded beside the floor; rewrites the numbers in README.md.

It exits non-zero only when it could not measure.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from loadtests.bodies import account, post
from loadtests.closed_loop import Load, load

HERE = Path(__file__).parent
BLOCK = re.compile(r"(<!-- numbers -->\n).*?(<!-- /numbers -->)", re.DOTALL)
ROUNDS, SECONDS = 3, 4.0
START_SECONDS = 30.0
BATCH = 1_000


def main() -> None:
    """Measure and print; see the module."""
    with tempfile.TemporaryDirectory() as state, _service(Path(state)) as (port, pid, started):
        rows = asyncio.run(_measure(port))
        rows.append(("start to first 200", f"{started:.2f} s", ""))
        rows.append(("resident memory of the worker after load", f"{_resident_mb(pid):.0f} MB", ""))
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
    with _floor(warm.answer_bytes) as floor_port:
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


@contextmanager
def _service(state: Path) -> Iterator[tuple[int, int, float]]:
    """Serve the shipped artifact with a store of its own; yields port, process id and seconds to start."""
    command = [_tool("firebrand"), "serve", "--artifacts", str(HERE.parent / "artifacts")]
    with _running(command, {"FIREBRAND_STATE": str(state)}, "/readyz") as (port, pid, seconds):
        yield port, pid, seconds


@contextmanager
def _floor(answer_bytes: int) -> Iterator[int]:
    command = [_tool("uvicorn"), "loadtests.floor:app", "--no-access-log", "--no-server-header"]
    with _running(command, {"FLOOR_BYTES": str(answer_bytes)}, "/") as (port, _, _):
        yield port


def _tool(name: str) -> str:
    tool = shutil.which(name, path=Path(sys.executable).parent)
    if tool is None:
        sys.exit(f"{name} is not installed beside {sys.executable}: run `make setup`")
    return tool


@contextmanager
def _running(command: list[str], settings: Mapping[str, str], path: str) -> Iterator[tuple[int, int, float]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, "--port", str(port)], env={**os.environ, **settings}, stderr=subprocess.DEVNULL
    )
    try:
        while not _answers(f"http://127.0.0.1:{port}{path}"):
            if process.poll() is not None or time.monotonic() - began > START_SECONDS:
                sys.exit(f"could not start {command[0]}")
            time.sleep(0.005)
        yield port, process.pid, time.monotonic() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=START_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - a loopback address of our own
            return True
    except urllib.error.URLError:
        return False


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    if found is None:
        sys.exit("could not read the worker's memory")
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
