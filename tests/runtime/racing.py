"""Races that happen: threads that start together, and change places at every step of the runtime."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

# Where a thread does not give way by itself, the interpreter lets it run for so long: seconds.
_SHORTEST = 1e-6


def in_threads(function: Callable[[], object], threads: int, *, at_every_step: bool = True) -> None:
    """Call a function in so many threads at once, and wait for all.

    Unless `at_every_step` is false, each instruction of golden_runtime that they run lets another thread go first: what
    could go wrong between two of them does.
    """
    barrier = threading.Barrier(threads)

    def body() -> None:
        if at_every_step:
            sys.settrace(_give_way_in_runtime)
        barrier.wait()
        function()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SHORTEST)
    try:
        started = [threading.Thread(target=body) for _ in range(threads)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
    finally:
        sys.setswitchinterval(interval)


def _give_way_in_runtime(frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
    """Trace the functions of golden_runtime, and no others."""
    if not frame.f_globals.get("__name__", "").startswith("golden_runtime."):
        return None
    frame.f_trace_opcodes = True
    return _give_way


def _give_way(frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
    # sleeping for no time lets go of the interpreter; now and then only, or all threads would keep in step
    if random.random() < 0.5:  # noqa: S311 - not for secrets
        time.sleep(0)
    return _give_way
