"""The signals of a batch that count at the moment asked, as columns, and how much each of them counts.

An event counts by its strength up to a cap, and a repeat of it less; a level (a gauge, such as a vendor's
0..100 score) counts once per type and topic, by its latest value, as a share of its scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.signals.log import SignalBatch
from scoring.signals.meanings import Meanings, meanings
from scoring.signals.policy import Policy
from scoring.signals.record import LEVEL, RECORD, Records

DAY = 86_400
SIGNAL_GRID = 2.0**-30  # what each signal gives is a multiple of it, so that sums are exact in any order

_BYTES = np.dtype((np.void, RECORD.itemsize))

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """The signals that had happened and say something, by account and time; arrays are (signals,).

    An account's signals stand together: those of account `active[i]` are from `starts[i]` to the next start.
    """

    accounts: int
    active: Integers  # (active accounts,)
    starts: Integers  # (active accounts,)
    owner: Integers
    records: Records
    level: Mask
    age: Floats  # days
    value: Floats  # strength as it counts, before damping: events up to the cap, what has a scale 0..1
    kept: Floats  # the share that damping leaves, 0..1
    leader: Integers  # the strongest of the repeats that a signal belongs to; itself where it stands alone
    decay: Floats
    intent_weight: Floats  # of its type and topic
    depth_weight: Floats  # of its type

    def totals(self, amounts: Floats) -> Floats:
        """Sum amounts, (k, signals) and on the grid, by account: (k, accounts). The sums are exact."""
        sums = np.zeros((len(amounts), self.accounts))
        if len(self.starts):
            sums[:, self.active] = np.add.reduceat(amounts, self.starts, axis=1)
        return sums

    def last(self, masks: Mask) -> Floats:
        """Return the age of each account's last marked signal, inf for none, by k masks: (k, accounts)."""
        ages = np.full((len(masks), self.accounts), np.inf)
        if len(self.starts):
            among = np.where(masks, self.age, np.inf)
            ages[:, self.active] = np.minimum.reduceat(among, self.starts, axis=1)
        return ages


def count(policy: Policy, batch: SignalBatch, as_of: Floats) -> Counted:
    """Keep what the policy knows and what had happened by then, and say how much it counts.

    Args:
        policy: what signals mean.
        batch: the logs, one owner per account of the batch.
        as_of: (accounts,), unix seconds.
    """
    known, kind, level = meanings(policy, batch), batch.records["type"], is_level(batch.records)
    age = (as_of[batch.owner] - batch.records["at"]) / DAY
    intent = known.intent[kind] * known.relevance[batch.records["topic"]]
    depth = known.depth[kind]
    counts = (age >= 0) & (intent + depth > 0)
    _leave_out_replaced(batch, np.flatnonzero(counts & level), counts)
    records: Records = batch.records
    columns: Sequence[NDArray[Any]] = (batch.owner, level, age, intent, depth)
    if not counts.all():
        records, columns = _taken(records, counts), [column[counts] for column in columns]
    owner, level, age, intent, depth = columns
    value = _values(policy, known, records, level)
    decay = np.exp2(-age / known.half_life[records["type"]])
    kept, leader = _damped(policy.repeat, owner, records, ~level, value * decay)
    starts = np.flatnonzero(~_repeated(owner))
    return Counted(
        accounts=len(as_of),
        active=owner[starts],
        starts=starts,
        owner=owner,
        records=records,
        level=level,
        age=age,
        value=value,
        kept=kept,
        leader=leader,
        decay=decay,
        intent_weight=intent,
        depth_weight=depth,
    )


def is_level(records: Records) -> Mask:
    """Mark the levels among some records, shape (n,)."""
    return np.asarray((records["flags"] & LEVEL) != 0)


def _taken(records: Records, which: NDArray[Any]) -> Records:
    """Take some records, as bytes: field by field it would take ten times as long."""
    return np.asarray(np.ascontiguousarray(records).view(_BYTES)[which].view(RECORD))


def _values(policy: Policy, known: Meanings, records: Records, level: Mask) -> Floats:
    kind, strength = records["type"], records["strength"].astype(np.float64)
    on_scale = np.minimum(np.maximum((strength - known.floor[kind]) / known.span[kind], 0.0), 1.0)
    # An event that says no strength has 1: on no vendor's scale is that a reading worth an event.
    scaled = level | (known.scaled[kind] & (strength != 1.0))
    return np.where(scaled, on_scale, np.minimum(strength, policy.strength_cap))


def _leave_out_replaced(batch: SignalBatch, levels: Integers, counts: Mask) -> None:
    """Unmark the levels, by row, that a later one of their account, type and topic replaces."""
    if len(levels) < 2:  # there is none to replace another
        return
    records = _taken(batch.records, levels)
    slot = batch.owner[levels] << 32 | records["type"].astype(np.intp) << 16 | records["topic"]
    order = np.argsort(slot, kind="stable")  # records come by time: within a slot the last stays last
    counts[levels[order[:-1][_repeated(slot[order])[1:]]]] = False


def _repeated(*columns: NDArray[Any]) -> Mask:
    """Mark the rows that equal the row before them."""
    same = np.zeros(len(columns[0]), np.bool_)
    np.equal(columns[0][1:], columns[0][:-1], out=same[1:])
    for column in columns[1:]:
        same[1:] &= column[1:] == column[:-1]
    return same


def _damped(
    repeat: float, owner: Integers, records: Records, event: Mask, amounts: Floats
) -> tuple[Floats, Integers]:
    """Return what damping leaves of each signal, and which signal is the strongest of its repeats.

    Repeats are events of one type and topic by one person, or by nobody named, on one day (UTC). The
    strongest counts in full, the next `repeat` of itself, and so on: so another event never lowers what they
    give together.
    """
    kept, leader = np.ones(len(owner)), np.arange(len(owner))
    same_day = _repeated(owner, records["at"] // DAY)  # records come by account and time
    together = same_day & event
    together[:-1] |= same_day[1:] & event[:-1]
    rows = np.flatnonzero(together)[::-1]  # the latest first, as among equals below
    if not len(rows):
        return kept, leader
    day = np.cumsum(~same_day)[rows]  # a number for each account and day
    some = _taken(records, rows)
    kind = some["type"].astype(np.uint64) << np.uint64(48) | some["topic"].astype(np.uint64) << np.uint64(32)
    kind |= some["person"]
    order = np.lexsort((-amounts[rows], kind, day))
    places = leader[: len(order)]
    first = np.maximum.accumulate(np.where(_repeated(day[order], kind[order]), 0, places))
    kept[rows[order]] = repeat ** (places - first)
    leader = leader.copy()
    leader[rows[order]] = rows[order[first]]
    return kept, leader
