"""Which records of a log count: a log is a set that only grows, and this is the one rule that reads it.

Sorted by time; of each event the latest record; the latest events and levels, and nothing older than the
horizon. The rule asks only which records there are, never in what order they came, so any order of arrival,
any resend and any compaction between gives the same. One thing depends on compactions: of an account with
more gauges than count, a gauge that fell out and comes back has lost its earlier values, which only a score
as of an earlier moment can show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.signals.record import Records, is_level

Owners = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of an account counts, and is kept.

    Attributes:
        events: how many events, the latest ones.
        gauges: how many gauges (a type and topic of level), those heard of latest.
        history: how many values of each gauge, so that a score can be asked for as of an earlier moment.
        earliest: unix seconds; older records do not count.
    """

    events: int = 500
    gauges: int = 64
    history: int = 8
    earliest: float = 0.0


def in_order(owner: Owners, records: Records) -> tuple[Owners, Records]:
    """Sort records, shape (m,), by (owner, at, id, the rest): no two ways of arrival leave a trace.

    Logs are nearly in order of time already, which the sort makes use of; only ties ask for more.
    """
    moment = owner.astype(np.uint64) << np.uint64(32) | records["at"]
    order = np.argsort(moment, kind="stable")
    moment = moment[order]
    same = np.flatnonzero(moment[1:] == moment[:-1])
    if len(same):
        tied = np.union1d(same, same + 1)
        words = records.view("<u8").reshape(-1, 3)[order[tied]]
        order[tied] = order[tied][np.lexsort((words[:, 2], words[:, 1], words[:, 0], moment[tied]))]
    return owner[order], records[order]


def counting(owner: Owners, records: Records, bounds: Bounds, *, several_logs: bool) -> Mask:
    """Mark the records that count.

    Args:
        owner: (m,), sorted as `in_order` does.
        records: (m,).
        bounds: how much counts.
        several_logs: an event may stand twice, in two logs of one account; a log alone has it once.
    """
    keep = np.asarray(records["at"] >= bounds.earliest)
    level = is_level(records)
    if several_logs:
        keep &= _last_of_each_event(owner, records, level)
    _keep_latest_events(keep, owner, level, bounds.events)
    _keep_latest_levels(keep, owner, records, level, bounds)
    return keep


def _last_of_each_event(owner: Owners, records: Records, level: Mask) -> Mask:
    keep = np.ones(len(records), dtype=np.bool_)
    rows = np.flatnonzero(~level)
    by_event = rows[np.lexsort((records["id"][rows], owner[rows]))]  # stable: the latest stays last
    events, owners = records["id"][by_event], owner[by_event]
    repeated = (events[1:] == events[:-1]) & (owners[1:] == owners[:-1])
    keep[by_event[:-1][repeated]] = False
    return keep


def _keep_latest_events(keep: Mask, owner: Owners, level: Mask, most: int) -> None:
    rows = np.flatnonzero(keep & ~level)
    counts = np.bincount(owner[rows])
    if counts.max(initial=0) > most:
        from_the_end = np.cumsum(counts)[owner[rows]] - np.arange(len(rows))
        keep[rows[from_the_end > most]] = False


def _keep_latest_levels(keep: Mask, owner: Owners, records: Records, level: Mask, bounds: Bounds) -> None:
    rows = np.flatnonzero(keep & level)
    if not len(rows):
        return
    gauge = owner[rows] << 32 | records["type"][rows].astype(np.intp) << 16 | records["topic"][rows]
    by_gauge = np.argsort(gauge, kind="stable")
    rows, gauge = rows[by_gauge], gauge[by_gauge]
    at = records["at"][rows]
    # Two values of one gauge at one moment: the order of records decides, as it does for all.
    once = np.append((gauge[1:] != gauge[:-1]) | (at[1:] != at[:-1]), True)
    keep[rows[~once]] = False
    rows, gauge, at = rows[once], gauge[once], at[once]
    last = np.append(np.flatnonzero(gauge[1:] != gauge[:-1]), len(rows) - 1)
    number = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))
    keep[rows[last[number] - np.arange(len(rows)) >= bounds.history]] = False
    gauge_owner = gauge[last] >> 32
    counts = np.bincount(gauge_owner)
    if counts.max() > bounds.gauges:
        latest_last = np.lexsort((gauge[last], at[last], gauge_owner))
        from_the_end = np.cumsum(counts)[gauge_owner[latest_last]] - np.arange(len(last))
        keep[rows[np.isin(number, latest_last[from_the_end > bounds.gauges])]] = False
