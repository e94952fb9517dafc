"""Families: saying whose child an account is, and taking it back.

Writers take turns by a lock in the store, so no two of them make a circle together. A process that ends on
the way leaves part of a link, which readers take as `family_links.py` says, and the lock until its lease is
over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import chain

from scoring.errors import RequestError, StoreUnavailableError
from scoring.servers.background import cancelled, in_background
from scoring.servers.servers import Call, Servers
from scoring.signals.rolled_up import Rollup
from scoring.store.family_changes import FamilyChanges
from scoring.store.family_links import FamilyLink, Kept, Kin, Names
from scoring.store.family_lock import alone
from scoring.store.family_reads import kept, name_of
from scoring.store.family_walk import MOST_LEVELS, MOST_MEMBERS, Family, Walk, names_of, walked
from scoring.store.last_good import LastGood
from scoring.store.scripts import RELINK
from scoring.store.stored_keys import CHILDREN_PREFIX, PARENT_PREFIX, StoredKeys

PORTION = 100  # links
MOST_NAMES = 20  # of one account
RENEWED_FOR = 86_400.0  # seconds; links that are read are then made to live on again
RENEWALS = 100_000  # names that a process remembers to have renewed
_log = logging.getLogger(__name__)

Asked = tuple[tuple[str, ...], tuple[str, ...]]  # the keys of a child and of its parent


class LinkStatus(StrEnum):
    """What became of a link."""

    LINKED = "linked"
    UNCHANGED = "unchanged"


class Families:
    """The links between accounts and their parents.

    Args:
        servers: where they are.
        stored: turns keys of accounts into stored ones.
        last_good: forgets links that are changed; those of other processes do so when they read them again.
        seconds: how long a link lives after it was last said or read.
    """

    def __init__(self, servers: Servers, stored: StoredKeys, last_good: LastGood, *, seconds: int) -> None:
        self._servers = servers
        self._stored = stored
        self._last_good = last_good
        self._seconds = seconds
        self._renewed: dict[str, float] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def link(self, asked: Sequence[Asked]) -> list[LinkStatus | RequestError]:
        """Make accounts the children of others, one after the other; each has one parent, the last one said.

        Args:
            asked: the keys of each child and of its parent, what it is known by first.

        Returns:
            What became of each: an error is `family_cycle`, `family_too_deep`, `family_too_large` or
            `family_ambiguous`, and nothing of its link is kept.

        Raises:
            StoreUnavailableError: not all of them were stored; sending all of them again is safe.
        """
        pairs = [(self._names(child), self._names(parent)) for child, parent in asked]
        async with alone(self._servers) as until:
            _, known = await walked(lambda walk: [_visit(walk, *pair) for pair in pairs], self._read)
            changes = FamilyChanges(known)
            results = []
            for place, pair in enumerate(pairs):
                results.append(self._linked(changes, *pair))
                if place % PORTION == PORTION - 1:
                    await asyncio.sleep(0)  # lets other requests go on
            await self._carry_out(changes, until)
        return results

    def _linked(self, changes: FamilyChanges, child: Names, parent: Names) -> LinkStatus | RequestError:
        walk = Walk(changes.known)
        try:
            below, above = walk.account(child), walk.account(parent)
            _check(walk, below, above)
        except RequestError as error:
            return error
        held = walk.link_to_parent(below)
        same = held is not None and above.is_side(held.parent)
        if held and same and {*child, *parent} <= {*held.child, *held.parent}:
            changes.put(held)
            return LinkStatus.UNCHANGED
        earlier = walk.links_up(below)
        at = max([time.time_ns() // 1_000_000, *(link.at + 1 for link in earlier)])
        changes.put(FamilyLink(at, below.side(), above.side()), instead_of=earlier)
        return LinkStatus.LINKED

    async def unlink(self, keys: tuple[str, ...]) -> bool:
        """Make an account nobody's child, and tell whether it was somebody's.

        Raises:
            StoreUnavailableError: it may still be; ask again.
        """
        names = self._names(keys)
        async with alone(self._servers) as until:
            links, known = await walked(lambda walk: walk.links_up(walk.account(names)), self._read)
            changes = FamilyChanges(known)
            changes.take_out(links)
            await self._carry_out(changes, until)
        return bool(links)

    async def forget(self, names: Names) -> None:
        """Take out all links of an account, to its parent and of its children to it.

        Args:
            names: as stored.

        Raises:
            StoreUnavailableError: not all are gone; ask again.
        """
        known = await self._read(names)
        if not any(one.up or one.down for one in known.values()):
            return
        async with alone(self._servers) as until:
            known = await self._read(names)
            changes = FamilyChanges(dict(known))
            changes.take_out(chain.from_iterable((*one.up, *one.down) for one in known.values()))
            await self._carry_out(changes, until)

    async def show(self, keys: tuple[str, ...]) -> Family:
        """Return the whole family of an account.

        Raises:
            StoreUnavailableError: not all of it could be read.
        """
        names = self._names(keys)
        family, _ = await walked(lambda walk: walk.family(names, Rollup.FAMILY), self._read)
        self.noted([(Rollup.FAMILY, family)])
        return family

    def noted(self, families: Iterable[tuple[Rollup, Family]]) -> None:
        """Make links that were read live on, once a day and on nobody's time."""
        if self._renewing is not None and not self._renewing.done():
            return
        now = time.monotonic()
        linked = names_of(family for _, family in families if len(family.members) > 1)
        due = [name for name in linked if now - self._renewed.get(name, -RENEWED_FOR) >= RENEWED_FOR]
        if not due:
            return
        if len(self._renewed) + len(due) > RENEWALS:
            self._renewed.clear()
        self._renewed.update(dict.fromkeys(due, now))
        self._renewing = in_background(self._renew(due))

    async def _renew(self, names: Sequence[str]) -> None:
        keys = [prefix + name for name in names for prefix in (PARENT_PREFIX, CHILDREN_PREFIX)]
        try:
            await self._servers.ask_all([(key, ("EXPIRE", key, self._seconds)) for key in keys])
        except StoreUnavailableError as error:
            _log.warning("signal store: links of families were not made to live on: %s", error)
            for name in names:
                self._renewed.pop(name, None)

    async def close(self) -> None:
        """End what is under way."""
        await cancelled(self._renewing)

    def _names(self, keys: tuple[str, ...]) -> Names:
        return tuple(map(name_of, self._stored.all_of(keys)))

    async def _read(self, names: Sequence[str]) -> Mapping[str, Kept]:
        """Read links, or raise."""
        keys = [prefix + name for name in names for prefix in (PARENT_PREFIX, CHILDREN_PREFIX)]
        found = await self._servers.ask_all([(key, ("GET", key)) for key in keys])
        texts = zip(found[::2], found[1::2], strict=True)
        return {
            name: kept(up or b"", down or b"", readable=True)
            for name, (up, down) in zip(names, texts, strict=True)
        }

    async def _carry_out(self, changes: FamilyChanges, until: float) -> None:
        """Write: where links can be found, then where they hold, and last what is no longer so."""
        changed: list[str] = []
        try:
            for step in changes.steps():
                if asyncio.get_running_loop().time() > until:
                    raise StoreUnavailableError(
                        "the links of families took too long to store; send them again"
                    )
                changed += step
                await self._servers.run(
                    RELINK,
                    [
                        Call((key,), (self._seconds, len(gone), *gone, *new))
                        for key, (gone, new) in step.items()
                    ],
                )
        finally:
            self._last_good.forget(changed)


def _visit(walk: Walk, child: Names, parent: Names) -> list[Kin]:
    """Go where one must have been to link two accounts."""
    above = walk.account(parent)
    return [walk.account(child), above, *walk.ancestors(above)[0]]


def _check(walk: Walk, child: Kin, parent: Kin) -> None:
    """See that one account can be the child of the other.

    Raises:
        RequestError: it cannot; the message says what to do.
    """
    if child.is_same(parent):
        message = "an account cannot be its own parent; give each an id of its own, or take the link out"
        raise RequestError(message, field="parent_id", code="family_cycle")
    for kin, whose in ((child, "account"), (parent, "parent")):
        if len(kin.ids) > 1:
            message = f"several accounts have the domain of the {whose}; name it by its id"
            raise RequestError(message, field=f"{whose}_id", code="family_ambiguous")
        if len(kin.names) > MOST_NAMES:
            message = f"the {whose} has more than {MOST_NAMES} ids and domains; name it by its id alone"
            raise RequestError(message, field=f"{whose}_id", code="family_ambiguous")
    above, cut = walk.ancestors(parent)
    if any(child.is_same(one) for one in above):
        message = "the account is above its parent already; take out the link of one of those between first"
        raise RequestError(message, field="parent_id", code="family_cycle")
    if cut or len(above) + 2 > MOST_LEVELS:
        message = f"a family has at most {MOST_LEVELS} levels; link the account to one further up"
        raise RequestError(message, field="parent_id", code="family_too_deep")
    if walk.most_children(parent) >= MOST_MEMBERS and not walk.is_linked(child, parent):
        message = f"an account has at most {MOST_MEMBERS:,} children; link some to accounts between"
        raise RequestError(message, field="parent_id", code="family_too_large")
