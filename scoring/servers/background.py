"""Work that nobody waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_log = logging.getLogger(__name__)


def in_background(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start work that handles what it expects to go wrong; anything else is logged.

    Keep what is returned, or it may be collected half done.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_report)
    return task


def _report(done: asyncio.Task[None]) -> None:
    if not done.cancelled() and (error := done.exception()):
        _log.error("work in the background failed", exc_info=error)


async def cancelled(*tasks: asyncio.Task[None] | None) -> None:
    """End tasks, and wait until they are over."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
