"""A record with its names: a signal as the store knows it, to be looked at or to be taken elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from scoring.signals.names import Names
from scoring.signals.people import ROLES, SENIORITIES
from scoring.signals.record import (
    KINDS,
    LEVEL,
    NONE,
    RECORD,
    ROLE_BIT,
    SENIORITY_BIT,
    Records,
    is_level,
    role,
    seniority,
)
from scoring.signals.signal import LARGEST_STRENGTH, LONGEST_TEXT

_Name = Annotated[str, Meta(max_length=LONGEST_TEXT)]
_ROLE_NUMBERS = {name: number for number, name in enumerate(ROLES)}
_SENIORITY_NUMBERS = {name: number for number, name in enumerate(SENIORITIES)}


class StoredSignal(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """One record.

    Attributes:
        id: the keyed hash of type and event id, 16 hex digits.
        at: when it happened, unix seconds.
        person: the keyed hash of who did it, 8 hex digits: people can be told apart, and are not named.
        role: one of `people.ROLES`; so `seniority`.
    """

    id: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    at: Annotated[int, Meta(ge=0, lt=2**32)]
    type: Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
    topic: _Name = ""
    strength: Annotated[float, Meta(ge=0, le=LARGEST_STRENGTH)] = 1.0
    channel: _Name = ""
    person: Annotated[str, Meta(pattern="^([0-9a-f]{8})?$")] = ""
    role: str = ""
    seniority: str = ""
    level: bool = False

    def __post_init__(self) -> None:
        if self.role not in _ROLE_NUMBERS or self.seniority not in _SENIORITY_NUMBERS:
            raise ValueError("role or seniority is none that this version of Firebrand knows")


def read_stored(records: Records, names: Names) -> Iterator[StoredSignal]:
    """Yield records, shape (n,), with the names behind their numbers, in their order.

    >>> from scoring.signals.record import decode
    >>> one = decode(bytes([1]) + bytes(15) + bytes([2, 0]) + bytes(6))
    >>> next(read_stored(one, Names(types=("", "(other)", "visit")))).type
    'visit'
    """
    for number, at, kind, topic, strength, channel, person, in_role, rank, level in zip(
        records["id"].tolist(),
        records["at"].tolist(),
        records["type"].tolist(),
        records["topic"].tolist(),
        records["strength"].tolist(),
        records["channel"].tolist(),
        records["person"].tolist(),
        role(records).tolist(),
        seniority(records).tolist(),
        is_level(records).tolist(),
        strict=True,
    ):
        yield StoredSignal(
            id=f"{number:016x}",
            at=at,
            type=names.types[kind],
            topic=names.topics[topic],
            strength=strength,
            channel=names.channels[channel],
            person=f"{person:08x}" if person else "",
            role=ROLES[in_role],
            seniority=SENIORITIES[rank],
            level=level,
        )


def names_stored(stored: Sequence[StoredSignal]) -> set[tuple[str, str]]:
    """Return the names that stored signals use, each with its kind."""
    return {(kind, name) for one in stored for kind in KINDS if (name := getattr(one, kind))}


def to_records(stored: Sequence[StoredSignal], ids: Mapping[str, Mapping[str, int]]) -> Records:
    """Turn stored signals back into records, shape (n,), in their order.

    Args:
        stored: n signals.
        ids: by kind, the number of each name they use.
    """
    records = np.empty(len(stored), dtype=RECORD)
    records["id"] = [int(one.id, 16) for one in stored]
    records["at"] = [one.at for one in stored]
    records["person"] = [int(one.person or "0", 16) for one in stored]
    for kind in KINDS:
        numbers = {"": NONE, **ids.get(kind, {})}
        records[kind] = [numbers[getattr(one, kind)] for one in stored]
    records["strength"] = [one.strength for one in stored]
    records["flags"] = [
        LEVEL * one.level
        | _SENIORITY_NUMBERS[one.seniority] << SENIORITY_BIT
        | _ROLE_NUMBERS[one.role] << ROLE_BIT
        for one in stored
    ]
    return records
