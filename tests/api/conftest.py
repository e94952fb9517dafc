"""Real parts for the tests of the edge: a small artifact, `firebrand` as a process, and a client."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI

from scoring.artifact import write_artifact
from scoring.features import (
    CategoryEncoder,
    DateEncoder,
    FeatureSchema,
    FlagEncoder,
    NumberEncoder,
    TagsEncoder,
)
from scoring.fit import ENTRY_GRID, Calibration, FitModel, Outcome, Tables, to_grid
from scoring.registry import activate
from scoring.servers.embedded import SOCKET_NAME, EmbeddedStore
from scoring.signals.policy import Policy

FIREBRAND = Path(sys.executable).with_name("firebrand")
START_SECONDS = 60.0  # a busy machine is no reason to fail
PLAN = """
format = 1
name = "{name}"

[objective]
growth = 0.5
lifetime_value = 0.3
efficiency = 0.2

[[segment]]
id = "fintech-on-snowflake"
name = "Fintech on Snowflake"
where = [{{industry = ["fintech"]}}, {{technologies = {{has = "snowflake"}}}}]

[[exclusion]]
id = "too-small"
reason = "Under 5 employees: no budget for the product."
where = [{{employees = {{max = 4}}}}]
"""
SIGN_OFF = '\n[[sign_off]]\nwho = "Dana Reyes"\nrole = "CRO"\nwhen = 2026-07-01\n'
# An entry per code and objective (growth, lifetime value, efficiency); code 0 is missing.
EMPLOYEES = [[0.0, -0.6, -0.1, 0.4, 0.5], [0.0, -0.9, 0.0, 0.5, 0.9], [0.0, 0.5, 0.2, -0.1, -0.4]]
INDUSTRY = [[0.0, -0.2, 0.8, -0.5], [0.0, -0.1, 0.6, -0.3], [0.0, 0.1, 0.3, -0.2]]
DBT = [[0.0, -0.1, 0.3], [0.0, -0.1, 0.1], [0.0, 0.0, 0.2]]
SNOWFLAKE = [[0.0, -0.3, 0.6], [0.0, -0.2, 0.4], [0.0, -0.1, 0.3]]
FUNDED = [[0.0, -0.1, 0.2], [0.0, 0.0, 0.1], [0.0, 0.2, -0.2]]
FOUNDED = [[0.0, -0.3, 0.1, 0.2], [0.0, 0.3, 0.0, -0.2], [0.0, 0.1, 0.0, 0.1]]
INDUSTRY_AND_SNOWFLAKE = [[0.0] * 8 + [0.3, 0.0, 0.0, 0.0], [0.0] * 8 + [0.1, 0.0, 0.0, 0.0], [0.0] * 12]
TABLES = (EMPLOYEES, INDUSTRY, DBT, SNOWFLAKE, FUNDED, FOUNDED, INDUSTRY_AND_SNOWFLAKE)

Start = Callable[..., AbstractContextManager["Service"]]
Run = Callable[..., subprocess.CompletedProcess[str]]
Host = Callable[[FastAPI], AbstractContextManager[httpx.Client]]


@dataclass
class Service:
    """A `firebrand serve` that runs."""

    process: subprocess.Popen[bytes]
    url: str
    state: Path
    log: Path

    @property
    def store_pid(self) -> int | None:
        """The process of its embedded store, as long as it listens."""
        door = EmbeddedStore(self.state / "store")
        door.url = f"unix://{door.folder / SOCKET_NAME}"
        return door.pid

    def interrupt(self, order: signal.Signals = signal.SIGINT, within: float = 20.0) -> int:
        """Send an order to the whole process group, as a terminal does, and return the exit code."""
        os.killpg(self.process.pid, order)
        return self.process.wait(within)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with these settings of Firebrand and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIREBRAND_")}
    return {**inherited, **{f"FIREBRAND_{name.upper()}": value for name, value in settings.items()}}


def tiny_model() -> FitModel:
    schema = FeatureSchema(
        (
            NumberEncoder("employees", (50.0, 200.0, 1000.0)),
            CategoryEncoder("industry", ("fintech", "retail")),
            TagsEncoder("technologies", ("dbt", "snowflake")),
            FlagEncoder("funded"),
            DateEncoder("founded", (2000.0, 2015.0)),
        )
    )
    entries = np.concatenate([np.array(table) for table in TABLES], axis=1)
    return FitModel(
        schema=schema,
        tables=Tables(
            first=np.array([0, 1, 2, 3, 4, 5, 1], np.intp),
            second=np.array([-1, -1, -1, -1, -1, -1, 3], np.intp),
            entries=to_grid(entries, ENTRY_GRID),
            sizes=np.array([feature.size for feature in schema.features], np.intp),
        ),
        outcomes=(
            _outcome("growth", "nrr", "ratio", (0.8, 1.0, 1.2)),
            _outcome("lifetime_value", "clv", "currency", (9e3, 2e4, 8e4)),
            _outcome("efficiency", "payback", "months", (30.0, 18.0, 9.0)),
        ),
        correlation=np.array([[1.0, 0.5, 0.2], [0.5, 1.0, 0.1], [0.2, 0.1, 1.0]]),
        importance=np.array([[0.4, 0.5, 0.1, 0.3, 0.1, 0.2], [0.6, 0.3, 0.1, 0.2, 0.1, 0.2], [0.3] * 6]),
    )


def _outcome(objective: str, metric: str, unit: Any, means: tuple[float, ...]) -> Outcome:
    bands = Calibration(
        edges=(-0.5, 0.5),
        mean=means,
        low=tuple(0.9 * mean for mean in means),
        high=tuple(1.1 * mean for mean in means),
        count=(40, 60, 50),
    )
    return Outcome(objective, metric, unit, center=means[1], scale=0.1, calibration=bands)


def write_tiny_artifact(
    folder: Path, *, signed: bool = True, name: str = "Tiny plan", sections: str = ""
) -> str:
    """Write a small artifact without training, and return its version; `sections` are more of its plan."""
    evidence = {"customers": 150, "form": "boosted", "r_squared_out_of_fold": {"boosted": 0.3, "linear": 0.2}}
    evidence |= {"tables": 7, "pair_tables": 1}
    metrics = {"growth": "nrr", "lifetime_value": "clv", "efficiency": "payback"}
    approval = [{"who": "Dana Reyes", "role": "CRO", "when": "2026-07-01"}] if signed else []
    return write_artifact(
        folder,
        as_of="2026-06-30",
        facts={
            "book": {"customers": 150, "rejected_cells_and_rows": 0},
            "plan": {"name": name, "approved": signed, "sign_offs": approval},
            "objectives": {
                objective: {"metric": metric, **evidence} for objective, metric in metrics.items()
            },
            "left_out": {},
            "leaks": {"renewal_date": "filled only after the outcome"},
        },
        model=tiny_model(),
        policy=Policy(),
        plan_text=PLAN.format(name=name) + (SIGN_OFF if signed else "") + sections,
        card="<!doctype html><title>A card</title>",
    )


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with one approved model, active. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("artifacts")
    activate(folder, write_tiny_artifact(folder))
    return folder


@pytest.fixture
def own_artifacts(artifacts: Path, tmp_path: Path) -> Path:
    """A copy of the registry that a test may damage."""
    return Path(shutil.copytree(artifacts, tmp_path / "own-artifacts"))


@pytest.fixture(scope="session")
def version(artifacts: Path) -> str:
    return (artifacts / "active").read_text().strip()


@pytest.fixture(scope="session")
def draft_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry whose active model nobody approved."""
    folder = tmp_path_factory.mktemp("drafts")
    activate(folder, write_tiny_artifact(folder, signed=False))
    return folder


@pytest.fixture(scope="session")
def write_artifact_into() -> Callable[..., str]:
    return write_tiny_artifact


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run one `firebrand` command to its end."""

    def run_command(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [FIREBRAND, *map(str, arguments)],
            env=environment(**settings),
            cwd=tmp_path_factory.mktemp("run"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run_command


@pytest.fixture(scope="session")
def start(artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Start `firebrand serve` for as long as a `with` block lasts; only what it started is stopped."""

    @contextmanager
    def started(*arguments: object, state: Path | None = None, **settings: str) -> Iterator[Service]:
        home = state or tmp_path_factory.mktemp("state")
        port, log = free_port(), home / "serve.log"
        options = ["serve", "--port", port, *arguments]
        if "--artifacts" not in arguments:
            options += ["--artifacts", artifacts]
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [FIREBRAND, *map(str, options)],
                env=environment(**{"state": str(home), **settings}),
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        service = Service(process, f"http://127.0.0.1:{port}", home, log)
        try:
            _wait(service)
            yield service
        finally:
            _stop(service)

    return started


def _wait(service: Service) -> None:
    give_up = time.monotonic() + START_SECONDS
    while service.process.poll() is None and time.monotonic() < give_up:
        try:
            httpx.get(f"{service.url}/livez", timeout=5.0)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the service did not start:\n{service.log.read_text()}")


def _stop(service: Service) -> None:
    store = service.store_pid
    if store is not None:
        os.kill(store, signal.SIGCONT)  # a test may have left it stopped
    if service.process.poll() is None:
        service.process.send_signal(signal.SIGINT)
        try:
            service.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(service.process.pid, signal.SIGKILL)
            service.process.wait()
    if store is not None and service.store_pid == store:
        os.kill(store, signal.SIGKILL)


@pytest.fixture(scope="session")
def service(start: Start) -> Iterator[Service]:
    """One service for all tests that leave it as it is. It waits long for signals: machines are busy."""
    with start(read_budget_ms="5000") as running:
        yield running


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30.0) as client:
        yield client


@pytest.fixture(scope="session")
def firebrand() -> Path:
    return FIREBRAND


@pytest.fixture(scope="session")
def clean_environment() -> dict[str, str]:
    return environment()


@pytest.fixture(scope="session")
def unused_port() -> Callable[[], int]:
    return free_port


@pytest.fixture
def account_id() -> str:
    """An id that no other test uses."""
    return f"account-{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def host() -> Host:
    """Serve an app of this process from a thread of it, over real HTTP."""

    @contextmanager
    def hosted(app: FastAPI) -> Iterator[httpx.Client]:
        port = free_port()
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            give_up = time.monotonic() + START_SECONDS
            while not server.started:
                assert thread.is_alive(), "the app did not start"
                assert time.monotonic() < give_up
                time.sleep(0.01)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()

    return hosted
