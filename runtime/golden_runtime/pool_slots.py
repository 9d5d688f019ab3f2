"""The slots of a pool: a fixed number of coroutines that run one task after the other, and who waits for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from golden_runtime.pool_handlers import Run


class Change:
    """Something has changed: who waits looks again. It may be set from any thread."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self) -> None:
        """Belong to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def set(self) -> None:
        """Wake who waits. For the event loop's own thread."""
        self._event.set()

    def set_from_anywhere(self) -> None:
        """Wake who waits, from whatever thread this is."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            here = asyncio.get_running_loop() is loop
        except RuntimeError:
            here = False
        if here:
            self._event.set()
        else:
            loop.call_soon_threadsafe(self._event.set)

    def clear(self) -> None:
        """Take notice: only what changes from now on counts."""
        self._event.clear()

    async def wait(self, seconds: float) -> None:
        """Wait until something changes, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()


class Slots:
    """Runs what is put in with `begin`, in order, as many at a time as there are slots.

    perform: runs one task to its end; what it raises all the same goes to `on_broken`. `active` is everything put in and not
    yet ended, `waiting` the part of it that has not begun.
    """

    def __init__(
        self, size: int, perform: Callable[[Run], Awaitable[None]], on_broken: Callable[[BaseException], None]
    ) -> None:
        self.size = size
        self._on_broken = on_broken
        # in the order they came; the values mean nothing
        self.active: dict[Run, None] = {}
        self.waiting: deque[Run] = deque()
        self.change = Change()
        # whether it ever began to run
        self.is_open = False
        self.is_closed = False
        # whether anybody looks at `change` when a task ends; a pool in memory saves the time
        self.is_watched = False
        self._perform = perform
        self._workers: list[asyncio.Task[None]] = []
        self._idle: list[asyncio.Future[None]] = []
        # how many were never used: a slot costs nothing before it is needed
        self._unused = 0
        # how many were woken, and have not gone on yet
        self._waking = 0
        self._queued: deque[asyncio.Future[None]] = deque()

    def open(self) -> None:
        """Begin to run, on the running event loop."""
        self.change.bind()
        self.is_open = True
        self._unused = self.size
        if self.waiting:
            self._wake(2)

    @property
    def busy(self) -> int:
        """How many tasks are under way."""
        return len(self.active) - len(self.waiting)

    async def room(self, most: int) -> None:
        """Wait until fewer than `most` tasks wait, or the slots are closed. Who comes first goes first."""
        while len(self.waiting) >= most and not self.is_closed:
            turn = asyncio.get_running_loop().create_future()
            self._queued.append(turn)
            await turn

    def holds_current_task(self) -> bool:
        """Whether this is the handler of a task: were it to wait for room, it would wait for itself."""
        return asyncio.current_task() in self._workers

    def begin(self, run: Run) -> None:
        """Run a task as soon as a slot is free."""
        self.active[run] = None
        self.waiting.append(run)
        if not self._waking and (self._idle or self._unused):
            self._wake(1)

    def _wake(self, most: int) -> None:
        """Let idle slots go on, or unused ones begin, as many as that.

        One that was woken wakes two others if there is more to do than its own task. So all of them run after a few turns of
        the event loop where handlers wait, and where they do not, one does the work of all, without being woken for each.
        """
        idle = self._idle
        while most and (idle or self._unused):
            most -= 1
            self._waking += 1
            if idle:
                idle.pop().set_result(None)
            else:
                self._unused -= 1
                worker = asyncio.create_task(self._work())
                worker.add_done_callback(self._ended)
                self._workers.append(worker)

    def close(self) -> None:
        """Let idle slots end, and nobody wait for room any more. What is put in is still run."""
        self.is_closed = self.is_watched = True
        for turn in self._queued:
            if not turn.done():
                turn.set_result(None)
        self._queued.clear()
        self._wake(len(self._idle))
        self.change.set()

    def take_waiting(self) -> list[Run]:
        """Return what has not begun, which now never will."""
        left = list(self.waiting)
        self.waiting.clear()
        for run in left:
            del self.active[run]
        return left

    def cancel(self, runs: Collection[Run], reason: Literal["lease", "stop"]) -> None:
        """Cancel runs whose handlers are under way; one whose outcome is known already is left alone."""
        for run in runs:
            if run.worker is not None and not run.cancelled_for:
                run.cancelled_for = reason
                run.worker.cancel()

    async def end(self) -> None:
        """End the slots, by force where they wait for a store that is away; those that are deaf to it are left behind."""
        await end_tasks(self._workers, 0)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        """A pool with a slot less must not look as if it were healthy."""
        if not worker.cancelled() and (error := worker.exception()) is not None:
            self._on_broken(error)

    async def _work(self) -> None:
        """Run one task after the other: one slot."""
        waiting, active, queued, perform = self.waiting, self.active, self._queued, self._perform
        loop = asyncio.get_running_loop()
        me = asyncio.current_task()
        while True:
            self._waking -= 1
            was_woken = True
            while waiting:
                run = waiting.popleft()
                if was_woken:
                    was_woken = False
                    if waiting:
                        self._wake(2)
                if queued:
                    _let_in(queued)
                run.worker = me
                await perform(run)
                active.pop(run)
                if self.is_watched:
                    self.change.set()
            if self.is_closed:
                return
            turn = loop.create_future()
            self._idle.append(turn)
            await turn


async def end_tasks(tasks: Sequence[asyncio.Task[None]], grace: float) -> None:
    """Wait for tasks of the event loop, and cancel those that take longer than the grace, which is all that can be done."""
    if not tasks:
        return
    _, stubborn = await asyncio.wait(tasks, timeout=grace)
    for task in stubborn:
        task.cancel()
    if stubborn:
        await asyncio.wait(stubborn, timeout=max(grace, 1.0))


def _let_in(queued: deque[asyncio.Future[None]]) -> None:
    """Let the first who waits, and still does, go on."""
    while queued:
        turn = queued.popleft()
        if not turn.done():
            turn.set_result(None)
            return
