"""How values are recorded: noted by the measured call without waiting for a lock, and added up later."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from golden_runtime.reporting import report_once
from golden_runtime.turns import Turn, at_fork, is_interrupt

# How many values are noted before they are added up; at that number the cost of adding up no longer shows.
LIMIT = 128


# Taken by the thread that adds up. Who is turned away leaves what it noted to the next. What is added up is worked out first, and
# then stored and taken out of the notes in one step (see `turns`), so that an interrupt finds all of it done, or nothing.
turn = Turn()

# Held by the thread that adds up, declares or forks. Reentrant, because a signal handler that declares or forks must not wait
# for the thread it interrupts.
gate = turn.lock


class Buffer:
    """Values that calls have noted. `append` is one step of the interpreter, so that threads lose none.

    Whoever appends calls `settle` once there are LIMIT of them. In files that processes share nothing may wait: there
    `append` writes, and `pending` stays empty.
    """

    __slots__ = ("_fold", "append", "pending")

    append: Callable[[float], object]
    pending: Sequence[float]

    def __init__(self, fold: Callable[[list[float], int], None]) -> None:
        self._fold = fold
        noted: list[float] = []
        self.pending = noted
        self.append = noted.append

    def settle(self) -> None:
        """Add up, unless another thread is at it."""
        turn.take(self.drain)

    def drain(self) -> None:
        """Add up what was noted until now; the gate is the caller's."""
        noted = self.pending
        # what other threads append meanwhile comes behind these
        number = len(noted)
        if number and isinstance(noted, list):
            self._fold(noted, number)


class WriteThrough(Buffer):
    """A buffer that keeps nothing: each value is written at once."""

    __slots__ = ()

    def __init__(self, target: Writable) -> None:
        self._fold = _keep_nothing
        self.pending = ()
        self.append = writing(target)


class Writable(Protocol):
    """What values are written to."""

    @property
    def write(self) -> Callable[[float], None]:
        """Write a value at once; the gate is the caller's, and whatever fails is raised."""

    def repair(self) -> None:
        """Finish what an interrupt has kept `write` from finishing; the gate is the caller's."""


# How long a call waits for other threads that write, in seconds. They need microseconds each; one that needs longer may itself
# wait for a lock of the client that the code below this signal handler holds.
_PATIENCE = 0.05

_queue: deque[tuple[Writable, float]] = deque()


def writing(target: Writable) -> Callable[[float], None]:
    """Return what writes a value, or leaves that to whoever is writing just now: code below a signal handler.

    What is returned raises nothing but what a signal handler raises meanwhile.
    """
    inside, acquire, release, queue = turn.is_mine, gate.acquire, gate.release, _queue

    def write_through(value: float) -> None:
        # `Turn.take` written out: in multiprocess mode every call comes here
        if inside():
            queue.append((target, value))
            return
        try:
            if acquire(False) or acquire(True, _PATIENCE):
                target.write(value)
            else:
                queue.append((target, value))
        except BaseException as error:  # metrics never harm the caller
            if is_interrupt(error):
                if inside():
                    target.repair()
                raise
            _report_loss()
        finally:
            try:  # noqa: SIM105 - see `Turn.take`
                release()
            except RuntimeError:
                pass
        if queue:
            _write_queue()

    return write_through


def _write_queue() -> None:
    # asked again after the gate, because a value may come while it closes
    while _queue and turn.take(_write_queued):
        pass


def _write_queued() -> None:
    # emptied by nobody else while the gate is ours; what comes meanwhile must not keep this call from returning
    for _ in range(len(_queue)):
        target, value = _queue.popleft()
        try:
            target.write(value)
        except BaseException as error:  # metrics never harm the caller
            if is_interrupt(error):
                target.repair()
                raise
            _report_loss()


def _report_loss() -> None:
    report_once("a value cannot be written to the files that processes share, so it is lost")


def _keep_nothing(noted: list[float], number: int) -> None:
    """Fold nothing: a WriteThrough has no values."""


class _Leftovers:
    """What signal handlers have left in the queue is written on leaving the block, in which the gate is held."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *_: object) -> None:
        _write_queue()


leftovers = _Leftovers()


def _open_in_child() -> None:
    # where Ctrl-C has kept the fork from waiting, the gate is held by a thread that only the parent has
    if not turn.is_mine():
        gate._at_fork_reinit()  # type: ignore[attr-defined]  # not in the stubs


# not on Windows, where nothing forks
if hasattr(os, "register_at_fork"):
    # What was queued when the process forked is in the parent's queue too, and is written there. These are functions written in C,
    # so that no interrupt comes where they start.
    os.register_at_fork(before=gate.acquire, after_in_parent=gate.release, after_in_child=_queue.clear)
    os.register_at_fork(after_in_child=gate.release)
    at_fork(after_in_parent=_write_queue, after_in_child=_open_in_child)
