"""What tests of executor pools share: handlers, executors, and waiting until something is so."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from golden_runtime import Task, TaskQueue


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop turn until something is so."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.002)


async def idle(queue: TaskQueue) -> None:
    """Wait until every task of the queue is closed."""
    async with asyncio.timeout(30):
        while (await queue.stats()).depth:
            await asyncio.sleep(0.002)


def spawning(number: int) -> ProcessPoolExecutor:
    """Return an executor whose processes do not inherit this one's threads in mid-step."""
    return ProcessPoolExecutor(number, mp_context=multiprocessing.get_context("spawn"))


def shout(task: Task) -> str:
    """A handler that another process can import."""
    return str(task.payload).upper()
