"""Circuit breakers under real threads and tasks: exactly the slots there are, and not one count lost."""

import asyncio
import contextlib
import itertools
import threading
from uuid import uuid4

import pytest
from exposed import value
from golden_runtime import CircuitBreaker, CircuitBreakerConfig, CircuitBreakerError, CircuitState
from racing import in_threads
from resilience_time import Clock, run

RACERS = 200


def half_opened(slots: int) -> CircuitBreaker:
    """Return a breaker that is half open at its next call."""
    clock = Clock()
    config = CircuitBreakerConfig(failure_threshold=1, half_open_max_calls=slots, success_threshold=slots)
    breaker = CircuitBreaker(f"test-{uuid4().hex}", config, clock=clock)
    with pytest.raises(OSError), breaker:  # noqa: PT011 - any will do
        raise OSError
    clock.advance(60.0)
    return breaker


@pytest.mark.parametrize("slots", [1, 3])
def test_tasks_get_exactly_the_slots(slots: int) -> None:
    """Of 200 tasks that race for a half-open breaker, as many run as there are slots; the others are rejected."""
    breaker, entered = half_opened(slots), []

    async def probe() -> None:
        entered.append(1)
        await asyncio.sleep(1.0)

    async def main() -> list[object]:
        return await asyncio.gather(*(breaker.call(probe) for _ in range(RACERS)), return_exceptions=True)

    results = run(main())
    rejected = sum(isinstance(result, CircuitBreakerError) for result in results)
    assert (len(entered), rejected, breaker.state) == (slots, RACERS - slots, CircuitState.CLOSED)


@pytest.mark.parametrize("slots", [1, 3])
def test_threads_get_exactly_the_slots(slots: int) -> None:
    """Of 32 threads that race, as many get in as there are slots, for they stay in until all others were rejected."""
    breaker, entered, rejected = half_opened(slots), [], []
    everyone_else = threading.Semaphore(0)

    def probe() -> None:
        entered.append(1)
        assert everyone_else.acquire(timeout=60.0)

    def body() -> None:
        try:
            breaker.call_sync(probe)
        except CircuitBreakerError:
            rejected.append(1)
            if len(rejected) == 32 - slots:
                everyone_else.release(slots)

    in_threads(body, 32)
    assert (len(entered), len(rejected), breaker.state) == (slots, 32 - slots, CircuitState.CLOSED)


def test_cancelled_tasks_leave_no_slot_taken() -> None:
    """However many probes are cancelled one after the other, the next is let through."""
    breaker = half_opened(1)

    async def main() -> None:
        for _ in range(RACERS):
            task = asyncio.ensure_future(breaker.call(asyncio.sleep, 3600.0))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await breaker.call(asyncio.sleep, 0)

    run(main())
    assert breaker.state is CircuitState.CLOSED


@pytest.mark.parametrize(("threshold", "state"), [(160, CircuitState.OPEN), (161, CircuitState.CLOSED)])
def test_failures_in_threads_are_all_counted(threshold: int, state: CircuitState) -> None:
    """160 failures in 8 threads open at 160, and not at 161."""
    breaker = CircuitBreaker(f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=threshold))

    def fail() -> None:
        for _ in range(20):
            with pytest.raises(OSError), breaker:  # noqa: PT011 - any will do
                raise OSError

    in_threads(fail, 8)
    assert breaker.state is state


def test_successes_in_threads_are_all_counted() -> None:
    """What is counted without a lock loses nothing, though threads count and a scraper reads at once."""
    breaker = CircuitBreaker(f"test-{uuid4().hex}")
    succeed = breaker(lambda: None)
    seen: list[float] = []

    def body() -> None:
        for number in range(5_000):
            succeed()
            if number % 500 == 0:
                seen.append(value("circuit_breaker_success_total", name=breaker.name) or 0.0)

    in_threads(body, 8, at_every_step=False)
    assert value("circuit_breaker_success_total", name=breaker.name) == 40_000.0
    assert max(seen) <= 40_000.0


def test_no_lock_is_held_during_the_call() -> None:
    """While one thread is inside a call, others call, fail, open and reset the same breaker."""
    breaker = CircuitBreaker(f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=1))
    inside, leave = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert leave.wait(60.0)

    thread = threading.Thread(target=breaker.call_sync, args=(wait,))
    thread.start()
    assert inside.wait(60.0)
    with pytest.raises(OSError), breaker:  # noqa: PT011 - any will do
        raise OSError
    breaker.reset()
    breaker.call_sync(int)
    leave.set()
    thread.join()
    assert value("circuit_breaker_success_total", name=breaker.name) == 2.0


def test_transitions_in_threads_are_told_in_order() -> None:
    """Whatever threads change the state, each transition begins where the last one ended, and the gauge shows the last."""
    heard = []
    config = CircuitBreakerConfig(failure_threshold=1, timeout_seconds=0, success_threshold=1)
    breaker = CircuitBreaker(f"test-{uuid4().hex}", config, listeners=[heard.append])

    @breaker
    def call(number: int) -> None:
        if number % 2:
            raise OSError

    def body() -> None:
        for number in range(20):
            with contextlib.suppress(OSError, CircuitBreakerError):
                call(number)

    in_threads(body, 8)
    assert all(before.after is after.before for before, after in itertools.pairwise(heard))
    assert heard[-1].after is breaker.state
    assert value("circuit_breaker_state", name=breaker.name, state=breaker.state) == 1.0
