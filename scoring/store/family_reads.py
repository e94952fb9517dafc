"""Reading accounts together with those of their families: a round trip for each level.

Each of them reads the links of some accounts and their signals at once.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from scoring.signals.rolled_up import MOST_NAMED, RolledUp, Rollup
from scoring.store.family_links import Kept, Kin, Names, read_links
from scoring.store.family_walk import Family, walked
from scoring.store.stored_keys import CHILDREN_PREFIX, LOG_PREFIX, PARENT_PREFIX

_log = logging.getLogger(__name__)
_PREFIXES = (LOG_PREFIX, PARENT_PREFIX, CHILDREN_PREFIX)

ReadKeys = Callable[[Sequence[str]], Awaitable[tuple[Mapping[str, bytes], Mapping[str, float]]]]


def name_of(log_key: str) -> str:
    """Return the name under which a log, and all that is kept beside it, is stored.

    >>> name_of("fb:s:d:acme.com")
    'd:acme.com'
    """
    return log_key.removeprefix(LOG_PREFIX)


def kept(up: bytes, down: bytes, *, readable: bool) -> Kept:
    """Return what is kept of one name; what something else wrote there is unreadable."""
    try:
        return Kept(read_links(up), read_links(down), readable=readable)
    except ValueError:
        _log.error("signal store: links of a family are damaged: not written by Firebrand")
        return Kept(readable=False)


@dataclass(slots=True)
class FamilyReads:
    """The logs and links that one request reads.

    Attributes:
        read: reads stored keys: by key what it holds, and how many seconds ago that was read; without end
            where nothing is known.
        plain: names of accounts that are on their own; their logs are read with the first round trip.
    """

    read: ReadKeys
    plain: Sequence[str] = ()
    _texts: dict[str, bytes] = field(default_factory=dict)
    _ago: dict[str, float] = field(default_factory=dict)

    async def links(self, names: Sequence[str]) -> Mapping[str, Kept]:
        """Read the links of names, and their logs with them."""
        keys = [prefix + name for name in names for prefix in _PREFIXES]
        keys += [LOG_PREFIX + name for name in self.plain]
        self.plain = ()
        texts, ago = await self.read(list(dict.fromkeys(keys)))
        self._texts.update(texts)
        self._ago.update(ago)
        return {name: self._kept(name) for name in names}

    def _kept(self, name: str) -> Kept:
        up, down = PARENT_PREFIX + name, CHILDREN_PREFIX + name
        readable = math.isfinite(self._ago[up]) and math.isfinite(self._ago[down])
        return kept(self._texts[up], self._texts[down], readable=readable)

    def ago(self, names: Iterable[str]) -> float:
        """Return how many seconds ago the oldest log or link of some names was read.

        NaN where a log was not read. Links that were not read have no age.
        """
        oldest = 0.0
        for name in names:
            log, *links = (self._ago.get(prefix + name, math.inf) for prefix in _PREFIXES)
            if math.isinf(log):
                return math.nan
            oldest = max(oldest, log, *(age for age in links if math.isfinite(age)))
        return oldest

    def logs(self, names: Iterable[str]) -> list[bytes]:
        """Return the logs of names, as far as they were read."""
        return [self._texts.get(LOG_PREFIX + name, b"") for name in names]


@dataclass(frozen=True, slots=True)
class Gathered:
    """The accounts that are read for a request, by member; members of one family stand together.

    Attributes:
        into: (members,), whose signals count at which account of the request.
        names: of each member those of its logs; accounts that share a log are one member.
        links_read: (members,), whether all links of each were read.
        families: by account of the request; those on their own have none.
    """

    into: NDArray[np.intp]
    names: list[Names]
    links_read: NDArray[np.bool_]
    families: Mapping[int, tuple[Rollup, Family]]

    def rolled_up(self, read_ago: NDArray[np.float64]) -> dict[int, RolledUp]:
        """Say by account what was rolled up.

        Args:
            read_ago: (members,), seconds since the logs of each were read; NaN where they could not be.
        """
        lost = np.bincount(self.into, np.isnan(read_ago) | ~self.links_read, minlength=1).tolist()
        return {
            row: RolledUp(
                rollup=rollup.value,
                accounts=len(family.members) - 1,
                ids=tuple(said(member.kin) for member in family.members[1 : MOST_NAMED + 1]),
                unread=int(lost[row]),
                cut=family.cut,
            )
            for row, (rollup, family) in self.families.items()
        }


def said(kin: Kin) -> str:
    """Return an account's id, or its domain."""
    return kin.side()[0].partition(":")[2]


async def gather(asked: Sequence[tuple[Names, Rollup]], reads: FamilyReads) -> Gathered:
    """Find the accounts whose signals count at each of some accounts, and read their links and logs."""
    alone = {row for row, (names, rollup) in enumerate(asked) if rollup is Rollup.NONE or not names}
    reads.plain = list(chain.from_iterable(asked[row][0] for row in sorted(alone)))
    rows = [row for row in range(len(asked)) if row not in alone]
    families, known = await walked(lambda walk: [walk.family(*asked[row]) for row in rows], reads.links)
    by_row = dict(zip(rows, families, strict=True))
    into: list[int] = []
    names: list[Names] = []
    for row, (given, _) in enumerate(asked):
        members = _apart([one.kin.names for one in by_row[row].members]) if row in by_row else [given]
        into += [row] * len(members)
        names += members
    found = {row: (asked[row][1], family) for row, family in by_row.items()}
    unread = {name for name, one in known.items() if not one.readable}
    links_read = np.array([unread.isdisjoint(member) for member in names], dtype=np.bool_)
    return Gathered(np.array(into, dtype=np.intp), names, links_read, found)


def _apart(accounts: Sequence[Names]) -> list[Names]:
    """Put accounts that share a log together: an event in it is one event."""
    owner: dict[str, int] = {}
    groups: dict[int, dict[str, None]] = {}
    for number, names in enumerate(accounts):
        others = {owner[name] for name in names if name in owner}
        group = dict.fromkeys(names)
        for other in sorted(others):
            group |= groups.pop(other)
        groups[number] = group
        owner.update(dict.fromkeys(group, number))
    return [tuple(group) for group in groups.values()]
