from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import redis

from scoring.servers.embedded import EmbeddedStore
from scoring.servers.servers import Servers
from scoring.signals.bounds import Bounds
from scoring.signals.columns import SignalColumns
from scoring.signals.signal import Signal
from scoring.store.store import SignalStore
from scoring.store.writes import Outcome

BOUNDS = ("events", "gauges", "history")


class SendingStore(SignalStore):
    """A store that takes signals as tests write them."""

    async def send(self, signals: Sequence[Signal], *, now: float) -> list[Outcome]:
        return await self.append(SignalColumns.of(signals), now=now)


OpenStore = Callable[..., AbstractAsyncContextManager[SendingStore]]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(tmp_path_factory.mktemp("store")) as embedded:
        yield embedded


@pytest.fixture(scope="session")
def client(server: EmbeddedStore) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url, protocol=2) as plain:
        yield plain


@pytest.fixture(scope="session")
def open_store(server: EmbeddedStore) -> OpenStore:
    @asynccontextmanager
    async def opened(url: str = server.url, **options: float) -> AsyncIterator[SendingStore]:
        # The budgets are wide by default: a busy machine is no reason to fail a test of something else.
        budgets = {
            "read_budget": options.pop("read_budget", 5.0),
            "write_budget": options.pop("write_budget", 5.0),
        }
        store = SendingStore(
            Servers(url, **budgets),
            person_key=b"a key for tests",
            read_budget=budgets["read_budget"],
            bounds=Bounds(**{name: int(options.pop(name)) for name in BOUNDS if name in options}),
            **options,  # type: ignore[arg-type]  # whole numbers
        )
        try:
            yield store
        finally:
            await store.close()

    return opened


@pytest.fixture(autouse=True)
def _empty(request: pytest.FixtureRequest) -> None:
    if "client" in request.fixturenames or "open_store" in request.fixturenames:
        request.getfixturevalue("client").flushall()
