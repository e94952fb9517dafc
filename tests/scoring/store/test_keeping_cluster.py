from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from scoring.errors import StoreUnavailableError
from scoring.servers.servers import Servers
from scoring.signals.columns import SignalColumns
from scoring.signals.signal import Signal
from scoring.store.erasure import Erased
from scoring.store.export_file import write_export
from scoring.store.importing import Fault, Import
from scoring.store.signal_file import read_signal_file
from scoring.store.store import SignalStore
from scoring.store.stored_keys import LOG_PREFIX
from tests.scoring.servers.servers import Cluster, a_cluster

NOW = 1_782_820_800.0
ACCOUNTS = [(f"a:{n}", f"d:c{n % 10}.com") for n in range(60)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with a_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@asynccontextmanager
async def opened(cluster: Cluster) -> AsyncIterator[SignalStore]:
    store = SignalStore(
        Servers(cluster.url, read_budget=5.0, write_budget=2.0),
        person_key=b"a key for tests",
        read_budget=5.0,
    )
    try:
        yield store
    finally:
        await store.close()


async def filled(store: SignalStore) -> None:
    signals = [Signal(keys, "visit", NOW, f"e{n}", person="jo") for n, keys in enumerate(ACCOUNTS)]
    await store.append(SignalColumns.of(signals), now=NOW)


def test_signals_are_taken_from_all_shards_and_put_back_after_all_are_erased(cluster: Cluster) -> None:
    async def work() -> None:
        async with opened(cluster) as store:
            await filled(store)
            before = await store.read(ACCOUNTS, now=NOW)
            lines: list[bytes] = []
            done = await write_export(store.transfer, lines.append, now=NOW, on_progress=lambda _: None)
            assert (done.logs, done.records) == (70, 120)
            assert await store.erase(["a:1"], person="jo") == Erased(records=7, logs=2)
            erased = [await store.erase([f"d:c{n}.com"]) for n in range(10)]
            assert sum(one.records for one in erased) == 113
            assert not len((await store.read(ACCOUNTS, now=NOW)).records)

            faults: list[Fault] = []
            work = Import(store, now=NOW, on_fault=faults.append, on_progress=lambda: None)
            result = await work.run(read_signal_file(b"".join(lines).splitlines(keepends=True)))
            assert (result.outcomes.total(), faults, result.cut) == (120, [], False)
            after = await store.read(ACCOUNTS, now=NOW)
            assert after.records.tobytes() == before.records.tobytes()
            assert await store.erase(["d:c3.com"]) == Erased(records=12, logs=7), "links came along"

    asyncio.run(work())


def test_what_a_hung_shard_kept_from_being_erased_the_next_call_erases(cluster: Cluster) -> None:
    async def work() -> None:
        async with opened(cluster) as store:
            await filled(store)
            gone = cluster.holder(f"{LOG_PREFIX}a:0")
            gone.hang()
            try:
                with pytest.raises(StoreUnavailableError):
                    await store.erase(["d:c0.com"])
                with pytest.raises(StoreUnavailableError):
                    await write_export(store.transfer, len, now=NOW, on_progress=lambda _: None)
            finally:
                gone.go_on()
            await store.erase(["d:c0.com"])
            own = [keys for keys in ACCOUNTS if keys[1] == "d:c0.com"]
            assert not len((await store.read(own, now=NOW)).records)

    asyncio.run(work())
