"""Operations interrupted at each of their bytecodes in turn: all that a signal handler can do to them.

Run as `interrupts.py SCENARIO`, in a process of its own; exits with 0 where the scenario holds, however it is interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from _thread import interrupt_main
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from types import FrameType
from typing import TYPE_CHECKING, Any

from golden_runtime import counted, timed, track_request
from golden_runtime.recording import LIMIT
from golden_runtime.shared import shares_files
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

PATIENCE = 30.0
# in the file names of all code of the runtime
_PACKAGE = "golden_runtime"


class Interrupt(BaseException):
    """What the signal handler raises."""


def raising(*_: object) -> None:
    """Raise, as the handlers of Ctrl-C and of time limits do."""
    raise Interrupt


def at_every_step(
    operation: Callable[[], object], prepare: Callable[[], object], handler: Callable[..., None] = raising
) -> Iterator[bool]:
    """Run an operation again and again, with a signal one bytecode of the runtime later each time, until it ends before that.

    Yields after each run whether the handler's exception came out of it.
    """
    signal.signal(signal.SIGINT, handler)
    for step in count():
        prepare()
        came, raised = _run(operation, step)
        if not came:
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


def total(series: str) -> float:
    """Return the sum of the series of this name, from the files where processes share them."""
    if not shares_files():
        return own_total(series)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return _sum(registry.collect(), series)


def own_total(series: str) -> float:
    """Return the sum of the series of this name in this process."""
    return _sum(REGISTRY.restricted_registry([series]).collect(), series)


def _sum(metrics: Iterable[Metric], series: str) -> float:
    found = [sample.value for metric in metrics for sample in metric.samples if sample.name == series]
    assert found, series
    return float(sum(found))


def elsewhere(work: Callable[[], object]) -> None:
    """Have another thread do work, which must not wait for ever."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "another thread waits for ever"


def everywhere(work: Callable[[], object]) -> None:
    """Do work in this thread and in another."""
    work()
    elsewhere(work)


@track_request("op")
def request() -> None:
    """Do nothing, and feed a counter and a histogram."""


@timed("block")
def block() -> None:
    """Do nothing, and feed a histogram."""


@counted("count")
def counting() -> None:
    """Do nothing, and feed a counter."""


def _check(seen: Callable[[], float], work: Callable[[], object], before: float, *, least: float, most: float) -> None:
    after = seen()
    assert least <= after - before <= most, (before, after)
    everywhere(work)
    assert seen() == after + 2, (after, seen())


def _calls() -> float:
    # an interrupt in the call itself is a failure
    calls = total("op_calls_total")
    assert shares_files() or calls == total("op_duration_seconds_count")
    return calls


def _holds(
    work: Callable[[], object], operation: Callable[[], object], seen: Callable[[], float], *, notes: int
) -> None:
    """Interrupt an operation that comes after a number of notes: all of these are counted, and go on to be."""
    before = 0.0
    interrupted = 0

    def prepare() -> None:
        nonlocal before
        before = seen()
        for _ in range(notes):
            work()

    work()
    for raised in at_every_step(operation, prepare):
        interrupted += raised
        _check(seen, work, before, least=notes, most=notes + 1)
    assert interrupted > 100


def settle() -> None:
    """The call with which notes are added up, or are written."""
    _holds(request, request, _calls, notes=LIMIT - 1)


def settle_durations() -> None:
    """The same for a histogram alone."""
    _holds(block, block, lambda: total("block_seconds_count"), notes=LIMIT - 1)


def collect() -> None:
    """A scrape."""
    _holds(request, _scrape, _calls, notes=7)


def collect_counts() -> None:
    """A scrape of what only counts."""
    _holds(counting, _scrape, lambda: total("count_total"), notes=7)


def _scrape() -> None:
    names = ["op_calls_total", "op_duration_seconds", "count_total"]
    assert list(REGISTRY.restricted_registry(names).collect())


def declaring() -> None:
    """Decorating a function: again it works, and what is measured already stays so."""
    fresh = count()
    name = ""
    before = 0.0

    def counted_so_far() -> float:
        return own_total("count_total")

    def prepare() -> None:
        nonlocal name, before
        name = f"fresh.{next(fresh)}"
        before = counted_so_far()

    def declare() -> Callable[[], None]:
        return counted(name)(lambda: None)

    counting()
    for _ in at_every_step(declare, prepare):
        _check(counted_so_far, counting, before, least=0, most=0)
        everywhere(lambda: declare()())
        assert own_total(f"{name.replace('.', '_')}_total") == 2


def forking() -> None:
    """A fork: parent and child go on counting."""
    before = 0.0

    def prepare() -> None:
        nonlocal before
        before = total("count_total")

    def fork() -> None:
        if os.fork() == 0:
            sys.settrace(None)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            in_child()

    def in_child() -> None:
        code = 1
        try:
            _check(lambda: total("count_total"), counting, before, least=0, most=0)
            code = 0
        finally:
            os._exit(code)

    counting()
    for _ in at_every_step(fork, prepare):
        # a child may have been made, and then counts two
        children = _join_children()
        added = 2.0 * children if shares_files() else 0.0
        _check(lambda: total("count_total"), counting, before, least=added, most=added)


def _join_children() -> int:
    for joined in count():
        try:
            status = os.wait()[1]
        except ChildProcessError:
            return joined
        assert status == 0
    raise AssertionError


def handling() -> None:
    """A handler that records and scrapes loses nothing, wherever it comes."""
    before = 0.0

    def prepare() -> None:
        nonlocal before
        before = _calls()
        for _ in range(LIMIT - 1):
            request()

    def handle(*_: object) -> None:
        request()
        _scrape()
        counted("handled")(lambda: None)()

    request()
    for _ in at_every_step(request, prepare, handle):
        _check(_calls, request, before, least=LIMIT + 1, most=LIMIT + 1)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
