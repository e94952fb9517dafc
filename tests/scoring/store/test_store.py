from __future__ import annotations

import asyncio
import os
import random
import signal as signals_of_the_system
import time
from collections.abc import Coroutine, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.account import Account
from scoring.attribute_names import AttributeNames
from scoring.errors import StoreUnavailableError
from scoring.servers.embedded import EmbeddedStore
from scoring.servers.servers import KEYS_PER_COMMAND, Servers
from scoring.signals.bounds import Bounds
from scoring.signals.columns import SignalColumns
from scoring.signals.encode import encode
from scoring.signals.log import SignalBatch
from scoring.signals.record import OTHER_NAME, RECORD
from scoring.signals.signal import Signal
from scoring.store import known_names as names_module
from scoring.store import store as store_module
from scoring.store.known_names import NAMES_KEY, RESERVED, USUAL_CHANNELS
from scoring.store.store import SignalStore
from scoring.store.stored_keys import LOG_PREFIX
from scoring.store.writes import Outcome
from tests.scoring.signals.test_bounds import Row, counted, order
from tests.scoring.store.conftest import OpenStore

NOW = 1_782_820_800.0
DAY = 86_400.0
FIRST_NAME = 2  # the number that a kind's first name gets
FIRST_TYPE = FIRST_NAME + sum(
    kind == "type" for kind, _ in RESERVED
)  # and the first type that is not reserved
ACCEPTED, DUPLICATE, DROPPED = Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.DROPPED


def event(number: int | str, *keys: str, age: float = 0.0, **changes: Any) -> Signal:
    fields = {"keys": keys or ("a:1",), "type": "visit", "at": NOW - age, "event_id": f"e{number}", **changes}
    return Signal(**fields)


def level(number: int, strength: float, *keys: str, age: float = 0.0, **changes: Any) -> Signal:
    return event(
        f"l{number}", *keys, age=age, strength=strength, **{"type": "surge", "level": True, **changes}
    )


def times(batch: SignalBatch) -> list[float]:
    return [float(at) - NOW for at in batch.records["at"]]


def content(batch: SignalBatch) -> tuple[bytes, bytes, bytes]:
    return batch.owner.tobytes(), batch.records.tobytes(), batch.available.tobytes()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_an_event_is_stored_once_however_often_it_is_sent(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            assert await store.send([event(1), event(1), event(2)], now=NOW) == [
                ACCEPTED,
                DUPLICATE,
                ACCEPTED,
            ]
            assert await store.send([event(2), event(3)], now=NOW) == [DUPLICATE, ACCEPTED]
            assert len((await store.read([("a:1",)])).records) == 3

    run(work())


def test_everything_said_is_read_back(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send(
                [event(1, topic="data", channel="web", strength=2.5, person="jo", age=60)], now=NOW
            )
            batch = await store.read([("a:other",), ("a:1",)])
            (record,) = batch.records
            assert batch.owner.tolist() == [1]
            assert batch.available.tolist() == [True, True]
            names = (
                batch.types[record["type"]],
                batch.topics[record["topic"]],
                batch.channels[record["channel"]],
            )
            assert names == ("visit", "data", "web")
            assert (int(record["at"]), float(record["strength"])) == (NOW - 60, 2.5)
            assert record["person"] != 0

    run(work())


def test_nothing_to_append_or_to_read_is_no_error(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            assert await store.send([], now=NOW) == []
            assert (await store.read([])).available.shape == (0,)
            assert (await store.read([(), ("a:1",)])).available.tolist() == [True, True]

    run(work())


def test_people_and_event_ids_are_nowhere_in_the_store(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event("jo@acme.com", person="jo@acme.com")], now=NOW)

    run(work())
    stored = b"".join(client.dump(key) + key for key in client.scan_iter())
    assert client.hexists(NAMES_KEY, "type/visit")
    assert b"jo@acme.com" not in stored


WRITTEN = [
    "jo.secret@priv.com",
    "jo.secret%40priv.com",
    "jo.secret\uff20priv.com",
    "jo.secret @priv.com",
    "https://priv.com/unsub?email=jo.secret%40priv.com",
    "jo.secret@localhost",
]


@pytest.mark.parametrize("written", WRITTEN)
def test_an_address_is_in_no_name_and_no_key_however_it_is_written(
    open_store: OpenStore, client: redis.Redis, written: str
) -> None:
    sent = {"domain": "priv.com", "type": "visit", "topic": written, "channel": written}
    signals = [
        Signal.parse(sent, now=NOW),
        Signal.parse({"domain": "priv.com", "type": written}, now=NOW),
        Signal.parse({"account_id": written, "type": "visit"}, now=NOW),
    ]

    async def work() -> None:
        async with open_store() as store:
            await store.send(signals, now=NOW)
            people = Account("7", "priv.com", {"industry": written, "employees": 7})
            names = AttributeNames(["industry", "employees"])
            store.scored.note([people], version="v", names=names, at=NOW)
            (kept,) = await store.scored.read(people.keys)
            assert "secret" not in str(kept)

    run(work())
    stored = b"".join(client.dump(key) + key for key in client.scan_iter())
    assert b"secret" not in stored


# Few ids, times, types and topics, so that events meet as resends and levels as successors.
SIGNALS = st.lists(
    st.builds(
        lambda number, age, topic, is_level, keys, strength: Signal(
            keys, "visit", NOW - age, f"e{number}", topic, strength, level=is_level
        ),
        st.integers(0, 9), st.integers(0, 4), st.sampled_from(["", "data"]), st.booleans(),
        st.sampled_from([("a:1",), ("d:acme.com",), ("a:1", "d:acme.com")]), st.sampled_from([1.0, 2.0]),
    ),
    max_size=14,
)  # fmt: skip
ACCOUNTS = [("a:1",), ("d:acme.com",), ("a:1", "d:acme.com")]
SMALL = {"events": 4, "gauges": 2, "history": 2}  # so that logs overflow


def kept(signals: list[Signal], *keys: str) -> list[Row]:
    """What must count of an account, worked out from all the signals at once."""
    ids = {"type": {"visit": FIRST_TYPE}, "topic": {"data": 2}, "channel": {}}
    logs: list[Row] = []
    for key in keys:
        mine = SignalColumns.of([signal for signal in signals if key in signal.keys])
        rows = encode(mine, ids, key=b"a key for tests").tolist()
        logs += {row[0]: row for row in sorted(rows, key=order)}.values()
    return counted(logs, Bounds(**SMALL))


@settings(max_examples=60, deadline=None)
@given(signals=SIGNALS, order=st.randoms(use_true_random=False), cuts=st.sets(st.integers(1, 13)))
def test_order_and_splitting_leave_no_trace(
    open_store: OpenStore, client: redis.Redis, signals: list[Signal], order: random.Random, cuts: set[int]
) -> None:
    shuffled = list(signals)
    order.shuffle(shuffled)
    edges = [0, *sorted(cuts), len(shuffled)]

    async def stored(parts: list[list[Signal]]) -> SignalBatch:
        client.flushall()
        async with open_store(**SMALL) as store:
            await store.send([event("name", "a:names", topic="data")], now=NOW)  # gives names their numbers
            for part in parts:
                await store.send(part, now=NOW)
            return await store.read(ACCOUNTS)

    together = asyncio.run(stored([signals]))
    apart = asyncio.run(stored([shuffled[a:b] for a, b in pairwise(edges)]))
    assert content(together) == content(apart)
    for owner, keys in enumerate(ACCOUNTS):
        assert together.records[together.owner == owner].tolist() == kept(signals, *keys)


def test_concurrent_writers_lose_and_double_nothing(open_store: OpenStore) -> None:
    async def work() -> None:
        signals = [event(n, f"a:{n % 3}", f"d:{n % 2}.com", age=n) for n in range(120)]
        async with open_store() as store, open_store() as other:
            rng = random.Random(1)  # noqa: S311  # an order, not a secret
            parts = [rng.sample(signals, 40) for _ in range(30)] + [signals[n : n + 40] for n in (0, 40, 80)]
            results = await asyncio.gather(
                *((store, other)[n % 2].send(part, now=NOW) for n, part in enumerate(parts))
            )
            batch = await other.read([("a:0",), ("a:1",), ("a:2",), ("d:0.com",), ("d:1.com",)])
        counted = [batch.owner.tolist().count(owner) for owner in range(5)]
        assert counted == [40, 40, 40, 60, 60]
        outcomes = [outcome for result in results for outcome in result]
        assert DROPPED not in outcomes
        # Two keys are two calls: a rival may be first at one of them, and then both are told "accepted".
        assert 120 <= outcomes.count(ACCEPTED) <= 240

    run(work())


def test_of_concurrent_writers_of_one_log_exactly_one_is_accepted(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store, open_store() as other:
            writers = [(store, other)[n % 2].send([event(1), event(2)], now=NOW) for n in range(40)]
            results = await asyncio.gather(*writers)
        assert [[result[n] for result in results].count(ACCEPTED) for n in (0, 1)] == [1, 1]

    run(work())


def test_a_log_keeps_its_latest_events(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store(events=5, gauges=1, history=1) as store:
            await store.send([event(n, age=n) for n in (3, 9, 1, 7, 5)], now=NOW)
            assert await store.send([event(8, age=8)], now=NOW) == [ACCEPTED]
            assert times(await store.read([("a:1",)])) == [-8, -7, -5, -3, -1]
            outcomes = await store.send([event(n, age=n) for n in (9, 10, 11, 4)], now=NOW)
            assert outcomes == [DUPLICATE, DROPPED, DROPPED, ACCEPTED]
            assert times(await store.read([("a:1",)])) == [-7, -5, -4, -3, -1]

    run(work())
    assert client.strlen(LOG_PREFIX + "a:1") == 5 * RECORD.itemsize


def test_a_log_stays_bounded_whoever_writes(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with (
            open_store(events=5, gauges=1, history=1) as store,
            open_store(events=5, gauges=1, history=1) as other,
        ):
            for start in range(0, 120, 10):
                parts = [[event(n, age=n)] for n in range(start, start + 10)]
                await asyncio.gather(
                    *((store, other)[n % 2].send(part, now=NOW) for n, part in enumerate(parts))
                )
            assert times(await store.read([("a:1",)])) == [-4, -3, -2, -1, 0]

    run(work())
    assert client.strlen(LOG_PREFIX + "a:1") < 20 * RECORD.itemsize


def test_levels_do_not_push_out_events(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store(events=3, gauges=3) as store:
            await store.send([event(n, age=100 + n) for n in range(3)], now=NOW)
            await store.send([level(n, 70, age=n, topic=f"t{n}") for n in range(5)], now=NOW)
            assert times(await store.read([("a:1",)])) == [-102, -101, -100, -2, -1, 0]

    run(work())


def test_five_hundred_events_are_kept_by_default(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            outcomes = await store.send([event(n, age=n) for n in range(700)], now=NOW)
            assert outcomes == [ACCEPTED] * 500 + [DROPPED] * 200, "what cannot count is not said to be kept"
            assert times(await store.read([("a:1",)])) == [float(-n) for n in range(499, -1, -1)]

    run(work())


def test_of_a_level_earlier_values_are_kept_in_order(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            first = [level(1, 60, age=2 * DAY), level(2, 90, age=0), level(3, 40, age=DAY)]
            assert await store.send(first, now=NOW) == [ACCEPTED] * 3
            assert await store.send([first[1], first[0]], now=NOW) == [DUPLICATE] * 2
            await store.send([level(4, 20, topic="data", age=9 * DAY)], now=NOW)
            batch = await store.read([("a:1",)])
            assert batch.records["strength"].tolist() == [20.0, 60.0, 40.0, 90.0]

    run(work())


def test_bytes_that_look_like_a_level_are_none(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([level(1, 1, "a:2")], now=NOW)
            before = [level(2, 0, "a:3", topic=f"t{number}") for number in range(FIRST_TYPE - FIRST_NAME)]
            await store.send(before, now=NOW)
            await store.send([level(2, 0, type="other", topic="data", age=1)], now=NOW)
            fields = client.hmget(NAMES_KEY, ["type/surge", "topic/data"])
            # so topic and strength 0 of the second read like type and topic of the third
            assert fields == [str(FIRST_TYPE).encode()] * 2
            assert await store.send([level(3, 7)], now=NOW) == [ACCEPTED]
            assert times(await store.read([("a:1",)])) == [-1, 0]

    run(work())


def test_the_horizon_bounds_what_is_taken_and_what_is_kept(
    open_store: OpenStore, client: redis.Redis
) -> None:
    async def work() -> None:
        async with open_store(horizon_days=10) as store:
            old, older = event(1, age=9 * DAY), event(2, age=10 * DAY + 1)
            assert await store.send([older, old, older], now=NOW) == [DROPPED, ACCEPTED, DROPPED]
            assert await store.send([older], now=NOW) == [DROPPED]
            assert times(await store.read([("a:1",)], now=NOW)) == [-9 * DAY]
            await store.send([event(3)], now=NOW + 2 * DAY)
            assert times(await store.read([("a:1",)], now=NOW + 2 * DAY)) == [0.0]

    run(work())
    assert client.strlen(LOG_PREFIX + "a:1") == RECORD.itemsize, "what is too old is not kept either"
    assert 10 * DAY - 60 < client.ttl(LOG_PREFIX + "a:1") <= 10 * DAY


def test_an_account_with_two_identities_is_one(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(1, "a:1", age=3), level(1, 50, "a:1", age=9)], now=NOW)
            await store.send([event(2, "d:acme.com", age=2), level(2, 80, "d:acme.com", age=8)], now=NOW)
            both = [event(n, "a:1", "d:acme.com", age=4 - n) for n in (3, 1, 2)]
            assert (
                await store.send(both, now=NOW) == [ACCEPTED] * 3
            )  # each is new to one of the two, or to both
            assert await store.send(both, now=NOW) == [DUPLICATE] * 3
            batch = await store.read([("a:1", "d:acme.com"), ("d:acme.com",), ("a:1",)])
            assert times(batch) == [-9, -8, -3, -2, -1, -8, -3, -2, -1, -9, -3, -2, -1]
            assert batch.owner.tolist() == [0] * 5 + [1] * 4 + [2] * 4

    run(work())


ODD_IDS = [
    "*",
    "?",
    "[a-z]",
    "a b",
    "a\tb",
    "{x}",
    "x}y{",
    "é",
    "e\u0301",
    "日本",
    "🔥",
    "\u202eabc",
    "%s",
    "'\"\\",
]


def test_odd_account_ids_are_each_an_account(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(n, f"a:{odd}", age=n) for n, odd in enumerate(ODD_IDS)], now=NOW)
            batch = await store.read([(f"a:{odd}",) for odd in ODD_IDS])
            assert times(batch) == [float(-n) for n in range(len(ODD_IDS))]
            assert batch.owner.tolist() == list(range(len(ODD_IDS)))

    run(work())


def test_more_accounts_than_one_command_takes_are_read_in_order(open_store: OpenStore) -> None:
    async def work() -> None:
        n = 2 * KEYS_PER_COMMAND + 7
        async with open_store() as store:
            await store.send([event(1, f"a:{n - 1}"), event(2, f"a:{KEYS_PER_COMMAND}")], now=NOW)
            batch = await store.read([(f"a:{number}",) for number in range(n)])
            assert batch.owner.tolist() == [KEYS_PER_COMMAND, n - 1]

    run(work())


def test_a_large_read_comes_in_portions_and_is_the_same(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(n, f"a:{n % 9}", f"d:{n % 4}.com", age=n) for n in range(40)], now=NOW)
            accounts = [*((f"a:{n}", f"d:{n % 4}.com") for n in range(9)), ("a:nobody",)]
            at_once = await store.read(accounts, now=NOW)
            monkeypatch.setattr(store_module, "LARGE", 3)
            monkeypatch.setattr(store_module, "PORTION", 2)
            monkeypatch.setattr(store_module, "LARGE_BYTES", 48)
            in_portions = await store.read(accounts, now=NOW)
        assert content(in_portions) == content(at_once)
        assert in_portions.types == at_once.types

    run(work())


def test_a_server_that_forgot_the_scripts_gets_them_again(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(1)], now=NOW)
            client.script_flush()
            assert await store.send([event(1), event(2, "a:2", type="new")], now=NOW) == [
                DUPLICATE,
                ACCEPTED,
            ]

    run(work())


def test_names_that_another_process_gave_are_known(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store, open_store() as other:
            for name in ("visit", "demo", "call"):
                await store.send([event(name, type=name)], now=NOW)
                batch = await other.read([("a:1",)])
                assert name in {batch.types[number] for number in batch.records["type"]}

    run(work())


def test_names_follow_a_store_that_was_emptied(
    open_store: OpenStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names_module, "CHECKED_EVERY", 0.0)

    async def work() -> None:
        async with open_store() as store:
            await store.send([event(1, type="visit")], now=NOW)
            await store.read([("a:1",)])
            client.flushall()
            await store.send([event(1, type="demo")], now=NOW)  # has the number that visit had
            for _ in range(100):
                batch = await store.read([("a:1",)])
                if batch.types[-1] == "demo":
                    break
                await asyncio.sleep(0.01)
            assert "visit" not in batch.types

    run(work())


def test_more_names_than_numbers_are_other_and_say_so(
    open_store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(n, age=300 - n, channel=f"c{n:03}") for n in range(300)], now=NOW)
            batch = await store.read([("a:1",)])
            channels = [batch.channels[number] for number in batch.records["channel"]]
            kept = 254 - len(USUAL_CHANNELS)
            assert channels == [f"c{n:03}" for n in range(kept)] + [OTHER_NAME] * (300 - kept)
            await store.send([event("late", type="product_trial", channel="web")], now=NOW)
            batch = await store.read([("a:1",)])
            late = batch.records[-1]
            assert (batch.types[late["type"]], batch.channels[late["channel"]]) == ("product_trial", "web")

    run(work())
    assert "(other)" in caplog.text


def test_a_damaged_log_is_told_and_spoils_no_other(
    open_store: OpenStore, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(1, "a:2")], now=NOW)
            client.set(LOG_PREFIX + "a:1", b"not a log")
            batch = await store.read([("a:1",), ("a:2",)])
            assert batch.available.tolist() == [False, True]
            assert batch.owner.tolist() == [1]
            with pytest.raises(StoreUnavailableError):
                await store.send([event(2)], now=NOW)

    run(work())
    assert client.get(LOG_PREFIX + "a:1") == b"not a log"
    assert "damaged" in caplog.text


def test_names_that_were_lost_are_other(open_store: OpenStore, client: redis.Redis) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(1)], now=NOW)
            client.delete(NAMES_KEY)
            batch = await store.read([("a:1",)])
            assert [batch.types[number] for number in batch.records["type"]] == [OTHER_NAME]

    run(work())


@pytest.fixture
def frozen(server: EmbeddedStore) -> Iterator[None]:
    """Hang the server for as long as the test lasts."""
    assert server.pid is not None
    pid = server.pid
    os.kill(pid, signals_of_the_system.SIGSTOP)
    yield
    os.kill(pid, signals_of_the_system.SIGCONT)


@pytest.mark.usefixtures("frozen")
def test_a_hung_server_costs_a_read_no_more_than_its_budget(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store(read_budget=0.05) as store:
            begun = time.perf_counter()
            batch = await store.read([("a:1",), ("a:2",)])
            took = time.perf_counter() - begun
            assert batch.available.tolist() == [False, False]
            assert not await store.ping()
        assert 0.04 < took < 0.3  # the rest is for a busy machine

    run(work())


@pytest.mark.usefixtures("frozen")
def test_many_reads_of_a_hung_server_wait_together(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store(read_budget=0.05) as store:
            begun = time.perf_counter()
            batches = await asyncio.gather(*(store.read([(f"a:{n}",)]) for n in range(100)))
            took = time.perf_counter() - begun
        assert not any(batch.available.any() for batch in batches)
        assert took < 1.0

    run(work())


@pytest.mark.usefixtures("frozen")
def test_an_append_to_a_hung_server_is_not_acknowledged(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store(write_budget=0.1) as store:
            with pytest.raises(StoreUnavailableError, match="send them again"):
                await store.send([event(1)], now=NOW)

    run(work())


def test_a_server_that_hung_is_used_again_and_no_answer_goes_astray(
    open_store: OpenStore, server: EmbeddedStore
) -> None:
    async def work() -> None:
        accounts = [(f"a:{n}",) for n in range(20)]
        async with open_store(read_budget=0.5, write_budget=0.2) as store:
            await store.send([event(n, f"a:{n}", age=n) for n in range(20)], now=NOW)
            await asyncio.gather(*(store.read([account]) for account in accounts))
            pid = server.pid
            assert pid is not None
            os.kill(pid, signals_of_the_system.SIGSTOP)
            try:
                begun = time.perf_counter()
                await asyncio.gather(*(store.read([account], budget=0.03) for account in reversed(accounts)))
                assert time.perf_counter() - begun < 0.3, "the deadline is the read's, not the socket's"
                with pytest.raises(StoreUnavailableError):
                    await store.send([event("late")], now=NOW)
            finally:
                os.kill(pid, signals_of_the_system.SIGCONT)
            batches = await asyncio.gather(*(store.read([account]) for account in accounts))
            del batches[1]  # the unacknowledged event may be there or not
            assert [times(batch) for batch in batches] == [[-float(n)] for n in range(20) if n != 1]
            await store.send([event("late")], now=NOW)
            assert times(await store.read([("a:1",)])) == [-1.0, 0.0]

    run(work())


def test_a_cancelled_read_leaves_nothing_behind(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            await store.send([event(n, f"a:{n}", age=n) for n in range(50)], now=NOW)
            for pause in (0, 0.0001, 0.0003, 0.001):
                tasks = [asyncio.create_task(store.read([(f"a:{49 - n}",)])) for n in range(50)]
                await asyncio.sleep(pause)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                batches = await asyncio.gather(*(store.read([(f"a:{n}",)]) for n in range(50)))
                assert [times(batch) for batch in batches] == [[float(-n)] for n in range(50)]

    run(work())


def test_a_server_that_was_killed_and_came_back(open_store: OpenStore, tmp_path: Path) -> None:
    async def work() -> None:
        with EmbeddedStore(tmp_path) as first:
            url, pid = first.url, first.pid
            assert pid is not None
            async with open_store(url, read_budget=0.5) as store:
                await store.send([event(1)], now=NOW)
                await asyncio.sleep(1.5)  # it writes to the disk once a second
                os.kill(pid, signals_of_the_system.SIGKILL)
                while first.pid is not None:
                    await asyncio.sleep(0.01)
                assert not (await store.read([("a:1",)])).available.any()
                assert not await store.ping()
                with pytest.raises(StoreUnavailableError):
                    await store.send([event(2)], now=NOW)
        with EmbeddedStore(tmp_path) as second:
            async with open_store(second.url) as store:
                assert await store.send([event(1), event(2)], now=NOW) == [DUPLICATE, ACCEPTED]

    run(work())


def test_nothing_listening_is_unavailable_and_a_bad_url_is_refused(
    open_store: OpenStore, tmp_path: Path
) -> None:
    async def work() -> None:
        async with open_store(f"unix://{tmp_path}/none.sock") as store:
            assert (await store.read([("a:1",)])).available.tolist() == [False]

    run(work())
    with pytest.raises(ValueError, match="redis://"):
        Servers("http://localhost")


@pytest.mark.parametrize("key", [b"", b"k" * 65])
def test_people_are_never_hashed_without_a_proper_key(key: bytes) -> None:
    with pytest.raises(ValueError, match="person_key"):
        SignalStore(Servers("redis://localhost"), person_key=key)
