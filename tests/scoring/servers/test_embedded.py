from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from scoring.errors import StoreUnavailableError
from scoring.servers import embedded
from scoring.servers.embedded import EmbeddedStore

HOLD = """
import sys
from pathlib import Path
from scoring.servers.embedded import EmbeddedStore
with EmbeddedStore(Path(sys.argv[1])) as store:
    print(store.url, store.pid, flush=True)
    try:
        sys.stdin.read()
    except KeyboardInterrupt:
        import redis
        with redis.Redis.from_url(store.url) as client:
            client.set("after the interrupt", "kept")
"""
Hold = Callable[[Path], tuple[subprocess.Popen[str], str, int]]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Start another process that has a store, in a process group of its own as a terminal would."""
    started: list[subprocess.Popen[str]] = []
    servers: list[int] = []

    def start(folder: Path) -> tuple[subprocess.Popen[str], str, int]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", HOLD, str(folder)]
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        started.append(process)
        assert process.stdout is not None
        url, pid = process.stdout.readline().split()
        servers.append(int(pid))
        return process, url, int(pid)

    yield start
    for process in started:
        process.kill()
        process.communicate()
    for pid in filter(alive, servers):
        os.kill(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def put(url: str, value: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.set("key", value)


def get(url: str, key: str = "key") -> object:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return client.get(key)


def test_data_outlive_the_server(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path) as store:
        put(store.url, "kept")
        pid = store.pid
        assert pid is not None
    assert store.pid is None
    assert not alive(pid)
    with store:
        assert get(store.url) == "kept"


def test_it_listens_on_no_port_and_for_nobody_else(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path / "new" / "folder") as store, redis.Redis.from_url(store.url) as client:
        settings = client.config_get("port", "appendonly", "appendfsync")
        assert settings == {"port": "0", "appendonly": "yes", "appendfsync": "everysec"}
        assert (tmp_path / "new" / "folder").stat().st_mode & 0o077 == 0
        assert (tmp_path / "new" / "folder" / embedded.SOCKET_NAME).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name", ["with spaces", 'quote\'s "and" #%?', "日本 🔥", "/".join(["deep"] * 30), "x" * 200]
)
def test_any_folder_will_do(tmp_path: Path, name: str) -> None:
    for value in (None, "kept"):
        with EmbeddedStore(tmp_path / name) as store:
            assert get(store.url) == value
            put(store.url, "kept")
            door = Path(store.url.removeprefix("unix://")).parent
        assert door.is_symlink() is False, "the link to the folder stays behind"
    assert (tmp_path / name).is_dir()


def test_a_relative_folder_is_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with EmbeddedStore(Path("state")) as store:
        put(store.url, "kept")
        monkeypatch.chdir("/")
        assert get(store.url) == "kept"
    assert (tmp_path / "state" / "appendonlydir").is_dir()


def test_a_folder_is_had_by_one_at_a_time(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path) as store:
        with pytest.raises(StoreUnavailableError) as caught:
            EmbeddedStore(tmp_path).__enter__()
        assert str(tmp_path) in str(caught.value)
        assert str(os.getpid()) in str(caught.value)
        put(store.url, "not disturbed")
        assert get(store.url) == "not disturbed"


def test_another_process_that_has_the_folder_is_named(tmp_path: Path, hold: Hold) -> None:
    process, url, _ = hold(tmp_path)
    with pytest.raises(StoreUnavailableError, match=f"process {process.pid}"):
        EmbeddedStore(tmp_path).__enter__()
    put(url, "not disturbed")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreUnavailableError, match="file/state"):
        EmbeddedStore(tmp_path / "file" / "state").__enter__()


def test_data_the_server_cannot_read_are_told_and_the_folder_is_free_again(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path) as store:
        put(store.url, "kept")
    manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
    whole = manifest.read_text()
    manifest.write_text("nonsense\n")
    with pytest.raises(StoreUnavailableError, match="cannot start in"):
        EmbeddedStore(tmp_path).__enter__()
    manifest.write_text(whole)
    with EmbeddedStore(tmp_path) as store:
        assert get(store.url) == "kept"


def test_ctrl_c_in_the_terminal_stops_it_quietly_and_not_before_its_owner(tmp_path: Path, hold: Hold) -> None:
    process, url, server = hold(tmp_path)
    put(url, "kept")
    os.killpg(process.pid, signal.SIGINT)
    _, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (0, "")
    assert not alive(server)
    with EmbeddedStore(tmp_path) as store:
        assert get(store.url) == "kept"
        assert get(store.url, "after the interrupt") == "kept"


@pytest.mark.parametrize("hung", [False, True])
def test_a_server_whose_owner_was_killed_is_stopped_first(
    tmp_path: Path, hold: Hold, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, hung: bool
) -> None:
    monkeypatch.setattr(embedded, "STOP_SECONDS", 1.0)
    process, url, orphan = hold(tmp_path)
    put(url, "kept")
    process.kill()
    process.wait()
    assert get(url) == "kept", "the orphan still runs"
    if hung:
        os.kill(orphan, signal.SIGSTOP)
    with EmbeddedStore(tmp_path) as store:
        assert not alive(orphan)
        assert store.pid not in {None, orphan}
        assert get(store.url) == "kept"
    assert str(orphan) in caplog.text


def test_a_file_left_where_the_socket_goes_is_no_server(tmp_path: Path, hold: Hold) -> None:
    process, _, server = hold(tmp_path)
    os.kill(server, signal.SIGKILL)
    process.communicate("", timeout=20)
    assert (tmp_path / embedded.SOCKET_NAME).exists()
    with EmbeddedStore(tmp_path) as store:
        put(store.url, "works")


def test_a_server_that_dies_is_started_again_where_that_is_asked_for(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path, restarted=True) as embedded:
        first = embedded.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        give_up = time.monotonic() + 20
        while embedded.pid in (None, first) and time.monotonic() < give_up:
            time.sleep(0.05)
        second = embedded.pid
        assert second not in (None, first)
        with redis.Redis.from_url(embedded.url, protocol=2) as client:
            assert client.ping()
    assert embedded.pid is None, "and it ends with the block"
