"""Retry policies against a model of what is promised: any outcomes, any durations, synchronous and asynchronous alike."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from golden_runtime import CircuitBreakerError, RetryConfig, RetryPolicy, RetryStatistics
from hypothesis import given, settings
from hypothesis import strategies as st
from resilience_time import Clock


@dataclass(frozen=True)
class Step:
    """What one call of the function does: it takes some seconds, and then raises, returns, or is rejected by a breaker."""

    outcome: str
    seconds: float


steps = st.lists(
    st.builds(
        Step,
        outcome=st.sampled_from(["retried", "retried", "asking", "other", "rejected", "unwanted", "success"]),
        seconds=st.sampled_from([0.0, 0.25, 1.0, 5.0]),
    ),
    max_size=12,
).map(lambda some: [*some, Step("success", 0.0)])

configs = st.builds(
    RetryConfig,
    max_retries=st.integers(0, 5),
    base_delay=st.sampled_from([0.0, 0.5, 1.0]),
    max_delay=st.sampled_from([1.0, 3.0, 100.0]),
    jitter=st.just("none"),
    retry_on=st.just(OSError),
    retry_result=st.just(lambda result: result == "unwanted"),
    deadline=st.sampled_from([None, 2.0, 7.5, 20.0]),
    on_open=st.sampled_from(["raise", "wait"]),
)


@dataclass
class Outcome:
    """What a call comes to."""

    ended: str
    statistics: RetryStatistics


def expected(config: RetryConfig, script: list[Step]) -> Outcome:
    """Return what is promised, worked out step by step."""
    now, attempts, rejections, delays = 0.0, 0, 0, []
    for step in script:
        if config.deadline is not None and now >= config.deadline:
            ended = "late"
            break
        now += step.seconds
        left = float("inf") if config.deadline is None else config.deadline - now
        ended = step.outcome
        if step.outcome == "rejected":
            rejections += 1
            if config.on_open == "raise" or left <= 2.0:
                break
            now += 2.0
            continue
        attempts += 1
        delay = 1.5 if step.outcome == "asking" else min(config.max_delay, config.base_delay * 2.0 ** (attempts - 1))
        if (
            step.outcome in ("success", "other")
            or attempts > config.max_retries
            or delay > config.max_delay
            or delay >= left
        ):
            break
        delays.append(delay)
        now += delay
    return Outcome(ended, RetryStatistics(attempts, rejections, tuple(delays), now))


class Asking(OSError):
    """An error that asks for a delay."""

    retry_after = 1.5


def play(step: Step, clock: Clock) -> str:
    """Do what a step says."""
    clock.advance(step.seconds)
    raised = {"retried": OSError(), "asking": Asking(), "other": KeyError(), "rejected": CircuitBreakerError("db", 2.0)}
    if step.outcome in raised:
        raise raised[step.outcome]
    return step.outcome


def ended(error: Exception) -> str:
    """Return the outcome that an error stands for."""
    kinds = {CircuitBreakerError: "rejected", KeyError: "other", Asking: "asking", OSError: "retried"}
    return next((outcome for kind, outcome in kinds.items() if type(error) is kind), "late")


def policy_of(config: RetryConfig, clock: Clock) -> RetryPolicy:
    """Return a policy on the clock."""
    return RetryPolicy(config, name="test", clock=clock, sleep=clock.sleep, async_sleep=clock.async_sleep)


@settings(max_examples=400, deadline=None)
@given(config=configs, script=steps)
def test_calls_end_as_promised(config: RetryConfig, script: list[Step]) -> None:
    """Attempts, rejections, delays, the time taken and the end are those of the model, and nothing is called in excess."""
    clock, rest = Clock(0.0), iter(script)
    attempts = policy_of(config, clock).attempts()
    try:
        result = attempts.execute_sync(lambda: play(next(rest), clock))
    except Exception as error:  # noqa: BLE001 - which one, the model says
        result = ended(error)
    assert Outcome(result, attempts.statistics) == expected(config, script)


@settings(max_examples=200, deadline=None)
@given(config=configs, script=steps)
def test_all_forms_do_the_same(config: RetryConfig, script: list[Step]) -> None:
    """Whether called, decorated or awaited, the same outcomes take the same time and come to the same end."""

    def sync_call(policy: RetryPolicy, function: Any) -> Any:
        return policy.execute_sync(function)

    def decorated(policy: RetryPolicy, function: Any) -> Any:
        return policy(lambda: function())()

    def awaited(policy: RetryPolicy, function: Any) -> Any:
        async def coroutine() -> Any:
            return function()

        return asyncio.run(policy.execute(coroutine))

    seen = []
    for form in (sync_call, decorated, awaited):
        clock, rest = Clock(0.0), iter(script)
        try:
            result = form(policy_of(config, clock), lambda rest=rest, clock=clock: play(next(rest), clock))
        except Exception as error:  # noqa: BLE001 - they are compared with each other
            result = ended(error)
        seen.append((result, clock.now, clock.slept, len(list(rest))))
    # a deadline may cut off what is awaited, but on this clock nothing is under way for long
    assert seen[0] == seen[1] == seen[2]
