from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.errors import StoreUnavailableError
from scoring.servers.servers import AWAY, Call
from tests.scoring.servers.reading import BUDGET, KEYS, LATE, SET, fill, opened, run, timed, until_fresh
from tests.scoring.servers.servers import Watched, a_watched_pair


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with a_watched_pair(tmp_path) as watched:
        yield watched


@pytest.mark.parametrize("harm", ["kill", "hang"])
def test_a_master_that_is_gone_is_replaced_by_the_one_the_sentinels_name(watched: Watched, harm: str) -> None:
    async def work() -> None:
        async with opened(watched.url) as servers:
            await fill(servers)
            before = watched.master
            await asyncio.to_thread(before.ask, "WAIT", 1, 1000)
            getattr(before, harm)()
            late, named_at = 0.0, 0.0
            while not named_at:
                _, seconds = await timed(servers)
                late = max(late, seconds)
                if await asyncio.to_thread(lambda: watched.master) is not before:
                    named_at = time.monotonic()
                await asyncio.sleep(0.01)
            assert late < BUDGET + LATE
            assert await until_fresh(servers) < 1.0, "after the Sentinels had a new master"
            await servers.run(SET, [Call((key,), (key,)) for key in KEYS])
            if harm == "hang":
                before.go_on()
                for _ in range(20):
                    assert (await timed(servers))[0] == [key.encode() for key in KEYS]

    run(work())


def test_a_master_that_became_a_replica_is_left_for_the_new_one(watched: Watched) -> None:
    async def work() -> None:
        async with opened(watched.url, read_budget=1.0, write_budget=10.0) as servers:
            await fill(servers)
            before = watched.master
            watched.sentinels[0].ask("SENTINEL", "FAILOVER", "mymaster")
            while (await asyncio.to_thread(lambda: watched.master)) is before:
                await asyncio.sleep(0.01)
            # The Sentinels would do so too, but later.
            await asyncio.to_thread(before.ask, "REPLICAOF", "127.0.0.1", watched.master.port)
            await servers.run(SET, [Call((key,), ("new",)) for key in KEYS])
            assert await servers.get(KEYS) == [b"new"] * len(KEYS)

    run(work())


def test_a_name_that_no_sentinel_knows_is_logged(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        url = watched.url.replace("mymaster", "another")
        async with opened(url, read_budget=1.0, write_budget=0.5) as servers:
            assert [await servers.get(["a"]) for _ in range(3)] == [[AWAY]] * 3
            with pytest.raises(StoreUnavailableError, match="not known"):
                await servers.run(SET, [Call(("a",), (1,))])

    run(work())
    assert len(caplog.records) == 1
    assert "No such master" in caplog.text
