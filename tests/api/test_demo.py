from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from scoring.registry import versions
from scoring.training.demo_book import write_demo_book

START_SECONDS = 120.0
LAST_WORDS = "Ctrl-C stops it"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a demo was begun: its book is there, smaller than usual; its model is not."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo_book(folder / "book", accounts=400, prospects=30)
    return folder


@contextmanager
def demo(command: Path, state: Path, port: int, environment: dict[str, str]) -> Iterator[Path]:
    """Run the demo until it has said all it says, and stop it as Ctrl-C does."""
    log = state / "demo.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [command, "demo", "--state", state, "--port", str(port)],
            stdout=sink,
            stderr=sink,
            env=environment,
            start_new_session=True,
        )
    try:
        give_up = time.monotonic() + START_SECONDS
        while LAST_WORDS not in log.read_text(encoding="utf-8"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < give_up, log.read_text()
            time.sleep(0.1)
        yield log
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_it_goes_from_book_to_score_and_a_second_run_finds_everything(
    state: Path, firebrand: Path, clean_environment: dict[str, str], unused_port: Callable[[], int]
) -> None:
    port = unused_port()
    with demo(firebrand, state, port, clean_environment) as log:
        said = log.read_text(encoding="utf-8")
        assert "5 new, 0 known" in said
        (version,) = versions(state / "artifacts")
        assert f"trained {version}" in said
        shown = next(line for line in said.splitlines() if line.lstrip().startswith("curl"))
        _, _, url, _, body = shlex.split(shown)
        assert url == f"http://127.0.0.1:{port}/score"
        answer = httpx.post(url, content=body, timeout=30.0).json()
        assert answer["model_version"] == version
        assert answer["intent"] > 0, "the demo's signals are not in its example"
        assert answer["draft"] is False
    with demo(firebrand, state, unused_port(), clean_environment) as log:
        said = log.read_text(encoding="utf-8")
        assert "0 new, 5 known" in said
        assert "trained" not in said
        assert "made a demo book" not in said
    assert versions(state / "artifacts") == [version]
