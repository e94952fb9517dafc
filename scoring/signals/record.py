"""A record: one signal of one account in 24 bytes. An account's log is its records, end to end.

Names (of types, topics and channels) and people are numbers here; `names.py` keeps the names, and of people
only a keyed hash is ever kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

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
SIZE = RECORD.itemsize
LEVEL = 1
NONE, OTHER = 0, 1  # ids of no name, and of every name that came after the ids had run out
OTHER_NAME = "(other)"
KINDS = {"type": 65_535, "topic": 65_535, "channel": 255}  # what has names: the largest id its field can hold

Records = NDArray[np.void]


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
    return (
        # Two vendors may use one id: it is an event of its type that is known by its id.
        keyed_hash(f"{signal.type}\0{signal.event_id}", key=key, purpose=b"event", size=8),
        int(signal.at),
        person_hash(signal.person, key=key),
        ids["type"][signal.type],
        ids["topic"][signal.topic] if signal.topic else NONE,
        signal.strength,
        ids["channel"][signal.channel] if signal.channel else NONE,
        LEVEL * signal.level | signal.seniority << 1 | signal.role << 4,
    )


def person_hash(person: str, *, key: bytes) -> int:
    """Return what stands for a person in records: 4 bytes of a keyed hash; 0 where nobody is named.

    >>> person_hash("", key=b"secret")
    0
    """
    return keyed_hash(person, key=key, purpose=b"person", size=4) or 1 if person else NONE


def decode(log: bytes) -> Records:
    """Read a log back into records, shape (n,), as they came; the array cannot be written to.

    Raises:
        ValueError: the log is not a whole number of records: something else wrote to it.

    >>> decode(bytes(48)).shape
    (2,)
    """
    return np.frombuffer(log, dtype=RECORD)


def is_level(records: Records) -> NDArray[np.bool_]:
    """Mark the levels among records, shape (n,).

    >>> is_level(decode(bytes(23) + bytes([1]))).tolist()
    [True]
    """
    return np.asarray(records["flags"] & LEVEL, dtype=np.bool_)


def seniority(records: Records) -> NDArray[np.uint8]:
    """Return how senior whoever did it is, shape (n,): indexes into `people.SENIORITIES`.

    >>> seniority(decode(bytes(23) + bytes([0b0010_0111]))).tolist()
    [3]
    """
    return np.asarray(records["flags"] >> 1 & 7)


def role(records: Records) -> NDArray[np.uint8]:
    """Return which role whoever did it has, shape (n,): indexes into `people.ROLES`.

    >>> role(decode(bytes(23) + bytes([0b0010_0111]))).tolist()
    [2]
    """
    return np.asarray(records["flags"] >> 4)
