from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.signals.bounds import Bounds
from scoring.signals.log import SignalBatch
from scoring.signals.names import Names
from scoring.signals.record import RECORD
from tests.scoring.signals.test_bounds import LOG, SMALL, Row, counted, records_of


@pytest.mark.parametrize(("make", "expected"), [(SignalBatch.empty, True), (SignalBatch.unavailable, False)])
def test_empty_is_not_unavailable(make: object, expected: bool) -> None:
    batch = make(3)  # type: ignore[operator]  # a class method
    assert batch.available.tolist() == [expected] * 3
    assert batch.records.dtype == RECORD
    assert batch.owner.shape == batch.records.shape == (0,)


@given(st.lists(st.lists(LOG, max_size=3), max_size=4))
def test_the_logs_of_an_account_are_united_with_nothing_twice(accounts: list[list[list[Row]]]) -> None:
    logs = [[records_of(rows).tobytes() for rows in account] for account in accounts]
    batch = SignalBatch.from_logs(logs, bounds=SMALL)
    expected = [counted([row for rows in account for row in rows], SMALL) for account in accounts]
    assert batch.records.tolist() == [row for rows in expected for row in rows]
    assert batch.owner.tolist() == [owner for owner, rows in enumerate(expected) for _ in rows]
    assert batch.owner.dtype == np.intp
    assert batch.available.all()


def test_a_damaged_log_makes_its_account_alone_unavailable() -> None:
    batch = SignalBatch.from_logs([[bytes(24)], [bytes(24), b"?"], [bytes(24)]])
    assert batch.available.tolist() == [True, False, True]
    assert batch.owner.tolist() == [0, 2]


def test_logs_of_before_say_how_long_ago_they_were_read() -> None:
    ago = np.array([0.0, 7.5, np.nan])
    batch = SignalBatch.from_logs([[bytes(24)]] * 3, ago, Bounds())
    assert batch.read_ago.tolist()[:2] == [0.0, 7.5]
    assert batch.available.tolist() == [True, True, False]
    assert batch.owner.tolist() == [0, 1], "nothing is made of what could not be read"


def test_an_account_whose_names_are_not_known_is_unavailable() -> None:
    rows = [(1, 5, 0, 2, 0, 1.0, 0, 0), (2, 6, 0, 9, 0, 1.0, 0, 0), (3, 7, 0, 2, 0, 1.0, 0, 0)]
    batch = SignalBatch.from_logs([[records_of([row]).tobytes()] for row in rows])
    named = batch.with_names(Names.from_ids({"type": {"visit": 2}}))
    assert named.available.tolist() == [True, False, True]
    assert named.owner.tolist() == [0, 2]
    assert named.types[2] == "visit"
