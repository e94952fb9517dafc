from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.signals import encode as module
from scoring.signals.columns import SignalColumns
from scoring.signals.record import KINDS, RECORD, Records, decode, is_level, role, seniority
from scoring.signals.signal import Signal

IDS = {"type": {"visit": 2, "surge": 3}, "topic": {"data": 2}, "channel": {"web": 2}}
KEY = b"a key for tests"


def encode(signals: list[Signal], ids: Mapping[str, Mapping[str, int]], *, key: bytes) -> Records:
    return module.encode(SignalColumns.of(signals), ids, key=key)


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


def test_a_record_says_who_did_it_and_whether_it_is_a_level() -> None:
    rows = [signal(level=True, role=14, seniority=5), signal(role=1), signal(seniority=1), signal()]
    records = encode(rows, IDS, key=KEY)
    assert role(records).tolist() == [14, 1, 0, 0]
    assert seniority(records).tolist() == [5, 0, 1, 0]
    assert is_level(records).tolist() == [True, False, False, False]


def test_every_kind_is_a_field_that_holds_its_largest_id() -> None:
    for kind, largest in KINDS.items():
        records: Records = np.zeros(1, dtype=RECORD)
        records[kind] = largest
        column: NDArray[np.uint16] = records[kind]
        assert int(column[0]) == np.iinfo(column.dtype).max == largest
