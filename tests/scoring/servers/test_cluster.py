from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from redis.crc import key_slot

from scoring.errors import StoreUnavailableError
from scoring.servers.servers import AWAY, Call, Servers
from tests.scoring.servers.reading import BUDGET, KEYS, LATE, SET, fill, opened, run, timed, until_fresh
from tests.scoring.servers.servers import Cluster, a_cluster, free_ports, knows_all, wait_until


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with a_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def test_one_shard_that_hangs_costs_its_own_keys_only(cluster: Cluster) -> None:
    async def work() -> None:
        async with opened(cluster.url) as servers:
            await fill(servers)
            gone = cluster.servers[1]
            expected = [AWAY if cluster.holder(key) is gone else key.encode() for key in KEYS]
            assert 0 < expected.count(AWAY) < len(KEYS)
            gone.hang()
            try:
                for _ in range(5):
                    values, seconds = await timed(servers)
                    assert values == expected
                    assert seconds < BUDGET + LATE
                with pytest.raises(StoreUnavailableError):
                    await servers.run(SET, [Call((key,), (key + "!",)) for key in KEYS])
                values, _ = await timed(servers)
                wanted = [AWAY if value is AWAY else value + b"!" for value in expected]
                assert values == wanted, "the other shards' calls were carried out"
            finally:
                gone.go_on()
            await servers.run(SET, [Call((key,), (key,)) for key in KEYS])
            assert await until_fresh(servers) < 1.0

    run(work())


def test_a_large_read_does_not_pass_for_servers_that_hang(cluster: Cluster) -> None:
    async def work() -> None:
        async with opened(cluster.url) as servers:
            keys = [f"large {number}" for number in range(3000)]
            assert await until_none(servers, keys)
            assert servers.away == []

    run(work())


async def until_none(servers: Servers, keys: list[str]) -> bool:
    """Read until every key is known to be absent; a busy machine may need more than one try."""
    return any([await servers.get(keys) == [None] * len(keys) for _ in range(5)])


def test_a_shard_that_dies_comes_back(cluster: Cluster) -> None:
    async def work() -> None:
        async with opened(cluster.url) as servers:
            await fill(servers)
            gone = cluster.servers[2]
            gone.kill()
            for _ in range(3):
                values, seconds = await timed(servers)
                assert all(
                    (value is AWAY) == (cluster.holder(key) is gone)
                    for key, value in zip(KEYS, values, strict=True)
                )
                assert seconds < BUDGET + LATE
            await asyncio.to_thread(gone.start)
            await asyncio.to_thread(wait_until, lambda: knows_all(gone))  # it takes 2 s to trust itself again
            began = time.monotonic()
            while AWAY in await servers.get(KEYS):
                assert time.monotonic() < began + 1.0
                await asyncio.sleep(0.01)
            await fill(servers)

    run(work())


def test_the_cluster_is_found_through_any_of_its_servers(cluster: Cluster) -> None:
    async def work() -> None:
        first, second, third = cluster.servers
        (nobody,) = free_ports(1)
        third.hang()
        try:
            url = f"redis+cluster://127.0.0.1:{nobody},127.0.0.1:{third.port},127.0.0.1:{second.port}"
            async with opened(url) as servers:
                keys = [key for key in KEYS if cluster.holder(key) is first]
                await fill(servers, keys)
        finally:
            third.go_on()

    run(work())


def test_a_slot_that_moves_is_followed_by_reads_and_writes(cluster: Cluster) -> None:
    async def work() -> None:
        tag = "wanderer"
        keys = [f"{{{tag}}}{number}" for number in range(5)]
        slot, source = key_slot(tag.encode()), cluster.holder(f"{{{tag}}}")
        to = next(server for server in cluster.servers if server is not source)
        async with opened(cluster.url, read_budget=1.0) as servers:
            await fill(servers, keys)
            cluster.begin_move(slot, source, to)
            await servers.run(SET, [Call(("{wanderer}new",), ("n",))])
            assert await servers.get(["{wanderer}new"]) == [b"n"], "what is new is where the slot goes"
            assert await servers.get(keys) == [key.encode() for key in keys], "what is old where it was"
            cluster.end_move(slot, source, to)
            assert await servers.get(keys) == [key.encode() for key in keys]
            cluster.move(slot, source)
            await servers.run(SET, [Call((key,), ("again",)) for key in keys])
            assert await servers.get(keys) == [b"again"] * len(keys)

    run(work())


def test_a_cluster_that_cannot_be_found_is_away_and_writes_say_so() -> None:
    async def work() -> None:
        (nobody,) = free_ports(1)
        async with opened(f"redis+cluster://127.0.0.1:{nobody}", write_budget=0.3) as servers:
            for _ in range(3):
                values, seconds = await timed(servers)
                assert values == [AWAY] * len(KEYS)
                assert seconds < BUDGET + LATE
            with pytest.raises(StoreUnavailableError, match="not known"):
                await servers.run(SET, [Call(("a",), (1,))])
            assert not await servers.ping()

    run(work())
