"""Many signals as columns: what the store takes, whether they were read one by one or all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.signals.record import LEVEL, ROLE_BIT, SENIORITY_BIT
from scoring.signals.signal import Signal


@dataclass(frozen=True, slots=True, eq=False)
class SignalColumns:
    """n signals; each column has n entries, which mean what `Signal` says."""

    keys: Sequence[tuple[str, ...]]
    type: Sequence[str]
    topic: Sequence[str]
    channel: Sequence[str]
    person: Sequence[str]
    event_id: Sequence[str]
    at: NDArray[np.float64]  # unix seconds
    strength: NDArray[np.float64]
    flags: NDArray[np.uint8]  # as a record has them: level, seniority and role

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def of(cls, signals: Sequence[Signal]) -> SignalColumns:
        """Turn signals into columns, in their order.

        >>> SignalColumns.of([Signal(("a:1",), "visit", 1e9, "e1", level=True)]).flags.tolist()
        [1]
        """
        return cls(
            keys=[one.keys for one in signals],
            type=[one.type for one in signals],
            topic=[one.topic for one in signals],
            channel=[one.channel for one in signals],
            person=[one.person for one in signals],
            event_id=[one.event_id for one in signals],
            at=np.array([one.at for one in signals], dtype=np.float64),
            strength=np.array([one.strength for one in signals], dtype=np.float64),
            flags=np.array(
                [
                    LEVEL * one.level | one.seniority << SENIORITY_BIT | one.role << ROLE_BIT
                    for one in signals
                ],
                dtype=np.uint8,
            ),
        )

    def part(self, start: int, stop: int) -> SignalColumns:
        """Return the signals from one number to another, as a slice does."""
        if start <= 0 and stop >= len(self):
            return self
        return SignalColumns(**{field.name: getattr(self, field.name)[start:stop] for field in fields(self)})

    def where(self, mask: NDArray[np.bool_]) -> SignalColumns:
        """Return the signals that a mask, shape (n,), marks."""
        if mask.all():
            return self
        kept: dict[str, Any] = {}
        for field in fields(self):
            column = getattr(self, field.name)
            kept[field.name] = column[mask] if isinstance(column, np.ndarray) else [*compress(column, mask)]
        return SignalColumns(**kept)
