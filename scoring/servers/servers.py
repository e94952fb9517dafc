"""The servers of the signal store as one: a server that is gone costs its own keys and no others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from redis.exceptions import AskError, MovedError, ReadOnlyError, TryAgainError

from scoring.errors import StoreUnavailableError
from scoring.servers.address import Kind, Node, parse_address
from scoring.servers.directory import Directory
from scoring.servers.errand import Errand, checked, deliver, is_mended
from scoring.servers.layout import slot_of
from scoring.servers.script import Call, Script
from scoring.servers.shard import AWAY, Away

__all__ = ["AWAY", "Away", "Call", "Script", "Servers"]

Key = bytes | str
KEYS_PER_COMMAND = 1000  # a command holds up every other caller; so many keys take 10 ms at most
# What this process itself takes to read a key, twice over; on a Cluster each key is a command of its own.
KEY_SECONDS, CLUSTER_KEY_SECONDS = 5e-6, 20e-6
READ_ROUNDS = 2  # the second goes where a server said the keys are now; a failure is not tried again
WRITE_ROUNDS = 4  # a script may be unknown where it was sent on to
SCAN_COUNT = 1000  # keys that one step of a scan looks at


class Servers:
    """Reads and writes keys of a store that is one server, the master of Sentinels or a Cluster.

    Reads have one short deadline around everything, and what cannot be read by then is `AWAY`. Writes have a
    longer one, and raise unless all of them were carried out.

    Args:
        url: as `scoring.servers.address.parse_address` reads it.
        read_budget: seconds a read may take in all.
        write_budget: seconds anything else may take in all.

    Raises:
        ValueError: the address cannot be read.
    """

    def __init__(self, url: str, *, read_budget: float = 0.05, write_budget: float = 2.0) -> None:
        address = parse_address(url)
        self._is_cluster = address.kind is Kind.CLUSTER
        self._key_seconds = CLUSTER_KEY_SECONDS if self._is_cluster else KEY_SECONDS
        self._read_budget = read_budget
        self._write_budget = write_budget
        self._directory = Directory(address, budget=read_budget)

    async def get(self, keys: Sequence[Key], *, budget: float | None = None) -> list[bytes | Away | None]:
        """Read the values of keys, in one round trip per server.

        Args:
            keys: of strings; what has another type reads as None.
            budget: seconds the servers have, where it is not the usual number. Our own work on the keys, 5 us
                each and 20 on a Cluster, comes on top: else a large read would pass for a server that hangs.

        Returns:
            By key: its value, None where there is none, `AWAY` where its server does not answer.
        """
        until = _now() + (self._read_budget if budget is None else budget) + self._key_seconds * len(keys)
        values: list[bytes | Away | None] = [AWAY] * len(keys)
        if not keys or await self._directory.layout(until, patient=False) is None:
            return values
        chunks = [
            positions[start : start + KEYS_PER_COMMAND]
            for positions in self.groups(keys)
            for start in range(0, len(positions), KEYS_PER_COMMAND)
        ]
        errands = [
            Errand(("MGET", *(keys[position] for position in chunk)), self._slot(keys[chunk[0]]))
            for chunk in chunks
        ]
        pending = errands
        for _ in range(READ_ROUNDS):
            await self._send(pending, until, reading=True)
            pending = [errand for errand in pending if self._is_sent_on(errand)]
        for chunk, errand in zip(chunks, errands, strict=True):
            if isinstance(errand.reply, list):
                for position, value in zip(chunk, errand.reply, strict=True):
                    values[position] = value
        return values

    async def run(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        """Run a script once per call, in one round trip per server.

        Returns:
            What the script returned, by call.

        Raises:
            StoreUnavailableError: not every call was carried out. Some may have been: all servers were tried.
        """
        errands = [
            Errand(
                ("EVALSHA", script.sha, len(call.keys), *call.keys, *call.args),
                self._slot(call.keys[0]),
                unknown=("EVAL", script.text, len(call.keys), *call.keys, *call.args),
            )
            for call in calls
        ]
        return await self._carry_out(errands)

    async def ask(self, key: Key, *command: Any) -> Any:
        """Run one command at the server that has a key.

        Raises:
            StoreUnavailableError: it was not carried out.
        """
        (reply,) = await self._carry_out([Errand(command, self._slot(key))])
        return reply

    async def ask_all(self, commands: Sequence[tuple[Key, tuple[Any, ...]]]) -> list[Any]:
        """Run commands, each at the server that has its key, in one round trip per server.

        Raises:
            StoreUnavailableError: not every command was carried out.
        """
        return await self._carry_out([Errand(command, self._slot(key)) for key, command in commands])

    async def delete(self, keys: Sequence[Key]) -> int:
        """Delete keys and return how many there were.

        Raises:
            StoreUnavailableError: not all were deleted; those that were stay so.
        """
        errands = [
            Errand(("UNLINK", *(keys[position] for position in group)), self._slot(keys[group[0]]))
            for group in self.groups(keys)
        ]
        return sum(await self._carry_out(errands))

    async def scan(self, match: str) -> AsyncIterator[list[bytes]]:
        r"""Yield all keys that match a pattern, in lists of about a thousand.

        A key may come twice; one that is added or moved to another server meanwhile may not come at all.

        Args:
            match: the store's glob; `*?[]\` in names need a backslash before them.

        Raises:
            StoreUnavailableError: a server did not answer.
        """
        layout = await self._directory.layout(_now() + self._write_budget, patient=True)
        for node in layout.masters if layout else self._unknown():
            cursor = 0
            while True:
                command = ("SCAN", cursor, "MATCH", match, "COUNT", SCAN_COUNT)
                reply = (await self._directory.shard(node).write([command], self._write_until()))[0]
                checked([reply], self._write_budget)
                cursor, keys = reply
                if keys:
                    yield keys
                if cursor == 0:
                    break

    def groups(self, keys: Sequence[Key]) -> list[list[int]]:
        """Return the positions of keys that one call of a script may name together."""
        if not self._is_cluster:
            return [list(range(len(keys)))] if keys else []
        by_slot: dict[int, list[int]] = {}
        for position, key in enumerate(keys):
            by_slot.setdefault(slot_of(key), []).append(position)
        return list(by_slot.values())

    async def ping(self) -> bool:
        """Tell whether every server answers within the read budget."""
        until = _now() + self._read_budget
        layout = await self._directory.layout(until, patient=False)
        if layout is None:
            return False
        shards = [self._directory.shard(node) for node in layout.masters]
        return all(await asyncio.gather(*(shard.answers(until) for shard in shards)))

    @property
    def away(self) -> list[str]:
        """The servers that are not asked for now because they do not answer, as `host:port`."""
        return sorted(str(shard.node) for shard in self._directory.shards if shard.is_away)

    async def close(self) -> None:
        """Give back every connection. Nothing can be read or written after that."""
        await self._directory.close()

    def _slot(self, key: Key) -> int:
        return slot_of(key) if self._is_cluster else 0

    def _write_until(self) -> float:
        return _now() + self._write_budget

    def _unknown(self) -> tuple[Node, ...]:
        message = f"the signal store's servers are not known ({self._write_budget:g} s allowed); try again"
        raise StoreUnavailableError(message)

    async def _carry_out(self, errands: list[Errand]) -> list[Any]:
        until, pending = self._write_until(), errands
        for _ in range(WRITE_ROUNDS):
            if not pending:
                break
            if await self._directory.layout(until, patient=True) is None:
                self._unknown()
            await self._send(pending, until, reading=False)
            if any(isinstance(errand.reply, ReadOnlyError | TryAgainError) for errand in pending):
                await self._directory.looked(until)
            pending = [errand for errand in pending if self._is_sent_on(errand) or is_mended(errand)]
        return checked([errand.reply for errand in errands], self._write_budget)

    async def _send(self, errands: Sequence[Errand], until: float, *, reading: bool) -> None:
        """Send each errand to its server, in one round trip per server, and note the replies."""
        layout = await self._directory.layout(until, patient=False)
        by_node: dict[Node, list[Errand]] = {}
        for errand in errands:
            node = errand.sent_on or (layout.holder(errand.slot) if layout else None)
            if node is not None:
                by_node.setdefault(node, []).append(errand)
        deliveries = [
            deliver(self._directory.shard(node), batch, until, reading=reading)
            for node, batch in by_node.items()
        ]
        if len(deliveries) == 1:  # the usual case needs no task of its own
            await deliveries[0]
        else:
            await asyncio.gather(*deliveries)

    def _is_sent_on(self, errand: Errand) -> bool:
        """Note where a server said that an errand should go; tell whether it did."""
        match errand.reply:
            case MovedError(node_addr=("", _)):  # a server that does not know its own name
                self._directory.look_again()
                return False
            case MovedError(slot_id=slot, node_addr=(host, port)):
                errand.sent_on = None
                self._directory.moved(slot, Node(host, port))
            case AskError(node_addr=(host, port)):
                errand.sent_on = Node(host, port)
            case _:
                return False
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()
