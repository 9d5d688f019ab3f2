"""What measured calls cost, as ratios to the same measurement by hand in the same run.

    python benchmarks/decorators.py [--rounds N]

By hand means a pre-bound counter's `inc()` and a pre-bound histogram's `observe()` in try/except/finally. Every figure is
the cost above a bare call. Contestants take turns, round by round, and the median of the rounds' ratios is shown: absolute
times differ from one machine, and one minute, to the next. A second process measures prometheus-client's multiprocess mode.
Peers come with the dependency group `bench`; those that are missing are left out, with a line that says so.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from importlib import import_module
from statistics import median
from time import perf_counter
from typing import Any

from golden_runtime import counted, timed, track_request
from prometheus_client import Counter, Histogram

Function = Callable[[int], Any]

_CALLS = 5_000


def bare(number: int) -> int:
    """Return the number: what is measured costs next to nothing itself."""
    return number


async def bare_coroutine(number: int) -> int:
    """Return the number."""
    return number


def by_hand() -> dict[str, tuple[Function, Function]]:
    """Return what a careful programmer writes, for functions and for coroutine functions."""
    calls = Counter("hand_calls", "Calls.")
    statuses = Counter("hand_outcomes", "Calls by outcome.", ["status"])
    success, failure = statuses.labels("success"), statuses.labels("failure")
    seconds = Histogram("hand_seconds", "Seconds.")

    def count(number: int) -> int:
        calls.inc()
        return number

    async def count_coroutine(number: int) -> int:
        calls.inc()
        return number

    def time(number: int) -> int:
        started = perf_counter()
        try:
            return number
        finally:
            seconds.observe(perf_counter() - started)

    async def time_coroutine(number: int) -> int:
        started = perf_counter()
        try:
            return number
        finally:
            seconds.observe(perf_counter() - started)

    def request(number: int) -> int:
        started = perf_counter()
        try:
            result = number
        except BaseException:
            failure.inc()
            raise
        else:
            success.inc()
            return result
        finally:
            seconds.observe(perf_counter() - started)

    async def request_coroutine(number: int) -> int:
        started = perf_counter()
        try:
            result = number
        except BaseException:
            failure.inc()
            raise
        else:
            success.inc()
            return result
        finally:
            seconds.observe(perf_counter() - started)

    labelled_calls = Counter("hand_labelled_calls", "Calls by kind and outcome.", ["kind", "status"])
    labelled_seconds = Histogram("hand_labelled_seconds", "Seconds by kind.", ["kind"])

    def labelled(number: int) -> int:
        started = perf_counter()
        try:
            result = number
        except BaseException:
            labelled_calls.labels(_kind(number), "failure").inc()
            raise
        else:
            labelled_calls.labels(_kind(number), "success").inc()
            return result
        finally:
            labelled_seconds.labels(_kind(number)).observe(perf_counter() - started)

    async def labelled_coroutine(number: int) -> int:
        return labelled(number)

    def all_three(number: int) -> int:
        count(number)
        time(number)
        return request(number)

    async def all_three_coroutine(number: int) -> int:
        return all_three(number)

    return {
        "count": (count, count_coroutine),
        "time": (time, time_coroutine),
        "request": (request, request_coroutine),
        "labelled request": (labelled, labelled_coroutine),
        "count + time + request": (all_three, all_three_coroutine),
    }


def _kind(number: int) -> str:
    return "even" if number % 2 == 0 else "odd"


def ours() -> dict[str, tuple[str, Function, Function]]:
    """Return our decorators, each with what it is compared to."""

    def on_both(decorator: Callable[[Function], Function]) -> tuple[Function, Function]:
        return decorator(bare), decorator(bare_coroutine)

    return {
        "counted": ("count", *on_both(counted("bench.count"))),
        "timed": ("time", *on_both(timed("bench.time"))),
        "track_request": ("request", *on_both(track_request("bench.request"))),
        "track_request, computed label": (
            "labelled request",
            *on_both(track_request("bench.labelled", labels={"kind": _kind})),
        ),
        "counted + timed + track_request": (
            "count + time + request",
            *on_both(lambda f: counted("bench.a")(timed("bench.b")(track_request("bench.c")(f)))),
        ),
    }


def peers() -> dict[str, tuple[str, Function, Function | None]]:
    """Return the decorators of others that are installed."""
    calls, seconds = Counter("peer_errors", "Errors."), Histogram("peer_seconds", "Seconds.")
    found: dict[str, tuple[str, Function, Function | None]] = {
        # on a coroutine function it times the creation of the coroutine alone
        "prometheus_client time": ("time", seconds.time()(bare), None),
        "prometheus_client time + count_exceptions": ("request", calls.count_exceptions()(seconds.time()(bare)), None),
    }
    aio = _installed("prometheus_async.aio")
    if aio is not None:
        found["prometheus-async time"] = ("time", bare, aio.time(seconds)(bare_coroutine))
        found["prometheus-async time + count_exceptions"] = (
            "request",
            bare,
            aio.count_exceptions(calls)(aio.time(seconds)(bare_coroutine)),
        )
    autometrics = _installed("autometrics")
    if autometrics is not None:
        autometrics.init(tracker="prometheus")
        found["autometrics"] = ("request", autometrics.autometrics(bare), autometrics.autometrics(bare_coroutine))
    return found


def _installed(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        print(f"left out, not installed: {module} ({error})")
        return None


def nanoseconds(function: Function) -> float:
    """Return the time of one call."""
    calls = range(_CALLS)
    started = perf_counter()
    for number in calls:
        function(number)
    return (perf_counter() - started) / _CALLS * 1e9


def nanoseconds_awaited(function: Callable[[int], Coroutine[Any, Any, Any]]) -> float:
    """Return the time of one awaited call."""

    async def drive() -> float:
        calls = range(_CALLS)
        started = perf_counter()
        for number in calls:
            await function(number)
        return (perf_counter() - started) / _CALLS * 1e9

    return asyncio.run(drive())


def ratios(
    contestants: dict[str, tuple[str, Function]],
    hand: dict[str, Function],
    base: Function,
    measure: Callable[[Function], float],
    rounds: int,
) -> dict[str, float]:
    """Return each contestant's cost above a bare call, over that of the same by hand: the median of all rounds."""
    measured: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        nothing = measure(base)
        floor = {name: measure(function) - nothing for name, function in hand.items()}
        for name, (against, function) in contestants.items():
            measured[name].append((measure(function) - nothing) / floor[against])
    return {name: median(values) for name, values in measured.items()}


def run(rounds: int, *, with_peers: bool) -> None:
    """Measure everything and print the table."""
    hand = by_hand()
    contestants: dict[str, tuple[str, Function, Function | None]] = {**ours(), **(peers() if with_peers else {})}
    plain = ratios(
        {name: (against, function) for name, (against, function, _) in contestants.items() if function is not bare},
        {name: functions[0] for name, functions in hand.items()},
        bare,
        nanoseconds,
        rounds,
    )
    awaited = ratios(
        {name: (against, function) for name, (against, _, function) in contestants.items() if function is not None},
        {name: functions[1] for name, functions in hand.items()},
        bare_coroutine,
        nanoseconds_awaited,
        rounds,
    )
    print("| decorator | against, by hand | function | coroutine function |")
    print("|---|---|---|---|")
    for name, (against, _, _) in contestants.items():
        cells = [f"{figures[name]:.2f}" if name in figures else "-" for figures in (plain, awaited)]
        print(f"| {name} | {against} | {cells[0]} | {cells[1]} |")


def main() -> None:
    """Run the benchmark in this process, then in one of multiprocess mode."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--multiprocess", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    run(options.rounds, with_peers=not options.multiprocess)
    if options.multiprocess:
        return
    print("\nmultiprocess mode\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, __file__, "--multiprocess", "--rounds", str(options.rounds)],
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": folder},
            check=True,
        )


if __name__ == "__main__":
    main()
