"""What a circuit breaker and a retry policy cost while nothing fails, and how many probes a half-open breaker lets through.

Every figure is taken in one run, against the libraries of the `bench` dependency group, in repeats that take turns:

    python benchmarks/resilience.py [--calls N] [--repeats N]

Costs are nanoseconds per call over the same call by itself; of each library the cheapest form counts. Ours record their
metrics; the others have none.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import aiobreaker
import backoff
import circuitbreaker
import hyx.circuitbreaker
import hyx.retry
import purgatory
import pybreaker
import stamina
import tenacity
from golden_runtime import CircuitBreaker, CircuitBreakerConfig, RetryConfig, RetryPolicy

Call = Callable[[], object]
AsyncCall = Callable[[], Awaitable[object]]

OURS = "golden-runtime"
BARE = "bare call"

# The goals of the table: our cost is at most this share of the named peer's, or of the cheapest one.
GOALS = {"closed breaker": (0.8, "cheapest"), "retry": (1 / 20, "stamina")}

# How often the loop of a half-open breaker is entered at once, and for how long (seconds) a peer stays open first.
RACERS = 200
OPEN_FOR = 0.05


def plain(value: int = 1) -> int:
    """Return at once: what is measured is what is around it."""
    return value


async def coroutine(value: int = 1) -> int:
    """Return at once."""
    return value


@dataclass(frozen=True, slots=True)
class Cost:
    """Nanoseconds per call over the bare call, of one form of a library."""

    library: str
    form: str
    nanoseconds: float


def sync_breakers() -> dict[tuple[str, str], Call]:
    """Return the forms of a closed breaker around `plain`."""
    ours = CircuitBreaker("bench.sync")
    by_rate = CircuitBreaker("bench.sync.rate", CircuitBreakerConfig(failure_rate_threshold=0.5))
    theirs = purgatory.SyncCircuitBreakerFactory().get_breaker("bench")

    def with_ours() -> int:
        with ours:
            return plain()

    def with_purgatory() -> int:
        with theirs:
            return plain()

    return {
        (OURS, "@breaker"): ours(plain),
        (OURS, "call_sync"): lambda: ours.call_sync(plain),
        (OURS, "with"): with_ours,
        (OURS, "@breaker, failure rate"): by_rate(plain),
        ("circuitbreaker", "@circuit"): circuitbreaker.circuit(name="bench")(plain),
        ("purgatory", "with"): with_purgatory,
        ("aiobreaker", "@breaker"): aiobreaker.CircuitBreaker()(plain),
        ("pybreaker", "@breaker"): pybreaker.CircuitBreaker()(plain),
    }


async def async_breakers() -> dict[tuple[str, str], AsyncCall]:
    """Return the forms of a closed breaker around `coroutine`."""
    ours = CircuitBreaker("bench.async")
    by_rate = CircuitBreaker("bench.async.rate", CircuitBreakerConfig(failure_rate_threshold=0.5))
    theirs = await purgatory.AsyncCircuitBreakerFactory().get_breaker("bench")

    async def with_ours() -> int:
        async with ours:
            return await coroutine()

    async def with_purgatory() -> int:
        async with theirs:
            return await coroutine()

    return {
        (OURS, "@breaker"): ours(coroutine),
        (OURS, "call"): lambda: ours.call(coroutine),
        (OURS, "async with"): with_ours,
        (OURS, "@breaker, failure rate"): by_rate(coroutine),
        ("circuitbreaker", "@circuit"): circuitbreaker.circuit(name="bench")(coroutine),
        ("purgatory", "async with"): with_purgatory,
        ("aiobreaker", "@breaker"): aiobreaker.CircuitBreaker()(coroutine),
        ("hyx", "@consecutive_breaker"): hyx.circuitbreaker.consecutive_breaker()(coroutine),
    }


def sync_retries() -> dict[tuple[str, str], Call]:
    """Return the forms of a retry around `plain`."""
    ours = RetryPolicy(RetryConfig(retry_on=OSError), name="bench")
    limited = RetryPolicy(RetryConfig(retry_on=OSError, deadline=30.0), name="bench")
    return {
        (OURS, "@policy"): ours(plain),
        (OURS, "execute_sync"): lambda: ours.execute_sync(plain),
        (OURS, "@policy, deadline"): limited(plain),
        ("backoff", "@on_exception"): backoff.on_exception(backoff.expo, OSError, max_tries=4)(plain),
        ("tenacity", "@retry"): tenacity.retry(
            stop=tenacity.stop_after_attempt(4), retry=tenacity.retry_if_exception_type(OSError)
        )(plain),
        ("stamina", "@retry"): stamina.retry(on=OSError, attempts=4)(plain),
    }


def async_retries() -> dict[tuple[str, str], AsyncCall]:
    """Return the forms of a retry around `coroutine`."""
    ours = RetryPolicy(RetryConfig(retry_on=OSError), name="bench")
    limited = RetryPolicy(RetryConfig(retry_on=OSError, deadline=30.0, attempt_timeout=5.0), name="bench")
    return {
        (OURS, "@policy"): ours(coroutine),
        (OURS, "execute"): lambda: ours.execute(coroutine),
        (OURS, "@policy, deadline and attempt_timeout"): limited(coroutine),
        ("backoff", "@on_exception"): backoff.on_exception(backoff.expo, OSError, max_tries=4)(coroutine),
        ("hyx", "@retry"): hyx.retry.retry(on=OSError, attempts=4)(coroutine),
        ("tenacity", "@retry"): tenacity.retry(
            stop=tenacity.stop_after_attempt(4), retry=tenacity.retry_if_exception_type(OSError)
        )(coroutine),
        ("stamina", "@retry"): stamina.retry(on=OSError, attempts=4)(coroutine),
    }


def seconds_sync(call: Call, calls: int) -> float:
    """Return how long so many calls take."""
    started = time.process_time()
    for _ in range(calls):
        call()
    return time.process_time() - started


async def seconds_async(call: AsyncCall, calls: int) -> float:
    """Return how long so many awaited calls take."""
    started = time.process_time()
    for _ in range(calls):
        await call()
    return time.process_time() - started


def over_bare(best: dict[tuple[str, str], float], calls: int) -> list[Cost]:
    """Return what each form costs more than the bare call, from the best time of each."""
    bare = best.pop((BARE, ""))
    costs = [Cost(library, form, (seconds - bare) / calls * 1e9) for (library, form), seconds in best.items()]
    return sorted(costs, key=lambda cost: cost.nanoseconds)


def measure_sync(subjects: dict[tuple[str, str], Call], calls: int, repeats: int) -> list[Cost]:
    """Return the costs of functions; the best of the repeats, in which all take turns."""
    everyone = {(BARE, ""): plain, **subjects}
    best = dict.fromkeys(everyone, float("inf"))
    for _ in range(repeats):
        for name, call in everyone.items():
            best[name] = min(best[name], seconds_sync(call, calls))
    return over_bare(best, calls)


async def measure_async(subjects: dict[tuple[str, str], AsyncCall], calls: int, repeats: int) -> list[Cost]:
    """Return the costs of coroutine functions; the best of the repeats, in which all take turns."""
    everyone = {(BARE, ""): coroutine, **subjects}
    best = dict.fromkeys(everyone, float("inf"))
    for _ in range(repeats):
        for name, call in everyone.items():
            best[name] = min(best[name], await seconds_async(call, calls))
    return over_bare(best, calls)


def report(row: str, costs: list[Cost]) -> bool:
    """Print one table, and return whether its goal is met and we are the cheapest."""
    ours = next(cost for cost in costs if cost.library == OURS)
    peers = [cost for cost in costs if cost.library != OURS]
    share, whose = next(goal for key, goal in GOALS.items() if row.startswith(key))
    peer = peers[0] if whose == "cheapest" else next(cost for cost in peers if cost.library == whose)
    print(f"\n### {row}\n\n| library | form | ns over a bare call | times ours |\n|---|---|---:|---:|")
    for cost in costs:
        print(
            f"| {cost.library} | `{cost.form}` | {cost.nanoseconds:.0f} | {cost.nanoseconds / ours.nanoseconds:.2f} |"
        )
    ratio = ours.nanoseconds / peer.nanoseconds
    holds = ratio <= share and ours is costs[0]
    print(f"\nours / {peer.library}: {ratio:.3f}, goal {share:.2f}: {'holds' if holds else 'DOES NOT HOLD'}")
    return holds


async def probes_let_through(call: Callable[[AsyncCall], Awaitable[object]], open_for: float) -> int:
    """Return how many of RACERS tasks a breaker lets through at once, when it has just become half-open."""
    entered = 0

    async def fail() -> None:
        raise OSError

    async def probe() -> None:
        nonlocal entered
        entered += 1
        await asyncio.sleep(0.01)

    for _ in range(10):
        await asyncio.gather(call(fail), return_exceptions=True)
    await asyncio.sleep(open_for * 1.5)
    await asyncio.gather(*(call(probe) for _ in range(RACERS)), return_exceptions=True)
    return entered


async def races() -> dict[str, int]:
    """Return the probes that each asynchronous breaker lets through."""
    ours = CircuitBreaker("bench.race", CircuitBreakerConfig(timeout_seconds=OPEN_FOR))
    theirs = await purgatory.AsyncCircuitBreakerFactory().get_breaker("race", threshold=5, ttl=OPEN_FOR)
    aio = aiobreaker.CircuitBreaker(fail_max=5, timeout_duration=timedelta(seconds=OPEN_FOR))
    # its own `open_remaining` rounds up to seconds, so that it has to wait for one
    rounded = circuitbreaker.CircuitBreaker(failure_threshold=5, recovery_timeout=1, name="race")
    recovering = hyx.circuitbreaker.consecutive_breaker(failure_threshold=5, recovery_time_secs=OPEN_FOR)

    async def with_purgatory(probe: AsyncCall) -> object:
        async with theirs:
            return await probe()

    return {
        OURS: await probes_let_through(ours.call, OPEN_FOR),
        "circuitbreaker": await probes_let_through(lambda probe: rounded(probe)(), 1.0),
        "purgatory": await probes_let_through(with_purgatory, OPEN_FOR),
        "aiobreaker": await probes_let_through(aio.call_async, OPEN_FOR),
        "hyx": await probes_let_through(lambda probe: recovering(probe)(), OPEN_FOR),
    }


async def measure(calls: int, repeats: int) -> bool:
    """Print every table, and return whether all goals are met."""
    rows = {
        "closed breaker, sync": measure_sync(sync_breakers(), calls, repeats),
        "closed breaker, async": await measure_async(await async_breakers(), calls, repeats),
        "retry without a failure, sync": measure_sync(sync_retries(), calls, repeats),
        "retry without a failure, async": await measure_async(async_retries(), calls, repeats),
    }
    held = [report(row, costs) for row, costs in rows.items()]
    print(
        f"\n### probes that a half-open breaker lets through, of {RACERS} tasks at once\n\n| library | probes |\n|---|---:|"
    )
    let_through = await races()
    for library, probes in let_through.items():
        print(f"| {library} | {probes} |")
    return all(held) and let_through[OURS] == 1


def main() -> int:
    """Measure, and return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000, help="calls in each repeat")
    parser.add_argument("--repeats", type=int, default=9, help="how often everyone takes a turn")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    gc.disable()
    return 0 if asyncio.run(measure(chosen.calls, chosen.repeats)) else 1


if __name__ == "__main__":
    sys.exit(main())
