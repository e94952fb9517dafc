"""The values of scored accounts that a model could not use, counted by attribute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scoring.answer import Answer
from scoring.features import UNSEEN, CategoryEncoder
from scoring.scorer import Scorer, ScoreRequest
from scoring.values import quoted

_EXAMPLES = 3  # different values that are said of each attribute


@dataclass(slots=True)
class Cells:
    """How many cells of one attribute, and the first few different values in them."""

    times: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, value: Any) -> None:
        """Count one more cell with this value."""
        self.times += 1
        if len(self.examples) < _EXAMPLES and (said := quoted(value)) not in self.examples:
            self.examples.append(said)


class UnusedValues:
    """Counts what could not be read, and the categories that a model has no entry for."""

    def __init__(self, scorer: Scorer) -> None:
        self.unreadable: dict[str, Cells] = {}
        self.unknown: dict[str, Cells] = {}
        self._names = scorer.names
        self._schema = scorer.artifact.model.schema
        self._categories = [one for one in self._schema.encoders if isinstance(one, CategoryEncoder)]

    def add(self, request: ScoreRequest, answer: Answer) -> None:
        """Count what the answer to a request did without."""
        attributes, _ = self._names.recognise(request.account.attributes)
        known = self._schema.read(attributes)
        unreadable = answer.detail.fit.unreadable
        for name in unreadable:
            self.unreadable.setdefault(name, Cells()).add(known.written[name])
        for encoder in self._categories:
            name = encoder.attribute
            if name in known.values and name not in unreadable:
                (code,) = encoder.encode(known.values[name])
                if code == UNSEEN:
                    self.unknown.setdefault(name, Cells()).add(known.written[name])

    def said(self) -> list[str]:
        """Say what was counted, a sentence each, the attributes with most first."""
        kinds = (
            (self.unreadable, "cells could not be read and count as missing"),
            (self.unknown, "cells have a category that the model does not know"),
        )
        return [f"{_total(cells):,} {what}: {_by_attribute(cells)}" for cells, what in kinds if cells]


def _total(cells: Mapping[str, Cells]) -> int:
    return sum(one.times for one in cells.values())


def _by_attribute(cells: Mapping[str, Cells]) -> str:
    ordered = sorted(cells.items(), key=lambda item: (-item[1].times, item[0]))
    return "; ".join(f"{name} {one.times:,} (such as {', '.join(one.examples)})" for name, one in ordered)
