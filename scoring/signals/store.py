"""Where signals are kept: a log per account in a store that speaks the Redis protocol."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from itertools import chain
from time import monotonic
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from scoring.errors import StoreUnavailableError
from scoring.signals.log import KINDS, OTHER, Names, Records, SignalBatch, encode
from scoring.signals.policy import DEFAULT_TYPES
from scoring.signals.signal import Signal

LOG_PREFIX = "fb:s:"
NAMES_KEY = "fb:names"
READ_CONNECTIONS, WRITE_CONNECTIONS = 32, 8  # per process; more callers than that wait their turn
USUAL_CHANNELS = ("ads", "chat", "email", "event", "partner", "phone", "product", "sales", "social", "web")
NAMES_CHECKED_EVERY = 60.0  # seconds until a process notices that the store was emptied and names begin anew
RECORDS_PER_SCRIPT = 100  # a script holds up every other caller; so many take at most 5 ms
KEYS_PER_COMMAND = 1000  # for the same reason: 10 ms at most
_SECONDS_PER_DAY = 86_400
_LONGEST_KEY = 64  # bytes, blake2b's limit
_log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of a signal."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    DROPPED = "dropped"  # older than the horizon, than all of a full log, or than the level it would replace


@dataclass(frozen=True, slots=True)
class _Script:
    text: str
    sha: str

    @classmethod
    def load(cls, name: str) -> _Script:
        text = files(__package__).joinpath(name).read_text(encoding="utf-8")
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


_APPEND, _INTERN = _Script.load("append.lua"), _Script.load("intern.lua")
# These get their numbers before any other name: a sender of made-up names cannot use up all there are.
RESERVED = tuple(
    [("type", name) for name in sorted(DEFAULT_TYPES)] + [("channel", name) for name in USUAL_CHANNELS]
)
_NAMELESS = {("topic", ""), ("channel", "")}
_VERDICTS = {"a": Outcome.ACCEPTED, "d": Outcome.DUPLICATE, "o": Outcome.DROPPED}
_BEST_LAST = [Outcome.DROPPED, Outcome.DUPLICATE, Outcome.ACCEPTED]


class SignalStore:
    """The signals of all accounts, in one Redis or Valkey server.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        person_key: 1 to 64 secret bytes that key the hashes of people and event ids. With another key,
            people known before count anew and so do resends.
        read_budget: seconds a read may take in all; after that its accounts are unavailable.
        write_budget: seconds an append may take in all.
        horizon_days: older signals are dropped, and a log that nothing is added to for so long expires.
        max_events: how many events, and apart from them how many levels, a log keeps: the latest ones.
    """

    def __init__(
        self,
        url: str,
        *,
        person_key: bytes,
        read_budget: float = 0.05,
        write_budget: float = 2.0,
        horizon_days: int = 400,
        max_events: int = 500,
    ) -> None:
        if not 1 <= len(person_key) <= _LONGEST_KEY:
            raise ValueError(f"person_key must be 1 to {_LONGEST_KEY} bytes long")
        self._person_key = person_key
        self._read_budget = read_budget
        self._write_budget = write_budget
        self._horizon = horizon_days * _SECONDS_PER_DAY
        self._max_events = max_events
        self._reader = _client(url, budget=read_budget, connections=READ_CONNECTIONS)
        self._writer = _client(url, budget=write_budget, connections=WRITE_CONNECTIONS)
        self._names = _KnownNames(self._writer, write_budget)
        self._answering = True

    async def append(self, signals: Sequence[Signal], *, now: float) -> list[Outcome]:
        """Store signals, each event id once per account, in whatever order they come.

        A signal with two keys goes to both logs and is accepted if it is new to either. When this raises,
        some signals may have been stored; sending all of them again is safe.

        Args:
            signals: for any number of accounts.
            now: unix seconds, from which the horizon is counted.

        Returns:
            What became of each signal, in order.

        Raises:
            StoreUnavailableError: not everything was stored.
        """
        kept = [signal for signal in signals if signal.at >= now - self._horizon]
        if not kept:
            return [Outcome.DROPPED] * len(signals)
        async with _deadline(self._write_budget, "could not store the signals; send them again"):
            outcomes = iter(await self._append_kept(kept, now))
        return [next(outcomes) if signal.at >= now - self._horizon else Outcome.DROPPED for signal in signals]

    async def _append_kept(self, signals: Sequence[Signal], now: float) -> list[Outcome]:
        records = encode(signals, await self._ids(signals), key=self._person_key)
        limits = (self._max_events, self._horizon, int(now) - self._horizon)
        calls = _calls(signals)
        replies = await self._run(
            _APPEND, [(LOG_PREFIX + key, records[numbers].tobytes(), *limits) for key, numbers in calls]
        )
        outcomes = [Outcome.DROPPED] * len(signals)
        for (_, numbers), letters in zip(calls, replies, strict=True):
            for number, letter in zip(numbers, letters.decode(), strict=True):
                outcomes[number] = max(outcomes[number], _VERDICTS[letter], key=_BEST_LAST.index)
        return outcomes

    async def _ids(self, signals: Sequence[Signal]) -> dict[str, dict[str, int]]:
        """Look names up in the store: a number remembered from before it was emptied is another's now."""
        used = sorted({(kind, getattr(signal, kind)) for signal in signals for kind in KINDS} - _NAMELESS)
        fields = [f"{kind}/{name}" for kind, name in used]
        numbers: list[Any] = await _ask(self._writer, "HMGET", NAMES_KEY, *fields)
        new = [pair for pair, number in zip(used, numbers, strict=True) if number is None]
        given = iter(await self._give_ids(new) if new else ())
        ids: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        for (kind, name), number in zip(used, numbers, strict=True):
            ids[kind][name] = next(given) if number is None else int(number)
        return ids

    async def _give_ids(self, new: Sequence[tuple[str, str]]) -> list[int]:
        wanted = chain.from_iterable((kind, name, KINDS[kind]) for kind, name in (*RESERVED, *new))
        (numbers,) = await self._run(_INTERN, [(NAMES_KEY, secrets.token_hex(8), *wanted)])
        given = list(numbers)[len(RESERVED) :]
        if OTHER in given:
            _log.warning("signal store: out of numbers for new names; their signals are kept as (other)")
        return given

    async def _run(self, script: _Script, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Run a script once per call, all in one round trip; a server that does not have it gets it sent."""
        replies = await _pipelined(self._writer, [("EVALSHA", script.sha, 1, *call) for call in calls])
        unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            again = [("EVAL", script.text, 1, *calls[index]) for index in unknown]
            for index, reply in zip(unknown, await _pipelined(self._writer, again), strict=True):
                replies[index] = reply
        return _checked(replies)

    async def read(self, accounts: Sequence[tuple[str, ...]], *, budget: float | None = None) -> SignalBatch:
        """Read the signals of n accounts in one round trip, and of each account all its logs.

        A store that is down or slow is no error here: the batch says that the accounts are unavailable.

        Args:
            accounts: the keys of each account.
            budget: seconds this read may take in all, where it is not the usual number.
        """
        try:
            async with _deadline(self._read_budget if budget is None else budget, "could not be read"):
                batch = await self._read_now(accounts)
        except StoreUnavailableError as error:
            self._note(answering=False, why=error)
            return SignalBatch.unavailable(len(accounts))
        self._note(answering=True)
        return batch

    async def _read_now(self, accounts: Sequence[tuple[str, ...]]) -> SignalBatch:
        keys = list(dict.fromkeys(chain.from_iterable(accounts)))
        if not keys:
            return SignalBatch.empty(len(accounts))
        logs = dict(zip(keys, await self._get([LOG_PREFIX + key for key in keys]), strict=True))
        batch = SignalBatch.from_logs([[logs[key] or b"" for key in account] for account in accounts])
        if not batch.available.all():
            damaged = len(accounts) - int(batch.available.sum())
            _log.error("signal store: the logs of %d accounts are damaged: not written by Firebrand", damaged)
        return batch.with_names(await self._names.covering(batch.records))

    async def _get(self, keys: Sequence[str]) -> list[bytes | None]:
        if len(keys) <= KEYS_PER_COMMAND:
            found: list[bytes | None] = await _ask(self._reader, "MGET", *keys)
            return found
        starts = range(0, len(keys), KEYS_PER_COMMAND)
        commands = [("MGET", *keys[start : start + KEYS_PER_COMMAND]) for start in starts]
        return list(chain.from_iterable(_checked(await _pipelined(self._reader, commands))))

    def _note(self, *, answering: bool, why: Exception | None = None) -> None:
        """Log when the store goes and when it comes back, and not every read between."""
        if answering != self._answering:
            self._answering = answering
            if answering:
                _log.info("signal store: answering again")
            else:
                _log.warning("%s: %r; scores are fit only until it answers", why, why and why.__cause__)

    async def ping(self) -> bool:
        """Tell whether the store answers within the read budget."""
        try:
            async with _deadline(self._read_budget, "does not answer"):
                return bool(await _ask(self._reader, "PING"))
        except StoreUnavailableError:
            return False

    async def close(self) -> None:
        """Give back every connection. The store cannot be used after that."""
        await self._names.close()
        await self._reader.aclose()
        await self._writer.aclose()


class _KnownNames:
    """The names this process knows, fetched when a record has a number that is new to it.

    Fetching them may take longer than a read has: such a read is unavailable, the fetch goes on for the next.
    """

    def __init__(self, client: Redis, budget: float) -> None:
        self._client = client
        self._budget = budget
        self._known = Names()
        self._epoch: bytes | None = None
        self._check_at = 0.0  # on the clock of time.monotonic
        self._fetching: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None

    async def covering(self, records: Records) -> Names:
        if monotonic() >= self._check_at:
            self._check_at = monotonic() + NAMES_CHECKED_EVERY
            self._checking = _in_background(self._check())
        for _ in range(2):  # a fetch under way may have begun before the name was there
            if self._known.cover(records):
                break
            await self._fetch()
        return self._known

    async def _fetch(self) -> None:
        if self._fetching is None or self._fetching.done():
            self._fetching = _in_background(self._fetch_all())
        await asyncio.shield(self._fetching)

    async def _fetch_all(self) -> None:
        async with _deadline(self._budget, "did not give its names"):
            fields: dict[bytes, bytes] = await _ask(self._client, "HGETALL", NAMES_KEY)
        self._epoch = fields.get(b"#epoch")
        ids: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        for field, number in fields.items():
            kind, separator, name = field.decode().partition("/")
            if separator:
                ids[kind][name] = int(number)
        self._known = Names.from_ids(ids)

    async def _check(self) -> None:
        async with _deadline(self._budget, "did not give its names"):
            epoch = await _ask(self._client, "HGET", NAMES_KEY, "#epoch")
        if epoch != self._epoch:
            await self._fetch()

    async def close(self) -> None:
        tasks = [task for task in (self._checking, self._fetching) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _in_background(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    # Its reader may have given up; the failure that nobody awaits shows in the next read.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


def _client(url: str, *, budget: float, connections: int) -> Redis:
    # The client's own defaults retry for 12 s. RESP2 is what every store of this protocol speaks.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=budget,
        socket_timeout=budget,
        socket_connect_timeout=budget,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    return Redis.from_pool(pool)


@asynccontextmanager
async def _deadline(seconds: float, what: str) -> AsyncIterator[None]:
    """One deadline around everything: time-outs of sockets begin anew with each reply.

    Raises:
        StoreUnavailableError: the time is over, or the store failed.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except (RedisError, OSError) as error:  # time-outs are OSErrors
        message = f"the signal store {what} ({type(error).__name__}, {seconds:g} s allowed)"
        raise StoreUnavailableError(message) from error


async def _ask(client: Redis, *command: Any) -> Any:
    return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis leaves it untyped


async def _pipelined(client: Redis, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """Run commands in one round trip; a command that failed has its error in place of its reply."""
    async with client.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)
        return await pipeline.execute(raise_on_error=False)


def _checked(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def _calls(signals: Sequence[Signal]) -> list[tuple[str, list[int]]]:
    """Group signals, by number, into calls of the script: of one log each, and of bounded size."""
    by_key: dict[str, list[int]] = {}
    for number, signal in enumerate(signals):
        for key in signal.keys:
            by_key.setdefault(key, []).append(number)
    return [
        (key, numbers[start : start + RECORDS_PER_SCRIPT])
        for key, numbers in by_key.items()
        for start in range(0, len(numbers), RECORDS_PER_SCRIPT)
    ]
