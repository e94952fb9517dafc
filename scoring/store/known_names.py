"""The names that a process knows, and the numbers that the store gives to new ones.

The store gives each name a number at its first use (`intern.lua`). Readers learn the names of the numbers
they meet, and ask for no others: a sender of a million made-up names slows nobody else's reads.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Sequence
from itertools import chain
from time import monotonic
from typing import Any

from scoring.errors import PersonKeyError, StoreUnavailableError
from scoring.servers.script import Call
from scoring.servers.servers import Servers
from scoring.signals.names import Names
from scoring.signals.policy import DEFAULT_TYPES
from scoring.signals.record import KINDS, OTHER, OTHER_NAME, Records, keyed_hash
from scoring.store.scripts import INTERN

NAMES_KEY = "fb:names"
ERASURES = "#erasures"  # the field that counts them; `Links` says what for
KEY_CHECK = "#person_key"  # the field that tells the key that hashes people from another
USUAL_CHANNELS = ("ads", "chat", "email", "event", "partner", "phone", "product", "sales", "social", "web")
CHECKED_EVERY = 60.0  # seconds until a process notices that the store was emptied and names begin anew
GIVEN_TOGETHER = 500  # names; a script holds up every other caller
PROLONGED_EVERY = 3600.0  # seconds after which a write makes the names live on
# These get their numbers before any other name: a sender of made-up names cannot use up all there are.
RESERVED = tuple(
    [("type", name) for name in sorted(DEFAULT_TYPES)] + [("channel", name) for name in USUAL_CHANNELS]
)
_NAMELESS = {("topic", ""), ("channel", "")}
_log = logging.getLogger(__name__)


class KnownNames:
    """The names this process knows."""

    def __init__(self, servers: Servers, *, seconds: int, person_key: bytes) -> None:
        """Keep names in the store; they expire there when nobody writes for so many seconds.

        Beside them whoever writes first notes what tells the key that hashes people from another.
        """
        self._servers = servers
        self._seconds = seconds
        self.key_check = keyed_hash("", key=person_key, purpose=b"check", size=8)
        self._known = Names()
        self._epoch: bytes | None = None
        self.erasures: bytes | None = (
            None  # how often accounts had been erased when numbers were last asked for
        )
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
        pairs = sorted(pair for pair in set(used) - _NAMELESS if pair[1] != OTHER_NAME)
        fields = [f"{kind}/{name}" for kind, name in pairs]
        known: list[Any]
        self.erasures, *known = await self._servers.ask(NAMES_KEY, "HMGET", NAMES_KEY, ERASURES, *fields)
        new = [pair for pair, number in zip(pairs, known, strict=True) if number is None]
        given = iter(await self._give(new) if new else ())
        if new or monotonic() >= self._prolong_at:
            claim = ("HSETNX", NAMES_KEY, KEY_CHECK, self.key_check)
            prolong = ("EXPIRE", NAMES_KEY, self._seconds)
            await self._servers.ask_all([(NAMES_KEY, claim), (NAMES_KEY, prolong)])
            self._prolong_at = monotonic() + PROLONGED_EVERY
        ids: dict[str, dict[str, int]] = {kind: {OTHER_NAME: OTHER} for kind in KINDS}
        for (kind, name), number in zip(pairs, known, strict=True):
            ids[kind][name] = next(given) if number is None else int(number)
        return ids

    async def check_person_key(self) -> None:
        """See that the store was written with the same key that hashes people; an empty one has none yet.

        Raises:
            PersonKeyError: it was written with another.
            StoreUnavailableError: the store cannot be asked.
        """
        found = await self._servers.ask(NAMES_KEY, "HGET", NAMES_KEY, KEY_CHECK)
        if found is not None and int(found) != self.key_check:
            message = "this store was written with another key for people"
            raise PersonKeyError(
                f"{message}: set FIREBRAND_PERSON_KEY as the service that writes to it has it"
            )

    async def listed(self) -> list[tuple[str, str]]:
        """Return all names that have numbers, each with its kind, by number.

        Raises:
            StoreUnavailableError: the store cannot be asked.
        """
        fields = await self._servers.ask(NAMES_KEY, "HGETALL", NAMES_KEY)
        found = []
        for field, name in fields.items():
            kind, _, number = field.decode().partition("#")
            if kind in KINDS and number:
                found.append((int(number), kind, name.decode()))
        return [(kind, name) for _, kind, name in sorted(found)]

    async def give(self, names: Sequence[tuple[str, str]]) -> None:
        """Give names, each with its kind, their numbers in this order; those that have one keep it.

        Raises:
            StoreUnavailableError: the store cannot be asked.
        """
        for start in range(0, len(names), GIVEN_TOGETHER):
            await self._give(names[start : start + GIVEN_TOGETHER])

    async def note_erasure(self) -> None:
        """Tell all processes, at their next write, that accounts were erased.

        Raises:
            StoreUnavailableError: the store cannot be told.
        """
        prolong = ("EXPIRE", NAMES_KEY, self._seconds)
        count = ("HINCRBY", NAMES_KEY, ERASURES, 1)
        await self._servers.ask_all([(NAMES_KEY, count), (NAMES_KEY, prolong)])

    async def _give(self, new: Sequence[tuple[str, str]]) -> list[int]:
        wanted = chain.from_iterable((kind, name, KINDS[kind]) for kind, name in (*RESERVED, *new))
        (numbers,) = await self._servers.run(INTERN, [Call((NAMES_KEY,), (secrets.token_hex(8), *wanted))])
        given: list[int] = list(numbers)[len(RESERVED) :]
        if OTHER in given:
            _log.warning("signal store: out of numbers for new names; their signals are kept as (other)")
        return given
