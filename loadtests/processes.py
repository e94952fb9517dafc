"""The servers of the load tests: each a process of its own, on loopback, ended when the block ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
START_SECONDS = 30.0


@contextmanager
def service(state: Path, **settings: str) -> Iterator[tuple[int, int, float]]:
    """Serve the shipped artifact; yields port, process id and seconds to start.

    Args:
        state: where it keeps a store of its own, unless `redis_url` names another.
        settings: of the service, by name.
    """
    named = {f"FIREBRAND_{name.upper()}": value for name, value in settings.items()}
    command = [tool("firebrand"), "serve", "--artifacts", str(HERE.parent / "artifacts")]
    with running(command, {"FIREBRAND_STATE": str(state), **named}, "/readyz") as (port, pid, seconds):
        yield port, pid, seconds


@contextmanager
def floor(answer_bytes: int) -> Iterator[int]:
    """Serve so many fixed bytes; yields the port."""
    command = [tool("uvicorn"), "loadtests.floor:app", "--no-access-log", "--no-server-header"]
    with running(command, {"FLOOR_BYTES": str(answer_bytes)}, "/") as (port, _, _):
        yield port


def tool(name: str) -> str:
    """Return the path of a command that is installed beside this Python."""
    tool = shutil.which(name, path=Path(sys.executable).parent)
    if tool is None:
        sys.exit(f"{name} is not installed beside {sys.executable}: run `make setup`")
    return tool


@contextmanager
def running(command: list[str], settings: Mapping[str, str], path: str) -> Iterator[tuple[int, int, float]]:
    """Run a server until the block ends; yields port, process id and the seconds until the path answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, "--port", str(port)], env={**os.environ, **settings}, stderr=subprocess.DEVNULL
    )
    try:
        while not _answers(f"http://127.0.0.1:{port}{path}"):
            if process.poll() is not None or time.monotonic() - began > START_SECONDS:
                sys.exit(f"could not start {command[0]}")
            time.sleep(0.005)
        yield port, process.pid, time.monotonic() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=START_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - a loopback address of our own
            return True
    except urllib.error.URLError:
        return False


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    if found is None:
        sys.exit("could not read the worker's memory")
    return int(found[1]) / 1024
