from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.servers.servers import Servers
from scoring.signals.activation import Activation, measure
from scoring.signals.bounds import Bounds
from scoring.signals.log import SignalBatch
from scoring.signals.policy import Policy
from scoring.signals.rolled_up import Rollup
from scoring.signals.signal import Signal
from scoring.store.last_good import HELD_FOR, LastGood
from scoring.store.store import SignalStore
from tests.scoring.servers.reading import BUDGET, LATE, Lag
from tests.scoring.servers.servers import Server, free_ports
from tests.scoring.store.conftest import OpenStore, SendingStore
from tests.scoring.store.test_families import DAY, NOW, keys, link, run

POLICY = Policy()
TREE = (("a:2 d:two.com", "a:1"), ("a:3", "a:1"), ("a:4", "a:2"))
MEMBERS = ("a:1", "a:2 d:two.com", "a:3", "a:4")


def activation(batch: SignalBatch) -> Activation:
    return measure(POLICY, batch, np.full(len(batch.read_ago), NOW))


def numbers(batch: SignalBatch) -> list[list[float]]:
    found = activation(batch)
    people, channels = found.breadth.people, found.breadth.channels
    return [
        [float(column[row]) for column in (found.intent, found.recency, found.engagement, people, channels)]
        for row in range(len(batch.read_ago))
    ]


async def read(store: SignalStore, *accounts: str, rollup: Rollup = Rollup.PARENT) -> SignalBatch:
    return await store.read([keys(one) for one in accounts], rollups=[rollup] * len(accounts), now=NOW)


SIGNALS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        member=st.integers(0, 3),
        type=st.sampled_from(["page_view", "demo_request", "webinar", "pricing_page"]),
        days=st.integers(0, 60),
        event=st.integers(0, 8),
        person=st.sampled_from(["", "jo", "kim", "lee"]),
        channel=st.sampled_from(["", "web", "email"]),
        topic=st.sampled_from(["", "crm"]),
        level=st.booleans(),
        strength=st.sampled_from([1.0, 40.0, 90.0]),
    ),
    max_size=30,
)


def signal(raw: dict[str, Any], account: tuple[str, ...], event_id: str) -> Signal:
    fields = {name: raw[name] for name in ("type", "person", "channel", "topic", "level", "strength")}
    return Signal(account, at=NOW - DAY * raw["days"], event_id=event_id, **fields)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raws=SIGNALS, shuffle=st.randoms(use_true_random=False))
def test_an_account_with_its_children_scores_as_one_whose_log_has_it_all(
    raws: list[dict[str, Any]], shuffle: random.Random, open_store: OpenStore, client: redis.Redis
) -> None:
    client.flushall()
    links = [*TREE]
    shuffle.shuffle(links)

    async def work() -> None:
        async with open_store() as store:
            sent = [signal(raw, keys(MEMBERS[raw["member"]]), f"{raw['event']}") for raw in raws]
            # The same ids in the logs of other accounts are other events.
            union = [signal(raw, ("a:all",), f"{raw['member']} {raw['event']}") for raw in raws]
            await store.send([*sent, *union], now=NOW)
            before = numbers(await read(store, *MEMBERS, rollup=Rollup.NONE))
            await link(store, *links)
            alone = await read(store, "a:all", rollup=Rollup.NONE)
            assert numbers(await read(store, "a:1")) == numbers(alone)
            for member in MEMBERS:
                whole = await read(store, member, rollup=Rollup.FAMILY)
                assert numbers(whole) == numbers(alone)
            assert numbers(await read(store, *MEMBERS, rollup=Rollup.NONE)) == before
            for child, _ in links:
                await store.families.unlink(keys(child))
            assert numbers(await read(store, *MEMBERS[2:])) == before[2:]
            assert numbers(await read(store, MEMBERS[0])) == before[:1]

    run(work())


def test_events_of_two_accounts_are_two_and_the_same_event_in_two_logs_of_one_is_one(
    open_store: OpenStore,
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send(
                [Signal(keys(one), "visit", NOW - 5, "e1") for one in ("a:1", "a:2 d:two.com", "a:3")],
                now=NOW,
            )
            await link(store, *TREE)
            batch = await read(store, "a:1", "a:2 d:two.com", "a:2")
            assert np.bincount(batch.owner).tolist() == [3, 1, 1]
            assert len({one.tobytes() for one in batch.records}) == 1, "they differ in nothing"

    run(work())


def test_accounts_that_share_a_log_share_its_events(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await link(store, ("a:2 d:acme.com", "a:1"), ("a:3 d:acme.com", "a:1"))
            sent = [Signal(keys(f"a:{n} d:acme.com"), "visit", NOW - n, f"e{n}") for n in (2, 3)]
            await store.send(sent, now=NOW)
            batch = await read(store, "a:1")
            assert (len(batch.records), batch.rolled_up[0].accounts) == (2, 2)

    run(work())


def test_of_a_gauge_the_latest_value_of_any_member_counts(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            levels = [
                Signal(
                    (f"a:{n}",), "demandbase_intent", NOW - days * DAY, f"e{n}", strength=strength, level=True
                )
                for n, days, strength in ((1, 9, 90.0), (2, 2, 30.0), (3, 5, 60.0))
            ]
            await store.send(levels, now=NOW)
            await link(store, *TREE)
            batch = await read(store, "a:1")
            assert batch.records["strength"].tolist() == [90.0, 60.0, 30.0]
            assert [one.strength for one in activation(batch).drivers.of(0)] == [30.0]

    run(work())


def test_one_batch_may_ask_for_each_account_in_its_own_way(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([Signal(keys(one), "visit", NOW - 5, "e") for one in MEMBERS], now=NOW)
            await link(store, *TREE)
            accounts = ["a:1", "a:1", "a:2", "a:4", "a:none", "a:4"]
            asked = [Rollup.NONE, Rollup.PARENT, Rollup.PARENT, Rollup.FAMILY, Rollup.FAMILY, Rollup.NONE]
            batch = await store.read([*map(keys, accounts), ()], rollups=[*asked, Rollup.PARENT], now=NOW)
            assert np.bincount(batch.owner, minlength=7).tolist() == [1, 4, 2, 4, 0, 1, 0]
            assert (np.diff(batch.owner) >= 0).all()
            assert sorted(batch.rolled_up) == [1, 2, 3, 4]
            assert batch.read_ago.tolist() == [0.0] * 7

    run(work())


def test_a_member_of_which_only_the_last_is_known_makes_the_whole_that_old(
    open_store: OpenStore,
) -> None:
    clock = [100.0]

    async def work() -> None:
        last_good = LastGood(clock=lambda: clock[0])
        async with open_store(last_good=last_good) as store:
            await store.send([Signal(keys(one), "visit", NOW - 5, "e") for one in MEMBERS], now=NOW)
            await link(store, *TREE)
            clock[0] += 60.0  # links that were just changed are not taken up at once
            assert (await read(store, "a:1")).read_ago.tolist() == [0.0]
            clock[0] += 7.0
            assert (await read(store, "a:3")).read_ago.tolist() == [0.0]  # a:3 is known anew
            late = await store.read(
                [("a:1",), ("a:3",)], rollups=[Rollup.PARENT, Rollup.PARENT], now=NOW, budget=-1.0
            )
            assert late.read_ago.tolist() == [7.0, 0.0]
            assert np.bincount(late.owner).tolist() == [4, 1]
            assert late.rolled_up[0].unread == 0

    run(work())


def test_a_family_counts_with_the_signals_of_ten_accounts_at_most(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store(events=4) as store:
            names = [f"a:{n:02}" for n in range(16)]
            await store.send(
                [Signal((one,), "visit", NOW - n - 1, f"{n}") for one in names for n in range(4)], now=NOW
            )
            await link(store, *((one, names[0]) for one in names[1:]))
            batch = await read(store, names[0])
            assert len(batch.records) == 40
            assert batch.records["at"].min() == NOW - 3, "the latest ones"

    run(work())


def test_uniting_keeps_what_a_batch_promises() -> None:
    batch = SignalBatch.empty(4)
    batch = replace(batch, read_ago=np.array([0.0, 3.0, np.nan, np.nan]))
    united = batch.united(np.array([0, 0, 0, 1]), 2, Bounds())
    assert united.read_ago[0] == 3.0
    assert np.isnan(united.read_ago[1])


def test_a_request_without_roll_up_reads_nothing_of_families(
    open_store: OpenStore, client: redis.Redis
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await link(store, *TREE)
            await store.read([("a:1",)], now=NOW)
            client.config_resetstat()
            await store.read([("a:1",)], rollups=[Rollup.NONE], now=NOW)
            await store.read([("a:1",)], now=NOW)
            calls = {name: one["calls"] for name, one in client.info("commandstats").items()}
            assert calls.pop("cmdstat_mget") == 2
            assert not {"cmdstat_get", "cmdstat_smembers", "cmdstat_evalsha"} & set(calls)
            await store.read([("a:1",)], rollups=[Rollup.PARENT], now=NOW)
            reads = client.info("commandstats")["cmdstat_mget"]["calls"] - 2
            assert reads == 3, "one for each level"

    run(work())


def test_a_store_that_hangs_costs_a_family_no_more_time_than_an_account(tmp_path: Path) -> None:
    async def timed(store: SignalStore) -> tuple[SignalBatch, float]:
        async with Lag() as lag:
            began = time.monotonic()
            batch = await read(store, "a:9", rollup=Rollup.FAMILY)
            seconds = time.monotonic() - began
        return batch, seconds - lag.seconds

    async def work(server: Server) -> None:
        store = SendingStore(Servers(server.url), person_key=b"key", read_budget=BUDGET)
        try:
            await store.send([Signal((f"a:{n}",), "page_view", NOW - 5, "e") for n in range(10)], now=NOW)
            await link(store, *((f"a:{n}", f"a:{n - 1}") for n in range(1, 10)))
            await asyncio.sleep(HELD_FOR + 0.1)  # links that were just changed are not taken up at once
            fresh = await store.read([("a:9",)], rollups=[Rollup.FAMILY], now=NOW, budget=5.0)
            assert (len(fresh.records), fresh.read_ago.tolist()) == (10, [0.0])
            server.hang()
            try:
                for _ in range(5):
                    batch, seconds = await timed(store)
                    assert seconds < BUDGET + LATE
                    assert (len(batch.records), batch.rolled_up[0].unread) == (10, 0)
                    assert 0 < batch.read_ago[0] < 60
            finally:
                server.go_on()
        finally:
            await store.close()

    (port,) = free_ports(1)
    with Server(tmp_path / "server", port) as server:
        run(work(server))
