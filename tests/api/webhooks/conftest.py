"""A service with a source of every kind, and a look into its store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from scoring.servers.embedded import SOCKET_NAME
from scoring.servers.servers import Servers
from scoring.signals.record import LEVEL
from scoring.store.store import SignalStore
from tests.api.webhooks.senders import SOURCES

API_KEY = "a-key-for-all-else"


@dataclass(frozen=True)
class Stored:
    """One record of an account's log, with its names."""

    type: str
    topic: str
    at: int
    strength: float
    channel: str
    level: bool
    person: int


@pytest.fixture(scope="session")
def hooked(
    start: Callable[..., AbstractContextManager[Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("hooks") / "webhooks.toml"
    file.write_text(SOURCES, encoding="utf-8")
    with start(webhooks=str(file), api_keys=API_KEY, read_budget_ms="5000") as running:
        yield running


@pytest.fixture(scope="session")
def hooks(hooked: Any) -> Iterator[httpx.Client]:
    """A caller without an API key, as vendors are."""
    with httpx.Client(base_url=hooked.url, timeout=30.0) as client:
        yield client


@pytest.fixture(scope="session")
def stored(hooked: Any) -> Callable[[str], list[Stored]]:
    """What is in the log of an account, by its key (`a:` and an id, `d:` and a domain), oldest first."""

    async def read(key: str) -> list[Stored]:
        url = f"unix://{hooked.state / 'store' / SOCKET_NAME}"
        store = SignalStore(Servers(url), person_key=b"reading needs none", read_budget=5.0)
        try:
            batch = await store.read([(key,)])
        finally:
            await store.close()
        return [
            Stored(
                type=batch.types[record["type"]],
                topic=batch.topics[record["topic"]],
                at=int(record["at"]),
                strength=float(record["strength"]),
                channel=batch.channels[record["channel"]],
                level=bool(record["flags"] & LEVEL),
                person=int(record["person"]),
            )
            for record in batch.records
        ]

    return lambda key: asyncio.run(read(key))


@pytest.fixture
def domain(account_id: str) -> str:
    """A domain that no other test uses."""
    return f"{account_id}.com"


@pytest.fixture
def score(hooks: httpx.Client) -> Callable[..., dict[str, Any]]:
    """Ask for the score of an account."""

    def asked(**identity: str) -> dict[str, Any]:
        response = hooks.get("/score", params=identity, headers={"X-API-Key": API_KEY})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return asked
