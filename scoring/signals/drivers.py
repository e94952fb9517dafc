"""What made an account's Intent: its strongest signals, each with its share, and the rest as one amount."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scoring.fit import POINT_GRID, to_grid
from scoring.signals.counted import Counted, Floats, Integers
from scoring.signals.log import SignalBatch

NAMED = 3  # drivers that an account's Intent is told by


@dataclass(frozen=True, slots=True)
class Driver:
    """One signal, with its repeats of the same day, that made an account's Intent."""

    type: str
    topic: str
    at: float  # unix seconds
    age_days: float
    level: bool
    strength: float  # as sent
    times: int  # how often one person did it that day
    points: float  # of Intent's 0..100


@dataclass(frozen=True, slots=True, eq=False)
class Drivers:
    """The drivers of a batch's accounts."""

    batch: SignalBatch
    signals: Counted
    rows: Integers  # (NAMED, accounts): signals, strongest first; those of no points are none
    times: Integers  # (signals,)
    standing: Floats  # (accounts,), points of Intent's 0..100 that triggers give
    points: Floats  # (NAMED, accounts), points that the drivers give
    other: Floats  # (accounts,), points that all other signals give; with the two above exactly Intent

    def of(self, account: int) -> tuple[Driver, ...]:
        """Return the drivers of one account, strongest first, and the most recent first among equals."""
        return tuple(self._drivers(account))

    def _drivers(self, account: int) -> Iterator[Driver]:
        for row, points in zip(self.rows[:, account].tolist(), self.points[:, account].tolist(), strict=True):
            if points == 0:  # there are no more, or it is too faint to give any
                continue
            record = self.signals.records[row]
            yield Driver(
                type=self.batch.types[record["type"]],
                topic=self.batch.topics[record["topic"]],
                at=float(record["at"]),
                age_days=float(self.signals.age[row]),
                level=bool(self.signals.level[row]),
                strength=float(record["strength"]),
                times=int(self.times[row]),
                points=points,
            )


def drivers(
    batch: SignalBatch, signals: Counted, amounts: Floats, standing: Floats, evidence: Floats, points: Floats
) -> Drivers:
    """Find the strongest signals of each account, each together with its repeats.

    Args:
        batch: whose names are said.
        signals: of the batch, as they count.
        amounts: (signals,), what each gives to the evidence; on the grid of signals.
        standing: (accounts,), what triggers gave to it before; on the same grid.
        evidence: (accounts,), the sum of both.
        points: (accounts,), Intent, 0..100, on the grid of points.
    """
    rows = np.full((NAMED, signals.accounts), -1, np.intp)
    gives = np.zeros((NAMED + 1, signals.accounts))
    gives[0] = standing
    left = np.bincount(signals.leader, amounts, len(amounts)) + 0.0  # all of a day's repeats as one
    places = np.arange(len(left))
    for rank in range(NAMED if len(left) else 0):
        gives[rank + 1, signals.active] = np.maximum.reduceat(left, signals.starts)
        strongest = np.where(left == gives[rank + 1, signals.owner], places, -1)
        best = np.maximum.reduceat(strongest, signals.starts)  # the latest of equals
        rows[rank, signals.active] = best
        left[best] = 0.0
    shares = gives.cumsum(axis=0) / np.where(evidence > 0, evidence, 1.0)
    told = to_grid(shares * points, POINT_GRID)  # shares run up to 1, so that the last leaves no remainder
    return Drivers(
        batch=batch,
        signals=signals,
        rows=rows,
        times=np.bincount(signals.leader, minlength=len(left)),
        standing=told[0],
        points=told[1:] - told[:-1],
        other=points - told[-1],
    )
