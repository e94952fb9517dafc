"""The signals of a batch that count at the moment asked, as columns, and how much each of them counts.

An event counts by its strength up to a cap, and a repeat of it less; a level (a gauge, such as a vendor's
0..100 score) counts once per type and topic, by its latest value, as a share of its scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.signals.log import SignalBatch
from scoring.signals.meanings import Meanings, meanings
from scoring.signals.policy import Policy
from scoring.signals.record import LEVEL, Records

DAY = 86_400
SIGNAL_GRID = 2.0**-30  # what each signal gives is a multiple of it, so that sums are exact in any order

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
    known, kind = meanings(policy, batch), batch.records["type"]
    age = (as_of[batch.owner] - batch.records["at"]) / DAY
    intent = known.intent[kind] * known.relevance[batch.records["topic"]]
    depth = known.depth[kind]
    rows = np.flatnonzero((age >= 0) & (intent + depth > 0))
    rows = _current(batch, rows)
    owner, records, age = batch.owner[rows], batch.records[rows], age[rows]
    value = _values(policy, known, records)
    decay = np.exp2(-age / known.half_life[records["type"]])
    kept, leader = _damped(policy.repeat, owner, records, value * decay)
    starts = np.flatnonzero(~_repeated(owner))
    return Counted(
        accounts=len(as_of),
        active=owner[starts],
        starts=starts,
        owner=owner,
        records=records,
        age=age,
        value=value,
        kept=kept,
        leader=leader,
        decay=decay,
        intent_weight=intent[rows],
        depth_weight=depth[rows],
    )


def is_level(records: Records) -> Mask:
    """Mark the levels among some records, shape (n,)."""
    return np.asarray((records["flags"] & LEVEL) != 0)


def _values(policy: Policy, known: Meanings, records: Records) -> Floats:
    kind, strength = records["type"], records["strength"].astype(np.float64)
    on_scale = np.minimum(np.maximum((strength - known.floor[kind]) / known.span[kind], 0.0), 1.0)
    # An event that says no strength has 1: on no vendor's scale is that a reading worth an event.
    scaled = is_level(records) | (known.scaled[kind] & (strength != 1.0))
    return np.where(scaled, on_scale, np.minimum(strength, policy.strength_cap))


def _current(batch: SignalBatch, rows: Integers) -> Integers:
    """Leave out the levels that a later one of their account, type and topic replaces."""
    levels = np.flatnonzero(is_level(batch.records[rows]))
    if len(levels) < 2:  # nothing to replace
        return rows
    records, owner = batch.records[rows[levels]], batch.owner[rows[levels]]
    slot = records["type"].astype(np.intp) << 16 | records["topic"]
    order = np.lexsort((slot, owner))  # stable: within a slot the last stays last
    replaced = order[:-1][_repeated(owner[order], slot[order])[1:]]
    return np.delete(rows, levels[replaced])


def _repeated(*columns: NDArray[Any]) -> Mask:
    """Mark the rows that equal the row before them."""
    same = np.zeros(len(columns[0]), np.bool_)
    np.equal(columns[0][1:], columns[0][:-1], out=same[1:])
    for column in columns[1:]:
        same[1:] &= column[1:] == column[:-1]
    return same


def _damped(repeat: float, owner: Integers, records: Records, amounts: Floats) -> tuple[Floats, Integers]:
    """Return what damping leaves of each signal, and which signal is the strongest of its repeats.

    Repeats are events of one type and topic by one person, or by nobody named, on one day (UTC). The
    strongest counts in full, the next `repeat` of itself, and so on: so another event never lowers what they
    give together.
    """
    kept, leader = np.ones(len(owner)), np.arange(len(owner))
    same_day = _repeated(owner, records["at"] // DAY)  # records come by account and time
    together = same_day.copy()
    together[:-1] |= same_day[1:]
    rows = np.flatnonzero(together & ~is_level(records))
    if not len(rows):
        return kept, leader
    day = np.cumsum(~same_day)[rows]  # a number for each account and day
    kind = records["type"][rows].astype(np.uint64) << np.uint64(16) | records["topic"][rows]
    kind = kind << np.uint64(32) | records["person"][rows]
    order = np.lexsort((-rows, -amounts[rows], kind, day))  # the latest first among equals
    places = np.arange(len(order))
    first = np.maximum.accumulate(np.where(_repeated(day[order], kind[order]), 0, places))
    kept[rows[order]] = repeat ** (places - first)
    leader[rows[order]] = rows[order[first]]
    return kept, leader
