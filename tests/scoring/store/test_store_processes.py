from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scoring.servers.embedded import EmbeddedStore
from scoring.servers.servers import Servers
from scoring.signals.columns import SignalColumns
from scoring.signals.encode import encode
from scoring.store.store import SignalStore
from tests.scoring.store import writer

ROOT = Path(__file__).parents[3]
WRITERS, KILLS = 8, 12


def start(url: str, part: int, events: int) -> subprocess.Popen[bytes]:
    module = "tests.scoring.store.writer"
    command = [sys.executable, "-m", module, url, str(part), str(WRITERS), str(events)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


@pytest.mark.parametrize("events", [500, 60], ids=["whole logs", "logs that are compacted all the time"])
def test_eight_processes_that_are_killed_on_the_way_lose_and_double_nothing(
    tmp_path: Path, events: int
) -> None:
    rng = random.Random(0)  # noqa: S311  # which to kill, no secret
    with EmbeddedStore(tmp_path) as server:
        writers = [start(server.url, part, events) for part in range(WRITERS)]
        try:
            for _ in range(KILLS):  # each event is sent by two writers, and again by those that were killed
                part = rng.randrange(WRITERS)
                output = writers[part].stdout
                assert output is not None
                for _ in range(rng.randrange(1, 20)):
                    output.readline()
                writers[part].kill()
                writers[part].communicate()
                writers[part] = start(server.url, part, events)
            for process in writers:
                process.communicate(timeout=120)
            assert [process.returncode for process in writers] == [0] * WRITERS
        finally:
            for process in writers:
                process.kill()
                process.communicate()
        asyncio.run(check(server.url, events))


async def check(url: str, events: int) -> None:
    """Hold what is stored against what was sent: of every account its latest events, once, as they were."""
    store = SignalStore(Servers(url), person_key=writer.KEY, bounds=writer.bounds(events))
    accounts = [(f"a:{number}",) for number in range(writer.ACCOUNTS)]
    batch = await store.read(accounts, now=writer.NOW, budget=10.0)
    await store.close()
    kept = min(events * writer.ACCOUNTS, writer.EVENTS)
    sent = [writer.event(number) for number in range(kept)]  # the first are the latest
    expected = encode(
        SignalColumns.of(sent), {"type": {"visit": int(batch.records["type"][0])}}, key=writer.KEY
    )
    owner = np.arange(kept) % writer.ACCOUNTS
    in_order = np.lexsort((expected["at"], owner))
    assert batch.available.all()
    assert batch.owner.tolist() == owner[in_order].tolist()
    assert batch.records.tobytes() == expected[in_order].tobytes()
