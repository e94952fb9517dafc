"""Walking a family, over what is known of its links; what is not known yet is noted, to be read.

Whatever stands in the store, a walk ends: it meets each account once, and goes no further than so many levels
and accounts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scoring.signals.rolled_up import Rollup
from scoring.store.family_links import BY_ID, FamilyLink, Kept, Kin, Names

MOST_LEVELS = 10
MOST_MEMBERS = 1_000
MOST_ROUNDS = 6 * MOST_LEVELS  # of reading: up, down, and for further names of those that are met
_NOTHING = Kept()

Result = TypeVar("Result")
ReadNames = Callable[[Sequence[str]], Awaitable[Mapping[str, Kept]]]


@dataclass(frozen=True, slots=True)
class Member:
    """One account of a family."""

    kin: Kin
    level: int  # 1 is the top of what was walked
    parent: Kin | None


@dataclass(frozen=True, slots=True)
class Family:
    """What a walk found: the one who was asked for first, then from the top down."""

    members: tuple[Member, ...]
    cut: bool  # there is more than a walk covers

    @property
    def own(self) -> Member:
        """The account that was asked for."""
        return self.members[0]


class Walk:
    """One walk.

    Attributes:
        unknown: names that were met and of which nothing was known.
    """

    def __init__(self, known: Mapping[str, Kept]) -> None:
        self._known = known
        self.unknown: set[str] = set()

    def account(self, given: Names) -> Kin:
        """Return the account with these names, and all its names that links tell."""
        kin = Kin(given, given, given[:1] if given[0].startswith(BY_ID) else ())
        queue = [*given]
        while queue:
            name = queue.pop()
            if name not in self._known:
                self.unknown.add(name)
                continue
            for side in self._known[name].sides:
                if kin.is_side(side):
                    new = [other for other in side if other not in kin.names]
                    ids = kin.ids
                    if side[0].startswith(BY_ID) and side[0] not in ids:
                        ids = (*ids, side[0])
                    kin = Kin(given, (*kin.names, *new), ids)
                    queue += new
        return kin

    def links_up(self, child: Kin) -> list[FamilyLink]:
        """Return all links in which an account is the child, the latest last."""
        links = {link for name in child.names for link in self._kept(name).up if child.is_side(link.child)}
        return sorted(links)

    def links_down(self, parent: Kin) -> list[FamilyLink]:
        """Return all links in which an account is said to be the parent, the latest last."""
        links = {link for name in parent.names for link in self._kept(name).down}
        return sorted(link for link in links if parent.is_side(link.parent))

    def link_to_parent(self, child: Kin) -> FamilyLink | None:
        """Return the link that holds, or None for an account without a parent."""
        links = [link for link in self.links_up(child) if not child.is_side(link.parent)]
        return links[-1] if links else None

    def most_children(self, parent: Kin) -> int:
        """Return how many children an account has at most."""
        return sum(len(self._kept(name).down) for name in parent.names)

    def is_linked(self, child: Kin, parent: Kin) -> bool:
        """Tell whether one account is said to be the child of another."""
        return any(parent.is_side(link.parent) for link in self.links_up(child))

    def is_readable(self, kin: Kin) -> bool:
        """Tell whether all links of an account could be read."""
        return all(self._kept(name).readable for name in kin.names)

    def ancestors(self, kin: Kin) -> tuple[list[Kin], bool]:
        """Return the accounts above one, nearest first, and whether there are more than `MOST_LEVELS` - 1."""
        path = [kin]
        while (link := self.link_to_parent(path[-1])) is not None:
            above = self.account(link.parent)
            if any(above.is_same(one) for one in path):
                break  # a circle, which nobody could have said at once: writers see to that
            if len(path) == MOST_LEVELS:
                return path[1:], True
            path.append(above)
        return path[1:], False

    def family(self, names: Names, rollup: Rollup) -> Family:
        """Return the accounts whose signals count at one."""
        own = self.account(names)
        if rollup is Rollup.NONE:
            return Family((Member(own, 1, None),), cut=False)
        above, cut = self.ancestors(own) if rollup is Rollup.FAMILY else ([], False)
        path = [*reversed(above), own]
        members = [
            Member(kin, level, path[level - 2] if level > 1 else None)
            for level, kin in enumerate(path, start=1)
        ]
        beneath, more = self._beneath(path)
        own_first = [members[-1], *members[:-1], *beneath]
        return Family(tuple(own_first), cut=cut or more)

    def _beneath(self, path: Sequence[Kin]) -> tuple[list[Member], bool]:
        """Return all accounts beneath the first of a path that are not on it, and whether there are more."""
        met = {name for kin in path for name in kin.identity}
        members: list[Member] = []
        above, cut = [path[0]], False
        for level in range(2, MOST_LEVELS + 2):
            found: list[Member] = []
            for parent in above:
                room = MOST_MEMBERS - len(path) - len(members) - len(found)
                new, more = self._children(parent, met, room if level <= MOST_LEVELS else 0)
                found += [Member(kin, level, parent) for kin in new]
                cut |= more
            members += found
            above = [*path[level - 1 : level], *(member.kin for member in found)]
            if not above:
                break
        return members, cut

    def _children(self, parent: Kin, met: set[str], room: int) -> tuple[list[Kin], bool]:
        """Meet up to so many new children, in the order of their names, and tell if there are more."""
        new: list[Kin] = []
        for side in sorted({link.child for link in self.links_down(parent)}):
            if side[0] in met:
                continue
            if len(new) >= room:
                return new, True
            child = self.account(side)
            if met.isdisjoint(child.identity) and self._is_child(child, parent):
                met.update(child.identity)
                new.append(child)
        return new, False

    def _is_child(self, child: Kin, parent: Kin) -> bool:
        """Tell whether a link that was found at the parent holds at the child, as far as that can be read."""
        link = self.link_to_parent(child)
        return parent.is_side(link.parent) if link else not self.is_readable(child)

    def _kept(self, name: str) -> Kept:
        return self._known.get(name, _NOTHING)


async def walked(
    visit: Callable[[Walk], Result], read: ReadNames, known: dict[str, Kept] | None = None
) -> tuple[Result, dict[str, Kept]]:
    """Walk, read what was not known, and walk again until there is nothing left to read.

    Args:
        visit: walks; it is called again and again.
        read: reads what is kept of names, all of them in one round trip.
        known: what is known already; it is added to.
    """
    known = {} if known is None else known
    for _ in range(MOST_ROUNDS):
        walk = Walk(known)
        result = visit(walk)
        if not walk.unknown:
            return result, known
        known.update(await read(sorted(walk.unknown)))
    known.update({name: Kept(readable=False) for name in walk.unknown})  # too far to go there
    return visit(Walk(known)), known


def names_of(families: Iterable[Family]) -> list[str]:
    """Return all names in some families, each once."""
    return list(
        dict.fromkeys(name for family in families for member in family.members for name in member.kin.names)
    )
