"""What a store does, wherever it is: one server, behind TLS, the master of Sentinels, or a Cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import StoreUnavailableError
from scoring.servers.servers import KEYS_PER_COMMAND, Call, Script, Servers
from tests.scoring.servers.servers import Server, a_cluster, a_watched_pair, free_ports, tls_before

ADD = Script.of("return {redis.call('APPEND', KEYS[1], ARGV[1]), ARGV[2]}")
Test = Callable[[Servers], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module", params=["single", "tls", "sentinel", "cluster"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("servers")
    if request.param == "cluster":
        with a_cluster(folder) as cluster:
            yield cluster.url
    elif request.param == "sentinel":
        with a_watched_pair(folder) as watched:
            yield watched.url
    else:
        with Server(folder / "one", *free_ports(1)) as server:
            if request.param == "single":
                yield server.url
            else:
                with tls_before(server, folder) as address:
                    yield address


def check(url: str, test: Test, **options: float) -> None:
    async def work() -> None:
        async with opened(url, **options) as servers:
            await empty(servers)
            await test(servers)

    asyncio.run(work())


@asynccontextmanager
async def opened(url: str, **options: float) -> AsyncIterator[Servers]:
    # The budgets are wide: a busy machine is no reason to fail.
    servers = Servers(url, **{"read_budget": 5.0, "write_budget": 10.0, **options})
    try:
        yield servers
    finally:
        await servers.close()


async def empty(servers: Servers) -> None:
    await servers.delete([key async for keys in servers.scan("*") for key in keys])


def test_what_is_written_is_read(url: str) -> None:
    async def test(servers: Servers) -> None:
        keys = [f"key {number}" for number in range(50)]
        calls = [Call((key,), (key, number)) for number, key in enumerate(keys)]
        replies = await servers.run(ADD, calls)
        assert replies == [[len(key), str(number).encode()] for number, key in enumerate(keys)]
        assert await servers.get(["none", *keys, keys[0]]) == [None, *map(str.encode, keys), b"key 0"]
        assert await servers.get([]) == []
        assert await servers.run(ADD, []) == []

    check(url, test)


def test_more_keys_than_one_command_has_come_in_order(url: str) -> None:
    async def test(servers: Servers) -> None:
        keys = [f"{{{number % 7}}}{number}" for number in range(2 * KEYS_PER_COMMAND + 1)]
        await servers.run(ADD, [Call((key,), (key, 0)) for key in keys])
        assert await servers.get(keys) == [key.encode() for key in keys]
        assert await servers.delete(keys) == len(keys)

    check(url, test)


def test_a_key_of_another_type_reads_as_nothing(url: str) -> None:
    async def test(servers: Servers) -> None:
        await servers.ask("a hash", "HSET", "a hash", "field", 1)
        await servers.run(ADD, [Call(("a text",), ("x", 0))])
        assert await servers.get(["a hash", "a text"]) == [None, b"x"]

    check(url, test)


def test_a_script_that_the_server_does_not_have_is_sent(url: str) -> None:
    async def test(servers: Servers) -> None:
        keys = [f"k{number}" for number in range(20)]
        await servers.run(ADD, [Call((key,), ("1", 0)) for key in keys])
        for key in keys:
            await servers.ask(key, "SCRIPT", "FLUSH")
        await servers.run(ADD, [Call((key,), ("2", 0)) for key in keys])
        assert await servers.get(keys) == [b"12"] * len(keys)

    check(url, test)


def test_a_script_that_fails_is_said_to_and_the_other_calls_are_carried_out(url: str) -> None:
    async def test(servers: Servers) -> None:
        await servers.ask("h", "HSET", "h", "field", 1)
        with pytest.raises(StoreUnavailableError, match="did not do what it was asked"):
            await servers.run(ADD, [Call((key,), ("1", 0)) for key in ("a", "h", "z")])
        assert await servers.get(["a", "z"]) == [b"1", b"1"]

    check(url, test)


def test_a_scan_names_every_key_and_only_those_that_match(url: str) -> None:
    async def test(servers: Servers) -> None:
        mine = [f"mine:{number}" for number in range(300)]
        await servers.run(ADD, [Call((key,), ("1", 0)) for key in [*mine, "yours"]])
        found = [key async for keys in servers.scan("mine:*") for key in keys]
        assert sorted(set(found)) == sorted(map(str.encode, mine))

    check(url, test)


def test_what_is_deleted_is_gone_and_counted(url: str) -> None:
    async def test(servers: Servers) -> None:
        await servers.run(ADD, [Call((key,), ("1", 0)) for key in "abc"])
        assert await servers.delete(["a", "b", "none"]) == 2
        assert await servers.get(["a", "b", "c"]) == [None, None, b"1"]
        assert await servers.delete([]) == 0

    check(url, test)


def test_commands_of_several_keys_go_together(url: str) -> None:
    async def test(servers: Servers) -> None:
        await servers.ask_all([(key, ("HSET", key, "field", key)) for key in "abcdef"])
        replies = await servers.ask_all([(key, ("HGETALL", key)) for key in "abcdef"])
        assert replies == [{b"field": key.encode()} for key in "abcdef"]

    check(url, test)


def test_what_groups_puts_together_one_call_may_name(url: str) -> None:
    copy = Script.of("return redis.call('MGET', unpack(KEYS))")

    async def test(servers: Servers) -> None:
        keys = [f"{{{tag}}}{number}" for number in range(5) for tag in "abc"]
        await servers.run(ADD, [Call((key,), (key, 0)) for key in keys])
        groups = servers.groups(keys)
        assert sorted(position for group in groups for position in group) == list(range(len(keys)))
        replies = await servers.run(copy, [Call(tuple(keys[at] for at in group)) for group in groups])
        assert replies == [[keys[at].encode() for at in group] for group in groups]

    check(url, test)


def test_it_answers(url: str) -> None:
    async def test(servers: Servers) -> None:
        assert await servers.ping()
        assert servers.away == []

    check(url, test)


def test_concurrent_reads_and_writes_each_get_their_own(url: str) -> None:
    async def test(servers: Servers) -> None:
        async def one(number: int) -> None:
            key = f"key {number}"
            await servers.run(ADD, [Call((key,), (number, 0))])
            assert await servers.get([key, "none"]) == [str(number).encode(), None]

        await asyncio.gather(*(one(number) for number in range(200)))

    check(url, test)


@settings(max_examples=20)
@given(st.lists(st.binary(max_size=12), max_size=60))
def test_any_bytes_are_a_key(url: str, keys: list[bytes]) -> None:
    async def test(servers: Servers) -> None:
        held = {key: key + b"!" for key in keys[::2]}
        await servers.ask_all([(key, ("SET", key, value)) for key, value in held.items()])
        assert await servers.get(keys) == [held.get(key) for key in keys]

    check(url, test)
