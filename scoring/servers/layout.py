"""Which server has which keys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol

from redis.crc import key_slot

from scoring.servers.address import Node

Slots = tuple[Node | None, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The servers that take reads and writes, and of a Cluster the one that has each slot.

    >>> one, two = Node("one", 1), Node("two", 2)
    >>> Layout((one,)).holder(0)
    Node(host='one', port=1)
    >>> Layout((one,), (one,) * 16384).moved(7, two).masters
    (Node(host='one', port=1), Node(host='two', port=2))
    """

    masters: tuple[Node, ...]
    slots: Slots | None = None  # by number; None where one server has everything

    def holder(self, slot: int) -> Node | None:
        """Return the server that has a slot; None where none does."""
        return self.masters[0] if self.slots is None else self.slots[slot]

    def moved(self, slot: int, node: Node) -> Layout:
        """Return the layout with one slot elsewhere."""
        if self.slots is None:
            return self
        masters = self.masters if node in self.masters else (*self.masters, node)
        return replace(self, masters=masters, slots=(*self.slots[:slot], node, *self.slots[slot + 1 :]))


class Locator(Protocol):
    """Finds out the layout."""

    fresh_for: float  # seconds after which to look again though nothing failed

    async def locate(self, known: Collection[Node]) -> Layout:
        """Ask whoever knows.

        Args:
            known: servers of the layout known so far.

        Raises:
            StoreUnavailableError: nobody answered with one. There is no limit of time in here.
        """

    async def close(self) -> None:
        """Give back every connection."""


def slot_of(key: bytes | str) -> int:
    """Return the number of a key's slot.

    >>> slot_of("{fb}:names") == slot_of(b"{fb}:x"), slot_of("a")
    (True, 15495)
    """
    return key_slot(key.encode() if isinstance(key, str) else key)
