"""When to stop asking a server that does not answer."""

from __future__ import annotations

from math import inf

OPENS_AFTER = 2  # stalls in a row: one alone is a hiccup, and a second costs its callers one more budget


class Breaker:
    """Opens after failures in a row; one answer closes it.

    Requests that were under way together and failed together are one failure: only one that began after the
    last failure was known counts as the next. So a moment's stall, of the server, of the network or of our
    own event loop, does not open it, however many requests it hits.

    >>> breaker = Breaker()
    >>> breaker.failed(began=0.00, now=0.05), breaker.failed(began=0.01, now=0.06)
    (False, False)
    >>> breaker.failed(began=0.07, now=0.12), breaker.is_open
    (True, True)
    >>> breaker.answered(), breaker.is_open
    (True, False)
    """

    __slots__ = ("_failed_at", "_failures", "is_open")

    def __init__(self) -> None:
        self.is_open = False
        self._failures = 0
        self._failed_at = -inf

    def failed(self, *, began: float, now: float) -> bool:
        """Count a failure of a request that began then; tell whether it opens the breaker."""
        if began < self._failed_at:
            return False
        self._failed_at = now
        self._failures += 1
        opens = not self.is_open and self._failures >= OPENS_AFTER
        self.is_open = self.is_open or opens
        return opens

    def answered(self) -> bool:
        """Count an answer; tell whether it closes the breaker."""
        was_open, self.is_open, self._failures = self.is_open, False, 0
        return was_open
