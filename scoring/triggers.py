"""Triggers: which of the plan's triggering situations hold at each account of a batch, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.features import DateEncoder, FeatureSchema
from scoring.plan_rules import TriggerSpec
from scoring.rules import Attributes
from scoring.signals.log import SignalBatch
from scoring.values import as_date

DAY = 86_400

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
        ages = self._ages(batch, as_of).tolist()
        holding = tuple(
            tuple(self._of(one, dict(zip(self._types, sent, strict=True)), moment))
            for one, sent, moment in zip(attributes, ages, as_of.tolist(), strict=True)
        )
        weights = [sum(one.spec.intent for one in account) for account in holding]
        return Held(holding, np.array(weights, np.float64))

    def _ages(self, batch: SignalBatch, as_of: Floats) -> Floats:
        """Return the days since the last signal of each type that a trigger names; inf for none."""
        ages = np.full((len(as_of), len(self._types) + 1), np.inf)  # the last column is of all other types
        column = np.full(len(batch.types), len(self._types))
        for number, name in enumerate(batch.types):
            if name in self._types:
                column[number] = self._types.index(name)
        age = (as_of[batch.owner] - batch.records["at"]) / DAY
        rows = np.flatnonzero(age >= 0)
        ages[batch.owner[rows], column[batch.records["type"][rows]]] = age[
            rows
        ]  # by time: the last one stays
        return ages[:, :-1]

    def _of(self, attributes: Attributes, sent: Mapping[str, float], moment: float) -> list[Holding]:
        dated = {spec.date_of: self._date_age(attributes, spec.date_of, moment) for spec in self._specs}
        known = {name: age for name, age in dated.items() if age is not None}
        return [
            Holding(spec, _since(spec, sent, known, moment))
            for spec in self._specs
            if spec.holds(attributes, sent, known)
        ]

    def _date_age(self, attributes: Attributes, name: str, moment: float) -> float | None:
        value = attributes.get(name) if name else None
        try:
            day = as_date(value, day_first=self._day_first.get(name, False))
        except ValueError:  # what cannot be read as a date shows no situation
            return None
        return None if day is None else (moment - _midnight(day)) / DAY


def _midnight(day: Any) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _since(
    spec: TriggerSpec, sent: Mapping[str, float], dated: Mapping[str, float], moment: float
) -> float | None:
    ages = [sent[name] for name in spec.signals if 0 <= sent[name] <= spec.within_days]
    ages += [dated[spec.date_of]] if spec.date_of else []
    return moment - min(ages) * DAY if ages else None
