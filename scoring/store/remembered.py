"""What accounts were scored with: their attributes and the model, kept in the store beside their signals.

The service itself keeps nothing, so what raised or lowered a score can be told only where the past is
remembered. Noting costs a score nothing: it is written later, together with others, and lost when the store
is away. An account has few entries, one for each time that something was different.

Several processes note the same accounts, each what differs from what it noted itself, in whatever order they
come to it; entries stand by the moment of the score. A value that came back within the hour in which a
process trusts what it noted may be missed where another process saw the value in between.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from time import monotonic
from typing import Any

import orjson

from scoring.account import Account
from scoring.addresses import holds_address
from scoring.attribute_names import AttributeNames
from scoring.errors import StoreUnavailableError
from scoring.servers.background import cancelled, in_background
from scoring.servers.servers import Call, Servers
from scoring.store.scripts import REMEMBER
from scoring.store.stored_keys import LOG_PREFIX, StoredKeys, remembered_key
from scoring.values import is_missing

MOST_ENTRIES = 8  # of one account
LARGEST = 4_096  # bytes of an entry, compressed; what is larger is left out
MOST_WAITING = 20_000  # accounts that wait to be written; more are dropped
TOGETHER = 50  # accounts written in one go; more would hold up the event loop for milliseconds
GATHERED_FOR = 0.1  # seconds that notes wait for others
SEEN = 65_536  # accounts of which this process knows what it noted
SEEN_FOR = 3_600.0  # seconds; then it is noted again: another process may have noted otherwise meanwhile
SETTLES_WITHIN = 1.0  # seconds that a read waits for what this process has yet to write
_SORTED = orjson.OPT_SORT_KEYS
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an account was scored with, from a moment on."""

    at: float  # unix seconds
    version: str  # of the model
    attributes: Mapping[str, Any]  # those the model knew, as they were written
    logs: tuple[str, ...]  # the keys of the logs of the account, as it was named then

    @property
    def domain(self) -> str:
        """The account's domain; empty where it was named by id alone.

        >>> Remembered(1e9, "one", {}, ("fb:s:a:1", "fb:s:d:acme.com")).domain
        'acme.com'
        """
        start = LOG_PREFIX + "d:"
        return next((log.removeprefix(start) for log in self.logs if log.startswith(start)), "")


def known_at(past: Sequence[Remembered], moment: float) -> Remembered:
    """Return what an account was scored with at a moment; where that was earlier than all, the earliest.

    Args:
        past: at least one entry, the earliest first.
        moment: unix seconds.

    >>> past = [Remembered(10.0, "one", {}, ()), Remembered(20.0, "two", {}, ())]
    >>> [known_at(past, moment).version for moment in (5.0, 19.9, 20.0)]
    ['one', 'one', 'two']
    """
    return next((entry for entry in reversed(past) if entry.at <= moment), past[0])


@dataclass(frozen=True, slots=True)
class _Noted:
    """Accounts that were scored together."""

    accounts: Sequence[Account]
    version: str
    names: AttributeNames
    at: float


@dataclass(frozen=True, slots=True)
class _Seen:
    sent: int  # hash of what the caller sent
    content: int  # hash of what is kept of it
    at: float  # on the clock of time.monotonic


class RememberedScores:
    """Notes what accounts are scored with, and gives it back.

    Args:
        servers: where it is kept.
        stored: the keys of the accounts' logs.
        days: how long an entry is kept after it was last noted; 0 keeps nothing.

    Attributes:
        dropped: how many notes were lost: the store was away, or too many waited.
        too_large: how many were left out for their size.
    """

    def __init__(self, servers: Servers, stored: StoredKeys, *, days: int) -> None:
        self._servers = servers
        self._stored = stored
        self._seconds = days * 86_400
        self._waiting: deque[_Noted] = deque()
        self._waiting_accounts = 0
        self._seen: dict[str, _Seen] = {}  # the first written first
        self._writing: asyncio.Task[None] | None = None
        self._under_way = asyncio.Lock()  # held while something is being written
        self.dropped = 0
        self.too_large = 0

    @property
    def on(self) -> bool:
        """Whether anything is remembered."""
        return self._seconds > 0

    def note(self, accounts: Sequence[Account], *, version: str, names: AttributeNames, at: float) -> None:
        """Note what accounts are being scored with. It returns at once and never fails.

        Args:
            accounts: with the attributes of their callers.
            version: of the model.
            names: of the attributes that the model knows.
            at: unix seconds.
        """
        if not self.on or not accounts:
            return
        if self._waiting_accounts + len(accounts) > MOST_WAITING:
            self._drop(len(accounts), "too many wait to be written")
            return
        self._waiting.append(_Noted(accounts, version, names, at))
        self._waiting_accounts += len(accounts)
        if self._writing is None or self._writing.done():
            self._writing = in_background(self._write())

    async def read(self, keys: Sequence[str]) -> list[Remembered]:
        """Return what an account was scored with, the earliest first.

        It may have been asked for by id or by domain: the first of its keys that anything is known of counts.

        Args:
            keys: the account's.

        Raises:
            StoreUnavailableError: the store cannot be asked.
        """
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=SETTLES_WITHIN)
        histories = await self._histories(self._stored.all_of(tuple(keys)))
        return next(filter(None, histories), [])

    async def _histories(self, logs: Iterable[str]) -> list[list[Remembered]]:
        places = [remembered_key(log) for log in logs]
        replies = await self._servers.ask_all([(key, ("ZRANGE", key, 0, -1)) for key in places])
        return [[entry for entry in map(_decode, found) if entry is not None] for found in replies]

    async def erase(self, logs: Iterable[str]) -> None:
        """Delete what the accounts of these logs were scored with, under every name that it was noted by.

        What waits to be written is dropped, and what is being written is waited for, so that nothing of it
        comes back. Another process may still write what it noted before, for as long as notes wait, and
        notes what is scored anew only when it would note it again.

        Raises:
            StoreUnavailableError: not everything was deleted; erase again.
        """
        gone = set(logs)
        async with self._under_way:
            for history in await self._histories(sorted(gone)):
                gone.update(chain.from_iterable(entry.logs for entry in history))
            for place, noted in enumerate(self._waiting):
                left = [one for one in noted.accounts if gone.isdisjoint(self._stored.all_of(one.keys))]
                self._waiting_accounts -= len(noted.accounts) - len(left)
                self._waiting[place] = replace(noted, accounts=left)
            places = list(map(remembered_key, gone))
            for key in places:
                self._seen.pop(key, None)
            await self._servers.delete(places)

    async def close(self) -> None:
        """Write what waits, as far as the store takes it at once."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=SETTLES_WITHIN)
        await cancelled(self._writing)

    async def _write(self) -> None:
        await asyncio.sleep(GATHERED_FOR)
        while self._waiting:
            began = monotonic()
            async with self._under_way:
                await self._write_some()
            await asyncio.sleep(monotonic() - began)  # requests get at least half of the time

    async def _write_some(self) -> None:
        calls: dict[str, Call] = {}
        seen: dict[str, _Seen] = {}
        for account, noted in self._next():
            for key, call, mark in self._news(account, noted):
                calls[key], seen[key] = call, mark
        if calls:
            await self._run(list(calls.values()), seen)

    def _next(self) -> Iterator[tuple[Account, _Noted]]:
        """Take up to `TOGETHER` accounts from those that wait."""
        left = TOGETHER
        while left and self._waiting:
            noted = self._waiting.popleft()
            some, rest = noted.accounts[:left], noted.accounts[left:]
            if rest:
                self._waiting.appendleft(replace(noted, accounts=rest))
            left -= len(some)
            self._waiting_accounts -= len(some)
            yield from ((account, noted) for account in some)

    def _news(self, account: Account, noted: _Noted) -> Iterator[tuple[str, Call, _Seen]]:
        """Yield what is to be written of an account: nothing where this process noted the same before."""
        now = monotonic()
        try:
            sent = hash((noted.version, account.keys, orjson.dumps(account.attributes, option=_SORTED)))
        except TypeError:  # what is no JSON cannot be kept
            self._leave_out()
            return
        keys = [remembered_key(log) for log in self._stored.all_of(account.keys)]
        known = {key: one for key in keys if (one := self._seen.get(key)) and now - one.at < SEEN_FOR}
        if len(known) == len(keys) and all(one.sent == sent for one in known.values()):
            return
        plain, empty = self._content(account, noted)
        content, entry = hash(plain), zlib.compress(plain, level=1)
        if len(entry) > LARGEST:
            self._leave_out()
            return
        for key in keys:
            if key in known and (empty or known[key].content == content):
                self._seen[key] = replace(known[key], sent=sent)
            else:
                arguments = (f"{noted.at:.3f}", entry, self._seconds, MOST_ENTRIES)
                earliest = f"{noted.at - self._seconds:.3f}"
                yield key, Call((key,), (*arguments, earliest, int(empty))), _Seen(sent, content, now)

    def _content(self, account: Account, noted: _Noted) -> tuple[bytes, bool]:
        """Return what is kept of an account, and whether that is no attribute at all."""
        recognised = noted.names.recognise(account.attributes)[0]
        attributes = {
            name: value
            for name, value in recognised.items()
            if not (is_missing(value) or holds_address(str(value)))
        }
        names = [log.removeprefix(LOG_PREFIX) for log in self._stored.all_of(account.keys)]
        fields = {"v": noted.version, "k": names, "a": attributes}
        return orjson.dumps(fields, option=_SORTED), not attributes

    async def _run(self, calls: Sequence[Call], seen: Mapping[str, _Seen]) -> None:
        try:
            await self._servers.run(REMEMBER, calls)
        except StoreUnavailableError as error:
            self._drop(len(calls), str(error))
            return
        for key, mark in seen.items():
            self._seen.pop(key, None)
            self._seen[key] = mark
        while len(self._seen) > SEEN:
            del self._seen[next(iter(self._seen))]

    def _drop(self, number: int, why: str) -> None:
        if not self.dropped:
            _log.warning("signal store: what accounts were scored with is not remembered now: %s", why)
        self.dropped += number

    def _leave_out(self) -> None:
        if not self.too_large:
            _log.warning("signal store: attributes too large to be remembered, or no JSON, are left out")
        self.too_large += 1


def _decode(entry: bytes) -> Remembered | None:
    moment, _, content = entry.partition(b" ")
    try:
        fields = orjson.loads(zlib.decompress(content))
        logs = tuple(LOG_PREFIX + name for name in fields["k"])
        return Remembered(float(moment), fields["v"], fields["a"], logs)
    except (zlib.error, ValueError, LookupError, TypeError):
        _log.error("signal store: a remembered score is damaged: not written by Firebrand")
        return None
