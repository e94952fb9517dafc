from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import numpy as np
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import PersonKeyError, StoreUnavailableError
from scoring.servers.embedded import EmbeddedStore
from scoring.servers.servers import Servers
from scoring.signals.log import SignalBatch
from scoring.signals.record import OTHER_NAME
from scoring.signals.signal import Signal
from scoring.store.export_file import Exported, write_export
from scoring.store.importing import Fault, Import, Imported
from scoring.store.known_names import NAMES_KEY
from scoring.store.signal_file import read_signal_file
from scoring.store.store import SignalStore
from scoring.store.stored_keys import LOG_PREFIX
from scoring.store.writes import Outcome
from tests.scoring.store.conftest import OpenStore

NOW = 1_782_820_800.0
DAY = 86_400.0
KEYS = [
    ("a:1",),
    ("d:acme.com",),
    ("a:1", "d:acme.com"),
    ("a:jo@acme.com",),
    ("a:*[x]\n",),
    ("a:2", "d:b.io"),
]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(tmp_path_factory.mktemp("other")) as embedded:
        yield embedded


@pytest.fixture(scope="module")
def other_client(other: EmbeddedStore) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(other.url, protocol=2) as plain:
        yield plain


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def exported(store: SignalStore, *keys: str) -> tuple[bytes, Exported]:
    lines: list[bytes] = []
    done = await write_export(store.transfer, lines.append, now=NOW, keys=keys, on_progress=lambda _: None)
    return b"".join(lines), done


async def imported(store: SignalStore, content: bytes, *, now: float = NOW) -> tuple[Imported, list[Fault]]:
    faults: list[Fault] = []
    work = Import(store, now=now, on_fault=faults.append, on_progress=lambda: None)
    return await work.run(read_signal_file(content.splitlines(keepends=True))), faults


def content(batch: SignalBatch) -> tuple[Any, ...]:
    names = (batch.types, batch.topics, batch.channels)
    used = [
        [kind[number] for number in batch.records[field]]
        for kind, field in zip(names, ("type", "topic", "channel"), strict=True)
    ]
    return batch.owner.tobytes(), batch.records.tobytes(), batch.read_ago.tobytes(), used


def signals() -> st.SearchStrategy[list[Signal]]:
    one = st.builds(
        Signal,
        keys=st.sampled_from([keys for keys in KEYS if "\n" not in keys[0]]),
        type=st.sampled_from(["visit", "demo_request", "brand_new", "another"]),
        at=st.integers(int(NOW - 300 * DAY), int(NOW)).map(float),
        event_id=st.integers(0, 30).map(str),
        topic=st.sampled_from(["", "pricing", "größe", OTHER_NAME]),
        strength=st.floats(0, 1000, width=16),
        person=st.sampled_from(["", "jo@acme.com", "max"]),
        channel=st.sampled_from(["", "web", "pigeon"]),
        role=st.integers(0, 14),
        seniority=st.integers(0, 5),
        level=st.booleans(),
    )
    return st.lists(one, max_size=40)


@settings(max_examples=40, deadline=None)
@given(sent=signals())
def test_what_is_exported_and_imported_reads_byte_for_byte_alike(
    open_store: OpenStore,
    client: redis.Redis,
    other: EmbeddedStore,
    other_client: redis.Redis,
    sent: list[Signal],
) -> None:
    client.flushall()
    other_client.flushall()

    async def work() -> None:
        async with open_store(events=20) as here, open_store(other.url, events=20) as there:
            await here.send(sent, now=NOW)
            file, done = await exported(here)
            result, faults = await imported(there, file)
            assert not faults
            assert not result.cut
            assert result.outcomes.total() == done.records
            before, after = await here.read(KEYS, now=NOW), await there.read(KEYS, now=NOW)
            assert content(before) == content(after)
            assert np.array_equal(before.read_ago, np.zeros(len(KEYS)))

            stored = {key: other_client.dump(key) for key in other_client.keys(f"{LOG_PREFIX}*")}
            again, _ = await imported(there, file)
            assert again.outcomes[Outcome.ACCEPTED] == 0
            assert {key: other_client.dump(key) for key in other_client.keys(f"{LOG_PREFIX}*")} == stored
            assert (await there.send(sent, now=NOW)).count(Outcome.ACCEPTED) == 0, (
                "its senders' resends neither"
            )

    run(work())


def test_erasing_reaches_what_was_imported_too(
    open_store: OpenStore, other: EmbeddedStore, other_client: redis.Redis
) -> None:
    other_client.flushall()

    async def work() -> None:
        async with open_store() as here, open_store(other.url) as there:
            await here.send([Signal(("a:1", "d:acme.com"), "visit", NOW, "e1")], now=NOW)
            await imported(there, (await exported(here))[0])
            assert (await there.erase(["d:acme.com"])).logs == 2
            assert other_client.keys() == [NAMES_KEY.encode()]

    run(work())


def test_one_account_is_exported_with_what_is_linked_with_it(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([Signal(("a:1", "d:acme.com"), "visit", NOW, "e1")], now=NOW)
            await store.send([Signal(("a:2",), "visit", NOW, "e1")], now=NOW)
            file, done = await exported(store, "d:acme.com")
            assert (done.logs, done.records) == (2, 2)
            assert b"a:2" not in file

    run(work())


def test_no_person_and_no_event_id_is_in_an_export(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            one = Signal(("a:kim@acme.com",), "visit", NOW, "event-of-jo", person="jo@acme.com")
            await store.send([one], now=NOW)
            file, _ = await exported(store)
            assert b"@" not in file
            assert b"event-of-jo" not in file

    run(work())


def test_a_damaged_log_is_counted_and_left_out(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([Signal(("a:1",), "visit", NOW, "e1")], now=NOW)
            client.set(f"{LOG_PREFIX}a:2", b"x" * 25)
            _, done = await exported(store)
            assert (done.logs, done.records, done.damaged) == (1, 1, 1)

    run(work())


def test_another_key_for_people_is_refused_both_ways(open_store: OpenStore, server: EmbeddedStore) -> None:
    async def work() -> None:
        other_key = SignalStore(Servers(server.url), person_key=b"another key")
        async with open_store() as store:
            await store.send([Signal(("a:1",), "visit", NOW, "e1")], now=NOW)
            file, _ = await exported(store)
            for refused in (exported(other_key), imported(other_key, file)):
                with pytest.raises(PersonKeyError, match="FIREBRAND_PERSON_KEY"):
                    await refused
        await other_key.close()

    run(work())


def test_an_export_of_another_key_is_refused_by_an_empty_store(
    open_store: OpenStore, other: EmbeddedStore, other_client: redis.Redis
) -> None:
    other_client.flushall()

    async def work() -> None:
        elsewhere = SignalStore(Servers(other.url), person_key=b"another key")
        async with open_store() as store:
            await store.send([Signal(("a:1",), "visit", NOW, "e1")], now=NOW)
            file, _ = await exported(store)
        with pytest.raises(PersonKeyError, match=r"person\.key"):
            await imported(elsewhere, file)
        await elsewhere.close()
        assert not other_client.keys()

    run(work())


def test_a_cut_export_is_stored_and_told(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([Signal(("a:1",), "visit", NOW - n, f"e{n}") for n in range(3)], now=NOW)
            file, _ = await exported(store)
            lines = file.splitlines(keepends=True)
            assert len(lines) == 5
            for some in (lines[:-1], lines[:2] + lines[3:], lines[:1]):
                result, faults = await imported(store, b"".join(some))
                assert result.cut, "its end is missing, or a line before it"
                assert not faults
            assert not (await imported(store, file))[0].cut

    run(work())


def test_lines_that_cannot_be_stored_are_told_by_number(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([Signal(("a:1",), "visit", NOW, "e1")], now=NOW)
            file, _ = await exported(store)
            header, good, end = file.splitlines(keepends=True)
            bad = [
                good.replace(b"a:1", b"z:1"),
                good.replace(b"a:1", b"a:jo@acme.com"),
                good.replace(str(int(NOW)).encode(), str(int(NOW) + 301).encode()),
                good.replace(b"visit", b"x" * 300),
                good.replace(b'"id"', b'"ix"'),
                good.replace(b'"at"', b'"role":"wizard","at"'),
                b"{}\n",
                b"not json\n",
                b"\xff\n",
                header,
            ]
            result, faults = await imported(store, b"".join([header, *bad, good, end]))
            assert [one.line for one in faults] == list(range(2, 12))
            assert {one.code for one in faults} == {"line_unreadable", "time_in_future"}
            assert result.outcomes == {Outcome.DUPLICATE: 1}
            assert not any("jo@acme.com" in one.message or "wizard" in one.message for one in faults)

    run(work())


def test_what_is_older_than_the_store_keeps_is_dropped(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([Signal(("a:1",), "visit", NOW - n * DAY, f"e{n}") for n in (0, 399)], now=NOW)
            file, _ = await exported(store)
            client.flushall()
            result, _ = await imported(store, file, now=NOW + 2 * DAY)
            assert result.outcomes == {Outcome.ACCEPTED: 1, Outcome.DROPPED: 1}

    run(work())


def test_a_store_that_hangs_makes_no_export(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store(write_budget=0.1) as store:
            await store.send([Signal(("a:1",), "visit", NOW, "e1")], now=NOW)
            client.client_pause(400)
            with pytest.raises(StoreUnavailableError):
                await exported(store)
            await asyncio.sleep(0.5)

    run(work())


def test_names_are_many_and_an_export_keeps_them_apart(
    open_store: OpenStore, other: EmbeddedStore, other_client: redis.Redis
) -> None:
    other_client.flushall()

    async def work() -> None:
        async with open_store() as here, open_store(other.url) as there:
            await here.send(
                [
                    Signal((f"a:{n}",), "visit", NOW, "e", topic=f"topic {(n * 7919) % 1500}")
                    for n in range(1500)
                ],
                now=NOW,
            )
            await imported(there, (await exported(here))[0])
            accounts = [(f"a:{n}",) for n in range(1500)]
            assert content(await here.read(accounts, now=NOW)) == content(await there.read(accounts, now=NOW))

    run(work())
