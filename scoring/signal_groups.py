"""The signals of one account by type, topic and day, and batches that hold more and more of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scoring.answer import DriverDetail
from scoring.moments import DAY, say_second
from scoring.signals.log import SignalBatch
from scoring.signals.record import is_level

MOST_GROUPS = 40  # told apart; of more, the earliest stand together

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class SignalGroup:
    """Signals of one type and topic on one day."""

    type: str  # empty where different ones stand together
    topic: str
    rows: Rows  # of the batch


def signal_groups(batch: SignalBatch, *, after: float, until: float) -> list[SignalGroup]:
    """Group the signals of a batch of one account that happened after a moment, and not after another.

    Args:
        batch: of one account.
        after: unix seconds.
        until: unix seconds.

    Returns:
        The groups by day, and on a day by type and topic.
    """
    records = batch.records
    rows = np.flatnonzero((records["at"] > after) & (records["at"] <= until))
    kinds: dict[tuple[int, str, str], list[int]] = {}
    for row, record in zip(rows.tolist(), records[rows], strict=True):
        kind = int(record["at"]) // DAY, batch.types[record["type"]], batch.topics[record["topic"]]
        kinds.setdefault(kind, []).append(row)
    groups = [SignalGroup(name, topic, np.array(rows)) for (_, name, topic), rows in sorted(kinds.items())]
    if len(groups) <= MOST_GROUPS:
        return groups
    earliest, rest = groups[: 1 - MOST_GROUPS], groups[1 - MOST_GROUPS :]
    return [SignalGroup("", "", np.concatenate([group.rows for group in earliest])), *rest]


def growing(start: Rows, groups: Sequence[SignalGroup]) -> list[Rows]:
    """Return the rows of a log that begins with some and gets one group after another."""
    steps = [start]
    for group in groups:
        steps.append(np.sort(np.concatenate([steps[-1], group.rows])))
    return steps


def side_by_side(batch: SignalBatch, steps: Sequence[Rows]) -> SignalBatch:
    """Return a batch of as many accounts as there are steps, each with its rows of the one account's log."""
    owner = np.repeat(np.arange(len(steps), dtype=np.intp), [len(rows) for rows in steps])
    records = batch.records[np.concatenate(steps)] if steps else batch.records[:0]
    return replace(batch, owner=owner, records=records, read_ago=np.repeat(batch.read_ago[:1], len(steps)))


def as_driver(batch: SignalBatch, group: SignalGroup, *, as_of: float, points: float) -> DriverDetail:
    """Describe a group as answers describe signals."""
    last = batch.records[group.rows.max()]
    level = bool(is_level(last))
    return DriverDetail(
        type=group.type,
        topic=group.topic,
        at=say_second(float(last["at"])),
        age_days=round((as_of - float(last["at"])) / DAY, 2),
        times=1 if level else len(group.rows),
        strength=float(last["strength"]),
        level=level,
        points=points,
    )
