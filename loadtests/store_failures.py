"""What scores are worth while the store hangs, dies and comes back: `python -m loadtests.store_failures`.

A service under a constant rate of single scores, an open loop. First its one server is stopped, goes on, is
killed and started again; then one of three shards of a Cluster is stopped.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from redis.crc import key_slot
from rich.console import Console
from rich.table import Table

from loadtests.bodies import account, post
from loadtests.open_loop import Answered, open_load
from loadtests.processes import service
from scoring.store.stored_keys import LOG_PREFIX
from tests.scoring.servers.servers import SHARDS, Server, a_cluster, free_ports

ACCOUNTS = 300
PER_SECOND = 100.0
PHASE = 4.0  # seconds
BUDGET = 0.05
KEY = "a key for measuring"

COLUMNS = (
    *("", "scores", "no 200", "live", "known last", "none"),
    *("p50 ms", "p99 ms", "longest ms", "live after"),
)

Step = tuple[str, Callable[[], None]]


def main() -> None:
    """Measure and print; see the module."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_ports(1)[0]
        with Server(Path(folder) / "store", port, appendonly="yes", appendfsync="always") as store:
            steps: list[Step] = [
                ("all is well", _nothing),
                ("the store hangs (SIGSTOP)", store.hang),
                ("it goes on (SIGCONT)", store.go_on),
                ("it is killed (SIGKILL)", store.kill),
                ("it is started again", store.start),
            ]
            with service(Path(folder), redis_url=store.url, person_key=KEY) as (http, _, _):
                answers, moments = asyncio.run(_run(http, steps))
        _show("one server", steps, moments, answers)
        with a_cluster(Path(folder) / "cluster") as cluster:
            hangs = cluster.servers[0]
            steps = [
                ("all is well", _nothing),
                ("one of three shards hangs", hangs.hang),
                ("it goes on", hangs.go_on),
            ]
            with service(Path(folder), redis_url=cluster.url, person_key=KEY) as (http, _, _):
                answers, moments = asyncio.run(_run(http, steps))
        _show("a Cluster of three", steps, moments, answers)
        _show_shards(moments, answers)


def _nothing() -> None:
    """Leave all as it is."""


async def _run(port: int, steps: Sequence[Step]) -> tuple[list[Answered], list[float]]:
    """Load the service while the steps happen, one per phase; return the answers and when each step was."""
    await _seed(port)
    await open_load(port, _request, per_second=PER_SECOND, seconds=2.0)  # warm, and known last
    began = time.perf_counter()
    load = open_load(port, _request, per_second=PER_SECOND, seconds=PHASE * len(steps))
    answers, moments = await asyncio.gather(load, _happen(steps, began))
    return answers, moments


async def _happen(steps: Sequence[Step], began: float) -> list[float]:
    moments = []
    for number, (_, step) in enumerate(steps):
        await asyncio.sleep(began + number * PHASE - time.perf_counter())
        await asyncio.to_thread(step)
        moments.append(time.perf_counter() - began)
    return moments


async def _seed(port: int) -> None:
    events = [
        {"domain": account(number)["domain"], "type": "demo_request", "event_id": f"seed-{number}"}
        for number in range(ACCOUNTS)
    ]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        (await client.post("/signals", json=events)).raise_for_status()


def _request(number: int) -> bytes:
    return post("/score", account(number % ACCOUNTS))


def _show(title: str, steps: Sequence[Step], moments: Sequence[float], answers: Sequence[Answered]) -> None:
    table = Table(title=f"{title}: {PER_SECOND:g} scores a second, read budget {1000 * BUDGET:g} ms")
    for column in (
        "",
        "scores",
        "no 200",
        "live",
        "known last",
        "none",
        "p50 ms",
        "p99 ms",
        "longest ms",
        "live after",
    ):
        table.add_column(column, justify="left" if not column else "right")
    for (name, _), begin, end in zip(steps, moments, [*moments[1:], float("inf")], strict=True):
        phase = [one for one in answers if begin <= one.due < end]
        took = sorted(1000 * one.took for one in phase)
        reads = [_read_ago(one) for one in phase if one.status == 200]
        live = [one.due - begin for one in phase if one.status == 200 and _read_ago(one) == 0]
        table.add_row(
            name,
            str(len(phase)),
            str(sum(one.status != 200 for one in phase)),
            str(sum(ago == 0 for ago in reads)),
            str(sum(ago is not None and ago > 0 for ago in reads)),
            str(sum(ago is None for ago in reads)),
            f"{took[len(took) // 2]:.1f}",
            f"{took[int(len(took) * 0.99)]:.1f}",
            f"{took[-1]:.1f}",
            f"{live[0]:.2f} s" if live else "",
        )
    Console(width=150).print(table)


def _read_ago(answer: Answered) -> float | None:
    """Return how many seconds ago an answer's signals were read: 0 is live, None is not at all."""
    detail: dict[str, dict[str, float | None]] = answer.json["detail"]  # type: ignore[assignment]  # its shape
    return detail["signals"]["read_ago"]


def _show_shards(moments: Sequence[float], answers: Sequence[Answered]) -> None:
    """Say for each shard how many answers of its accounts were live while the first one hung."""
    by_shard: dict[int, list[bool]] = {}
    for number, answer in enumerate(answers):
        if moments[1] <= answer.due < moments[2]:
            domain = str(account(number % ACCOUNTS)["domain"])
            shard = key_slot(f"{LOG_PREFIX}d:{domain}".encode()) * SHARDS // 16_384
            by_shard.setdefault(shard, []).append(_read_ago(answer) == 0)
    for shard, live in sorted(by_shard.items()):
        print(f"shard {shard + 1}: {sum(live)} of {len(live)} answers live while shard 1 hung")


if __name__ == "__main__":
    main()
