from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import StoreUnavailableError
from scoring.signals.signal import Signal
from scoring.store import stored_keys
from scoring.store.erasure import Erased
from scoring.store.known_names import NAMES_KEY
from scoring.store.stored_keys import LINK_PREFIX, LOG_PREFIX
from tests.scoring.store.conftest import OpenStore

NOW = 1_782_820_800.0
PEOPLE = ("", "jo@acme.com", "max@acme.com", "kim@acme.com")


def event(number: int | str, *keys: str, person: str = "", age: float = 0.0) -> Signal:
    return Signal(keys or ("a:1",), "visit", NOW - age, f"e{number}", person=person)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_erasing_reaches_every_log_and_every_key_of_the_account(
    open_store: OpenStore, client: redis.Redis
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(1, "a:1", "d:acme.com"), event(2, "a:2", "d:acme.com")], now=NOW)
            await store.send([event(3, "a:1"), event(4, "a:9", "d:other.com")], now=NOW)
            assert await store.erase(["a:1"]) == Erased(records=4, logs=2)
            assert set(client.keys()) == {NAMES_KEY.encode(), f"{LINK_PREFIX}d:acme.com".encode()} | {
                f"{prefix}{name}".encode()
                for prefix in (LOG_PREFIX, LINK_PREFIX)
                for name in ("a:2", "a:9", "d:other.com")
            }
            batch = await store.read([("a:1", "d:acme.com"), ("a:2",), ("a:9",)], now=NOW)
            assert batch.owner.tolist() == [1, 2], "another account of the domain keeps what is its own"
            assert await store.erase(["a:1"]) == Erased(records=0, logs=0)

    run(work())


def test_whatever_is_kept_beside_a_log_goes_with_it(
    open_store: OpenStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_keys, "BESIDE", (*stored_keys.BESIDE, "fb:another:"))

    async def work() -> None:
        async with open_store() as store:
            await store.send([event(1, "a:1", "d:acme.com")], now=NOW)
            client.set("fb:another:d:acme.com", "x")
            await store.erase(["a:1"])
            assert client.keys() == [NAMES_KEY.encode()]

    run(work())


def test_an_account_whose_id_is_an_address_is_erased(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(1, "a:jo@acme.com")], now=NOW)
            assert (await store.erase(["a:jo@acme.com"])).records == 1
            assert client.keys() == [NAMES_KEY.encode()]

    run(work())


def test_erasing_a_domain_reaches_every_id_that_has_it_also_after_one_of_them_was_erased(
    open_store: OpenStore, client: redis.Redis
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(n, f"a:{n}", "d:acme.com") for n in range(12)], now=NOW)
            assert await store.erase(["a:5"]) == Erased(records=13, logs=2)
            assert await store.erase(["d:acme.com"]) == Erased(records=11, logs=11)
            assert await store.erase([f"a:{n}" for n in range(12)]) == Erased(records=0, logs=0)
            assert client.keys() == [NAMES_KEY.encode()]

    run(work())


def test_many_accounts_are_erased_in_waves(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.store.links.LOGS_PER_WAVE", 3)

    async def work() -> None:
        async with open_store() as store:
            await store.send([event(n, f"a:{n}", f"d:{n}.com") for n in range(10)], now=NOW)
            assert await store.erase([f"a:{n}" for n in range(10)]) == Erased(records=20, logs=20)

    run(work())


def test_erased_signals_do_not_come_back_from_what_was_read_before(
    open_store: OpenStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scoring.store.store.READ_BUDGET", 0.2)

    async def work() -> None:
        async with open_store(read_budget=0.1) as store:
            await store.send([event(1, "a:1"), event(2, "a:2")], now=NOW)
            await store.read([("a:1",), ("a:2",)], now=NOW)
            await store.erase(["a:1"])
            client.client_pause(1_500)
            batch = await store.read([("a:1",), ("a:2",)], now=NOW)
            assert batch.owner.tolist() == [1], "the other account is still known from before"
            with pytest.raises(StoreUnavailableError):
                await store.known(["a:2"], now=NOW)
            time.sleep(1.5)

    run(work())


def test_another_process_links_anew_what_was_erased(open_store: OpenStore) -> None:
    """Each process remembers the links it noted; erasing in one must reach what another writes later."""

    async def work() -> None:
        async with open_store() as writer, open_store() as eraser:
            for _ in range(2):
                await writer.send([event(1, "a:1", "d:acme.com")], now=NOW)
                assert await eraser.erase(["d:acme.com"]) == Erased(records=2, logs=2)

    run(work())


def test_a_store_that_was_emptied_gets_its_links_anew(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.erase(["a:0"])
            await store.send([event(1, "a:1", "d:acme.com")], now=NOW)
            client.flushall()
            await store.send([event(1, "a:1", "d:acme.com")], now=NOW)
            assert (await store.erase(["d:acme.com"])).logs == 2

    run(work())


def test_what_was_acknowledged_before_is_gone_and_what_comes_after_stays(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as writer, open_store() as eraser:
            count, acknowledged = 0, -1

            async def keep_sending(until: asyncio.Event) -> None:
                nonlocal count, acknowledged
                while not until.is_set():
                    number, count = count, count + 1
                    await writer.send([event(number, "a:1", "d:acme.com", age=number)], now=NOW)
                    acknowledged = max(acknowledged, number)

            for _ in range(10):
                over = asyncio.Event()
                senders = [asyncio.create_task(keep_sending(over)) for _ in range(3)]
                await asyncio.sleep(0.02)
                before = count  # some of these may be under way
                done_before = acknowledged - 3
                await eraser.erase(["d:acme.com"])
                after = count
                await asyncio.sleep(0.02)
                over.set()
                await asyncio.gather(*senders)
                batch = await eraser.read([("a:1", "d:acme.com")], now=NOW)
                kept = {int(NOW) - at for at in batch.records["at"].tolist()}
                assert not kept & set(range(done_before + 1)), "acknowledged before"
                assert set(range(after, count)) <= kept, "sent after"
                assert before <= after

    run(work())


def test_one_persons_signals_go_and_the_others_stay(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(1, "a:1", "d:acme.com", person="jo@acme.com")], now=NOW)
            await store.send([event(2, "a:1", person="max@acme.com"), event(3, "a:1", age=5)], now=NOW)
            client.expire(f"{LOG_PREFIX}a:1", 1234)
            assert await store.erase(["a:1"], person="jo@acme.com") == Erased(records=2, logs=2)
            batch = await store.read([("a:1", "d:acme.com")], now=NOW)
            assert batch.records["at"].tolist() == [NOW - 5, NOW]
            assert client.ttl(f"{LOG_PREFIX}a:1") <= 1234, "the log does not live longer for it"
            assert not client.exists(f"{LOG_PREFIX}d:acme.com")
            assert await store.erase(["a:1"], person="jo@acme.com") == Erased(records=0, logs=0)

    run(work())


@settings(max_examples=30, deadline=None)
@given(
    people=st.lists(st.sampled_from(PEOPLE), max_size=30),
    meanwhile=st.lists(st.sampled_from(PEOPLE), max_size=30),
    erased=st.sampled_from(PEOPLE[1:]),
)
def test_erasing_a_person_loses_nobody_elses_concurrent_signals(
    open_store: OpenStore, client: redis.Redis, people: list[str], meanwhile: list[str], erased: str
) -> None:
    client.flushall()

    async def work() -> None:
        async with open_store() as writer, open_store() as eraser:
            first = [event(n, person=person, age=n) for n, person in enumerate(people)]
            await writer.send(first, now=NOW)
            later = [event(f"m{n}", person=person, age=100 + n) for n, person in enumerate(meanwhile)]
            erasing = asyncio.create_task(eraser.erase(["a:1"], person=erased))
            await asyncio.gather(*(writer.send([one], now=NOW) for one in later))
            done = await erasing
            before = people.count(erased)
            assert before <= done.records <= before + meanwhile.count(erased)
            left = {int(at) for at in (await eraser.read([("a:1",)], now=NOW)).records["at"]}
            others = {int(one.at) for one in [*first, *later] if one.person != erased}
            gone = {int(one.at) for one in first if one.person == erased}
            assert others <= left
            assert not gone & left

    run(work())


def test_erasing_from_a_hung_store_is_not_claimed(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store(write_budget=0.2) as store:
            await store.send([event(1)], now=NOW)
            client.client_pause(600)
            with pytest.raises(StoreUnavailableError):
                await store.erase(["a:1"])
            time.sleep(0.7)
            assert (await store.erase(["a:1"])).records <= 1
            assert not client.exists(f"{LOG_PREFIX}a:1")

    run(work())
