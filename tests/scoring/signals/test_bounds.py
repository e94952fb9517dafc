from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.signals.bounds import Bounds, counting, in_order
from scoring.signals.record import LEVEL, RECORD, Records

Row = tuple[float, ...]
SMALL = Bounds(events=3, gauges=2, history=2, earliest=2.0)

# Few ids, times, types and topics, so that they meet. A log has each id once.
ROW = st.tuples(
    st.integers(1, 12), st.integers(1, 6), st.integers(0, 2), st.integers(2, 4), st.integers(0, 2),
    st.sampled_from([0.0, 1.0]), st.just(2), st.integers(0, LEVEL),
)  # fmt: skip
LOG = st.lists(ROW, max_size=14, unique_by=lambda row: row[0])


def records_of(rows: list[Row]) -> Records:
    return np.array(rows, dtype=RECORD)


def order(row: Row) -> tuple[object, ...]:
    return (row[1], *map(int, records_of([row]).view("<u8")))


def counted(rows: list[Row], bounds: Bounds) -> list[Row]:
    """What counts of one account, written as one would say it."""
    rows = sorted((row for row in rows if row[1] >= bounds.earliest), key=order)
    events = list({row[0]: row for row in rows if not row[7]}.values())
    events = sorted(events, key=order)[-bounds.events :]
    gauges: dict[tuple[float, float], dict[float, Row]] = defaultdict(dict)
    for row in rows:
        if row[7]:
            gauges[row[3], row[4]][row[1]] = row
    latest = sorted(gauges, key=lambda gauge: (max(gauges[gauge]), gauge))[-bounds.gauges :]
    levels = [row for gauge in latest for row in sorted(gauges[gauge].values(), key=order)[-bounds.history :]]
    return sorted(events + levels, key=order)


def found(accounts: list[list[Row]], bounds: Bounds, *, several_logs: bool) -> list[list[Row]]:
    owner = np.repeat(np.arange(len(accounts)), [len(rows) for rows in accounts])
    owner, records = in_order(owner, records_of([row for rows in accounts for row in rows]))
    keep = counting(owner, records, bounds, several_logs=several_logs)
    return [records[keep & (owner == number)].tolist() for number in range(len(accounts))]


@given(st.lists(LOG, max_size=4))
def test_what_counts_of_each_account_is_what_the_rule_says(accounts: list[list[Row]]) -> None:
    assert found(accounts, SMALL, several_logs=False) == [counted(rows, SMALL) for rows in accounts]


@given(st.lists(st.tuples(LOG, LOG), max_size=3))
def test_an_event_in_two_logs_of_an_account_counts_once(accounts: list[tuple[list[Row], list[Row]]]) -> None:
    rows = [[*first, *second] for first, second in accounts]
    assert found(rows, SMALL, several_logs=True) == [counted(both, SMALL) for both in rows]


@given(LOG, st.randoms(use_true_random=False))
def test_the_order_of_arrival_leaves_no_trace(rows: list[Row], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own
    assert found([rows], SMALL, several_logs=False) == found([shuffled], SMALL, several_logs=False)


@given(LOG, st.integers(0, 14))
def test_what_is_compacted_on_the_way_gives_the_same_events_and_current_levels(
    rows: list[Row], at: int
) -> None:
    (early,) = found([rows[:at]], SMALL, several_logs=False)
    (late,) = found([[*early, *rows[at:]]], SMALL, several_logs=False)
    (at_once,) = found([rows], SMALL, several_logs=False)
    assert current(late) == current(at_once)


def current(rows: list[Row]) -> list[Row]:
    levels = {(row[3], row[4]): row for row in rows if row[7]}
    return [*(row for row in rows if not row[7]), *sorted(levels.values())]


@pytest.mark.parametrize("rows", [[], [(1, 1, 0, 2, 0, 1.0, 2, 0)]])
def test_nothing_and_what_is_older_than_the_horizon_come_to_nothing(rows: list[Row]) -> None:
    assert found([rows], SMALL, several_logs=False) == [[]]
