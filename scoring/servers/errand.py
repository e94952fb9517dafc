"""Commands on their way to the servers of the signal store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import NoScriptError, ReadOnlyError, TryAgainError

from scoring.errors import StoreUnavailableError
from scoring.servers.address import Node
from scoring.servers.shard import AWAY, Shard


@dataclass(slots=True)
class Errand:
    """A command on its way to the server that has its slot, or to one that this server sent it on to."""

    command: tuple[Any, ...]
    slot: int
    sent_on: Node | None = None
    unknown: tuple[Any, ...] = ()  # what to send where the script is unknown
    reply: Any = AWAY


async def deliver(shard: Shard, errands: Sequence[Errand], until: float, *, reading: bool) -> None:
    """Send errands to a server in one round trip, and note the replies."""
    commands: list[tuple[Any, ...]] = []
    for errand in errands:
        if errand.sent_on:
            commands.append(("ASKING",))
        commands.append(errand.command)
    replies = await (shard.read if reading else shard.write)(commands, until)
    wanted = (reply for command, reply in zip(commands, replies, strict=True) if command != ("ASKING",))
    for errand, reply in zip(errands, wanted, strict=True):
        errand.reply = reply


def is_mended(errand: Errand) -> bool:
    """Tell whether an errand that failed may be carried out now, and change it so that it is."""
    if isinstance(errand.reply, NoScriptError):
        errand.command = errand.unknown
        return True
    return isinstance(errand.reply, ReadOnlyError | TryAgainError)


def checked(replies: list[Any], budget: float) -> list[Any]:
    """Pass replies on.

    Raises:
        StoreUnavailableError: one of them is a failure.
    """
    for reply in replies:
        if reply is AWAY:
            raise StoreUnavailableError("a part of the signal store has no server; try again")
        if isinstance(reply, Exception):
            what = f"{type(reply).__name__}, {budget:g} s allowed"
            raise StoreUnavailableError(f"the signal store did not do what it was asked ({what})") from reply
    return replies
