"""Starting the service: the checks before it, the store beside it, and the workers."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvicorn
from pydantic import ValidationError

from api.app import servable_artifact
from api.metrics import shared_between
from api.problems import faults
from api.settings import Settings, SettingsError
from api.webhooks.sources import read_sources
from scoring.errors import StoreUnavailableError
from scoring.servers.embedded import EmbeddedStore
from scoring.servers.servers import Servers
from scoring.store.store import SignalStore

GRACEFUL_SECONDS = 10  # after which a request that hangs no longer holds up the exit
PERSON_KEY_FILE = "person.key"
_log = logging.getLogger(__name__)


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: one of them has a value that is not allowed; the message names its variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        found = (f"FIREBRAND_{fault.field.upper()}: {fault.message}" for fault in faults(error))
        raise SettingsError("; ".join(found)) from error


def serve(*, host: str, port: int, workers: int) -> None:
    """Serve until told to stop.

    Raises:
        ArtifactError: there is nothing valid, or nothing approved, to serve.
        SettingsError: the settings lack something.
        StoreUnavailableError: the embedded store cannot start.
        PersonKeyError: the store was written with another key for people.
    """
    settings = read_settings()
    servable_artifact(settings)
    read_sources(settings.webhooks)
    if not _is_loopback(host) and not settings.keys:
        message = (
            f"--host {host} can be reached from other machines: set FIREBRAND_API_KEYS to one or more keys"
        )
        raise SettingsError(f"{message}, comma-separated")
    if settings.redis_url:
        settings.store_access()
    signal.signal(signal.SIGTERM, _end)  # before the store starts, which must not outlive this process
    with _store(settings), shared_between(workers):
        asyncio.run(_check_person_key(read_settings()))
        uvicorn.run(
            "api.app:app_from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )


async def _check_person_key(settings: Settings) -> None:
    """Refuse a store that was written with another key; one that is away now cannot be asked.

    Raises:
        PersonKeyError: it was.
    """
    url, person_key = settings.store_access()
    store = SignalStore(Servers(url), person_key=person_key)
    try:
        await store.check_person_key()
    except StoreUnavailableError as error:
        _log.warning("the store could not be asked for its key for people: %s", error)
    finally:
        await store.close()


def _end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - how Python calls a handler
    """End in order: uvicorn, once it has drained, sends itself the signal again, which would kill."""
    sys.exit(0)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _store(settings: Settings) -> Iterator[None]:
    """Have a store for as long as the service runs: the one that is configured, or one of our own.

    The workers are processes of their own; they learn the store's address from the environment.
    """
    if settings.redis_url:
        yield
        return
    with EmbeddedStore(settings.state / "store", restarted=True) as embedded:
        os.environ["FIREBRAND_REDIS_URL"] = embedded.url
        if settings.person_key is None:
            os.environ["FIREBRAND_PERSON_KEY"] = kept_person_key(settings.state)
        try:
            yield
        finally:
            del os.environ["FIREBRAND_REDIS_URL"]


def kept_person_key(state: Path) -> str:
    """Return the key beside the embedded store's data, made once: with another, resends would count anew."""
    path = state / PERSON_KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(16))
    return kept_person_key(state)
