"""How values are recorded: noted by the measured call without waiting for a lock, and added up later."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from golden_runtime.reporting import report_once

# How many values are noted before they are added up; at that number the cost of adding up no longer shows.
LIMIT = 128


class Gate:
    """Lets one thread at a time add up, and turns away a signal handler that interrupts the thread that does.

    Who is turned away leaves what it noted to the next. Fork waits for the gate, so that no child starts with it closed.
    """

    __slots__ = ("_was_busy", "busy", "lock")

    def __init__(self) -> None:
        # reentrant, because a signal handler that declares or forks must not wait for the thread it interrupts
        self.lock = threading.RLock()
        self.busy = False
        self._was_busy: list[bool] = []

    def enter(self, *, wait: bool) -> bool:
        """Return whether the caller may add up; if so it calls `leave` afterwards."""
        if not self.lock.acquire(blocking=wait):
            return False
        if self.busy:
            self.lock.release()
            return False
        self.busy = True
        return True

    def leave(self) -> None:
        """Let the next one in."""
        self.busy = False
        self.lock.release()

    def __enter__(self) -> None:
        # to declare, or to fork: what comes from a signal handler meanwhile waits in the queue
        self.lock.acquire()
        self._was_busy.append(self.busy)
        self.busy = True

    def __exit__(self, *_: object) -> None:
        self.busy = self._was_busy.pop()
        self.lock.release()
        _write_queue()


gate = Gate()


class Buffer:
    """Values that calls have noted. `append` is one step of the interpreter, so that threads lose none.

    Whoever appends calls `settle` once there are LIMIT of them. In files that processes share nothing may wait: there
    `append` writes, and `pending` stays empty.
    """

    __slots__ = ("_fold", "append", "pending")

    append: Callable[[float], object]
    pending: Sequence[float]

    def __init__(self, fold: Callable[[list[float]], None]) -> None:
        self._fold = fold
        noted: list[float] = []
        self.pending = noted
        self.append = noted.append

    def settle(self) -> None:
        """Add up, unless another thread is at it."""
        if gate.enter(wait=False):
            try:
                self.drain()
            finally:
                gate.leave()

    def drain(self) -> None:
        """Add up what was noted until now; the gate is the caller's. Never raises an `Exception`."""
        noted = self.pending
        number = len(noted)
        if not number or not isinstance(noted, list):
            return
        # what other threads append meanwhile comes behind these
        values = noted[:number]
        del noted[:number]
        try:
            self._fold(values)
        except Exception:  # noqa: BLE001 - metrics never harm the caller
            report_once("recorded values cannot be added up, so they are lost")


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


# How long a call waits for other threads that write, in seconds. They need microseconds each; one that needs longer may itself
# wait for a lock of the client that the code below this signal handler holds.
_PATIENCE = 0.05

_queue: deque[tuple[Writable, float]] = deque()


def writing(target: Writable) -> Callable[[float], None]:
    """Return what writes a value, or leaves that to whoever is writing just now: code below a signal handler.

    What is returned raises no `Exception`.
    """
    acquire, release, queue, own = gate.lock.acquire, gate.lock.release, _queue, gate

    def write_through(value: float) -> None:
        # `enter` and `leave` written out: in multiprocess mode every call comes here
        if not acquire(False) and not acquire(True, _PATIENCE):
            queue.append((target, value))
        elif own.busy:
            release()
            queue.append((target, value))
        else:
            own.busy = True
            try:
                target.write(value)
            except Exception:  # noqa: BLE001 - metrics never harm the caller
                _report_loss()
            finally:
                own.busy = False
                release()
        if queue:
            _write_queue()

    return write_through


def _write_queue() -> None:
    # asked again after the gate, because a value may come while it closes
    while _queue and gate.enter(wait=False):
        try:
            _write_queued()
        finally:
            gate.leave()


def _write_queued() -> None:
    # emptied by nobody else while the gate is ours; what comes meanwhile must not keep this call from returning
    for _ in range(len(_queue)):
        target, value = _queue.popleft()
        try:
            target.write(value)
        except Exception:  # noqa: BLE001 - metrics never harm the caller
            _report_loss()


def _report_loss() -> None:
    report_once("a value cannot be written to the files that processes share, so it is lost")


def _keep_nothing(values: list[float]) -> None:
    """Fold nothing: a WriteThrough has no values."""


def _leave_to_parent() -> None:
    # what was queued when the process forked is in the parent's queue too, and is written there
    _queue.clear()
    gate.__exit__()


# not on Windows, where nothing forks
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=gate.__enter__, after_in_parent=gate.__exit__, after_in_child=_leave_to_parent)
