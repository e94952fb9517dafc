"""A record: one signal of one account in 24 bytes. An account's log is its records, end to end.

Names (of types, topics and channels) and people are numbers here; `names.py` keeps the names, and of people
only a keyed hash is ever kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

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
LEVEL = 1  # the bit of a level in `flags`
SENIORITY_BIT, ROLE_BIT = 1, 4  # where the two begin
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


def event_hashes(
    types: Sequence[str], event_ids: Sequence[str], levels: Iterable[bool], *, key: bytes
) -> NDArray[np.uint64]:
    """Return what stands for signals in records, shape (n,): keyed hashes of type, event id and kind.

    Two vendors may use one id: it is an event of its type that is known by its id. An event and a level of
    one id are two: else the one would take the other's place, and what counts of a full log would hang on
    which came first.
    """
    fresh = hashlib.blake2b(digest_size=8, key=key, person=b"event")
    digests = []
    for kind, event_id, level in zip(types, event_ids, levels, strict=True):
        one = fresh.copy()
        one.update((f"{kind}\0{event_id}\0level" if level else f"{kind}\0{event_id}").encode())
        digests.append(one.digest())
    return np.frombuffer(b"".join(digests), dtype="<u8")


def person_hashes(people: Sequence[str], *, key: bytes) -> list[int]:
    """Return what stands for people in records: 4 bytes of a keyed hash each; 0 where nobody is named.

    >>> person_hashes(["", "jo"], key=b"secret")[0]
    0
    """
    fresh = hashlib.blake2b(digest_size=4, key=key, person=b"person")
    known = {"": NONE}
    for person in {*people} - known.keys():
        one = fresh.copy()
        one.update(person.encode())
        known[person] = int.from_bytes(one.digest(), "little") or 1
    return [known[person] for person in people]


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
    return np.asarray(records["flags"] >> SENIORITY_BIT & 7)


def role(records: Records) -> NDArray[np.uint8]:
    """Return which role whoever did it has, shape (n,): indexes into `people.ROLES`.

    >>> role(decode(bytes(23) + bytes([0b0010_0111]))).tolist()
    [2]
    """
    return np.asarray(records["flags"] >> ROLE_BIT)
