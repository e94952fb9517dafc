from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import RequestError, StoreUnavailableError
from scoring.moments import say_second
from scoring.signals.signal import Signal
from scoring.store.importing import BATCHES_UNDER_WAY, ROWS_TOGETHER, Fault, Import, Imported
from scoring.store.signal_file import read_signal_file
from scoring.store.store import SignalStore
from scoring.store.stored_keys import LOG_PREFIX
from scoring.store.writes import Outcome
from tests.scoring.store.conftest import OpenStore

NOW = 1_782_820_800.0
DAY = 86_400.0


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def import_lines(store: SignalStore, lines: Iterable[bytes]) -> tuple[Imported, list[Fault]]:
    faults: list[Fault] = []
    work = Import(store, now=NOW, on_fault=faults.append, on_progress=lambda: None)
    return await work.run(read_signal_file(lines)), faults


def ndjson(sent: Iterable[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(one).encode() + b"\n" for one in sent]


def visit(number: int, **more: Any) -> dict[str, Any]:
    at = say_second(NOW - number)
    return {
        "account_id": f"{number % 7}",
        "type": "visit",
        "occurred_at": at,
        "event_id": f"e{number}",
        **more,
    }


def logs(client: redis.Redis) -> dict[Any, Any]:
    return {key: client.get(key) for key in client.keys(f"{LOG_PREFIX}*")}


sent_signals = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["visit", "Demo Request", "surge"]), "occurred_at": st.sampled_from(
            [say_second(NOW), say_second(NOW - DAY), "2026-06-01", NOW - 5])},
        optional={
            "account_id": st.sampled_from(["1", "2 ", 3]),
            "domain": st.sampled_from(["acme.com", "www.b.io"]),
            "email": st.sampled_from(["jo@acme.com", "max@gmail.com"]),
            "event_id": st.integers(0, 9).map(str),
            "strength": st.sampled_from([1, 2.5, "3", "many"]), "title": st.sampled_from(["CFO", ""]),
            "level": st.sampled_from([True, False, "yes", "no", None]), "topic": st.text(max_size=3),
        },
    ),
    min_size=1, max_size=15,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(sent=sent_signals)
def test_a_file_is_stored_as_its_signals_sent_one_by_one(
    open_store: OpenStore, client: redis.Redis, sent: list[dict[str, Any]]
) -> None:
    async def work() -> None:
        async with open_store() as store:
            client.flushall()
            refused = []
            for number, raw in enumerate(sent, start=1):
                try:
                    await store.send([Signal.parse(raw, now=NOW)], now=NOW)
                except RequestError as error:
                    refused.append((number, error.code))
            one_by_one = await store.read([("a:1", "d:acme.com"), ("a:2",), ("a:3", "d:b.io")], now=NOW)
            client.flushall()
            result, faults = await import_lines(store, ndjson(sent))
            together = await store.read([("a:1", "d:acme.com"), ("a:2",), ("a:3", "d:b.io")], now=NOW)
            assert together.owner.tolist() == one_by_one.owner.tolist()
            for name in ("id", "at", "person", "strength", "flags"):
                assert together.records[name].tolist() == one_by_one.records[name].tolist()
            assert [(one.line, one.code) for one in faults] == refused
            assert result.faulty == len(refused)
            before = logs(client)
            again, _ = await import_lines(store, ndjson(sent))
            assert again.outcomes[Outcome.ACCEPTED] == 0
            assert logs(client) == before

    run(work())


def test_many_batches_are_stored_and_faults_come_in_the_order_of_the_file(open_store: OpenStore) -> None:
    count = ROWS_TOGETHER * (BATCHES_UNDER_WAY + 3) + 1

    async def work() -> None:
        async with open_store(events=count) as store:
            sent = [visit(n, **({"strength": -1} if n % 400 == 7 else {})) for n in range(count)]
            result, faults = await import_lines(store, ndjson(sent))
            bad = [n + 1 for n in range(count) if n % 400 == 7]
            assert [one.line for one in faults] == bad
            assert result.outcomes == {Outcome.ACCEPTED: count - len(bad)}
            assert len((await store.read([(f"a:{n}",) for n in range(7)], now=NOW)).records) == count - len(
                bad
            )

    run(work())


def test_a_signal_from_a_file_must_say_when_it_happened(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            sent = [visit(n, occurred_at=at) for n, at in enumerate([None, "", " ", NOW - 5])]
            result, faults = await import_lines(store, ndjson(sent))
            assert [one.code for one in faults] == ["time_missing"] * 3
            assert result.outcomes == {Outcome.ACCEPTED: 1}

    run(work())


def test_what_is_dropped_and_what_is_known_is_counted(open_store: OpenStore) -> None:
    async def work() -> None:
        async with open_store() as store:
            sent = [visit(1), visit(1), visit(2, occurred_at=say_second(NOW - 401 * DAY))]
            result, _ = await import_lines(store, ndjson(sent))
            assert result.outcomes == {Outcome.ACCEPTED: 1, Outcome.DUPLICATE: 1, Outcome.DROPPED: 1}
            assert not result.cut

    run(work())


def test_a_store_that_goes_away_says_how_far_it_got_and_a_second_run_does_the_rest(
    open_store: OpenStore, client: redis.Redis
) -> None:
    count = ROWS_TOGETHER * 30

    async def work() -> None:
        async with open_store(write_budget=0.3, events=count) as store:

            def until_it_hangs() -> Iterable[bytes]:
                for n, line in enumerate(ndjson(visit(n) for n in range(count))):
                    if n == ROWS_TOGETHER * 15:
                        client.client_pause(1_000)
                    yield line

            with pytest.raises(
                StoreUnavailableError, match=r"[\d,]+ rows were stored.*[Rr]un the same again"
            ):
                await import_lines(store, until_it_hangs())
            await asyncio.sleep(1.1)
            result, faults = await import_lines(store, ndjson(visit(n) for n in range(count)))
            assert not faults
            assert result.outcomes[Outcome.DUPLICATE] >= ROWS_TOGETHER * 10
            assert result.outcomes.total() == count
            assert len((await store.read([(f"a:{n}",) for n in range(7)], now=NOW)).records) == count

    run(work())
