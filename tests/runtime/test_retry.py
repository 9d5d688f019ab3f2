"""RetryPolicy: what is tried again and how often, what is raised in the end, and what is told of it."""

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Any
from unittest.mock import AsyncMock

import pytest
from golden_runtime import RetryConfig, RetryPolicy, RetryStatistics, RetryStrategy, retry
from resilience_time import Clock, policy_of, run


@pytest.fixture
def clock() -> Clock:
    """A clock that sleeping moves."""
    return Clock()


class Script:
    """A function that does one thing after another: raises an exception, or returns anything else."""

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps)
        self.calls = 0

    def __call__(self) -> Any:
        """Do the next thing."""
        self.calls += 1
        step = self.steps.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step

    async def coroutine(self) -> Any:
        """Do the next thing, after others had their turn."""
        await asyncio.sleep(0)
        return self()


def test_success_needs_one_attempt(clock: Clock) -> None:
    """What succeeds is called once, with its arguments, and nobody sleeps."""
    policy = policy_of(clock)
    assert policy.execute_sync(divmod, 7, 2) == (3, 1)
    assert asyncio.run(policy.execute(asyncio.sleep, 0, result="slept")) == "slept"
    assert clock.slept == []


def test_failures_are_tried_again(clock: Clock) -> None:
    """Failed attempts are repeated, with growing delays, until one succeeds."""
    script = Script(OSError(), OSError(), "done")
    assert policy_of(clock).execute_sync(script) == "done"
    assert (script.calls, clock.slept) == (3, [1.0, 2.0])


def test_async_failures_are_tried_again(clock: Clock) -> None:
    """Coroutine functions are called again for each attempt, for a coroutine runs only once."""
    script = Script(OSError(), OSError(), "done")
    assert run(policy_of(clock).execute(script.coroutine)) == "done"
    assert (script.calls, clock.slept) == (3, [1.0, 2.0])


def test_last_error_is_raised(clock: Clock) -> None:
    """After `max_retries` the last error itself is raised, as it was."""
    last = OSError("third")
    with pytest.raises(OSError, match="third") as raised:
        policy_of(clock, max_retries=2).execute_sync(Script(OSError("first"), OSError("second"), last))
    assert raised.value is last
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_notes_tell_of_the_attempts(clock: Clock) -> None:
    """The error that is raised says of each attempt what became of it."""
    with pytest.raises(ConnectionError) as raised:
        policy_of(clock, max_retries=1).execute_sync(Script(OSError("no route\nto host"), ConnectionError("refused")))
    assert raised.value.__notes__ == [
        "retry `test`: attempt 1 failed with OSError: no route; waited 1 s",
        "retry `test`: attempt 2 failed with ConnectionError: refused; `max_retries`, 1, allows no more",
    ]


def test_notes_stay_few(clock: Clock) -> None:
    """An error that is raised again and again has the notes of the last call, and of many attempts the last ones."""
    error = OSError("always")
    error.add_note("mine")
    for _ in range(3):
        with pytest.raises(OSError, match="always"):
            policy_of(clock, max_retries=100).execute_sync(Script(*[error] * 101))
    assert error.__notes__[0] == "mine"
    assert len(error.__notes__) == 21
    assert "attempt 101 failed" in error.__notes__[-1]


def test_single_failure_needs_no_notes(clock: Clock) -> None:
    """Where nothing was tried again there is nothing to add to the error."""
    with pytest.raises(KeyError) as raised:
        policy_of(clock, retry_on=OSError).execute_sync(Script(KeyError("id")))
    assert not hasattr(raised.value, "__notes__")


@pytest.mark.parametrize(
    "retry_on",
    [OSError, (OSError, KeyError), lambda error: isinstance(error, OSError)],
    ids=["class", "classes", "function"],
)
def test_only_what_retry_on_names_is_tried_again(clock: Clock, retry_on: Any) -> None:
    """Other errors are raised at once, though retries are left."""
    script = Script(OSError(), ValueError("bug"), "never")
    with pytest.raises(ValueError, match="bug"):
        policy_of(clock, retry_on=retry_on).execute_sync(script)
    assert script.calls == 2


def test_failing_retry_on_function_means_no_retry(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Where `retry_on` itself raises, the caller sees the error of the call; the log tells once."""
    with pytest.raises(OSError, match="down"):
        policy_of(clock, retry_on=lambda error: error.status).execute_sync(Script(OSError("down")))
    assert clock.slept == []


@pytest.mark.parametrize(
    "error",
    [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(), GeneratorExit()],
    ids=lambda e: type(e).__name__,
)
def test_cancellation_is_never_tried_again(clock: Clock, error: BaseException) -> None:
    """Who gives up is not held back, though `retry_on` names everything."""
    script = Script(error, "never")
    with pytest.raises(type(error)):
        policy_of(clock, retry_on=BaseException).execute_sync(script)
    assert script.calls == 1


def test_cancelling_a_task_ends_its_wait() -> None:
    """A task that is cancelled while it waits for its next attempt makes no other."""
    script = Script(OSError(), "never")

    async def main() -> None:
        task = asyncio.ensure_future(RetryPolicy(RetryConfig(jitter="none"), name="test").execute(script.coroutine))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert script.calls == 1


def test_results_can_be_tried_again(clock: Clock) -> None:
    """What `retry_result` names is tried again; when nothing is left to try with, the last result is returned."""
    policy = policy_of(clock, retry_result=lambda status: status >= 500, max_retries=2)
    assert policy.execute_sync(Script(503, 200)) == 200
    assert policy.execute_sync(Script(500, 502, 503)) == 503
    assert run(policy.execute(Script(503, 404).coroutine)) == 404


def test_statistics_are_of_one_call(clock: Clock) -> None:
    """Each call has its own, whether it succeeded or not, and though others run in between."""
    policy = policy_of(clock, max_retries=1)
    first, second = policy.attempts(), policy.attempts()
    assert first.execute_sync(Script(OSError(), "done")) == "done"
    with pytest.raises(OSError):  # noqa: PT011 - any will do
        run(second.execute(Script(OSError(), OSError()).coroutine))
    assert first.statistics == RetryStatistics(attempts=2, rejections=0, delays=(1.0,), elapsed=2.0)
    assert second.statistics == RetryStatistics(attempts=2, rejections=0, delays=(1.0,), elapsed=2.0)


def test_blocks_are_tried_again(clock: Clock) -> None:
    """A loop over `attempts()` repeats its block until that succeeds, and numbers the attempts."""
    script, numbers = Script(OSError(), OSError(), "done"), []
    for attempt in policy_of(clock).attempts():
        with attempt:
            numbers.append(attempt.number)
            result = script()
    assert (result, numbers, clock.slept) == ("done", [1, 2, 3], [1.0, 2.0])


def test_async_blocks_are_tried_again(clock: Clock) -> None:
    """`async for` and `async with` do the same, and the last error leaves the block."""
    script = Script(OSError("first"), OSError("second"))

    async def main() -> None:
        async for attempt in policy_of(clock, max_retries=1).attempts():
            async with attempt:
                await script.coroutine()

    with pytest.raises(OSError, match="second"):
        run(main())
    assert clock.slept == [1.0]


def test_block_may_be_left_early(clock: Clock) -> None:
    """A `return` from the block is a success: nothing is tried again."""

    def work() -> str:
        for attempt in policy_of(clock).attempts():
            with attempt:
                return "left"
        raise AssertionError("the loop ended")

    assert work() == "left"


def test_decorated_functions(clock: Clock) -> None:
    """`@policy` and `@retry(...)` keep the kind, the name and the documentation of a function."""
    script = Script(OSError(), "done")

    @retry(RetryConfig(base_delay=0.0), name="test")
    async def work(item: int) -> Any:
        """Work."""
        return item, await script.coroutine()

    assert asyncio.iscoroutinefunction(work)
    assert (work.__name__, work.__doc__) == ("work", "Work.")
    assert asyncio.run(work(item=5)) == (5, "done")
    assert policy_of(clock)(Script(OSError(), 1).__call__)() == 1


def test_retry_takes_settings_as_keywords() -> None:
    """`@retry(max_retries=..., retry_on=...)` is a policy of its own for the function."""
    script = Script(OSError(), OSError(), "never")

    @retry(max_retries=1, base_delay=0.0, retry_on=OSError)
    def work() -> Any:
        return script()

    with pytest.raises(OSError):  # noqa: PT011 - any will do
        work()
    assert script.calls == 2


def test_replaced_sleep_is_that_of_policies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that replace `time.sleep` or `asyncio.sleep` wait for nothing, though the policy was made before."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    @retry(max_retries=1, base_delay=3600.0, max_delay=3600.0, jitter="none")
    def fail() -> None:
        raise OSError("down")

    @retry(max_retries=1, base_delay=7200.0, max_delay=7200.0, jitter="none")
    async def fail_later() -> None:
        raise OSError("down")

    monkeypatch.setattr("time.sleep", waits.append)
    monkeypatch.setattr("asyncio.sleep", sleep)
    with pytest.raises(OSError, match="down"):
        fail()
    with pytest.raises(OSError, match="down"):
        asyncio.run(fail_later())
    assert waits == [3600.0, 7200.0]


def test_policy_without_a_delay_does_not_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a policy takes the place of may be tested for not sleeping."""
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)

    @retry(max_retries=2, base_delay=0)
    def fail() -> None:
        raise OSError("down")

    with pytest.raises(OSError, match="down"):
        fail()
    assert waits == []


def test_retry_without_parentheses_is_refused() -> None:
    """A forgotten pair of parentheses is told so when the module loads, not at the first call."""
    with pytest.raises(TypeError, match=r"write `@retry\(\)`"):
        retry(test_retry_without_parentheses_is_refused)  # type: ignore[arg-type]  # the mistake itself


def test_retry_takes_a_config_or_settings() -> None:
    """Two ways to say the same thing at once are refused."""
    with pytest.raises(TypeError, match="not both"):
        retry(RetryConfig(), max_retries=1)


def hiding(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function of any kind in a plain one, as decorators do that know of no `async`."""

    @functools.wraps(function)
    def call() -> Any:
        return function()

    return call


@pytest.mark.parametrize("hidden", ["wrapped", "partial", "mock", "task"])
@pytest.mark.parametrize("settings", [{}, {"deadline": 60.0}], ids=["plain", "deadline"])
def test_hidden_coroutine_functions_are_tried_again(clock: Clock, hidden: str, settings: dict[str, float]) -> None:
    """Whatever a coroutine function hides behind, what is awaited is what is tried again."""
    script = Script(OSError(), OSError(), "done")
    function = {
        "wrapped": hiding(script.coroutine),
        "partial": functools.partial(script.coroutine),
        "mock": AsyncMock(side_effect=script),
        "task": lambda: asyncio.ensure_future(script.coroutine()),
    }[hidden]

    async def main() -> Any:
        return await policy_of(clock, **settings)(function)()

    assert run(main()) == "done"
    assert (script.calls, clock.slept) == (3, [1.0, 2.0])


def test_function_that_fails_before_it_hides_a_coroutine_is_tried_again(clock: Clock) -> None:
    """A plain function may raise, and return what is to be awaited the next time: it is one call all along."""
    connections, script = [OSError("connect")], Script(OSError("read"), "done")

    def connect() -> Any:
        if connections:
            raise connections.pop()
        return script.coroutine()

    async def main() -> Any:
        return await policy_of(clock, max_retries=2)(connect)()

    assert run(main()) == "done"
    assert clock.slept == [1.0, 2.0]


@pytest.mark.parametrize("settings", [{}, {"deadline": 60.0}], ids=["plain", "deadline"])
def test_misuse_is_told_apart_from_failure(clock: Clock, settings: dict[str, float]) -> None:
    """A call that cannot work is refused, with the way out: it is no attempt, so there is none to repeat."""
    attempts = policy_of(clock, **settings).attempts()

    def stream() -> Any:
        yield 1

    for function, told in ((Script().coroutine, "is a coroutine function"), (stream, "is a generator function")):
        for execute in (policy_of(clock, **settings).execute_sync, attempts.execute_sync):
            with pytest.raises(TypeError, match=told):
                execute(function)
    assert (attempts.statistics.attempts, clock.slept) == (0, [])


def test_coroutine_in_place_of_its_function_is_refused(clock: Clock) -> None:
    """`execute(f())` instead of `execute(f)` raises at once: what is no function will not become one."""

    async def main() -> None:
        awaitable: Any = Script("done").coroutine()
        with pytest.raises(TypeError, match="not callable"):
            await policy_of(clock).execute(awaitable)
        await awaitable

    run(main())
    assert clock.slept == []


def test_retries_are_logged(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Each retry is a line of the log at level INFO, with the reason and the delay."""
    caplog.set_level(logging.INFO, "golden_runtime")
    policy_of(clock).execute_sync(Script(OSError("down"), "done"))
    assert caplog.messages == ["retry `test`: attempt 1 failed with OSError: down; trying again in 1 s"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_retries": -1}, "`max_retries` must be a whole number from 0 up, not `-1`"),
        ({"base_delay": -1.0}, "`base_delay` must be seconds from zero up, not `-1.0`"),
        ({"base_delay": 2.0, "max_delay": 1.0}, "`base_delay` is 2.0 but `max_delay` is 1.0"),
        ({"max_delay": float("inf")}, "`max_delay` must be seconds from zero up, not `inf`"),
        ({"strategy": "cubic"}, "`strategy` must be one of `RetryStrategy.EXPONENTIAL`"),
        ({"jitter": "some"}, '`jitter` must be "full", "equal" or "none", not `\'some\'`'),
        ({"retry_on": 5}, "`retry_on` must be an exception class, a tuple of them, or a function"),
        ({"retry_result": 5}, "`retry_result` must be a function of a result, not `5`"),
        ({"deadline": 0}, "`deadline` must be seconds above zero, not `0`"),
        ({"attempt_timeout": "5"}, "`attempt_timeout` must be seconds above zero, not `'5'`"),
        ({"budget": 10}, "`budget` must be a RetryBudget, not `10`"),
        ({"on_open": "ignore"}, '`on_open` must be "raise" or "wait", not `\'ignore\'`'),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    """The error names the setting, what was given, and what may be."""
    with pytest.raises(ValueError, match=message):
        RetryConfig(**settings)


def test_strategies_may_be_given_by_name(clock: Clock) -> None:
    """The strategy that a configuration file names is the one of the enumeration."""
    named: Callable[..., Any] = policy_of(clock, strategy="fibonacci").execute_sync
    assert named(Script(OSError(), OSError(), OSError(), "done")) == "done"
    assert clock.slept == [1.0, 1.0, 2.0]
    assert RetryConfig(strategy="linear").backoff.strategy is RetryStrategy.LINEAR  # type: ignore[arg-type]  # text
