from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from api.serve import PERSON_KEY_FILE, serve
from api.settings import Settings, SettingsError

if TYPE_CHECKING:
    from tests.api.conftest import Run, Service, Start

EVENT = {"account_id": "1", "type": "meeting", "event_id": "e-1", "person": "ana"}


def refused(done: subprocess.CompletedProcess[str], *says: object) -> None:
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    for part in says:
        assert str(part) in done.stderr, done.stderr


def runs(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def all_end(pids: list[int], within: float = 5.0) -> bool:
    give_up = time.monotonic() + within
    while any(map(runs, pids)) and time.monotonic() < give_up:
        time.sleep(0.02)
    return not any(map(runs, pids))


def children(pid: int) -> list[int]:
    """Return the processes a process started (its store and its workers)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def send(service: Service) -> dict[str, int]:
    response = httpx.post(f"{service.url}/signals", json=EVENT | {"occurred_at": "2026-11-01"}, timeout=10.0)
    assert response.status_code == 200, response.text
    counts: dict[str, int] = response.json()
    return counts


def intent(service: Service) -> float | None:
    found: float | None = httpx.get(
        f"{service.url}/score", params={"account_id": "1", "as_of": "2026-11-02"}, timeout=10.0
    ).json()["intent"]
    return found


def test_a_missing_registry_is_named(run: Run, tmp_path: Path) -> None:
    refused(run("serve", "--artifacts", tmp_path / "none", "--port", 0), tmp_path / "none", "firebrand train")


def test_a_draft_is_refused(run: Run, draft_artifacts: Path) -> None:
    refused(run("serve", "--artifacts", draft_artifacts, "--port", 0), draft_artifacts, "--allow-draft")


def test_a_store_that_was_written_with_another_key_for_people_is_refused(
    run: Run, start: Start, artifacts: Path, tmp_path: Path
) -> None:
    """With another key every person, and every event that is sent again, would count anew."""
    (tmp_path / "state").mkdir()
    with start(state=tmp_path / "state") as service:
        send(service)
    (tmp_path / "state" / "person.key").unlink()
    serving = ("serve", "--artifacts", artifacts, "--state", tmp_path / "state", "--port", 0)
    refused(run(*serving), "person_key_differs", "FIREBRAND_PERSON_KEY")


@pytest.fixture
def state(artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder that nothing is in, for `serve` in this process."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FIREBRAND_{name.upper()}", raising=False)
    monkeypatch.setenv("FIREBRAND_ARTIFACTS", str(artifacts))
    monkeypatch.setenv("FIREBRAND_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "", "::", "some-name"])  # noqa: S104 - refused is what it is
def test_beyond_this_machine_a_key_is_needed(state: Path, address: str) -> None:
    with pytest.raises(SettingsError, match="FIREBRAND_API_KEYS"):
        serve(host=address, port=0, workers=1)
    assert not state.exists(), "it was refused before anything was started"


def test_with_a_key_it_may_be_reached_from_elsewhere(start: Start) -> None:
    with start("--host", "0.0.0.0", api_keys="a-key") as service:  # noqa: S104 - with a key
        assert httpx.get(f"{service.url}/models").status_code == 401


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("redis_url", "redis://127.0.0.1:1", "FIREBRAND_PERSON_KEY"),
        ("redis_url", "localhost", "FIREBRAND_REDIS_URL"),
        ("person_key", "short", "FIREBRAND_PERSON_KEY"),
        ("read_budget_ms", "soon", "FIREBRAND_READ_BUDGET_MS"),
    ],
)
def test_settings_that_do_not_fit_are_named(
    state: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"FIREBRAND_{setting.upper()}", value)
    with pytest.raises(SettingsError, match=says):
        serve(host="127.0.0.1", port=0, workers=1)
    assert not state.exists()


def test_a_port_in_use_ends_it_and_leaves_no_store_behind(run: Run, artifacts: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--artifacts", artifacts, "--port", port, state=str(tmp_path))
    assert done.returncode != 0
    assert "in use" in done.stderr
    assert not (tmp_path / "store" / "store.sock").exists()


@pytest.mark.parametrize(
    ("workers", "order"), [(1, signal.SIGINT), (1, signal.SIGTERM), (2, signal.SIGINT), (2, signal.SIGTERM)]
)
def test_it_stops_promptly_and_leaves_nothing_behind(
    start: Start, workers: int, order: signal.Signals
) -> None:
    with start("--workers", workers, read_budget_ms="5000") as service:
        assert send(service)["accepted"] == 1
        answers = {intent(service) for _ in range(10)}  # each on a connection of its own: any worker's
        assert len(answers) == 1, "workers do not share the store"
        started = children(service.process.pid)
        assert service.store_pid in started
        assert len(started) >= workers
        began = time.monotonic()
        if order == signal.SIGINT:
            code = service.interrupt(order)
        else:  # as a supervisor sends it, to the one process it knows
            service.process.send_signal(order)
            code = service.process.wait(20)
        assert (code, time.monotonic() - began < 10) == (0, True)
        assert service.store_pid is None
        assert all_end(started)
        assert "Traceback" not in service.log.read_text()


def test_started_again_it_has_kept_its_signals_and_the_key_that_hashes_people(
    start: Start, tmp_path: Path
) -> None:
    with start(state=tmp_path, read_budget_ms="5000") as service:
        assert send(service)["accepted"] == 1
        before = intent(service)
        assert before is not None
        assert before > 0
        key = (tmp_path / PERSON_KEY_FILE).read_text()
        assert len(key) == 32
        assert (tmp_path / PERSON_KEY_FILE).stat().st_mode & 0o077 == 0
    with start(state=tmp_path, read_budget_ms="5000") as again:
        assert intent(again) == before
        answer = send(again)
        assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (0, 1, 0)
        assert (tmp_path / PERSON_KEY_FILE).read_text() == key


def test_a_state_folder_in_use_is_refused(start: Start, run: Run, artifacts: Path) -> None:
    with start() as service:
        done = run("serve", "--artifacts", artifacts, "--port", 0, state=str(service.state))
        refused(done, service.state, f"process {service.process.pid}")
        assert httpx.get(f"{service.url}/readyz").json()["ready"] is True


def test_a_store_that_is_configured_is_used_and_none_is_started(start: Start, service: Service) -> None:
    url = f"unix://{service.state / 'store' / 'store.sock'}"
    with start(redis_url=url, person_key="sixteen letters.", read_budget_ms="5000") as other:
        assert other.store_pid is None
        event = EVENT | {"account_id": "from the other", "event_id": "e-2"}
        assert httpx.post(f"{other.url}/signals", json=event).json()["accepted"] == 1
    answer = httpx.get(f"{service.url}/score", params={"account_id": "from the other"}, timeout=10.0)
    assert answer.json()["intent"] > 0


def test_a_configured_store_that_is_away_degrades_and_does_not_stop_the_service(start: Start) -> None:
    with start(redis_url="redis://127.0.0.1:1", person_key="sixteen letters.") as service:
        answer = httpx.get(f"{service.url}/score", params={"account_id": "1"})
        assert (answer.status_code, answer.json()["degraded"]) == (200, True)
        assert httpx.post(f"{service.url}/signals", json=EVENT).status_code == 503
