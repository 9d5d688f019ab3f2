"""Delays: the sequences of the strategies, the bounds that jitter keeps to, and what `Retry-After` says."""

import itertools
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import HTTPMessage
from typing import Any
from urllib.error import HTTPError

import pytest
from golden_runtime import RetryConfig, RetryPolicy, RetryStrategy
from hypothesis import given
from hypothesis import strategies as st
from resilience_time import Clock


def delays(retries: int, *, errors: Any = OSError, random: Any = None, **settings: Any) -> list[float]:
    """Return what a policy sleeps between attempts that all fail."""
    clock = Clock()
    config = RetryConfig(max_retries=retries, **settings)
    policy = RetryPolicy(config, name="test", clock=clock, sleep=clock.sleep, random=random or (lambda: 0.5))

    def fail() -> None:
        raise errors() if callable(errors) else errors

    with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever was to be raised
        policy.execute_sync(fail)
    return clock.slept


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (RetryStrategy.EXPONENTIAL, [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]),
        (RetryStrategy.LINEAR, [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]),
        (RetryStrategy.FIBONACCI, [0.5, 0.5, 1.0, 1.5, 2.5, 4.0]),
        (RetryStrategy.CONSTANT, [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]),
    ],
)
def test_strategies_grow_as_they_say(strategy: RetryStrategy, expected: list[float]) -> None:
    """Without jitter the delays are the strategy's sequence, up to `max_delay`."""
    assert delays(6, strategy=strategy, base_delay=0.5, max_delay=10.0, jitter="none") == expected


def test_decorrelated_jitter_grows_from_the_delay_before() -> None:
    """Each delay lies between `base_delay` and three times the one before: here half way, and then at the cap."""
    assert delays(4, strategy=RetryStrategy.DECORRELATED_JITTER, base_delay=1.0, max_delay=5.0) == [2.0, 3.5, 5.0, 5.0]


@pytest.mark.parametrize(("jitter", "low", "high"), [("full", 0.0, 4.0), ("equal", 2.0, 4.0)])
def test_jitter_spreads_over_its_range(jitter: Any, low: float, high: float) -> None:
    """Full jitter begins at zero, equal jitter at half the delay; both end at the delay."""
    for random, expected in ((lambda: 0.0, low), (lambda: 1.0, high)):
        assert delays(1, base_delay=4.0, jitter=jitter, random=random) == [expected]


@pytest.mark.parametrize("strategy", RetryStrategy)
def test_attempt_two_thousand_does_not_overflow(strategy: RetryStrategy) -> None:
    """However many retries there are, a delay that grows stays at `max_delay`, and none is worked out in vain."""
    slept = delays(2_000, strategy=strategy, base_delay=0.001, max_delay=1.0, jitter="none", random=lambda: 0.999)
    assert len(slept) == 2_000
    assert slept[-1] == (0.001 if strategy is RetryStrategy.CONSTANT else 1.0)


@given(
    strategy=st.sampled_from(RetryStrategy),
    jitter=st.sampled_from(["full", "equal", "none"]),
    base=st.floats(0.0, 1e3),
    more=st.floats(0.0, 1e300),
    retries=st.integers(1, 60),
    randoms=st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1),
)
def test_delay_never_exceeds_its_cap(
    strategy: RetryStrategy, jitter: Any, base: float, more: float, retries: int, randoms: list[float]
) -> None:
    """Whatever the strategy, the jitter and the luck, each delay is between zero and `max_delay`."""
    cap = base + more
    slept = delays(
        retries,
        strategy=strategy,
        jitter=jitter,
        base_delay=base,
        max_delay=cap,
        random=itertools.cycle(randoms).__next__,
    )
    assert len(slept) == retries
    assert all(0.0 <= delay <= cap for delay in slept)


class Asking(Exception):
    """An error that says when to try again."""

    def __init__(self, *, retry_after: Any = None, headers: Any = None, response: Any = None) -> None:
        super().__init__("busy")
        if retry_after is not None:
            self.retry_after = retry_after
        if headers is not None:
            self.headers = headers
        if response is not None:
            self.response = response


def from_urllib() -> HTTPError:
    """Return the error of the standard library's client."""
    headers = HTTPMessage()
    headers["retry-after"] = "7"
    return HTTPError("http://localhost", 503, "busy", headers, None)


@pytest.mark.parametrize(
    "error",
    [
        Asking(retry_after=7),
        Asking(retry_after=7.0),
        Asking(retry_after="7"),
        Asking(retry_after=timedelta(seconds=7)),
        Asking(headers={"Retry-After": "7"}),
        Asking(headers={"retry-after": " 7 "}),
        Asking(headers={"Retry-After": b"7"}),
        Asking(response=Asking(headers={"Retry-After": "7"})),
        from_urllib(),
    ],
    ids=["int", "float", "text", "timedelta", "header", "lower case", "bytes", "response", "urllib"],
)
def test_retry_after_is_the_delay(error: BaseException) -> None:
    """Where the error says when to try again, that is the delay, whatever the strategy has."""
    assert delays(2, errors=error) == [7.0, 7.0]


def test_retry_after_of_a_result_is_the_delay() -> None:
    """A result that is tried again may say when, too."""
    clock = Clock()
    config = RetryConfig(retry_result=lambda result: hasattr(result, "retry_after"))
    policy = RetryPolicy(config, name="test", clock=clock, sleep=clock.sleep)
    results = iter([Asking(retry_after=3), "done"])
    assert policy.execute_sync(lambda: next(results)) == "done"
    assert clock.slept == [3.0]


@pytest.mark.parametrize(("seconds", "least", "most"), [(30, 28.0, 30.0), (-30, 0.0, 0.0)])
def test_retry_after_may_be_a_date(seconds: int, least: float, most: float) -> None:
    """A date is waited for; one that is over means at once."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    (slept,) = delays(1, errors=Asking(headers={"Retry-After": date}))
    assert least <= slept <= most


def test_retry_after_beyond_the_cap_ends_the_retries() -> None:
    """Neither is waited for longer than `max_delay`, nor tried again sooner than asked: the error is raised."""
    assert delays(3, errors=Asking(retry_after=61), max_delay=60.0) == []
    assert delays(1, errors=Asking(retry_after=60), max_delay=60.0) == [60.0]


@pytest.mark.parametrize(
    "unreadable",
    ["soon", "", "inf", "nan", True, object(), -5],
    ids=lambda value: repr(value)[:10],
)
def test_unreadable_retry_after_is_passed_over(unreadable: Any) -> None:
    """What is no time in seconds and no date leaves the strategy's delay; less than nothing means at once."""
    assert delays(1, errors=Asking(retry_after=unreadable), jitter="none") == [0.0 if unreadable == -5 else 1.0]


def test_hostile_attribute_does_not_break_the_retry() -> None:
    """An error whose `retry_after` raises is tried again all the same."""

    class Hostile(Exception):
        @property
        def retry_after(self) -> float:
            raise RuntimeError("no")

    assert delays(1, errors=Hostile, jitter="none") == [1.0]
