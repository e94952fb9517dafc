"""The store that a command works with: the configured one, or that of the state folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:  # commands import what they need when they run
    from api.settings import Settings
    from scoring.store.store import SignalStore

WRITE_BUDGET = 10.0  # seconds that storing a batch may take; nobody waits for it
_Done = TypeVar("_Done")
State = Annotated[
    Path, typer.Option(help="Where a store of its own keeps its data.", envvar="FIREBRAND_STATE")
]


def with_store(
    state: Path, work: Callable[[SignalStore], Coroutine[Any, Any, _Done]], *, is_there: bool = False
) -> _Done:
    """Do work with the store.

    Args:
        state: the folder whose store serves where none is configured.
        work: is given the store, which is closed after it.
        is_there: refuse a state folder that has no store yet.

    Raises:
        SettingsError: there is no store, or the key that hashes people is not known.
        StoreUnavailableError: the store of the state folder cannot be started.
    """
    from api.serve import read_settings
    from scoring.servers.servers import Servers
    from scoring.store.store import SignalStore

    async def run(url: str, person_key: bytes) -> _Done:
        store = SignalStore(Servers(url, write_budget=WRITE_BUDGET), person_key=person_key)
        try:
            return await work(store)
        finally:
            await store.close()

    with _access(state, read_settings(), is_there=is_there) as (url, person_key):
        return asyncio.run(run(url, person_key))


@contextmanager
def _access(state: Path, settings: Settings, *, is_there: bool) -> Iterator[tuple[str, bytes]]:
    """Give the address of the store and the key that hashes people."""
    from api.serve import PERSON_KEY_FILE, kept_person_key
    from api.settings import SettingsError
    from scoring.servers.embedded import started_or_joined

    if settings.redis_url:
        yield settings.store_access()
        return
    folder = state / "store"
    if is_there and not folder.is_dir():
        raise SettingsError(f"there is no store in {state}; give --state, or set FIREBRAND_REDIS_URL")
    with started_or_joined(folder) as (url, is_a_services):
        if settings.person_key is not None:
            yield url, settings.person_key.get_secret_value().encode()
        elif is_a_services and not (state / PERSON_KEY_FILE).exists():
            message = "the service that runs with this store has a FIREBRAND_PERSON_KEY of its own"
            raise SettingsError(f"{message}: set the same one here")
        else:
            yield url, kept_person_key(state).encode()
