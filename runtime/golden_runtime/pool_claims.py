"""What a pool does with its queue in the background: claim for free slots, keep leases, know how deep the queue is."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from golden_runtime.pool_slots import end_tasks
from golden_runtime.queue_errors import QueueError

if TYPE_CHECKING:
    from golden_runtime.pool_handlers import Handlers
    from golden_runtime.pool_metrics import History
    from golden_runtime.pool_pauses import Pauses
    from golden_runtime.pool_runs import Runner
    from golden_runtime.pool_slots import Slots
    from golden_runtime.task_queue import TaskQueue

_LOGGER = logging.getLogger(__name__)

# The longest pause, in seconds, before a store in trouble is asked again.
_LONGEST_PAUSE: Final = 30.0
# How often the depth of the queue is asked for, in seconds.
_DEPTH_EVERY: Final = 5.0
# Three heartbeats in a lease: two may be late or lost.
_BEATS: Final = 3


class Claims:
    """Keeps the slots of a pool filled from a queue."""

    def __init__(
        self,
        queue: TaskQueue,
        slots: Slots,
        *,
        name: str,
        handlers: Handlers,
        runner: Runner,
        pauses: Pauses,
        history: History,
        poll_interval: float,
        on_broken: Callable[[Exception], None],
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._name = name
        self._handlers = handlers
        self._runner = runner
        self._pauses = pauses
        self._history = history
        self._poll_interval = poll_interval
        self._on_broken = on_broken
        self._claiming: asyncio.Task[None] | None = None
        self._others: list[asyncio.Task[None]] = []
        self._backlog = 0
        self._looked_at = -math.inf
        slots.is_watched = True

    def open(self) -> None:
        """Begin to claim."""
        self._unsubscribe = self._queue.subscribe(self._slots.change.set_from_anywhere)
        self._claiming = self._background(self._claim_on())
        self._others = [self._background(self._beat_on()), self._background(self._look_on())]

    async def close(self, grace: float) -> None:
        """End, once the slots are closed. A claim that is under way is waited for, and what it brings is put back."""
        if self._claiming is None:
            return
        self._unsubscribe()
        await end_tasks([self._claiming], grace)
        await end_tasks(self._others, 0)

    async def backlog(self, most: int) -> int:
        """Return how many tasks wait, as seen a moment ago with what was submitted since; exactly from `most` on."""
        if time.monotonic() - self._looked_at >= self._poll_interval or self._backlog >= most:
            await self.look()
        return self._backlog

    def submitted(self) -> None:
        """Count one more that waits."""
        self._backlog += 1

    async def _claim_on(self) -> None:
        """Claim as many tasks as there are free slots, whenever there are."""
        pause = self._poll_interval
        while not self._slots.is_closed:
            self._slots.change.clear()
            workflows, free = self._wanted()
            if free <= 0:
                await self._slots.change.wait(min(self._poll_interval, self._pauses.seconds_left()))
                continue
            try:
                tasks = await self._queue.get_next_tasks(
                    free, names=None if self._handlers.names is None else workflows
                )
            except QueueError as error:
                _LOGGER.warning("pool `%s` cannot claim: %s", self._name, error)
                await self._rest(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = self._poll_interval
            for task in tasks:
                run = self._handlers.run_of(task)
                if self._slots.is_closed:
                    await self._runner.give_back(run)
                else:
                    self._slots.begin(run)
            if len(tasks) < free:
                await self._slots.change.wait(self._poll_interval)

    def _wanted(self) -> tuple[tuple[str, ...], int]:
        """Return the workflows to claim, and how many tasks: one where a workflow is on probation."""
        active = self._slots.active
        free = self._slots.size - len(active)
        if free <= 0 or not self._pauses:
            return self._handlers.workflows, free
        workflows, on_probation = self._pauses.open_to({run.workflow.name for run in active})
        return workflows, min(free, 1) if on_probation else free if workflows else 0

    async def _rest(self, seconds: float) -> None:
        """Wait out a trouble of the store; nothing but the end of the pool shortens it."""
        until = time.monotonic() + seconds
        while not self._slots.is_closed and (left := until - time.monotonic()) > 0:
            await self._slots.change.wait(left)

    async def _beat_on(self) -> None:
        """Keep the leases of what is under way; what is lost to others all the same is cancelled."""
        while True:
            await asyncio.sleep(self._queue.lease_seconds / _BEATS)
            runs = {(run.task.id, run.task.token): run for run in self._slots.active if not run.is_given_up}
            try:
                lost = await self._queue.heartbeat_all([run.task for run in runs.values()]) if runs else ()
            except QueueError as error:
                _LOGGER.warning("pool `%s` cannot extend its leases: %s", self._name, error)
                continue
            self._slots.cancel([runs[task.id, task.token] for task in lost], "lease")

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(_DEPTH_EVERY)
            try:
                await self.look()
            except QueueError as error:
                _LOGGER.warning("pool `%s` cannot count its queue: %s", self._name, error)

    async def look(self) -> None:
        """Count the queue and its dead letters, which sets their gauges. Raises StorageError where the queue cannot be used."""
        stats = await self._queue.stats()
        await self._queue.dead_letters.count()
        self._history.saw_depth(stats.depth)
        self._backlog, self._looked_at = stats.ready + stats.delayed, time.monotonic()

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A pool that no longer claims, or keeps no leases, must not look as if it were only idle."""
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._on_broken(error)
