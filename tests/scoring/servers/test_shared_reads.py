from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.servers.servers import AWAY, Servers
from scoring.servers.shared_reads import SLACK, Key, SharedReads, Values
from tests.scoring.servers.servers import Server, free_ports

LETTERS = "abcdefgh"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("store"), *free_ports(1)) as server:
        for letter in LETTERS[::2]:
            server.ask("SET", letter, letter)
        yield server


class Counted:
    """Reads from a store, counting round trips."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.round_trips: list[list[Key]] = []
        self.under_way = self.most_under_way = 0
        self.pause = 0.0

    async def __call__(self, keys: Sequence[Key], budget: float) -> Values:
        self.round_trips.append(list(keys))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(self.pause)
        try:
            return await self.servers.get(keys, budget=budget)
        finally:
            self.under_way -= 1


@asynccontextmanager
async def opened(server: Server, **options: Any) -> AsyncIterator[tuple[SharedReads, Counted]]:
    servers = Servers(server.url, read_budget=5.0)
    counted = Counted(servers)
    reads = SharedReads(counted, **{"budget": 5.0, **options})
    try:
        yield reads, counted
    finally:
        await reads.close()
        await servers.close()


def value(key: str) -> bytes | None:
    return key.encode() if key in LETTERS[::2] else None


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_requests_of_one_turn_share_a_round_trip_and_a_key_is_asked_for_once(server: Server) -> None:
    async def work() -> None:
        async with opened(server) as (reads, counted):
            asked = [["a", "b"], ["b", "c", "b"], [], ["a"]]
            values = await asyncio.gather(*(reads.get(keys) for keys in asked))
            assert values == [[value(key) for key in keys] for keys in asked]
            assert counted.round_trips == [["a", "b", "c"]]

    run(work())


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.lists(st.sampled_from(LETTERS), max_size=7)), max_size=30),
    st.integers(1, 8),
    st.integers(1, 3),
)
def test_the_answers_are_those_without_sharing(
    server: Server, requests: list[tuple[int, list[str]]], most_keys: int, most_round_trips: int
) -> None:
    async def work() -> None:
        options = {"most_keys": most_keys, "most_round_trips": most_round_trips}
        async with opened(server, **options) as (reads, counted):

            async def request(turn: int, keys: list[str]) -> Values:
                for _ in range(turn):
                    await asyncio.sleep(0)
                return await reads.get(keys)

            answers = await asyncio.gather(*(request(*one) for one in requests))
            assert answers == [await counted.servers.get(keys) for _, keys in requests]
            assert all(len(set(keys)) == len(keys) for keys in counted.round_trips if len(keys) <= most_keys)
            alone = sum(len(keys) > most_keys for _, keys in requests)
            assert counted.most_under_way <= most_round_trips + alone

    run(work())


def test_while_round_trips_are_under_way_requests_gather_for_the_next(server: Server) -> None:
    async def work() -> None:
        async with opened(server, most_round_trips=1) as (reads, counted):
            counted.pause = 0.02
            first = asyncio.create_task(reads.get(["a"]))
            await asyncio.sleep(0.005)
            later = []
            for letter in "bcd":
                later.append(asyncio.create_task(reads.get([letter])))
                await asyncio.sleep(0.001)
            assert await first == [b"a"]
            assert await asyncio.gather(*later) == [[value(letter)] for letter in "bcd"]
            assert counted.round_trips == [["a"], ["b", "c", "d"]]

    run(work())


def test_one_that_is_cancelled_harms_no_other(server: Server) -> None:
    async def work() -> None:
        async with opened(server) as (reads, counted):
            counted.pause = 0.02
            tasks = [asyncio.create_task(reads.get(["a", "b"])) for _ in range(5)]
            await asyncio.sleep(0.01)
            tasks[0].cancel()
            tasks[3].cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert [number for number, one in enumerate(done) if one == [b"a", None]] == [1, 2, 4]
            assert all(isinstance(done[number], asyncio.CancelledError) for number in (0, 3))
            assert len(counted.round_trips) == 1

    run(work())


def test_each_waits_its_own_budget(server: Server) -> None:
    async def work() -> None:
        async with opened(server) as (reads, counted):
            counted.pause = 0.2
            loop = asyncio.get_running_loop()
            began = loop.time()
            patient = asyncio.create_task(reads.get(["a"]))
            assert await reads.get(["a", "b"], budget=0.05) == [AWAY, AWAY]
            assert 0.05 + SLACK <= loop.time() - began < 0.2
            assert await patient == [b"a"]
            assert len(counted.round_trips) == 1

    run(work())


def test_those_who_wait_for_a_round_trip_that_hangs_wait_no_longer_than_their_budget(server: Server) -> None:
    async def work() -> None:
        async with opened(server, most_round_trips=1) as (reads, counted):
            counted.pause = 1.0
            tasks = [asyncio.create_task(reads.get(["a"], budget=0.05)) for _ in range(3)]
            await asyncio.sleep(0.01)
            loop = asyncio.get_running_loop()
            began = loop.time()
            assert await reads.get(["b"], budget=0.05) == [AWAY]
            assert loop.time() - began < 0.5
            assert await asyncio.gather(*tasks) == [[AWAY]] * 3
            assert len(counted.round_trips) == 1

    run(work())


@pytest.mark.filterwarnings("default")
def test_a_read_that_raises_raises_for_those_who_shared_it() -> None:
    async def work() -> None:
        async def broken(keys: Sequence[Key], budget: float) -> Values:  # noqa: ARG001  # as every read takes
            raise LookupError("a fault of ours")

        reads = SharedReads(broken, budget=1.0)
        done = await asyncio.gather(*(reads.get(["a"]) for _ in range(2)), return_exceptions=True)
        assert [str(one) for one in done] == ["a fault of ours"] * 2
        assert await asyncio.gather(reads.get(["a"]), return_exceptions=True), "and the next one is sent, too"

    run(work())
