from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.signals.log import KINDS, LEVEL, OTHER_NAME, RECORD, Names, Records, SignalBatch, decode, encode
from scoring.signals.signal import Signal

IDS = {"type": {"visit": 2, "surge": 3}, "topic": {"data": 2}, "channel": {"web": 2}}
KEY = b"a key for tests"


def signal(**changes: object) -> Signal:
    fields = {"keys": ("a:1",), "type": "visit", "at": 1_782_820_800.0, "event_id": "e1", **changes}
    return Signal(**fields)  # type: ignore[arg-type]  # each test names its own fields


def test_a_record_is_24_bytes_and_laid_out_for_good() -> None:
    assert RECORD.itemsize == 24
    (record,) = encode([signal(topic="data", channel="web", strength=73.5, level=True)], IDS, key=KEY)
    assert record.tobytes()[8:] == bytes.fromhex("c0af436a 00000000 0200 0200 9854 02 01")


def test_what_is_encoded_is_decoded() -> None:
    records = encode([signal(), signal(event_id="e2", person="jo", strength=0.1)], IDS, key=KEY)
    again = decode(records.tobytes())
    assert again.tobytes() == records.tobytes()
    assert not again.flags.writeable


@given(st.floats(0, 1000))
def test_strength_is_kept_to_one_part_in_two_thousand(strength: float) -> None:
    kept = float(encode([signal(strength=strength)], IDS, key=KEY)["strength"][0])
    assert kept == pytest.approx(strength, rel=1 / 2000, abs=1e-7)


def test_people_and_event_ids_are_hashed_with_the_key() -> None:
    ours = encode([signal(person="jo"), signal(person="al"), signal()], IDS, key=KEY)
    theirs = encode([signal(person="jo")], IDS, key=b"another key")
    assert len(set(ours["person"].tolist())) == 3
    assert ours["person"][2] == 0
    assert len(set(ours["id"].tolist())) == 1
    assert theirs["person"][0] != ours["person"][0]
    assert theirs["id"][0] != ours["id"][0]


def test_a_torn_log_is_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        decode(bytes(25))


def test_ids_without_a_name_become_other() -> None:
    names = Names.from_ids(IDS)
    batch = SignalBatch.from_logs([[encode([signal(), signal(topic="data")], IDS, key=KEY).tobytes()]])
    assert not Names().cover(batch.records)
    assert batch.with_names(names).records is batch.records
    unnamed = batch.with_names(Names())
    assert [unnamed.types[number] for number in unnamed.records["type"]] == [OTHER_NAME] * len(
        unnamed.records
    )


def test_names_with_gaps_are_other_there() -> None:
    assert Names.from_ids({"channel": {"web": 4}}).channels == ("", OTHER_NAME, OTHER_NAME, OTHER_NAME, "web")


@pytest.mark.parametrize(("make", "expected"), [(SignalBatch.empty, True), (SignalBatch.unavailable, False)])
def test_empty_is_not_unavailable(make: object, expected: bool) -> None:
    batch = make(3)  # type: ignore[operator]  # a class method
    assert batch.available.tolist() == [expected] * 3
    assert batch.records.dtype == RECORD
    assert batch.owner.shape == batch.records.shape == (0,)


# Few ids, times and slots, so that they meet.
RECORDS = st.lists(
    st.tuples(
        st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(2, 3), st.integers(0, 2),
        st.sampled_from([0.0, 1.0]), st.just(2), st.integers(0, LEVEL),
    ),
    max_size=8,
)  # fmt: skip


def identity(row: tuple[int, ...]) -> tuple[int, ...]:
    return (1, row[3], row[4]) if row[7] else (0, row[0])


def newest(row: tuple[int, ...]) -> tuple[object, ...]:
    return (row[1], row[0], row[2], np.array([row], dtype=RECORD).view("<u8")[2])


def united(rows: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    latest: dict[tuple[int, ...], tuple[int, ...]] = {}
    for row in sorted(rows, key=newest):
        latest[identity(row)] = row
    return sorted(latest.values(), key=newest)


def as_log(rows: list[tuple[int, ...]]) -> bytes:
    return np.array(united(rows), dtype=RECORD).tobytes()


@given(st.lists(st.lists(RECORDS, max_size=3), max_size=4))
def test_the_logs_of_an_account_are_united_with_nothing_twice(
    accounts: list[list[list[tuple[int, ...]]]],
) -> None:
    batch = SignalBatch.from_logs([[as_log(rows) for rows in account] for account in accounts])
    expected = [united([row for rows in account for row in rows]) for account in accounts]
    assert batch.records.tolist() == [row for rows in expected for row in rows]
    assert batch.owner.tolist() == [owner for owner, rows in enumerate(expected) for _ in rows]
    assert batch.owner.dtype == np.intp
    assert batch.available.all()


def test_a_damaged_log_makes_its_account_alone_unavailable() -> None:
    batch = SignalBatch.from_logs([[bytes(24)], [bytes(24), b"?"], [bytes(24)]])
    assert batch.available.tolist() == [True, False, True]
    assert batch.owner.tolist() == [0, 2]


def test_every_kind_is_a_field_that_holds_its_largest_id() -> None:
    for kind, largest in KINDS.items():
        records: Records = np.zeros(1, dtype=RECORD)
        records[kind] = largest
        column: NDArray[np.uint16] = records[kind]
        assert int(column[0]) == np.iinfo(column.dtype).max == largest
