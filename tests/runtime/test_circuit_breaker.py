"""CircuitBreaker: when it opens, whom it lets through while half open, when it closes, and what counts as a failure."""

import asyncio
import logging
import pickle
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from golden_runtime import (
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitBreakerError,
    CircuitState,
    Transition,
    circuit_breakers,
)
from resilience_time import Clock

CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


@pytest.fixture
def clock() -> Clock:
    """A clock that moves when it is told to."""
    return Clock()


def breaker_of(clock: Clock, **settings: Any) -> CircuitBreaker:
    """Return a breaker with a name of its own."""
    return CircuitBreaker(f"test-{uuid4().hex}", CircuitBreakerConfig(**settings), clock=clock)


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    """Let calls fail."""
    for _ in range(times):
        with pytest.raises(OSError, match="down"):
            breaker.call_sync(raising(OSError("down")))


def raising(error: BaseException) -> Callable[..., None]:
    """Return a function that raises, whatever it is called with."""

    def function(*_: object) -> None:
        raise error

    return function


def half_opened(clock: Clock, **settings: Any) -> CircuitBreaker:
    """Return a breaker that is open, and half open at its next call."""
    breaker = breaker_of(clock, failure_threshold=1, **settings)
    fail(breaker)
    clock.advance(60.0)
    return breaker


def begun(breaker: CircuitBreaker) -> Any:
    """Return a call that has begun: `next` lets it succeed, `throw` lets it fail, `close` cancels it."""

    @breaker
    def call() -> Any:
        yield

    calling = call()
    next(calling)
    return calling


def test_opens_after_failures_in_a_row(clock: Clock) -> None:
    """At `failure_threshold` failures in a row it opens, and the next call is not made."""
    breaker = breaker_of(clock, failure_threshold=3)
    fail(breaker, 2)
    assert breaker.state is CLOSED
    fail(breaker)
    assert breaker.state is OPEN
    with pytest.raises(CircuitBreakerError):
        breaker.call_sync(raising(AssertionError("called")))


def test_rejection_tells_name_and_seconds(clock: Clock) -> None:
    """A rejection carries the name, the state, and the seconds until a call may be let through."""
    breaker = breaker_of(clock, failure_threshold=1, timeout_seconds=30.0)
    fail(breaker)
    clock.advance(12.5)
    with pytest.raises(CircuitBreakerError, match=rf"`{breaker.name}` is open: retry in 17.5 s") as raised:
        breaker.call_sync(int)
    assert (raised.value.name, raised.value.retry_after, raised.value.state) == (breaker.name, 17.5, OPEN)


def test_rejection_can_be_pickled() -> None:
    """A process pool hands a rejection back as it was."""
    error = pickle.loads(pickle.dumps(CircuitBreakerError("db", 1.5, HALF_OPEN)))  # noqa: S301 - our own bytes
    assert (error.name, error.retry_after, error.state) == ("db", 1.5, HALF_OPEN)


def test_success_ends_a_row_of_failures(clock: Clock) -> None:
    """Only failures in a row count: a success starts counting anew."""
    breaker = breaker_of(clock, failure_threshold=3)
    for _ in range(10):
        fail(breaker, 2)
        breaker.call_sync(int)
    assert breaker.state is CLOSED


@pytest.mark.parametrize("settings", [{}, {"failure_rate_threshold": 0.5}], ids=["in a row", "rate"])
def test_rare_failures_do_not_open(clock: Clock, settings: dict[str, Any]) -> None:
    """Five failures in 100,000 calls leave it closed, whichever way it counts."""
    breaker = breaker_of(clock, **settings)
    succeed = breaker(lambda: None)
    for number in range(100_000):
        if number % 20_000 == 0:
            fail(breaker)
        succeed()
    assert breaker.state is CLOSED


def test_opens_at_a_failure_rate(clock: Clock) -> None:
    """With `failure_rate_threshold` it opens when that share of the last `window_size` calls failed."""
    breaker = breaker_of(clock, failure_rate_threshold=0.3, window_size=10, minimum_calls=10)
    for _ in range(50):
        breaker.call_sync(int)
    fail(breaker, 2)
    assert breaker.state is CLOSED
    fail(breaker)
    assert breaker.state is OPEN


def test_failures_leave_the_window(clock: Clock) -> None:
    """Failures that are more than `window_size` calls ago no longer count."""
    breaker = breaker_of(clock, failure_rate_threshold=0.3, window_size=10, minimum_calls=10)
    for _ in range(20):
        fail(breaker, 2)
        for _ in range(8):
            breaker.call_sync(int)
    assert breaker.state is CLOSED


def test_few_calls_have_no_failure_rate(clock: Clock) -> None:
    """Before `minimum_calls` there is no rate, though every call failed."""
    breaker = breaker_of(clock, failure_rate_threshold=0.1, minimum_calls=8)
    fail(breaker, 7)
    assert breaker.state is CLOSED
    fail(breaker)
    assert breaker.state is OPEN


def test_minimum_of_calls_fits_a_small_window(clock: Clock) -> None:
    """Unless given, the minimum of calls is no larger than the window, or it would never open."""
    breaker = breaker_of(clock, failure_rate_threshold=0.5, window_size=4)
    fail(breaker, 4)
    assert breaker.state is OPEN


def test_closes_after_enough_probes_succeeded(clock: Clock) -> None:
    """After `timeout_seconds` a probe passes, and `success_threshold` of them close it."""
    breaker = half_opened(clock, success_threshold=2)
    breaker.call_sync(int)
    assert breaker.state is HALF_OPEN
    breaker.call_sync(int)
    assert breaker.state is CLOSED


def test_failed_probe_opens_again(clock: Clock) -> None:
    """One probe that fails opens it for another `timeout_seconds`, whatever succeeded before."""
    breaker = half_opened(clock, success_threshold=3)
    breaker.call_sync(int)
    fail(breaker)
    assert breaker.state is OPEN
    clock.advance(59.9)
    with pytest.raises(CircuitBreakerError):
        breaker.call_sync(int)


def test_closed_again_it_counts_anew(clock: Clock) -> None:
    """Failures from before it opened are forgotten when it closes."""
    breaker = breaker_of(clock, failure_threshold=3, success_threshold=1)
    fail(breaker, 3)
    clock.advance(60.0)
    breaker.call_sync(int)
    fail(breaker, 2)
    assert breaker.state is CLOSED


@pytest.mark.parametrize("slots", [1, 3])
def test_half_open_admits_its_slots(clock: Clock, slots: int) -> None:
    """While `half_open_max_calls` probes are under way, no other call is let through; one that ends makes room."""
    breaker = half_opened(clock, half_open_max_calls=slots, success_threshold=9)
    probes = [begun(breaker) for _ in range(slots)]
    with pytest.raises(CircuitBreakerError, match="half open"):
        begun(breaker)
    next(probes[0], None)
    begun(breaker)


def test_hung_probe_loses_its_slot(clock: Clock) -> None:
    """After `probe_timeout` the slot goes to the next call, and what the hung probe comes to does not count."""
    breaker = half_opened(clock, probe_timeout=5.0, success_threshold=1)
    hung = begun(breaker)
    clock.advance(4.9)
    with pytest.raises(CircuitBreakerError) as raised:
        begun(breaker)
    assert raised.value.retry_after == pytest.approx(0.1)
    clock.advance(0.1)
    begun(breaker)
    next(hung, None)
    assert breaker.state is HALF_OPEN


def test_late_failure_of_a_hung_probe_does_not_count(clock: Clock) -> None:
    """A probe whose slot is gone can no longer open the breaker."""
    breaker = half_opened(clock, probe_timeout=5.0)
    hung = begun(breaker)
    clock.advance(5.0)
    begun(breaker)
    with pytest.raises(OSError, match="late"):
        hung.throw(OSError("late"))
    assert breaker.state is HALF_OPEN


def test_cancelled_probe_gives_its_slot_back(clock: Clock) -> None:
    """A cancelled probe says nothing, and makes room for the next."""
    breaker = half_opened(clock)
    begun(breaker).close()
    assert breaker.state is HALF_OPEN
    begun(breaker)


def test_late_success_does_not_close(clock: Clock) -> None:
    """A call that began while the breaker was closed is no probe, however well it ends."""
    breaker = breaker_of(clock, failure_threshold=1, success_threshold=1)
    early, earlier = begun(breaker), begun(breaker)
    fail(breaker)
    next(early, None)
    assert breaker.state is OPEN
    clock.advance(60.0)
    begun(breaker)
    next(earlier, None)
    assert breaker.state is HALF_OPEN


def test_late_failure_does_not_prolong(clock: Clock) -> None:
    """A call that began before the breaker opened cannot keep it open longer, nor open it once it is closed again."""
    breaker = breaker_of(clock, failure_threshold=1, success_threshold=1)
    early, earlier = begun(breaker), begun(breaker)
    fail(breaker)
    clock.advance(59.0)
    with pytest.raises(OSError, match="late"):
        early.throw(OSError("late"))
    clock.advance(1.0)
    breaker.call_sync(int)
    with pytest.raises(OSError, match="late"):
        earlier.throw(OSError("late"))
    assert breaker.state is CLOSED


def test_late_probes_of_an_earlier_half_open_do_not_count(clock: Clock) -> None:
    """Where one of several probes opens the breaker again, the others are late: they neither prolong nor close it."""
    breaker = half_opened(clock, half_open_max_calls=3, success_threshold=1)
    failing, failing_late, succeeding_late = begun(breaker), begun(breaker), begun(breaker)
    with pytest.raises(OSError, match="first"):
        failing.throw(OSError("first"))
    clock.advance(59.0)
    with pytest.raises(OSError, match="late"):
        failing_late.throw(OSError("late"))
    next(succeeding_late, None)
    assert breaker.state is OPEN
    clock.advance(1.0)
    begun(breaker)


def test_late_success_does_not_end_a_row(clock: Clock) -> None:
    """After a reset, a success from before it does not hide failures that came since."""
    breaker = breaker_of(clock, failure_threshold=2)
    early = begun(breaker)
    breaker.reset()
    fail(breaker)
    next(early, None)
    fail(breaker)
    assert breaker.state is OPEN


@pytest.mark.parametrize(
    "error",
    [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(), GeneratorExit()],
    ids=lambda e: type(e).__name__,
)
def test_cancellation_is_neutral(clock: Clock, error: BaseException) -> None:
    """A caller who gives up neither opens the breaker nor ends a row of failures."""
    breaker = breaker_of(clock, failure_threshold=2)
    for _ in range(3):
        with pytest.raises(type(error)):
            breaker.call_sync(raising(error))
    fail(breaker)
    with pytest.raises(type(error)):
        breaker.call_sync(raising(error))
    fail(breaker)
    assert breaker.state is OPEN


@pytest.mark.parametrize(
    "ignore",
    [KeyError, (KeyError, ValueError), lambda error: isinstance(error, LookupError)],
    ids=["class", "classes", "function"],
)
def test_ignored_errors_are_successes(clock: Clock, ignore: Any) -> None:
    """What `ignore` names is raised all the same, and ends a row of failures as any success does."""
    breaker = breaker_of(clock, failure_threshold=2, ignore=ignore)
    for _ in range(5):
        fail(breaker)
        with pytest.raises(KeyError):
            breaker.call_sync(raising(KeyError()))
    assert breaker.state is CLOSED


def test_failing_ignore_function_counts_as_no(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Where `ignore` itself raises, the caller sees the error of the call, which is a failure; the log tells once."""
    breaker = breaker_of(clock, failure_threshold=2, ignore=lambda error: error.status)
    fail(breaker, 2)
    assert breaker.state is OPEN
    assert [f"`ignore` of circuit breaker `{breaker.name}`" in line for line in caplog.messages].count(True) == 1


def test_result_can_be_a_failure(clock: Clock) -> None:
    """A returned value that `failure_result` names is returned, and counts as a failure."""
    breaker = breaker_of(clock, failure_threshold=2, failure_result=lambda status: status >= 500)
    assert [breaker.call_sync(int, status) for status in (503, 200, 503, 503)] == [503, 200, 503, 503]
    assert breaker.state is OPEN


def test_force_open_holds(clock: Clock) -> None:
    """A breaker that was forced open stays so, however much time passes, until it is closed."""
    breaker = breaker_of(clock)
    breaker.force_open()
    clock.advance(1e9)
    with pytest.raises(CircuitBreakerError, match="forced open") as raised:
        breaker.call_sync(int)
    assert raised.value.retry_after == float("inf")
    breaker.reset()
    assert breaker.call_sync(int) == 0


def test_force_close_holds(clock: Clock) -> None:
    """A breaker that was forced closed lets everything through, until it is reset."""
    breaker = breaker_of(clock, failure_threshold=1)
    breaker.force_close()
    fail(breaker, 10)
    assert breaker.state is CLOSED
    breaker.reset()
    fail(breaker)
    assert breaker.state is OPEN


def test_listeners_hear_of_every_transition_in_order(clock: Clock) -> None:
    """Each listener gets each transition, with the name and both states."""
    heard: list[Transition] = []
    breaker = CircuitBreaker(
        f"test-{uuid4().hex}", CircuitBreakerConfig(failure_threshold=1), clock=clock, listeners=[heard.append]
    )
    fail(breaker)
    clock.advance(60.0)
    fail(breaker)
    assert heard == [
        Transition(breaker.name, CLOSED, OPEN),
        Transition(breaker.name, OPEN, HALF_OPEN),
        Transition(breaker.name, HALF_OPEN, OPEN),
    ]


def test_listener_may_use_the_breaker(clock: Clock) -> None:
    """No lock is held while listeners run: one may close what has just opened, and hears of that next."""
    breaker, heard = breaker_of(clock, failure_threshold=1), []
    breaker.add_listener(lambda change: heard.append(change.after))
    breaker.add_listener(lambda change: breaker.reset() if change.after is OPEN else None)
    fail(breaker)
    assert (breaker.state, heard) == (CLOSED, [OPEN, CLOSED])


def test_failing_listener_harms_nobody(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """The call that opened the breaker raises its own error; what the listener raised is logged once."""
    breaker = breaker_of(clock, failure_threshold=1)
    breaker.add_listener(raising(LookupError()))
    fail(breaker)
    breaker.reset()
    assert sum("a listener of circuit breaker" in line for line in caplog.messages) == 1


@pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit()], ids=["cancelled", "exit"])
def test_listener_that_is_cancelled_takes_no_slot(clock: Clock, error: BaseException) -> None:
    """Whatever a listener raises, the call that changed the state begins and ends as if there was none."""
    breaker = breaker_of(clock, failure_threshold=1, success_threshold=2)
    breaker.add_listener(raising(error))
    fail(breaker)
    clock.advance(60.0)
    assert [breaker.call_sync(int), breaker.call_sync(int)] == [0, 0]
    assert breaker.state is CLOSED


def test_interrupt_in_a_listener_takes_no_slot(clock: Clock) -> None:
    """Ctrl-C while a listener runs ends the program, not the breaker: the probe that was to begin gives its slot back."""
    breaker = half_opened(clock, success_threshold=1)
    breaker.add_listener(raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        breaker.call_sync(int)
    with pytest.raises(KeyboardInterrupt):
        breaker.call_sync(int)
    assert breaker.state is CLOSED


@pytest.mark.parametrize("setting", ["ignore", "failure_result"])
def test_interrupt_in_a_function_of_the_settings_takes_no_slot(clock: Clock, setting: str) -> None:
    """Nor does Ctrl-C while `ignore` or `failure_result` runs: the next call is the probe."""
    interrupts: list[BaseException] = []

    def asked(_: object) -> bool:
        if interrupts:
            raise interrupts.pop()
        return False

    breaker = half_opened(clock, success_threshold=1, **{setting: asked})
    interrupts.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        breaker.call_sync(raising(OSError()) if setting == "ignore" else int)
    breaker.call_sync(int)
    assert breaker.state is CLOSED


@pytest.mark.parametrize("error", [LookupError(), asyncio.CancelledError()], ids=["error", "cancelled"])
def test_function_of_the_settings_that_fails_replaces_no_outcome(clock: Clock, error: BaseException) -> None:
    """Whatever `ignore` and `failure_result` raise means no, and the caller sees its own result and its own error."""
    breaker = breaker_of(clock, failure_threshold=1, ignore=raising(error), failure_result=raising(error))
    assert breaker.call_sync(int) == 0
    fail(breaker)
    assert breaker.state is OPEN


def test_transitions_are_logged(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Each transition is a line of the log, opening a warning."""
    caplog.set_level(logging.INFO, "golden_runtime")
    breaker = half_opened(clock, success_threshold=1)
    breaker.call_sync(int)
    told = [(record.levelname, record.message) for record in caplog.records if breaker.name in record.message]
    assert told == [
        ("WARNING", f"Circuit breaker '{breaker.name}' transitioned to OPEN"),
        ("INFO", f"Circuit breaker '{breaker.name}' transitioned to HALF_OPEN"),
        ("INFO", f"Circuit breaker '{breaker.name}' transitioned to CLOSED"),
    ]


def test_breakers_are_found_by_name() -> None:
    """Every breaker is in `circuit_breakers`; of two with one name, the newest."""
    name = f"test-{uuid4().hex}"
    assert name not in circuit_breakers
    CircuitBreaker(name)
    newest = CircuitBreaker(name)
    assert circuit_breakers[name] is newest
    assert name in list(circuit_breakers)
    assert circuit_breakers.get_or_create(name) is newest


def test_get_or_create_makes_what_is_missing() -> None:
    """A name that is new gives a new breaker; another configuration for one that exists is an error."""
    name = f"test-{uuid4().hex}"
    config = CircuitBreakerConfig(failure_threshold=7)
    breaker = circuit_breakers.get_or_create(name, config)
    assert circuit_breakers.get_or_create(name, CircuitBreakerConfig(failure_threshold=7)) is breaker
    with pytest.raises(ValueError, match=f"`{name}` exists with another configuration"):
        circuit_breakers.get_or_create(name, CircuitBreakerConfig())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"failure_threshold": 0}, "`failure_threshold` must be a whole number from 1 up, not `0`"),
        ({"success_threshold": 1.5}, "`success_threshold` must be a whole number from 1 up, not `1.5`"),
        ({"half_open_max_calls": True}, "`half_open_max_calls` must be a whole number from 1 up, not `True`"),
        ({"timeout_seconds": -1}, "`timeout_seconds` must be seconds from zero up, not `-1`"),
        ({"timeout_seconds": "60"}, "`timeout_seconds` must be seconds from zero up, not `'60'`"),
        ({"probe_timeout": 0}, "`probe_timeout` must be seconds above zero, not `0`"),
        ({"probe_timeout": float("nan")}, "`probe_timeout` must be seconds above zero, not `nan`"),
        ({"failure_rate_threshold": 50}, "`failure_rate_threshold` must be a share above 0 and up to 1"),
        ({"window_size": 10, "minimum_calls": 20}, "make the window larger"),
        ({"ignore": "KeyError"}, "`ignore` must be an exception class, a tuple of them, or a function"),
        ({"ignore": (KeyError, int)}, "`ignore` must be an exception class, a tuple of them, or a function"),
        ({"failure_result": 500}, "`failure_result` must be a function of a result, not `500`"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    """The error names the setting, what was given, and what may be."""
    with pytest.raises(ValueError, match=message):
        CircuitBreakerConfig(**settings)


@pytest.mark.parametrize("name", ["", None, 7])
def test_breaker_needs_a_name(name: Any) -> None:
    """The name is a label value, so it must be text."""
    with pytest.raises(ValueError, match="must be a string that is not empty"):
        CircuitBreaker(name)
