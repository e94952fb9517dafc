from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
import redis

from scoring.errors import RequestError, StoreUnavailableError
from scoring.servers.servers import Servers
from scoring.signals.rolled_up import Rollup
from scoring.signals.signal import Signal
from scoring.store import families as module
from scoring.store import family_lock as lock
from scoring.store.families import LinkStatus
from scoring.store.family_walk import MOST_LEVELS
from scoring.store.store import SignalStore
from tests.scoring.servers.servers import Cluster, a_cluster
from tests.scoring.store.conftest import OpenStore, SendingStore

NOW = 1_782_864_000.0
DAY = 86_400
LINKED, UNCHANGED = LinkStatus.LINKED, LinkStatus.UNCHANGED


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def keys(names: str) -> tuple[str, ...]:
    return tuple(names.split())


async def link(store: SignalStore, *links: tuple[str, str]) -> list[str]:
    """Link children to parents; what became of each, as its status or code."""
    results = await store.families.link([(keys(child), keys(parent)) for child, parent in links])
    return [one.code if isinstance(one, RequestError) else one.value for one in results]


async def rolled_up(store: SignalStore, names: str, rollup: Rollup = Rollup.PARENT) -> set[str]:
    """Return the ids of whoever else counts at an account."""
    batch = await store.read([keys(names)], rollups=[rollup], now=NOW)
    assert batch.read_ago.tolist() == [0.0]
    found = batch.rolled_up[0]
    assert (found.unread, found.cut, found.accounts) == (0, False, len(found.ids))
    return set(found.ids)


async def send(store: SendingStore, *accounts: str) -> None:
    signals = [Signal(keys(names), "visit", NOW - DAY, "the same id") for names in accounts]
    await store.send(signals, now=NOW)


async def times(store: SignalStore, names: str, rollup: Rollup = Rollup.PARENT) -> int:
    return len((await store.read([keys(names)], rollups=[rollup], now=NOW)).records)


def test_a_link_counts_for_those_above_and_can_be_taken_back(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await send(store, "a:1", "a:2", "a:3")
            assert await link(store, ("a:2", "a:1"), ("a:3", "a:2")) == [LINKED, LINKED]
            assert await rolled_up(store, "a:1") == {"2", "3"}
            assert await rolled_up(store, "a:2") == {"3"}
            assert await rolled_up(store, "a:3", Rollup.FAMILY) == {"1", "2"}
            assert [await times(store, name) for name in ("a:1", "a:2", "a:3")] == [3, 2, 1]
            assert [await times(store, name, Rollup.NONE) for name in ("a:1", "a:2", "a:3")] == [1, 1, 1]
            assert await store.families.unlink(("a:2",)) is True
            assert await store.families.unlink(("a:2",)) is False
            assert await rolled_up(store, "a:1") == set()
            assert await rolled_up(store, "a:2") == {"3"}

    run(work())


def test_a_link_that_names_id_and_domain_is_found_by_either(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await link(store, ("a:2 d:two.com", "a:1 d:one.com"), ("a:3", "a:2"), ("d:four.com", "d:one.com"))
            for name in ("a:1", "d:one.com", "a:1 d:one.com"):
                assert await rolled_up(store, name) == {"2", "3", "four.com"}
            for name in ("a:2", "d:two.com", "a:2 d:two.com"):
                assert await rolled_up(store, name) == {"3"}
            assert await rolled_up(store, "d:two.com", Rollup.FAMILY) == {"1", "3", "four.com"}
            assert await store.families.unlink(("d:two.com",)) is True
            assert await rolled_up(store, "a:1") == {"four.com"}

    run(work())


def test_a_child_has_one_parent_the_last_one_said(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await link(store, ("a:2 d:two.com", "a:1"))
            assert await link(store, ("a:2", "a:1")) == [UNCHANGED]
            assert await link(store, ("a:2", "a:9")) == [LINKED]
            assert await rolled_up(store, "a:1") == set()
            assert await rolled_up(store, "a:9") == {"2"}
            assert await rolled_up(store, "d:two.com", Rollup.FAMILY) == {"9"}
            assert not client.exists("fb:c:a:1")
            await store.families.unlink(("a:2",))
            assert list(client.scan_iter("fb:[pc]:*")) == []

    run(work())


@pytest.mark.parametrize(
    ("links", "child", "parent"),
    [
        ((), "a:1", "a:1"),
        ((), "d:one.com", "a:1 d:one.com"),
        ((), "a:1 d:one.com", "d:one.com"),
        ((("a:2", "a:1"),), "a:1", "a:2"),
        ((("a:2", "a:1"), ("a:3", "a:2")), "a:1", "a:3"),
        ((("a:2 d:two.com", "a:1 d:one.com"),), "d:one.com", "d:two.com"),
    ],
)
def test_who_would_be_their_own_ancestor_is_refused_and_nothing_is_changed(
    links: tuple[tuple[str, str], ...], child: str, parent: str, open_store: OpenStore, client: redis.Redis
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await link(store, *links)
            before = {key: client.get(key) for key in client.scan_iter("fb:[pc]:*")}
            assert await link(store, (child, parent)) == ["family_cycle"]
            assert {key: client.get(key) for key in client.scan_iter("fb:[pc]:*")} == before
            assert await link(store, *links, (child, parent), ("a:8", "a:7")) == [
                *[UNCHANGED] * len(links),
                "family_cycle",
                LINKED,
            ]

    run(work())


def test_links_of_one_batch_make_no_circle_either(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            found = await link(store, ("a:1", "a:2"), ("a:2", "a:3"), ("a:3", "a:1"), ("a:4", "a:3"))
            assert found == [LINKED, LINKED, "family_cycle", LINKED]

    run(work())


def test_of_links_that_would_make_a_circle_together_one_is_refused(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as one, open_store() as other, open_store() as third:
            for round_ in range(10):
                names = [f"a:{round_}-{number}" for number in range(3)]
                found = await asyncio.gather(
                    link(one, (names[0], names[1])),
                    link(other, (names[1], names[2])),
                    link(third, (names[2], names[0])),
                )
                assert sorted(code for (code,) in found) == ["family_cycle", LINKED, LINKED]

    run(work())


def test_a_writer_that_ended_with_the_lock_holds_up_others_until_its_lease_is_over(
    open_store: OpenStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "WAIT", 0.1)

    async def work() -> None:
        async with open_store() as store:
            client.set(lock.LOCK_KEY, "of one that is gone", px=400)
            with pytest.raises(StoreUnavailableError, match="try again"):
                await link(store, ("a:2", "a:1"))
            monkeypatch.setattr(lock, "WAIT", 5.0)
            assert await link(store, ("a:2", "a:1")) == [LINKED]
            assert not client.exists(lock.LOCK_KEY)

    run(work())


def test_a_family_has_at_most_so_many_levels(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            links = [(f"a:{n}", f"a:{n - 1}") for n in range(1, MOST_LEVELS + 1)]
            assert await link(store, *links) == [LINKED] * (MOST_LEVELS - 1) + ["family_too_deep"]

    run(work())


def test_an_account_has_at_most_so_many_children(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_MEMBERS", 3)

    async def work() -> None:
        async with open_store() as store:
            found = await link(store, *((f"a:{n}", "a:top") for n in range(4)))
            assert found == [LINKED, LINKED, LINKED, "family_too_large"]
            assert await link(store, ("a:2", "a:top")) == [UNCHANGED]

    run(work())


def test_a_domain_of_several_accounts_names_none_of_them(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await link(store, ("a:2 d:acme.com", "a:1"), ("a:3 d:acme.com", "a:1"))
            assert await link(store, ("d:acme.com", "a:9")) == ["family_ambiguous"]
            assert await link(store, ("a:9", "d:acme.com")) == ["family_ambiguous"]
            assert await rolled_up(store, "a:1") == {"2", "3"}

    run(work())


@pytest.mark.parametrize("half", ["fb:p:a:2", "fb:c:a:1", "fb:p:d:two.com"])
def test_half_a_link_harms_no_reader_and_linking_again_mends_it(
    half: str, open_store: OpenStore, client: redis.Redis
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await send(store, "a:1", "a:2 d:two.com")
            await link(store, ("a:2 d:two.com", "a:1"))
            client.delete(half)
            for name in ("a:1", "a:2", "d:two.com"):
                for rollup in Rollup:
                    assert await times(store, name, rollup) in (1, 2)
            assert await times(store, "a:2 d:two.com", Rollup.FAMILY) == 2
            assert await link(store, ("a:2 d:two.com", "a:1")) == [UNCHANGED]
            assert await rolled_up(store, "a:1") == {"2"}
            assert client.exists(half)

    run(work())


def test_links_live_as_long_as_logs_and_reading_makes_them_live_on(
    open_store: OpenStore, client: redis.Redis
) -> None:
    async def work() -> None:
        async with open_store(horizon_days=30) as store:
            await link(store, ("a:2", "a:1"))
            for key in ("fb:p:a:2", "fb:c:a:1"):
                assert 30 * DAY - 60 < client.ttl(key) <= 30 * DAY
                client.expire(key, 1000)
            await rolled_up(store, "a:1")
            for _ in range(200):
                if all(client.ttl(key) > 29 * DAY for key in ("fb:p:a:2", "fb:c:a:1")):
                    break
                await asyncio.sleep(0.01)
            else:
                pytest.fail("the links do not live on")
            client.expire("fb:p:a:2", 1000)
            await rolled_up(store, "a:1")
            await asyncio.sleep(0.05)
            assert client.ttl("fb:p:a:2") <= 1000, "once a day is enough"

    run(work())


@pytest.mark.parametrize("gone", ["a:2", "d:two.com"])
def test_erasing_an_account_takes_out_its_links_at_both_ends(
    gone: str, open_store: OpenStore, client: redis.Redis
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await send(store, "a:1", "a:2 d:two.com", "a:3")
            await link(store, ("a:2 d:two.com", "a:1"), ("a:3", "a:2"), ("a:4", "a:1"))
            await store.erase((gone,))
            assert await rolled_up(store, "a:1") == {"4"}
            assert await rolled_up(store, "a:3", Rollup.FAMILY) == set()
            texts = str([client.get(key) for key in client.scan_iter("fb:[pc]:*")])
            assert "a:2" not in texts
            assert "two.com" not in texts
            left = {key.decode() for key in client.scan_iter("fb:[pc]:*")}
            assert left == {"fb:p:a:4", "fb:c:a:1"}

    run(work())


def test_an_id_that_is_an_address_is_stored_as_a_hash(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await link(store, ("a:jo@acme.com", "a:1"))
            assert len(await rolled_up(store, "a:1")) == 1
            for key in client.scan_iter("*"):
                assert "jo@" not in str((key, client.dump(key)))

    run(work())


@pytest.mark.parametrize("odd", ["a:*", "a:x\u00fc y/z?[1]", "a:{x}", "a:\\", 'a:"', "a:a:d:fb:p:"])
def test_odd_ids_are_ids(odd: str, open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            one, other = (odd + "1",), (odd + "2",)
            assert await store.families.link([(one, other)]) == [LINKED]
            batch = await store.read([other], rollups=[Rollup.PARENT])
            assert batch.rolled_up[0].ids == (one[0][2:],)

    run(work())


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with a_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def test_on_a_cluster_a_family_lies_in_many_slots(cluster: Cluster) -> None:
    async def work() -> None:
        store = SendingStore(Servers(cluster.url, read_budget=5.0), person_key=b"key", read_budget=5.0)
        try:
            accounts = [f"a:{n} d:{n}.com" for n in range(20)]
            await send(store, *accounts)
            assert set(await link(store, *((one, "a:0 d:0.com") for one in accounts[1:]))) == {LINKED}
            assert await times(store, "d:0.com") == 20
            gone = cluster.servers[1]
            gone.hang()
            try:
                batch = await store.read([("a:0", "d:0.com")], rollups=[Rollup.PARENT], now=NOW, budget=0.2)
            finally:
                gone.go_on()
            assert batch.read_ago[0] > 0, "what was read last stands in"
        finally:
            await store.close()

    run(work())


def test_what_cannot_be_read_of_a_family_is_counted_and_the_rest_is_there(cluster: Cluster) -> None:
    async def work() -> None:
        names = [f"a:lost-{n}" for n in range(12)]
        gone = cluster.servers[1]
        own = next(
            name for name in names if all(cluster.holder(f"fb:{kind}:{name}") is not gone for kind in "spc")
        )
        url = cluster.url
        store = SendingStore(Servers(url, read_budget=5.0), person_key=b"key", read_budget=5.0)
        try:
            await send(store, *names)
            await link(store, *((one, own) for one in names if one != own))
        finally:
            await store.close()
        read = SignalStore(Servers(url, read_budget=0.3), person_key=b"key", read_budget=0.3)
        try:
            await read.read([(own,)], now=NOW, budget=5.0)  # learns where the shards are, and names
            lost = [one for one in names if any(cluster.holder(f"fb:{kind}:{one}") is gone for kind in "spc")]
            logs_lost = [one for one in names if cluster.holder(f"fb:s:{one}") is gone]
            gone.hang()
            try:
                batch = await read.read([(own,)], rollups=[Rollup.PARENT], now=NOW)
            finally:
                gone.go_on()
            found = batch.rolled_up[0]
            assert (found.accounts, found.unread) == (len(names) - 1, len(lost))
            assert 0 < len(logs_lost) < len(names)
            assert len(batch.records) == len(names) - len(logs_lost)
        finally:
            await read.close()

    run(work())


def test_nothing_is_linked_while_the_store_is_away(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store("redis://127.0.0.1:1", write_budget=0.2, read_budget=0.1) as store:
            with pytest.raises(StoreUnavailableError):
                await link(store, ("a:2", "a:1"))
            with pytest.raises(StoreUnavailableError):
                await store.families.show(("a:1",))
            batch = await store.read([("a:1",)], rollups=[Rollup.FAMILY])
            assert batch.available.tolist() == [False]
            assert batch.rolled_up[0].unread == 1

    run(work())


def test_links_that_something_else_wrote_are_unreadable_and_said_so(
    open_store: OpenStore, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await send(store, "a:1", "a:2")
            await link(store, ("a:2", "a:1"))
            client.set("fb:c:a:1", "nonsense")
            batch = await store.read([("a:1",)], rollups=[Rollup.PARENT], now=NOW)
            assert len(batch.records) == 1
            assert batch.rolled_up[0].unread == 1
            assert "damaged" in caplog.text

    run(work())
