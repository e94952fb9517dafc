from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.account import Account
from scoring.attribute_names import AttributeNames
from scoring.errors import StoreUnavailableError
from scoring.servers.embedded import EmbeddedStore
from scoring.servers.servers import Call, Servers
from scoring.store.remembered import LARGEST, MOST_ENTRIES, MOST_WAITING, Remembered
from scoring.store.scripts import REMEMBER
from tests.scoring.models import AS_OF, DAY
from tests.scoring.models import signal as event
from tests.scoring.servers.servers import a_cluster
from tests.scoring.store.conftest import OpenStore, SendingStore

pytestmark = pytest.mark.anyio  # for the tests that are coroutines
NAMES = AttributeNames(["Industry", "employees", "tools"])
VERSION = "2026-06-30-0123456789ab"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def note(
    store: SendingStore,
    *accounts: Account,
    at: float = AS_OF,
    version: str = VERSION,
) -> None:
    store.scored.note(accounts, version=version, names=NAMES, at=at)


def one(**attributes: Any) -> Account:
    return Account("A-1", "", attributes)


async def kept(store: SendingStore, *keys: str) -> list[tuple[float, Mapping[str, Any]]]:
    return [(entry.at, entry.attributes) for entry in await store.scored.read(keys or ("a:A-1",))]


async def written(store: SendingStore, *accounts: Account, at: float = AS_OF) -> None:
    note(store, *accounts, at=at)
    await store.scored.read(("a:nobody",))  # waits for what is to be written


async def test_it_is_kept_what_the_model_knows_of_an_account_and_which_model(open_store: OpenStore) -> None:
    async with open_store() as store:
        note(
            store,
            Account("A-1", "www.acme.com", {"industry": " FinTech ", "employees": "n/a", "colour": "red"}),
        )
        logs = ("fb:s:a:A-1", "fb:s:d:acme.com")
        expected = [Remembered(AS_OF, VERSION, {"Industry": " FinTech "}, logs)]
        assert await store.scored.read(("a:A-1",)) == expected
        assert await store.scored.read(("d:acme.com",)) == expected
        assert await store.scored.read(("a:unknown", "d:acme.com")) == expected
        assert await store.scored.read(("a:unknown",)) == []


async def test_only_what_is_different_is_written(open_store: OpenStore, client: redis.Redis) -> None:
    async with open_store() as store:
        await written(store, one(employees=7))
        calls = _scripts_run(client)
        await written(store, one(employees=7), at=AS_OF + 1)
        await written(store, one(employees=7, colour="red"), at=AS_OF + 2)  # nothing that the model knows
        await written(store, one(), at=AS_OF + 3)  # a caller who says nothing changes nothing
        assert _scripts_run(client) == calls
        await written(store, one(employees=8), at=AS_OF + 4)
        assert _scripts_run(client) == calls + 1
        assert await kept(store) == [(AS_OF, {"employees": 7}), (AS_OF + 4, {"employees": 8})]
        note(store, one(employees=8), at=AS_OF + 5, version="2026-07-31-0123456789ab")
        versions = [entry.version for entry in await store.scored.read(("a:A-1",))]
        assert versions == [VERSION, VERSION, "2026-07-31-0123456789ab"]


def _scripts_run(client: redis.Redis) -> int:
    found: Any = client.info("commandstats")
    return sum(found.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval"))


async def test_of_an_account_without_attributes_it_is_kept_that_it_was_scored(open_store: OpenStore) -> None:
    async with open_store() as store, open_store() as other:
        await written(store, one())
        assert await kept(store) == [(AS_OF, {})]
        await written(store, one(employees=7), at=AS_OF + 1)
        await written(other, one(), at=AS_OF + 2)  # a process that knows nothing of it
        assert await kept(store) == [(AS_OF, {}), (AS_OF + 1, {"employees": 7})]


async def test_processes_that_write_in_any_order_leave_the_same(
    open_store: OpenStore, client: redis.Redis
) -> None:
    moments = [(AS_OF, 7), (AS_OF + 1, 7), (AS_OF + 2, 8), (AS_OF + 3, 7)]
    expected = [(AS_OF, {"employees": 7}), (AS_OF + 2, {"employees": 8}), (AS_OF + 3, {"employees": 7})]
    for order in ([0, 1, 2, 3], [1, 0, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1]):
        client.flushall()
        for at, employees in (moments[place] for place in order):
            async with open_store() as store:
                await written(store, one(employees=employees), at=at)
        async with open_store() as store:
            assert await kept(store) == expected, order


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(8)))
def test_any_order_of_notes_leaves_the_same_history(
    server: EmbeddedStore, client: redis.Redis, order: list[int]
) -> None:
    client.flushall()

    async def work() -> None:
        servers = Servers(server.url, write_budget=5.0)
        for number in order:
            arguments = (f"{AS_OF + number:.3f}", b"content %d" % number, 1_000, 8, "0.000", 0)
            await servers.run(REMEMBER, [Call(("fb:r:a:A-1",), arguments)] * 2)  # a repeat does no harm
        await servers.close()

    asyncio.run(work())
    found: Any = client.zrange("fb:r:a:A-1", 0, -1)
    assert found == [b"%.3f content %d" % (AS_OF + number, number) for number in range(8)]


async def test_a_history_is_bounded_and_what_held_longest_stays(open_store: OpenStore) -> None:
    async with open_store() as store:
        for month in range(3):
            await written(store, one(employees=month), at=AS_OF + 20 * DAY * month)
        for second in range(20):  # two callers who take turns with what they send
            await written(store, one(employees=100 + second % 2), at=AS_OF + 50 * DAY + second)
        history = await kept(store)
        assert len(history) == MOST_ENTRIES
        assert [at for at, _ in history][:3] == [AS_OF, AS_OF + 20 * DAY, AS_OF + 40 * DAY]
        assert history[-1] == (AS_OF + 50 * DAY + 19, {"employees": 101})


async def test_what_ended_too_long_ago_goes_and_all_of_it_expires(
    open_store: OpenStore, client: redis.Redis
) -> None:
    async with open_store(remember_days=30) as store:
        for day in (0, 10, 45):
            await written(store, one(employees=day), at=AS_OF + day * DAY)
        # What began on day 10 held until day 45, so it is still asked for; what it replaced is not.
        assert [at for at, _ in await kept(store)] == [AS_OF + 10 * DAY, AS_OF + 45 * DAY]
        assert 0 < client.ttl("fb:r:a:A-1") <= 30 * DAY


async def test_nothing_is_kept_where_that_is_switched_off(open_store: OpenStore, client: redis.Redis) -> None:
    async with open_store(remember_days=0) as store:
        await written(store, one(employees=7))
        assert not store.scored.on
        assert client.keys("fb:r:*") == []


async def test_what_is_too_large_is_left_out_and_counted(
    open_store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    noise = os.urandom(2 * LARGEST).hex()
    async with open_store() as store:
        await written(
            store, one(Industry=noise), one(employees=10**400), Account("A-2", "", {"employees": 7})
        )
        await written(store, one(Industry=noise + "x"))
        assert store.scored.too_large == 3
        assert await kept(store) == []
        assert await kept(store, "a:A-2") == [(AS_OF, {"employees": 7})]
    assert len([record for record in caplog.records if "too large" in record.message]) == 1
    assert noise[:20] not in caplog.text


async def test_very_many_accounts_are_written_and_more_than_may_wait_are_dropped(
    open_store: OpenStore, client: redis.Redis
) -> None:
    accounts = [Account(f"A-{number}", "", {"employees": number}) for number in range(2_000)]
    async with open_store() as store:
        note(store, *accounts)
        note(store, *accounts * (MOST_WAITING // len(accounts)))
        assert store.scored.dropped == MOST_WAITING
        for number in (0, 1_999):
            assert await kept(store, f"a:A-{number}") == [(AS_OF, {"employees": number})]
        assert client.dbsize() == 2_000


async def test_a_store_that_is_gone_costs_notes_and_fails_nothing(
    tmp_path: Path, open_store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    with EmbeddedStore(tmp_path) as embedded:
        pid = embedded.pid
        assert pid is not None
        async with open_store(embedded.url, write_budget=0.2) as store:
            await written(store, one(employees=7))
            os.kill(pid, signal.SIGSTOP)
            try:
                for number in range(3):
                    note(store, one(employees=8 + number))
                    await asyncio.sleep(0.4)
                with pytest.raises(StoreUnavailableError):
                    await store.scored.read(("a:A-1",))
            finally:
                os.kill(pid, signal.SIGCONT)
            assert store.scored.dropped == 3
            assert len([one for one in caplog.records if "not remembered now" in one.message]) == 1
            await asyncio.sleep(0.3)
            await written(
                store, one(employees=10), at=AS_OF + 1
            )  # what was lost is noted when it comes again
            history = await kept(store)
            assert history[0] == (AS_OF, {"employees": 7})
            assert history[-1][1] == {"employees": 10}


async def test_erasing_an_account_erases_what_it_was_scored_with(
    open_store: OpenStore, client: redis.Redis
) -> None:
    async with open_store() as store:
        await store.send([event(keys=("a:A-1", "d:acme.com"))], now=AS_OF)
        account = Account("A-1", "acme.com", {"employees": 7})
        await written(store, account, Account("A-2", "", {"employees": 9}))
        note(store, one(employees=8), at=AS_OF + 1)  # waits while the account is erased
        await store.erase(("a:A-1",))
        assert await kept(store) == []
        assert await kept(store, "d:acme.com") == []
        assert client.keys("fb:r:*") == [b"fb:r:a:A-2"]
        await written(store, account, at=AS_OF + 2)  # scored anew, remembered anew
        assert await kept(store) == [(AS_OF + 2, {"employees": 7})]


@pytest.mark.parametrize("name", ["a:jo@acme.com", "d:acme.com"])
async def test_erasing_by_one_name_reaches_what_was_noted_by_the_other(
    open_store: OpenStore, client: redis.Redis, name: str
) -> None:
    async with open_store() as store:
        await written(store, Account("jo@acme.com", "acme.com", {"employees": 7}))
        assert len(client.keys("fb:r:*")) == 2
        await store.erase((name,))  # no signal says that the two are one
        assert client.keys("fb:r:*") == []


async def test_an_id_that_is_an_e_mail_address_is_not_in_the_store(
    open_store: OpenStore, client: redis.Redis
) -> None:
    async with open_store() as store:
        await written(store, Account("jo@acme.com", "", {"employees": 7}))
        assert await kept(store, "a:jo@acme.com") == [(AS_OF, {"employees": 7})]
        (key,) = client.keys("fb:r:*")
        assert b"jo@" not in key
        (entry,) = await store.scored.read(("a:jo@acme.com",))
        assert "jo@" not in str(entry)


async def test_what_another_wrote_there_is_no_entry(
    open_store: OpenStore, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    client.zadd("fb:r:a:A-1", {b"1 not deflated": 1.0, b"2": 2.0})
    async with open_store() as store:
        assert await kept(store) == []
    assert "damaged" in caplog.text


async def test_each_shard_of_a_cluster_keeps_its_own_accounts(tmp_path: Path, open_store: OpenStore) -> None:
    accounts = [Account(f"A-{number}", f"acme{number}.com", {"employees": number}) for number in range(60)]
    with a_cluster(tmp_path) as cluster:
        async with open_store(cluster.url) as store:
            await written(store, *accounts)
            for number in range(60):
                for key in (f"a:A-{number}", f"d:acme{number}.com"):
                    assert await kept(store, key) == [(AS_OF, {"employees": number})]
            await store.erase(("a:A-7", "d:acme7.com"))
            assert await kept(store, "a:A-7", "d:acme7.com") == []
            assert store.scored.dropped == 0
