"""Recording, scraping, declaring and forking, interrupted everywhere.

Run as `interrupts.py SCENARIO`, in a process of its own; exits with 0 where the scenario holds, however it is interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from golden_runtime import counted, timed, track_request
from golden_runtime.recording import LIMIT
from golden_runtime.shared import shares_files
from interrupting import at_every_step, everywhere, forked, join_children
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


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
    interrupts = 0

    def prepare() -> None:
        nonlocal before
        before = seen()
        for _ in range(notes):
            work()

    work()
    for raised in at_every_step(operation, prepare):
        assert raised
        interrupts += 1
        _check(seen, work, before, least=notes, most=notes + 1)
    assert interrupts > 100


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

    def go_on() -> None:
        _check(lambda: total("count_total"), counting, before, least=0, most=0)

    counting()
    for _ in at_every_step(lambda: forked(go_on), prepare, least=200):
        join_children()
        _forget_children()
        go_on()


def _forget_children() -> None:
    """Remove the files of processes that have ended."""
    if shares_files():
        for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"):
            if not file.stem.endswith(f"_{os.getpid()}"):
                file.unlink()


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
