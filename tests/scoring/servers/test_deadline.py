from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from scoring.servers.deadline import GRACE, LATE, Deadline


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def in_seconds(seconds: float) -> Deadline:
    return Deadline(asyncio.get_running_loop().time() + seconds)


def test_what_is_in_time_is_left_alone() -> None:
    async def work() -> None:
        async with in_seconds(0.03):
            pass
        await asyncio.sleep(0.05)

    run(work())


@pytest.mark.parametrize("seconds", [0.03, 0.0, -1.0])
def test_what_is_late_is_ended(seconds: float) -> None:
    async def work() -> None:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with in_seconds(seconds):
                await asyncio.sleep(5)
        assert time.monotonic() - began < 1.0

    run(work())


def test_a_loop_that_was_held_up_gives_a_moment_more_and_no_longer() -> None:
    async def work() -> None:
        async with in_seconds(0.01):
            time.sleep(0.01 + 2 * LATE)  # holding the loop up is the point
            await asyncio.sleep(0)

        async def never_done() -> None:
            async with in_seconds(0.01):
                time.sleep(0.01 + 2 * LATE)
                await asyncio.sleep(5)

        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await never_done()
        assert time.monotonic() - began >= 0.01 + 2 * LATE + GRACE

    run(work())


def test_a_cancellation_from_outside_stays_one() -> None:
    async def work() -> None:
        async def wait() -> None:
            async with in_seconds(5.0):
                await asyncio.sleep(5)

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work())


def test_the_inner_of_two_ends_first() -> None:
    async def work() -> None:
        async with in_seconds(5.0):
            with pytest.raises(TimeoutError):
                async with in_seconds(0.01):
                    await asyncio.sleep(5)

    run(work())
