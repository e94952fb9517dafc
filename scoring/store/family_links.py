"""The links of families: which account is whose child, and what is kept of each of their names.

A link stands under every name of the child (`fb:p:`), where it holds, and under every name of the parent
(`fb:c:`), where it can be found. On a Cluster these are of different servers, so any part of a link may be
missing: a link holds where a name of the child has it, and the latest one is the child's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

Names = tuple[str, ...]  # of one account, as stored keys end: `a:42`, `d:acme.com`; what it is known by first
BY_ID = "a:"


@dataclass(frozen=True, slots=True, order=True)
class FamilyLink:
    """One account is the child of another.

    Attributes:
        at: when it was said, unix milliseconds.
        child: names of the child, as far as whoever said so knew them.
        parent: names of the parent, likewise.
    """

    at: int
    child: Names
    parent: Names

    def line(self) -> bytes:
        """Write the link as one line.

        >>> FamilyLink(1, ("a:2",), ("a:1", "d:acme.com")).line()
        b'[1,["a:2"],["a:1","d:acme.com"]]'
        """
        return orjson.dumps([self.at, self.child, self.parent])


def read_links(text: bytes) -> tuple[FamilyLink, ...]:
    r"""Read the lines that are kept of one name.

    Raises:
        ValueError: something else wrote to it.

    >>> read_links(b'[1,["a:2"],["d:acme.com"]]\n')
    (FamilyLink(at=1, child=('a:2',), parent=('d:acme.com',)),)
    """
    return tuple(_link(orjson.loads(line)) for line in text.splitlines())


def _link(fields: object) -> FamilyLink:
    match fields:
        case [int(at), [str(), *_] as child, [str(), *_] as parent]:
            return FamilyLink(at, tuple(map(str, child)), tuple(map(str, parent)))
        case _:
            raise ValueError("this is no link of a family")


class Kept:
    """What is kept of one name.

    Attributes:
        up: links in which it is the child.
        down: links in which it is the parent.
        sides: what the account that has this name is called in them, and how often.
        readable: whether both could be read.
    """

    __slots__ = ("down", "readable", "sides", "up")

    def __init__(
        self, up: Iterable[FamilyLink] = (), down: Iterable[FamilyLink] = (), *, readable: bool = True
    ) -> None:
        self.up = dict.fromkeys(up)
        self.down = dict.fromkeys(down)
        self.sides = Counter([*(link.child for link in self.up), *(link.parent for link in self.down)])
        self.readable = readable

    def add(self, name: str, link: FamilyLink) -> None:
        """Add a link in which this name stands."""
        for links, side in ((self.up, link.child), (self.down, link.parent)):
            if name in side and link not in links:
                links[link] = None
                self.sides[side] += 1

    def take_out(self, link: FamilyLink) -> None:
        """Take a link out, if it is there."""
        for links, side in ((self.up, link.child), (self.down, link.parent)):
            if link in links:
                del links[link]
                self.sides[side] -= 1
                if not self.sides[side]:
                    del self.sides[side]


@dataclass(frozen=True, slots=True)
class Kin:
    """An account in a family.

    Two accounts with ids are the same where the ids are. An account that is named by its domain alone is any
    that has this domain; several accounts may have one.

    Attributes:
        given: the names it was asked for by.
        names: those and all that links give it.
        ids: the ones among them that are ids of accounts; empty where it is known by its domain alone.
    """

    given: Names
    names: Names
    ids: Names

    @property
    def identity(self) -> Names:
        """What tells it from other accounts."""
        return self.ids or self.names

    def is_side(self, side: Names) -> bool:
        """Tell whether one side of a link names this account.

        >>> one = Kin(("a:1", "d:acme.com"), ("a:1", "d:acme.com"), ("a:1",))
        >>> one.is_side(("d:acme.com",)), one.is_side(("a:2", "d:acme.com"))
        (True, False)
        """
        if not side[0].startswith(BY_ID):
            return any(name in self.names for name in side)
        return side[0] in self.names or (not self.is_by_id and any(name in self.given for name in side))

    @property
    def is_by_id(self) -> bool:
        """Whether it was asked for by an id."""
        return self.given[0].startswith(BY_ID)

    def is_same(self, other: Kin) -> bool:
        """Tell whether two are one account."""
        if self.ids and other.ids:
            return not set(self.ids).isdisjoint(other.ids)
        return not set(self.names).isdisjoint(other.names)

    def side(self) -> Names:
        """Return its names, what it is known by first."""
        domains = [name for name in self.names if not name.startswith(BY_ID)]
        return tuple(dict.fromkeys([*self.ids, *sorted(domains), *sorted(self.names)]))
