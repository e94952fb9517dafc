"""The log of an account: 24-byte records, and the arrays a scorer reads from many logs at once.

An event is known by its type and id, and a level by its type and topic. Of two records of one thing the later
is kept; `append.lua` keeps each log by these rules, sorted, so that the order of arrival leaves no trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.signals.signal import Signal

RECORD = np.dtype(
    [
        ("id", "<u8"),  # keyed hash of type and event id
        ("at", "<u4"),  # unix seconds, UTC, rounded down; good until 2106
        ("person", "<u4"),  # keyed hash; 0 = nobody named
        ("type", "<u2"),  # index into the names of types
        ("topic", "<u2"),  # index into the names of topics; 0 = none
        ("strength", "<f2"),  # 0..1000, to 1 part in 2000
        ("channel", "u1"),  # index into the names of channels; 0 = none
        ("flags", "u1"),  # bit 0: a level; bits 1 to 3: the person's seniority; bits 4 to 7: their role
    ]
)
LEVEL = 1
NONE, OTHER = 0, 1  # ids of no name, and of every name that came after the ids had run out
OTHER_NAME = "(other)"
KINDS = {"type": 65_535, "topic": 65_535, "channel": 255}  # what has names: the largest id its field can hold

Records = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Names:
    """The names behind the ids in the records: `types[id]`, `topics[id]`, `channels[id]`."""

    types: tuple[str, ...] = ("", OTHER_NAME)
    topics: tuple[str, ...] = ("", OTHER_NAME)
    channels: tuple[str, ...] = ("", OTHER_NAME)

    @classmethod
    def from_ids(cls, ids: Mapping[str, Mapping[str, int]]) -> Names:
        """Turn ids by kind and name into names by id.

        >>> Names.from_ids({"type": {"visit": 3, "demo": 2}, "channel": {"web": 2}}).types
        ('', '(other)', 'demo', 'visit')
        """
        return cls(*(_by_id(ids.get(kind, {})) for kind in KINDS))

    def cover(self, records: Records) -> bool:
        """Tell whether every id in the records, shape (n,), has a name."""
        return not len(records) or all(
            int(records[kind].max()) < len(known)
            for kind, known in zip(KINDS, (self.types, self.topics, self.channels), strict=True)
        )


def _by_id(ids: Mapping[str, int]) -> tuple[str, ...]:
    names = ["", OTHER_NAME] + [OTHER_NAME] * (max(ids.values(), default=OTHER) - OTHER)
    for name, number in ids.items():
        names[number] = name
    return tuple(names)


def keyed_hash(text: str, *, key: bytes, purpose: bytes, size: int) -> int:
    """Hash a text with blake2b to a number of `size` bytes that nobody without the key can test guesses on.

    >>> keyed_hash("jo@acme.com", key=b"a", purpose=b"person", size=4) == \
        keyed_hash("jo@acme.com", key=b"b", purpose=b"person", size=4)
    False
    """
    encoded = text.encode()
    return int.from_bytes(
        hashlib.blake2b(encoded, digest_size=size, key=key, person=purpose).digest(), "little"
    )


def encode(signals: Sequence[Signal], ids: Mapping[str, Mapping[str, int]], *, key: bytes) -> Records:
    """Turn signals into records, shape (n,), in their order.

    Args:
        signals: n signals.
        ids: by kind (`type`, `topic`, `channel`), the id of each name the signals use; "" needs none.
        key: keys the hashes of people and of event ids, which may hold personal data too; 1 to 64 bytes.

    >>> visit = Signal(keys=("d:acme.com",), type="visit", at=1_782_820_800.7, event_id="e1")
    >>> encode([visit], {"type": {"visit": 2}}, key=b"secret")[["at", "type", "strength"]].tolist()
    [(1782820800, 2, 1.0)]
    """
    return np.array([_row(signal, ids, key) for signal in signals], dtype=RECORD)


def _row(signal: Signal, ids: Mapping[str, Mapping[str, int]], key: bytes) -> tuple[object, ...]:
    who = keyed_hash(signal.person, key=key, purpose=b"person", size=4) or 1 if signal.person else NONE
    return (
        # Two vendors may use one id: it is an event of its type that is known by its id.
        keyed_hash(f"{signal.type}\0{signal.event_id}", key=key, purpose=b"event", size=8),
        int(signal.at),
        who,
        ids["type"][signal.type],
        ids["topic"][signal.topic] if signal.topic else NONE,
        signal.strength,
        ids["channel"][signal.channel] if signal.channel else NONE,
        LEVEL * signal.level | signal.seniority << 1 | signal.role << 4,
    )


def seniority(records: Records) -> NDArray[np.uint8]:
    """Return how senior whoever did it is, shape (n,): indexes into `people.SENIORITIES`.

    >>> seniority(np.array([(0, 0, 0, 0, 0, 0, 0, 0b0010_0111)], dtype=RECORD)).tolist()
    [3]
    """
    return np.asarray(records["flags"] >> 1 & 7)


def role(records: Records) -> NDArray[np.uint8]:
    """Return which role whoever did it has, shape (n,): indexes into `people.ROLES`.

    >>> role(np.array([(0, 0, 0, 0, 0, 0, 0, 0b0010_0111)], dtype=RECORD)).tolist()
    [2]
    """
    return np.asarray(records["flags"] >> 4)


def decode(log: bytes) -> Records:
    """Read a log back into records, shape (n,), oldest first; the array cannot be written to.

    Raises:
        ValueError: the log is not a whole number of records: something else wrote to it.

    >>> decode(bytes(48)).shape
    (2,)
    """
    return np.frombuffer(log, dtype=RECORD)


@dataclass(frozen=True, slots=True, eq=False)
class SignalBatch:
    """What is known about n accounts, read together.

    Attributes:
        owner: shape (m,), which of the accounts each record is of.
        records: shape (m,), dtype `RECORD`, sorted by (owner, at, id); nothing is in it twice.
        types: names by id, as in `records["type"]`; so `topics` and `channels`.
        read_ago: shape (n,), seconds since the logs were read: 0 is now, more is what was known when the
            store last answered, and NaN could not be read, which is not the same as no signals.
    """

    owner: NDArray[np.intp]
    records: Records
    types: tuple[str, ...]
    topics: tuple[str, ...]
    channels: tuple[str, ...]
    read_ago: NDArray[np.float64]

    @property
    def available(self) -> NDArray[np.bool_]:
        """Which accounts anything could be read of, shape (n,)."""
        return ~np.isnan(self.read_ago)

    @classmethod
    def empty(cls, n: int) -> SignalBatch:
        """Return the batch of n accounts that have done nothing.

        >>> SignalBatch.empty(2).available.tolist()
        [True, True]
        """
        return cls._without_records(np.zeros(n))

    @classmethod
    def unavailable(cls, n: int) -> SignalBatch:
        """Return the batch of n accounts of which nothing could be read.

        >>> SignalBatch.unavailable(2).available.tolist()
        [False, False]
        """
        return cls._without_records(np.full(n, np.nan))

    @classmethod
    def _without_records(cls, read_ago: NDArray[np.float64]) -> SignalBatch:
        names = Names()
        nothing = np.empty(0, dtype=RECORD)
        owner = np.empty(0, dtype=np.intp)
        return cls(owner, nothing, names.types, names.topics, names.channels, read_ago)

    @classmethod
    def from_logs(cls, logs: Sequence[Sequence[bytes]]) -> SignalBatch:
        """Unite the logs of each of n accounts, as kept in the store; `with_names` must follow.

        An account with a log that is not a whole number of records is unavailable.

        >>> SignalBatch.from_logs([[], [bytes(24)], [bytes(25)]]).available.tolist()
        [True, True, False]
        """
        whole = [all(len(log) % RECORD.itemsize == 0 for log in account) for account in logs]
        joined = [b"".join(account) if good else b"" for account, good in zip(logs, whole, strict=True)]
        counts = [len(account) // RECORD.itemsize for account in joined]
        owner = np.repeat(np.arange(len(logs), dtype=np.intp), counts)
        records = decode(b"".join(joined))
        if any(sum(map(bool, account)) > 1 for account in logs):  # one log alone is in order already
            owner, records = _united(owner, records)
        names = Names()
        read_ago = np.where(whole, 0.0, np.nan)
        return cls(owner, records, names.types, names.topics, names.channels, read_ago)

    def with_names(self, names: Names) -> SignalBatch:
        """Return the batch with the names behind its ids; what has an id without a name becomes `(other)`.

        >>> SignalBatch.empty(1).with_names(Names(types=("", "(other)", "visit"))).types
        ('', '(other)', 'visit')
        """
        records = self.records if names.cover(self.records) else _renamed(self.records, names)
        return SignalBatch(self.owner, records, names.types, names.topics, names.channels, self.read_ago)


def _united(owner: NDArray[np.intp], records: Records) -> tuple[NDArray[np.intp], Records]:
    """Sort, and keep the latest record of each event and of each level."""
    words = records.view("<u8").reshape(-1, 3)
    order = np.lexsort((words[:, 2], words[:, 1], words[:, 0], records["at"], owner))
    owner, records = owner[order], records[order]
    level = records["flags"] & LEVEL
    slot = records["type"].astype(np.uint64) << np.uint64(16) | records["topic"]
    identity = np.where(level, slot, records["id"])
    together = np.lexsort((identity, level, owner))  # stable: within an identity the latest stays last
    columns: list[NDArray[Any]] = [column[together] for column in (owner, level, identity)]
    last = np.ones(len(records), dtype=np.bool_)
    last[:-1] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    kept = np.sort(together[last])
    return owner[kept], records[kept]


def _renamed(records: Records, names: Names) -> Records:
    renamed = records.copy()
    for kind, known in zip(KINDS, (names.types, names.topics, names.channels), strict=True):
        renamed[kind][renamed[kind] >= len(known)] = OTHER
    return renamed
