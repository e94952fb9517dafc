"""The logs read last, for when the store does not answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic

from scoring.servers.shard import Away

ENTRY_BYTES = 300  # what an entry costs beside its key and its log; measured with tracemalloc
HELD_FOR = 5.0  # seconds that a forgotten key is not taken up again; longer than any read


class LastGood:
    """A cache of logs by key. It gives way at a number of bytes: what was used least recently goes first.

    Only what the store said is in it, never that it did not answer; that an account has no log is such an
    answer. A key that was forgotten is not remembered for a while after: a read that was under way when its
    signals were erased does not bring them back.

    Args:
        max_bytes: that all entries may take.
        max_age: seconds after which an entry is too old to be given.
        clock: seconds, never going back.

    >>> cache = LastGood(clock=lambda: 7.0)
    >>> cache.remember(["a", "b", "c"], [b"log", None, Away.AWAY])
    >>> cache.recall("a"), cache.recall("b"), cache.recall("c")
    ((b'log', 0.0), (None, 0.0), None)
    """

    def __init__(
        self,
        *,
        max_bytes: int = 64_000_000,
        max_age: float = 900.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._clock = clock
        self._entries: OrderedDict[str | bytes, tuple[bytes | None, float]] = OrderedDict()
        self._held: OrderedDict[str | bytes, float] = OrderedDict()  # forgotten keys, and until when
        self.bytes = 0  # that the entries take

    def __len__(self) -> int:
        return len(self._entries)

    def remember(self, keys: Sequence[str | bytes], logs: Sequence[bytes | Away | None]) -> None:
        """Take up what has just been read; a key that could not be read keeps what is known of it."""
        now = self._clock()
        self._let_go(now)
        for key, log in zip(keys, logs, strict=True):
            if not isinstance(log, Away) and key not in self._held:
                self._drop(key)
                self._entries[key] = (log, now)
                self.bytes += _size(key, log)
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def recall(self, key: str | bytes) -> tuple[bytes | None, float] | None:
        """Return the log read last and how many seconds ago; None where nothing young enough is known."""
        known = self._entries.get(key)
        if known is None:
            return None
        log, read_at = known
        age = self._clock() - read_at
        if age > self._max_age:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return log, age

    def forget(self, keys: Sequence[str | bytes]) -> None:
        """Drop keys whose logs were deleted. Other processes have caches of their own."""
        now = self._clock()
        self._let_go(now)
        for key in keys:
            self._drop(key)
            self._held[key] = now + HELD_FOR
            self._held.move_to_end(key)

    def _drop(self, key: str | bytes) -> None:
        known = self._entries.pop(key, None)
        if known is not None:
            self.bytes -= _size(key, known[0])

    def _let_go(self, now: float) -> None:
        while self._held and next(iter(self._held.values())) <= now:
            self._held.popitem(last=False)


def _size(key: str | bytes, log: bytes | None) -> int:
    return ENTRY_BYTES + len(key) + len(log or b"")
