"""The series of a retry policy: attempts by outcome, calls that were given up, and delays."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from exposed import lines, run_script, value
from golden_runtime import CircuitBreaker, CircuitBreakerError, RetryConfig, RetryPolicy, retry
from resilience_time import Clock

OUTCOMES = ("success", "failure", "cancelled")


def policy_of(name: str, **settings: Any) -> RetryPolicy:
    """Return a policy that does not sleep."""
    clock = Clock()
    config = RetryConfig(**{"jitter": "none", **settings})
    return RetryPolicy(config, name=name, clock=clock, sleep=clock.sleep, async_sleep=clock.async_sleep)


def attempts(name: str) -> list[float | None]:
    """Return the attempts by outcome."""
    return [value("retry_attempts_total", name=name, outcome=outcome) for outcome in OUTCOMES]


def fail(policy: RetryPolicy, error: BaseException) -> None:
    """Let a call fail for good."""

    def function() -> None:
        raise error

    with pytest.raises(type(error)):
        policy.execute_sync(function)


def test_series_are_there_before_the_first_call(name: str) -> None:
    """Every outcome stands at zero, as do the calls given up and the delays."""
    policy_of(name)
    assert attempts(name) == [0.0, 0.0, 0.0]
    assert value("retry_exhausted_total", name=name) == 0.0
    assert value("retry_delay_seconds_count", name=name) == 0.0


def test_attempts_are_counted_by_outcome(name: str) -> None:
    """Each attempt counts once, under what became of it; delays are observed in seconds."""
    results = iter([OSError(), OSError(), "done"])

    def flaky() -> Any:
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    policy_of(name).execute_sync(flaky)
    assert attempts(name) == [1.0, 2.0, 0.0]
    assert value("retry_delay_seconds_count", name=name) == 2.0
    assert value("retry_delay_seconds_sum", name=name) == 3.0


def test_exhausted_calls_are_counted_by_error(name: str) -> None:
    """A call that fails for good, though retries were meant, counts once, and under its last error."""
    policy = policy_of(name, retry_on=OSError, max_retries=1)
    fail(policy, ConnectionError())
    fail(policy, ConnectionError())
    fail(policy, PermissionError())
    assert value("retry_exhausted_total", name=name) == 3.0
    assert value("retry_errors_total", name=name, error_type="ConnectionError") == 2.0
    assert value("retry_errors_total", name=name, error_type="PermissionError") == 1.0


def test_errors_that_are_not_retried_exhaust_nothing(name: str) -> None:
    """They are failed attempts, but no retries were meant for them."""
    fail(policy_of(name, retry_on=OSError), ValueError())
    assert attempts(name) == [0.0, 1.0, 0.0]
    assert value("retry_exhausted_total", name=name) == 0.0


def test_cancelled_attempts_are_no_failures(name: str) -> None:
    """Who gives up is counted apart."""
    fail(policy_of(name), asyncio.CancelledError())
    assert attempts(name) == [0.0, 0.0, 1.0]


def test_rejections_are_no_attempts(name: str) -> None:
    """What a breaker does not let through is in its own series, and in none of the policy's."""
    breaker = CircuitBreaker(name)
    breaker.force_open()
    with pytest.raises(CircuitBreakerError):
        policy_of(name).execute_sync(breaker.call_sync, int)
    assert attempts(name) == [0.0, 0.0, 0.0]
    assert value("retry_exhausted_total", name=name) == 0.0
    assert value("circuit_breaker_rejected_total", name=name) == 1.0


@pytest.mark.parametrize("error", [OSError(), CircuitBreakerError("db", 0.1)], ids=lambda e: type(e).__name__)
def test_stream_that_breaks_off_is_one_failed_attempt(name: str, error: Exception) -> None:
    """After the first item nothing is tried again and nobody waits, so neither is counted."""

    @policy_of(name, on_open="wait")
    def stream() -> Iterator[int]:
        yield 1
        raise error

    with pytest.raises(type(error)):
        list(stream())
    assert attempts(name) == [0.0, 1.0, 0.0]
    assert value("retry_delay_seconds_count", name=name) == 0.0
    assert value("retry_exhausted_total", name=name) == 0.0


def test_all_forms_count_alike(name: str) -> None:
    """Calls, decorated functions and blocks of one policy count together."""
    policy = policy_of(name)
    policy.execute_sync(int)
    asyncio.run(policy.execute(asyncio.sleep, 0))
    policy(lambda: None)()
    list(policy(lambda: (yield 1))())
    for attempt in policy.attempts():
        with attempt:
            pass
    assert attempts(name) == [5.0, 0.0, 0.0]


def test_decorated_functions_count_under_their_names() -> None:
    """Unless a name is given, `@retry(...)` takes the function's, with its module."""

    @retry(max_retries=1)
    def work() -> None:
        pass

    work()
    (line,) = [
        line for line in lines("retry_attempts_total") if "decorated_functions_count" in line and "success" in line
    ]
    assert f'name="{__name__}.test_decorated_functions_count_under_their_names.work"' in line


def test_series_stand_under_the_namespace() -> None:
    """`configure` after construction moves them all."""
    script = """
    from golden_runtime import RetryPolicy, configure
    from prometheus_client import generate_latest
    policy = RetryPolicy(name="db")
    configure(namespace="chimera")
    policy.execute_sync(int)
    print(generate_latest().decode())
    """
    exposed = run_script(script).stdout.splitlines()
    assert 'chimera_retry_attempts_total{name="db",outcome="success"} 1.0' in exposed
    assert not [line for line in exposed if line.startswith("retry")]
