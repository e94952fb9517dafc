"""Reads of concurrent requests that share a round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from scoring.servers.background import cancelled, in_background
from scoring.servers.deadline import Deadline
from scoring.servers.shard import AWAY, Away

MOST_KEYS = 500  # in one round trip
MOST_ROUND_TRIPS = 4  # under way; while there are so many, requests gather for the next
SLACK = 0.012  # seconds that a request waits beyond its budget: what its round trip has by then is on its way

Key = bytes | str
Values = list[bytes | Away | None]
Read = Callable[[Sequence[Key], float], Awaitable[Values]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    keys: Sequence[Key]
    until: float  # on the clock of the event loop
    values: asyncio.Future[Values]


class SharedReads:
    """Collects the keys of all requests of one turn of the event loop, and reads them together.

    A request that is cancelled or late harms no other. Each waits at most its own budget and `SLACK`.

    Args:
        read: reads keys within seconds, and gives `AWAY` for what it cannot read. It does not raise.
        budget: seconds a request may wait.
        most_keys: in one round trip; a request with more has one of its own.
        most_round_trips: that may be under way.
    """

    def __init__(
        self,
        read: Read,
        *,
        budget: float,
        most_keys: int = MOST_KEYS,
        most_round_trips: int = MOST_ROUND_TRIPS,
    ) -> None:
        self._read = read
        self._budget = budget
        self._most_keys = most_keys
        self._most_round_trips = most_round_trips
        self._waiting: list[_Waiting] = []
        self._round_trips: set[asyncio.Task[None]] = set()
        self._is_called = False

    async def get(self, keys: Sequence[Key], *, budget: float | None = None) -> Values:
        """Read the values of keys.

        Args:
            keys: any number; the same key may come twice.
            budget: seconds this request may wait, where it is not the usual number.
        """
        budget = self._budget if budget is None else budget
        if len(keys) > self._most_keys:
            return await self._read(keys, budget)
        loop = asyncio.get_running_loop()
        mine = _Waiting(keys, loop.time() + budget, loop.create_future())
        self._waiting.append(mine)
        if not self._is_called:
            self._is_called = True
            loop.call_soon(self._begin)
        try:
            async with Deadline(mine.until + SLACK):
                return await mine.values
        except TimeoutError:
            return [AWAY] * len(keys)

    def _begin(self) -> None:
        """Send those who wait on their way, as far as there is room for round trips."""
        self._is_called = False
        self._waiting = [one for one in self._waiting if not one.values.done()]  # late and cancelled ones are
        while self._waiting and len(self._round_trips) < self._most_round_trips:
            together = self._take()
            task = in_background(self._round_trip(together))
            self._round_trips.add(task)
            task.add_done_callback(self._ended)

    def _take(self) -> list[_Waiting]:
        count = keys = 0
        while count < len(self._waiting):
            keys += len(self._waiting[count].keys)
            if keys > self._most_keys and count:
                break
            count += 1
        together, self._waiting = self._waiting[:count], self._waiting[count:]
        return together

    async def _round_trip(self, together: Sequence[_Waiting]) -> None:
        keys = list(dict.fromkeys(key for one in together for key in one.keys))
        budget = max(one.until for one in together) - asyncio.get_running_loop().time()
        try:
            values = dict(zip(keys, await self._read(keys, budget), strict=True))
        except Exception as error:
            for one in together:
                if not one.values.done():
                    one.values.set_exception(error)
            raise
        for one in together:
            if not one.values.done():
                one.values.set_result([values[key] for key in one.keys])

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._round_trips.discard(task)
        self._begin()

    async def close(self) -> None:
        """End what is under way; requests that still wait get `AWAY` when their time is over."""
        await cancelled(*self._round_trips)
