"""Operations interrupted at each of their bytecodes in turn: all that a signal handler can do to them."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from _thread import interrupt_main
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_PATIENCE = 30.0
# in the file names of all code of the runtime
_PACKAGE = "golden_runtime"


class Interrupt(Exception):
    """What the signal handler raises: no BaseException, as the time limits of Celery and RQ are none."""


def raising(*_: object) -> None:
    """Raise, as the handlers of Ctrl-C and of time limits do."""
    raise Interrupt


def at_every_step(
    operation: Callable[[], object],
    prepare: Callable[[], object],
    handler: Callable[..., None] = raising,
    *,
    least: int = 0,
) -> Iterator[bool]:
    """Run an operation again and again, with a signal one bytecode of the runtime later each time, until it ends before that.

    Yields after each run whether the handler's exception came out of it. There are at least so many runs: for an operation
    that forks, whose child has bytecodes of its own.
    """
    signal.signal(signal.SIGINT, handler)
    # what a finalizer, or the collector's callback, is interrupted by goes nowhere
    gc.disable()
    for step in count():
        prepare()
        came, raised = _run(operation, step)
        if not came and step >= least:
            return
        yield raised


def _run(operation: Callable[[], object], step: int) -> tuple[bool, bool]:
    steps = count()
    came = False

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal came
        frame.f_trace_opcodes = True
        if event != "opcode" or _PACKAGE not in frame.f_code.co_filename or next(steps) != step:
            return trace
        # from here on nothing of this module runs, in which the signal might arrive instead
        sys.settrace(None)
        came = True
        # the signal arrives as this is unpacked, which is no call: so the handler runs in the traced frame, not in this one
        [_] = map(interrupt_main, [signal.SIGINT])
        return None

    # read when tracing begins, from CPython 3.12 on
    sys._getframe().f_trace_opcodes = True
    try:
        sys.settrace(trace)
        operation()
        # where it would come at the latest
        signal.getsignal(signal.SIGINT)
    except Interrupt:
        return came, True
    finally:
        sys.settrace(None)
    return came, False


def forked(work: Callable[[], object]) -> None:
    """Fork, and have the child do work, which nothing interrupts, and end: with 0 where nothing was raised."""
    if os.fork() != 0:
        return
    sys.settrace(None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def join_children() -> None:
    """Wait until no child is left; each must have ended with 0."""
    with contextlib.suppress(ChildProcessError):
        while True:
            assert os.wait()[1] == 0


def elsewhere(work: Callable[[], object]) -> None:
    """Have another thread do work, which must not wait for ever."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    assert not thread.is_alive(), "another thread waits for ever"


def everywhere(work: Callable[[], object]) -> None:
    """Do work in this thread and in another."""
    work()
    elsewhere(work)
