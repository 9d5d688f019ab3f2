"""RetryBudget: it stops retry storms, and never hands out more than it promises."""

from typing import Any

import pytest
from golden_runtime import CircuitBreakerError, RetryBudget, RetryConfig, RetryPolicy
from hypothesis import given
from hypothesis import strategies as st
from racing import in_threads
from resilience_time import Clock


def failing(budget: RetryBudget, calls: int, retries: int = 3) -> int:
    """Return how many attempts are made for so many calls that all fail."""
    policy = RetryPolicy(RetryConfig(max_retries=retries, base_delay=0.0, budget=budget), name="test")
    attempts = 0

    def fail() -> None:
        nonlocal attempts
        attempts += 1
        raise OSError

    for _ in range(calls):
        with pytest.raises(OSError):  # noqa: PT011 - any will do
            policy.execute_sync(fail)
    return attempts


def test_budget_stops_a_retry_storm() -> None:
    """A thousand failing calls make 200 retries and the reserve, not three thousand."""
    budget = RetryBudget(ratio=0.2, per_second=0.0, reserve=10, clock=Clock())
    assert failing(budget, 1_000) == pytest.approx(1_000 + 10 + 200, abs=1)


def test_budget_is_shared_between_policies() -> None:
    """What one policy has spent, another does not have."""
    budget = RetryBudget(ratio=0.001, per_second=0.0, reserve=5, clock=Clock())
    assert failing(budget, 2) == 2 + 5
    assert failing(budget, 2) == 2


def test_call_that_waits_for_a_breaker_counts_once() -> None:
    """However often a breaker rejects it, a call allows its share of a retry once."""
    clock = Clock()
    budget = RetryBudget(ratio=0.5, per_second=0.0, reserve=1, clock=clock)
    assert budget.take()
    rejections = iter([CircuitBreakerError("db", 1.0)] * 9)

    def rejected() -> None:
        for rejection in rejections:
            raise rejection

    config = RetryConfig(on_open="wait", budget=budget)
    RetryPolicy(config, name="test", clock=clock, sleep=clock.sleep).execute_sync(rejected)
    assert not budget.take()


def test_budget_fills_with_time() -> None:
    """`per_second` retries come back each second, up to the reserve."""
    clock = Clock()
    budget = RetryBudget(ratio=0.001, per_second=0.5, reserve=4, clock=clock)
    assert failing(budget, 2) == 2 + 4
    clock.advance(4.0)
    assert failing(budget, 2) == 2 + 2
    clock.advance(3600.0)
    assert failing(budget, 2) == 2 + 4


def test_spent_budget_is_told_in_the_notes() -> None:
    """The last error says why there was no other attempt."""
    policy = RetryPolicy(RetryConfig(base_delay=0.0, budget=RetryBudget(reserve=1, clock=Clock())), name="test")
    with pytest.raises(ZeroDivisionError) as raised:
        policy.execute_sync(divmod, 1, 0)
    assert raised.value.__notes__[-1].endswith("the retry budget is spent")


@given(
    ratio=st.floats(0.01, 1.0),
    per_second=st.floats(0.0, 10.0),
    reserve=st.integers(1, 20),
    events=st.lists(st.one_of(st.just("call"), st.just("retry"), st.floats(0.0, 100.0)), max_size=200),
)
def test_budget_keeps_its_promise(ratio: float, per_second: float, reserve: int, events: list[Any]) -> None:
    """Over any `n` calls and `t` seconds it allows at most `reserve + ratio * n + per_second * t` retries."""
    clock = Clock(0.0)
    budget = RetryBudget(ratio, per_second, reserve, clock=clock)
    calls = taken = 0
    for event in events:
        if event == "call":
            calls += 1
            budget.pay_in()
        elif event == "retry":
            taken += budget.take()
        else:
            clock.advance(event)
        assert taken <= reserve + ratio * calls + per_second * clock() + 1e-6


def test_threads_take_each_retry_once() -> None:
    """Eight threads that take what they can get exactly the reserve."""
    budget = RetryBudget(ratio=0.001, per_second=0.0, reserve=100, clock=Clock())
    taken: list[bool] = []
    in_threads(lambda: taken.extend([budget.take() for _ in range(50)]), 8)
    assert (taken.count(True), len(taken)) == (100, 400)


def test_threads_pay_in_every_call() -> None:
    """Eight threads whose calls allow half a retry each have all of them."""
    budget = RetryBudget(ratio=0.5, per_second=0.0, reserve=200, clock=Clock())
    while budget.take():
        pass
    in_threads(lambda: [budget.pay_in() for _ in range(20)], 8)
    assert [budget.take() for _ in range(90)].count(True) == 80


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ratio": 0}, "`ratio` must be a share above 0 and up to 1, such as 0.5 for half, not `0`"),
        ({"per_second": -1}, "`per_second` must be seconds from zero up"),
        ({"reserve": 0}, "`reserve` must be a whole number from 1 up, not `0`"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    """The error names the setting, what was given, and what may be."""
    with pytest.raises(ValueError, match=message):
        RetryBudget(**settings)
