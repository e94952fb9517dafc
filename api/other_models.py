"""The models beside the one that is served: read when somebody asks about the past."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from scoring.artifact import read_artifact
from scoring.errors import ArtifactError
from scoring.registry import versions
from scoring.scorer import Scorer

KEPT = 4  # models in memory beside the served one
_log = logging.getLogger(__name__)


class OtherModels:
    """Reads versions from the registry, and keeps the few that were read last.

    Args:
        folder: the registry.
        served: the scorer that is there anyway.
    """

    def __init__(self, folder: Path, served: Scorer) -> None:
        self._folder = folder
        self._served = served
        self._read: dict[str, Scorer] = {}  # the one asked for last is last
        self._reading = asyncio.Lock()  # one at a time: models are large

    async def scorer(self, version: str) -> Scorer | None:
        """Return the scorer of a version; None where it is no longer in the registry, or damaged."""
        if version == self._served.artifact.version:
            return self._served
        async with self._reading:
            found = self._read.pop(version, None) or await run_in_threadpool(self._from_registry, version)
            if found is not None:
                self._read[version] = found
                if len(self._read) > KEPT:
                    del self._read[next(iter(self._read))]
        return found

    def _from_registry(self, version: str) -> Scorer | None:
        if version not in versions(self._folder):
            return None
        try:
            return Scorer(read_artifact(self._folder, version))
        except ArtifactError as error:
            _log.warning("a model of the past cannot be read: %s", error)
            return None
