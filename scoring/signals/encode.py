"""Turning signals into the records that the store keeps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scoring.signals.columns import SignalColumns
from scoring.signals.record import KINDS, LEVEL, NONE, RECORD, Records, event_hashes, person_hashes


def names_used(signals: SignalColumns) -> set[tuple[str, str]]:
    """Return the names that signals use, each with its kind."""
    return {(kind, name) for kind in KINDS for name in set(getattr(signals, kind))}


def encode(signals: SignalColumns, ids: Mapping[str, Mapping[str, int]], *, key: bytes) -> Records:
    """Turn signals into records, shape (n,), in their order.

    Args:
        signals: n signals.
        ids: by kind (`type`, `topic`, `channel`), the id of each name the signals use; "" needs none.
        key: keys the hashes of people and of event ids, which may hold personal data too; 1 to 64 bytes.

    >>> from scoring.signals.signal import Signal
    >>> visits = SignalColumns.of([Signal(("d:acme.com",), "visit", 1_782_820_800.7, "e1")])
    >>> encode(visits, {"type": {"visit": 2}}, key=b"secret")[["at", "type", "strength"]].tolist()
    [(1782820800, 2, 1.0)]
    """
    records = np.empty(len(signals), dtype=RECORD)
    levels = (signals.flags & LEVEL).tolist()
    records["id"] = event_hashes(signals.type, signals.event_id, levels, key=key)
    records["at"] = signals.at
    records["person"] = person_hashes(signals.person, key=key)
    for kind in KINDS:
        numbers = {"": NONE, **ids.get(kind, {})}
        records[kind] = [numbers[name] for name in getattr(signals, kind)]
    records["strength"] = signals.strength
    records["flags"] = signals.flags
    return records
