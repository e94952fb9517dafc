"""The names behind the numbers in records: of types, topics and channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scoring.signals.record import KINDS, OTHER, OTHER_NAME, Records

_UNKNOWN = ""  # stands at a number whose name nobody asked for yet; number 0 has no name

Ids = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Names:
    """Names by number: `types[number]`, `topics[number]`, `channels[number]`."""

    types: tuple[str, ...] = ("", OTHER_NAME)
    topics: tuple[str, ...] = ("", OTHER_NAME)
    channels: tuple[str, ...] = ("", OTHER_NAME)

    @classmethod
    def from_ids(cls, ids: Ids) -> Names:
        """Turn numbers by kind and name into names by number.

        >>> Names.from_ids({"type": {"visit": 3, "demo": 2}, "channel": {"web": 2}}).types
        ('', '(other)', 'demo', 'visit')
        """
        return cls(*(_by_number(ids.get(kind, {})) for kind in KINDS))

    @cached_property
    def _known(self) -> Mapping[str, NDArray[np.bool_]]:
        by_kind = zip(KINDS, (self.types, self.topics, self.channels), strict=True)
        return {kind: np.array([True, *(name != _UNKNOWN for name in names[1:])]) for kind, names in by_kind}

    def unknown(self, records: Records) -> NDArray[np.bool_]:
        """Mark the records, shape (n,), in which a number has no name here."""
        marks = np.zeros(len(records), dtype=np.bool_)
        for kind in KINDS:
            marks |= self._unknown(kind, records)
        return marks

    def missing(self, records: Records) -> list[tuple[str, int]]:
        """Return the numbers in the records that have no name here, each with its kind.

        >>> from scoring.signals.record import decode
        >>> Names().missing(decode(bytes(16) + bytes([7, 0]) + bytes(6)))
        [('type', 7)]
        """
        return [
            (kind, int(number))
            for kind in KINDS
            for number in np.unique(records[kind][self._unknown(kind, records)])
        ]

    def _unknown(self, kind: str, records: Records) -> NDArray[np.bool_]:
        known, numbers = self._known[kind], records[kind]
        return np.asarray(~known[np.minimum(numbers, len(known) - 1)] | (numbers >= len(known)))

    def with_more(self, found: Iterable[tuple[tuple[str, int], str]]) -> Names:
        """Return these names and more, each by kind and number."""
        columns = {kind: list(names) for kind, names in self.by_kind().items()}
        for (kind, number), name in found:
            column = columns[kind]
            column.extend([_UNKNOWN] * (number + 1 - len(column)))
            column[number] = name
        return Names(*map(tuple, columns.values()))

    def by_kind(self) -> dict[str, tuple[str, ...]]:
        """Return the names of each kind."""
        return dict(zip(KINDS, (self.types, self.topics, self.channels), strict=True))


def _by_number(ids: Mapping[str, int]) -> tuple[str, ...]:
    names = ["", OTHER_NAME] + [_UNKNOWN] * (max(ids.values(), default=OTHER) - OTHER)
    for name, number in ids.items():
        names[number] = name
    return tuple(names)
