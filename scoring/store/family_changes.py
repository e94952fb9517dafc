"""Changes to the links of families, gathered before they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scoring.store.family_links import FamilyLink, Kept
from scoring.store.stored_keys import CHILDREN_PREFIX, PARENT_PREFIX

Lines = tuple[list[bytes], list[bytes]]  # to take out of a text, and to add to it


class FamilyChanges:
    """Changes, and what is known of names after them.

    Args:
        known: what is known before; it is kept up to date.
    """

    def __init__(self, known: dict[str, Kept]) -> None:
        self.known = known
        self._new: dict[FamilyLink, None] = {}
        self._gone: dict[FamilyLink, None] = {}

    def put(self, link: FamilyLink, *, instead_of: Iterable[FamilyLink] = ()) -> None:
        """Add a link, and take out others."""
        self.take_out(instead_of)
        self._gone.pop(link, None)
        self._new[link] = None
        for name in self.known.keys() & {*link.child, *link.parent}:
            self.known[name].add(name, link)

    def take_out(self, links: Iterable[FamilyLink]) -> None:
        """Take out links."""
        for link in links:
            self._new.pop(link, None)
            self._gone[link] = None
            for name in self.known.keys() & {*link.child, *link.parent}:
                self.known[name].take_out(link)

    def steps(self) -> Iterator[dict[str, Lines]]:
        """Yield by stored key what is to be changed, one step after the other.

        A new link can be found before it holds, and one that is gone holds no more before it cannot be found.
        """
        found: dict[str, Lines] = {}
        holds: dict[str, Lines] = {}
        gone: dict[str, Lines] = {}
        for link in self._new:
            for name in link.parent:
                found.setdefault(CHILDREN_PREFIX + name, ([], []))[1].append(link.line())
            for name in link.child:
                holds.setdefault(PARENT_PREFIX + name, ([], []))[1].append(link.line())
        for link in self._gone:
            for name in link.child:
                holds.setdefault(PARENT_PREFIX + name, ([], []))[0].append(link.line())
            for name in link.parent:
                gone.setdefault(CHILDREN_PREFIX + name, ([], []))[0].append(link.line())
        yield from (step for step in (found, holds, gone) if step)
