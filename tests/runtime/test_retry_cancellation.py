"""Who gives up is not held back: cancellations are never tried again, in whatever form they come."""

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any

import pytest
from exposed import value
from golden_runtime import CircuitBreaker, CircuitBreakerConfig, CircuitState, RetryConfig, RetryPolicy
from resilience_time import loop_time, run

# with and without a timeout of its own around each attempt
SETTINGS = [{}, {"deadline": 99.0, "attempt_timeout": 9.0}]


def policy_of(name: str, **settings: Any) -> RetryPolicy:
    """Return a policy on the time of the running loop that would try anything again."""
    return RetryPolicy(RetryConfig(retry_on=BaseException, **settings), name=name, clock=loop_time)


async def cancelled_after(seconds: float, task: "asyncio.Task[Any]") -> "asyncio.Task[Any]":
    """Cancel a task after some seconds, and return it when it is done."""
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait({task})
    return task


@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "limited"])
@pytest.mark.parametrize("form", ["called", "decorated", "attempts", "block", "stream"])
def test_error_of_a_clean_up_does_not_undo_a_cancellation(name: str, form: str, settings: dict[str, float]) -> None:
    """Where the `finally` of a cancelled attempt raises, that is raised, and nothing is tried again."""
    begun = []

    async def work() -> None:
        begun.append(1)
        try:
            await asyncio.sleep(3600.0)
        finally:
            raise ConnectionError("while closing")

    async def main() -> None:
        task = asyncio.ensure_future(FORMS[form](policy_of(name, **settings), work))
        with pytest.raises(ConnectionError, match="while closing"):
            (await cancelled_after(1.0, task)).result()

    run(main())
    assert begun == [1]
    assert value("retry_attempts_total", name=name, outcome="cancelled") == 1.0


async def in_block(policy: RetryPolicy, work: Callable[[], Any]) -> None:
    """Retry a block."""
    async for attempt in policy.attempts():
        async with attempt:
            await work()


async def in_stream(policy: RetryPolicy, work: Callable[[], Any]) -> None:
    """Retry an async generator."""

    @policy
    async def stream() -> Any:
        yield await work()

    async for _ in stream():
        pass


FORMS: dict[str, Callable[[RetryPolicy, Callable[[], Any]], Any]] = {
    "called": lambda policy, work: policy.execute(work),
    "decorated": lambda policy, work: policy(work)(),
    "attempts": lambda policy, work: policy.attempts().execute(work),
    "block": in_block,
    "stream": in_stream,
}


@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "limited"])
def test_clean_up_of_a_cancelled_task_may_try_again(name: str, settings: dict[str, float]) -> None:
    """A call that begins after the cancellation, to release something, is retried as any other."""
    released = []

    async def release() -> None:
        released.append(1)
        if len(released) < 3:
            raise ConnectionError

    async def main() -> None:
        async def work() -> None:
            try:
                await asyncio.sleep(3600.0)
            finally:
                await policy_of(name, **settings).execute(release)

        assert (await cancelled_after(1.0, asyncio.ensure_future(work()))).cancelled()

    run(main())
    assert len(released) == 3


def test_timeout_that_leaves_its_request_pending_is_tried_again(name: str) -> None:
    """Some clients cancel the task for their own timeouts and never take that back: they are timeouts all the same."""
    begun = []

    async def impatient() -> str:
        begun.append(1)
        if len(begun) == 3:
            return "done"
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(1.0, task.cancel)
        try:
            await asyncio.sleep(3600.0)
        except asyncio.CancelledError:
            raise TimeoutError from None
        return "never"

    assert run(RetryPolicy(RetryConfig(), name=name).execute(impatient)) == "done"


def test_cancelled_task_that_is_awaited_is_a_failure_of_its_own(name: str) -> None:
    """An error that tells of another task's cancellation is tried again: nobody cancelled this one."""
    begun = []

    async def join() -> str:
        begun.append(1)
        other = asyncio.ensure_future(asyncio.sleep(3600.0))
        other.cancel()
        try:
            await other
        except asyncio.CancelledError as error:
            if len(begun) < 3:
                raise ConnectionError("the worker is gone") from error
        return "done"

    assert run(RetryPolicy(RetryConfig(), name=name).execute(join)) == "done"


def cancelled_future() -> None:
    """Ask a future of an executor that was cancelled for its result."""
    future: concurrent.futures.Future[None] = concurrent.futures.Future()
    future.cancel()
    future.result()


def test_cancelled_future_of_an_executor_is_a_cancellation(name: str) -> None:
    """It is no failure of what was called: not tried again, and neutral for a breaker."""
    calls = []

    def work() -> None:
        calls.append(1)
        cancelled_future()

    breaker = CircuitBreaker(name, CircuitBreakerConfig(failure_threshold=1))
    with pytest.raises(concurrent.futures.CancelledError):
        RetryPolicy(RetryConfig(retry_on=BaseException), name=name).execute_sync(breaker.call_sync, work)
    assert (calls, breaker.state) == ([1], CircuitState.CLOSED)


@pytest.mark.parametrize(
    ("other", "calls"),
    [(KeyboardInterrupt(), 1), (SystemExit(), 1), (asyncio.CancelledError(), 1), (ValueError(), 2)],
    ids=["interrupt", "exit", "cancelled", "error"],
)
def test_group_with_a_cancellation_is_not_tried_again(name: str, other: BaseException, calls: int) -> None:
    """Where one of several errors is a cancellation, the others do not make it worth another try; they are a failure."""
    made = []

    async def work() -> None:
        made.append(1)
        raise BaseExceptionGroup("several", [OSError(), BaseExceptionGroup("inner", [other])])

    with pytest.raises(BaseExceptionGroup):
        run(policy_of(name, max_retries=1).execute(work))
    assert len(made) == calls
    assert value("retry_attempts_total", name=name, outcome="failure") == float(calls)


@pytest.mark.parametrize("form", ["called", "decorated", "block", "stream"])
def test_error_of_a_clean_up_is_neutral_for_a_breaker(name: str, form: str) -> None:
    """A probe whose caller gives up frees its slot and opens nothing, though its clean-up raises."""
    breaker = CircuitBreaker(name, CircuitBreakerConfig(failure_threshold=1))

    async def work() -> None:
        try:
            await asyncio.sleep(3600.0)
        finally:
            raise ConnectionError("while closing")

    @breaker
    async def stream() -> Any:
        yield await work()

    async def block() -> None:
        async with breaker:
            await work()

    forms = {
        "called": lambda: breaker.call(work),
        "decorated": breaker(work),
        "block": block,
        "stream": lambda: anext(stream()),
    }

    async def main() -> None:
        task = asyncio.ensure_future(forms[form]())
        assert isinstance((await cancelled_after(1.0, task)).exception(), ConnectionError)

    run(main())
    assert breaker.state is CircuitState.CLOSED
    assert value("circuit_breaker_cancelled_total", name=name) == 1.0
