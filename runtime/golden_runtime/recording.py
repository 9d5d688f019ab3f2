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


# Held by the thread that adds up, declares or forks. Reentrant, because a signal handler that declares or forks must not wait
# for the thread it interrupts.
#
# Whatever a signal handler raises (Ctrl-C, a soft time limit) may come at the start of a function, after a call, and at each
# turn of a loop, and must find no gap in which the gate is held and would not be given back. There is none in `with gate:`,
# nor where the first call of a `finally` gives back what its `try` took. For the same reason what is added up is worked out
# first, and then stored and taken out of the notes by lines without a call: all of them or none.
gate = threading.RLock()

# Whether this thread holds the gate: asked by a signal handler, of the code it has interrupted. `threading.Condition` asks the
# same of every reentrant lock.
is_inside: Callable[[], bool] = gate._is_owned  # type: ignore[attr-defined]  # not in the stubs


def if_free(work: Callable[[], object]) -> bool:
    """Do work with the gate held, and return True; leave it where another thread, or the code below this handler, holds it.

    Who is turned away leaves what it noted to the next.
    """
    if is_inside():
        return False
    try:
        if not gate.acquire(blocking=False):
            return False
        work()
        return True
    finally:
        try:  # noqa: SIM105 - `suppress` would be a call before the one that must be the first
            gate.release()
        except RuntimeError:
            # it was not taken
            pass


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
        if_free(self.drain)

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

    What is returned raises no `Exception`.
    """
    inside, acquire, release, queue = is_inside, gate.acquire, gate.release, _queue

    def write_through(value: float) -> None:
        # `if_free` written out: in multiprocess mode every call comes here
        if inside():
            queue.append((target, value))
            return
        try:
            if acquire(False) or acquire(True, _PATIENCE):
                target.write(value)
            else:
                queue.append((target, value))
        except Exception:  # noqa: BLE001 - metrics never harm the caller
            _report_loss()
        except BaseException:  # an interrupt
            target.repair()
            raise
        finally:
            try:  # noqa: SIM105 - see `if_free`
                release()
            except RuntimeError:
                pass
        if queue:
            _write_queue()

    return write_through


def _write_queue() -> None:
    # asked again after the gate, because a value may come while it closes
    while _queue and if_free(_write_queued):
        pass


def _write_queued() -> None:
    # emptied by nobody else while the gate is ours; what comes meanwhile must not keep this call from returning
    for _ in range(len(_queue)):
        target, value = _queue.popleft()
        try:
            target.write(value)
        except Exception:  # noqa: BLE001 - metrics never harm the caller
            _report_loss()
        except BaseException:  # an interrupt
            target.repair()
            raise


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
    if not is_inside():
        gate._at_fork_reinit()  # type: ignore[attr-defined]  # not in the stubs


# Not on Windows, where nothing forks. Where that matters the steps are functions written in C, at whose start nothing comes.
if hasattr(os, "register_at_fork"):
    # what was queued when the process forked is in the parent's queue too, and is written there
    os.register_at_fork(before=gate.acquire, after_in_parent=gate.release, after_in_child=_queue.clear)
    os.register_at_fork(after_in_parent=_write_queue, after_in_child=gate.release)
    os.register_at_fork(after_in_child=_open_in_child)
