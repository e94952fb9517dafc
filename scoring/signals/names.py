"""The names behind the numbers in records: of types, topics and channels.

The store gives each name a number at its first use (`intern.lua`). Readers learn the names of the numbers
they meet, and ask for no others: a sender of a million made-up names slows nobody else's reads.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.errors import StoreUnavailableError
from scoring.signals.policy import DEFAULT_TYPES
from scoring.signals.record import KINDS, OTHER, OTHER_NAME, Records
from scoring.signals.scripts import INTERN
from scoring.signals.servers import Call, Servers

NAMES_KEY = "fb:names"
USUAL_CHANNELS = ("ads", "chat", "email", "event", "partner", "phone", "product", "sales", "social", "web")
CHECKED_EVERY = 60.0  # seconds until a process notices that the store was emptied and names begin anew
PROLONGED_EVERY = 3600.0  # seconds after which a write makes the names live on
# These get their numbers before any other name: a sender of made-up names cannot use up all there are.
RESERVED = tuple(
    [("type", name) for name in sorted(DEFAULT_TYPES)] + [("channel", name) for name in USUAL_CHANNELS]
)
_NAMELESS = {("topic", ""), ("channel", "")}
_UNKNOWN = ""  # stands at a number whose name nobody asked for yet; number 0 has no name
_log = logging.getLogger(__name__)

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


class KnownNames:
    """The names this process knows."""

    def __init__(self, servers: Servers, *, seconds: int) -> None:
        """Keep names in the store; they expire there when nobody writes for so many seconds."""
        self._servers = servers
        self._seconds = seconds
        self._known = Names()
        self._epoch: bytes | None = None
        self._check_at = self._prolong_at = 0.0  # on the clock of time.monotonic
        self._checking: asyncio.Task[None] | None = None

    async def covering(self, records: Records, *, until: float) -> Names:
        """Return names for the records, shape (n,), as far as the store gives them in time.

        A number that the store has no name for is `(other)`; one it could not be asked for stays unknown.

        Args:
            records: shape (n,).
            until: when to go on without, on the clock of the event loop.
        """
        if monotonic() >= self._check_at:
            self._check_at = monotonic() + CHECKED_EVERY
            self._checking = asyncio.create_task(self._learn([]))
        try:
            async with asyncio.timeout_at(until):
                for _ in range(2):  # names that begin anew meanwhile are all to be learnt
                    if missing := self._known.missing(records):
                        await self._learn(missing)
        except TimeoutError:
            _log.warning("signal store: names were not read in time; their signals are unavailable")
        return self._known

    async def _learn(self, numbers: Sequence[tuple[str, int]]) -> None:
        """Ask for names by number, and whether they are those of before."""
        fields = [f"{kind}#{number}" for kind, number in numbers]
        try:
            epoch, *names = await self._servers.ask(NAMES_KEY, "HMGET", NAMES_KEY, "#epoch", *fields)
        except StoreUnavailableError as error:
            _log.warning("signal store: names could not be read: %s", error)
            return
        if epoch != self._epoch:
            self._known, self._epoch = Names(), epoch
        found = (OTHER_NAME if name is None else name.decode() for name in names)
        self._known = self._known.with_more(zip(numbers, found, strict=True))

    async def close(self) -> None:
        """End what is under way."""
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.gather(self._checking, return_exceptions=True)

    async def numbers(self, used: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
        """Return the numbers of names, given as (kind, name); new ones get theirs now.

        They are asked for anew each time: a number remembered from before the store was emptied is another's.

        Raises:
            StoreUnavailableError: the store cannot be asked.
        """
        pairs = sorted(set(used) - _NAMELESS)
        fields = [f"{kind}/{name}" for kind, name in pairs]
        known: list[Any] = await self._servers.ask(NAMES_KEY, "HMGET", NAMES_KEY, *fields) if pairs else []
        new = [pair for pair, number in zip(pairs, known, strict=True) if number is None]
        given = iter(await self._give(new) if new else ())
        if new or monotonic() >= self._prolong_at:
            await self._servers.ask(NAMES_KEY, "EXPIRE", NAMES_KEY, self._seconds)
            self._prolong_at = monotonic() + PROLONGED_EVERY
        ids: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        for (kind, name), number in zip(pairs, known, strict=True):
            ids[kind][name] = next(given) if number is None else int(number)
        return ids

    async def _give(self, new: Sequence[tuple[str, str]]) -> list[int]:
        wanted = chain.from_iterable((kind, name, KINDS[kind]) for kind, name in (*RESERVED, *new))
        (numbers,) = await self._servers.run(INTERN, [Call((NAMES_KEY,), (secrets.token_hex(8), *wanted))])
        given: list[int] = list(numbers)[len(RESERVED) :]
        if OTHER in given:
            _log.warning("signal store: out of numbers for new names; their signals are kept as (other)")
        return given
