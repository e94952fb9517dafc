"""One deadline around everything that a request does, fair to a server when the process itself was busy."""

from __future__ import annotations

import asyncio
from types import TracebackType

LATE = 0.005  # seconds after its time at which a timer shows that the event loop was held up
GRACE = 0.01  # seconds in which replies that came meanwhile are read


class Deadline:
    """Ends an `async with` block at a time.

    An event loop that was held up finds its timers due and the replies that came meanwhile unread. Then the
    block has a moment more to read them, once: the server was not late, we were.

    Args:
        when: on the clock of the event loop.

    Raises:
        TimeoutError: the time is over.
    """

    __slots__ = ("_graced", "_limit", "_timer", "_when")

    def __init__(self, when: float) -> None:
        self._when = when
        self._graced = False
        self._limit = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._timer = asyncio.get_running_loop().call_at(self._when, self._over)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._limit.__aexit__(kind, error, trace)

    def _over(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._when > LATE and not self._graced:
            self._graced = True
            self._timer = loop.call_later(GRACE, self._over)
        else:
            self._limit.reschedule(loop.time())
