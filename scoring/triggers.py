"""Triggers: which of the plan's triggering situations hold at each account of a batch, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from scoring.features import DateEncoder, FeatureSchema
from scoring.moments import DAY
from scoring.plan_rules import TriggerSpec
from scoring.rules import Attributes
from scoring.signals.log import SignalBatch
from scoring.values import as_date

_EPOCH = date(1970, 1, 1).toordinal()

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Holding:
    """A trigger that holds at an account."""

    spec: TriggerSpec
    since: float | None  # unix seconds: its last signal or its date; None where it has neither


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What holds at the accounts of a batch."""

    holding: tuple[tuple[Holding, ...], ...]  # by account, in the plan's order
    weights: Floats  # (accounts,), what it adds to Intent, in the unit of a type's weight


class Triggers:
    """The triggers of a plan, which read dates as its model does."""

    def __init__(self, specs: Sequence[TriggerSpec], schema: FeatureSchema) -> None:
        self._specs = specs
        self._types = tuple(dict.fromkeys(chain.from_iterable(spec.signals for spec in specs)))
        self._day_first = {
            encoder.attribute: encoder.day_first
            for encoder in schema.encoders
            if isinstance(encoder, DateEncoder)
        }

    def held(self, attributes: Sequence[Attributes], batch: SignalBatch, as_of: Floats) -> Held:
        """Find what holds at each account as of its moment.

        Args:
            attributes: of n accounts.
            batch: their logs, one owner each.
            as_of: (n,), unix seconds; signals and dates after it have not happened.
        """
        if not self._specs:
            return Held(((),) * len(attributes), np.zeros(len(attributes)))
        holding: list[list[Holding]] = [[] for _ in attributes]
        last, moments = self._last(batch, as_of), as_of.tolist()
        for spec in self._specs:
            sent = last[:, [self._types.index(name) for name in spec.signals]].min(axis=1, initial=np.inf)
            for row in np.flatnonzero((sent <= spec.within_days) | (not spec.signals)).tolist():
                date_age = self._date_age(attributes[row], spec.date_of, moments[row])
                if spec.is_met(attributes[row], date_age):
                    age = min(sent[row].item(), np.inf if date_age is None else date_age)
                    since = None if age == np.inf else round(moments[row] - age * DAY, 3)
                    holding[row].append(Holding(spec, since))
        weights = [sum(one.spec.intent for one in account) for account in holding]
        return Held(tuple(map(tuple, holding)), np.array(weights, np.float64))

    def _last(self, batch: SignalBatch, as_of: Floats) -> Floats:
        """Return the days since the last signal of each type that a trigger names; inf for none."""
        column = np.array([self._types.index(name) if name in self._types else -1 for name in batch.types])
        age = (as_of[batch.owner] - batch.records["at"]) / DAY
        kind = column[batch.records["type"]]
        rows = np.flatnonzero((age >= 0) & (kind >= 0))
        last = np.full((len(as_of), len(self._types)), np.inf)
        last[batch.owner[rows], kind[rows]] = age[rows]  # records come by time: the last one stays
        return last

    def _date_age(self, attributes: Attributes, name: str, moment: float) -> float | None:
        value = attributes.get(name) if name else None
        if value is None:
            return None
        try:
            day = as_date(value, day_first=self._day_first.get(name, False))
        except ValueError:  # what cannot be read as a date shows no situation
            return None
        return None if day is None else moment / DAY - (day.toordinal() - _EPOCH)
