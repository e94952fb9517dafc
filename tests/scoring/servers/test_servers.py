"""What a server that fails costs. (What one does that works is in tests/contracts/test_servers.py.)"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from scoring.errors import StoreUnavailableError
from scoring.servers.servers import AWAY, Call, Servers
from scoring.servers.shard import PROBE_EVERY
from tests.scoring.servers.reading import BUDGET, KEYS, LATE, SET, fill, opened, run, timed, until_fresh
from tests.scoring.servers.servers import Relay, Server, free_ports


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, *free_ports(1)) as server:
        yield server


async def under_load(servers: Servers, seconds: float) -> list[float]:
    """Read one key after the other, 8 at a time, and return how long each took."""
    taken: list[float] = []

    async def one() -> None:
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            taken.append((await timed(servers, KEYS[:1]))[1])
            await asyncio.sleep(0.002)

    await asyncio.gather(*(one() for _ in range(8)))
    return taken


def test_a_server_that_hangs_costs_the_budget_twice_and_then_nothing(server: Server) -> None:
    async def work() -> None:
        async with opened(server.url) as servers:
            await fill(servers)
            server.hang()
            for _ in range(2):
                values, seconds = await timed(servers)
                assert values == [AWAY] * len(KEYS)
                assert BUDGET / 2 < seconds < BUDGET + LATE
            assert servers.away == [f"127.0.0.1:{server.port}"]
            values, seconds = await timed(servers)
            assert values == [AWAY] * len(KEYS)
            assert seconds < LATE
            assert not await servers.ping()
            server.go_on()
            assert await until_fresh(servers) < 1.0
            assert servers.away == []

    run(work())


def test_under_load_no_read_is_late_while_a_server_hangs_dies_and_comes_back(server: Server) -> None:
    async def work() -> None:
        async with opened(server.url) as servers:
            await fill(servers)
            load = asyncio.create_task(under_load(servers, 2.4))
            for harm, mend in ((server.hang, server.go_on), (server.kill, server.start)):
                await asyncio.sleep(0.3)
                await asyncio.to_thread(harm)
                await asyncio.sleep(0.4)
                await asyncio.to_thread(mend)
                if mend == server.start:
                    await servers.run(SET, [Call((key,), (key,)) for key in KEYS])
                assert await until_fresh(servers) < 1.0
            taken = sorted(await load)
            assert len(taken) > 500
            assert taken[-1] < BUDGET + LATE

    run(work())


def test_a_server_that_is_not_there_costs_next_to_nothing() -> None:
    async def work() -> None:
        (port,) = free_ports(1)
        async with opened(f"redis://127.0.0.1:{port}") as servers:
            values, seconds = await timed(servers)
            assert values == [AWAY] * len(KEYS)
            assert seconds < LATE
            with pytest.raises(StoreUnavailableError, match="ConnectionError"):
                await servers.run(SET, [Call(("a",), (1,))])

    run(work())


def test_a_port_where_nobody_accepts_costs_the_budget() -> None:
    async def work() -> None:
        with ExitStack() as sockets:
            full, *fillers = [sockets.enter_context(socket.socket()) for _ in range(5)]
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for filler in fillers:
                filler.setblocking(False)
                with suppress(BlockingIOError):
                    filler.connect(full.getsockname())
            async with opened(f"redis://127.0.0.1:{full.getsockname()[1]}", write_budget=0.2) as servers:
                values, seconds = await timed(servers)
                assert values == [AWAY] * len(KEYS)
                assert BUDGET / 2 < seconds < BUDGET + LATE
                began = time.monotonic()
                with pytest.raises(StoreUnavailableError, match="TimeoutError"):
                    await servers.run(SET, [Call(("a",), (1,))])
                assert time.monotonic() - began < 2.0

    run(work())


def test_a_wrong_password_is_a_store_that_is_away_and_is_never_told(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        server.ask("CONFIG", "SET", "requirepass", "right-word")
        url = f"redis://:wrong-word@127.0.0.1:{server.port}"
        async with opened(url, read_budget=1.0) as servers:
            assert [await servers.get(["a"]) for _ in range(3)] == [[AWAY]] * 3
            with pytest.raises(StoreUnavailableError, match="AuthenticationError") as caught:
                await servers.run(SET, [Call(("a",), (1,))])
            assert "AuthenticationError" in caplog.text
            assert "wrong-word" not in caplog.text + repr(caught.value) + repr(caught.value.__cause__)
        async with opened(url.replace("wrong", "right"), read_budget=1.0) as servers:
            assert await servers.get(["a"]) == [None]

    run(work())


def test_going_and_coming_back_are_logged_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        async with opened(server.url) as servers:
            await fill(servers)
            server.hang()
            for _ in range(6):
                await asyncio.gather(*(servers.get(KEYS) for _ in range(20)))
            server.go_on()
            await until_fresh(servers)
            await servers.get(KEYS)

    with caplog.at_level(logging.INFO, logger="scoring"):
        run(work())
    name = f"127.0.0.1:{server.port}"
    assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
        f"signal store: {name} does not answer",
        f"signal store: {name} is answering again",
    ]


def test_reads_that_fail_together_do_not_open_the_breaker(server: Server) -> None:
    async def work() -> None:
        async with opened(server.url) as servers:
            await fill(servers)
            server.hang()
            assert await asyncio.gather(*(servers.get(["a"]) for _ in range(100))) == [[AWAY]] * 100
            server.go_on()
            assert servers.away == []
            assert await until_fresh(servers) < PROBE_EVERY

    run(work())


def test_an_event_loop_that_was_held_up_reads_what_came_meanwhile(server: Server) -> None:
    async def work() -> None:
        async with opened(server.url) as servers:
            await fill(servers)
            for _ in range(10):
                read = asyncio.create_task(servers.get(KEYS))
                await asyncio.sleep(0)
                time.sleep(2 * BUDGET)  # holding the loop up is the point
                assert await read == [key.encode() for key in KEYS]
            assert servers.away == []

    run(work())


def test_a_server_that_takes_longer_to_connect_to_than_a_read_has_is_read(
    server: Server,
) -> None:
    async def work() -> None:
        with Relay(server.port, delay=0.06) as relay:
            async with opened(f"redis://127.0.0.1:{relay.port}", read_budget=0.1) as servers:
                await servers.run(SET, [Call((key,), (key,)) for key in KEYS])
                assert await servers.get(KEYS) == [AWAY] * len(KEYS), "a connection takes two round trips"
                assert await until_fresh(servers) < 1.0

    run(work())


def test_no_reply_reaches_another_request(server: Server) -> None:
    async def work() -> None:
        with Relay(server.port, delay=0.003) as relay:
            async with opened(f"redis://127.0.0.1:{relay.port}", read_budget=1.0) as servers:
                await fill(servers)
                answered = away = 0
                for number in range(300):
                    key = KEYS[number % len(KEYS)]
                    (value,) = await servers.get([key], budget=0.001 * (number % 12))
                    assert value in {key.encode(), AWAY}
                    answered += value == key.encode()
                    away += value is AWAY
                    if servers.away:
                        await until_fresh(servers)
                assert answered > 20
                assert away > 20

    run(work())


def test_a_caller_that_is_cancelled_leaves_no_reply_behind(server: Server) -> None:
    async def work() -> None:
        async with opened(server.url, read_budget=5.0) as servers:
            await fill(servers)
            for number in range(300):
                read = asyncio.create_task(servers.get([KEYS[number % 7], KEYS[8]]))
                for _ in range(number % 9):
                    await asyncio.sleep(0)
                read.cancel()
                with suppress(asyncio.CancelledError):
                    await read
                assert await servers.get([KEYS[20]]) == [KEYS[20].encode()]
            assert servers.away == []

    run(work())
