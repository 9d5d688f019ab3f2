"""The series of a circuit breaker: there from construction on, and true at every moment."""

import pytest
from exposed import lines, run_script, value
from golden_runtime import CircuitBreaker, CircuitBreakerConfig
from resilience_time import Clock

OUTCOMES = ("success", "failure", "rejected", "cancelled")
STATES = ("closed", "open", "half_open")


def shown(name: str) -> list[str]:
    """Return the states that are shown as present."""
    return [state for state in STATES if value("circuit_breaker_state", name=name, state=state) == 1.0]


def fail(breaker: CircuitBreaker) -> None:
    """Let a call fail."""
    with pytest.raises(OSError), breaker:  # noqa: PT011 - any will do
        raise OSError


def test_series_are_there_before_the_first_call(name: str) -> None:
    """Every outcome and every target of a transition stands at zero, and the state is closed."""
    CircuitBreaker(name)
    assert [value(f"circuit_breaker_{outcome}_total", name=name) for outcome in OUTCOMES] == [0.0] * 4
    assert [value("circuit_breaker_transitions_total", name=name, to=state) for state in STATES] == [0.0] * 3
    assert shown(name) == ["closed"]


def test_state_and_transitions_are_shown(name: str) -> None:
    """Exactly one state is 1, and each transition counts under the state it leads to."""
    clock = Clock()
    breaker = CircuitBreaker(name, CircuitBreakerConfig(failure_threshold=1, success_threshold=1), clock=clock)
    fail(breaker)
    assert shown(name) == ["open"]
    clock.advance(60.0)
    with breaker:
        assert shown(name) == ["half_open"]
    assert shown(name) == ["closed"]
    assert [value("circuit_breaker_transitions_total", name=name, to=state) for state in STATES] == [1.0] * 3


def test_newest_breaker_of_a_name_is_shown(name: str) -> None:
    """A module that is loaded again shows the state of its new breaker, and goes on counting."""
    config = CircuitBreakerConfig(failure_threshold=1)
    fail(CircuitBreaker(name, config))
    fail_again = CircuitBreaker(name, config)
    assert shown(name) == ["closed"]
    fail(fail_again)
    assert value("circuit_breaker_failure_total", name=name) == 2.0


def test_successes_are_exact_at_every_scrape(name: str) -> None:
    """What is counted without a lock is no later than the next scrape."""
    breaker = CircuitBreaker(name)
    for number in range(1, 200):
        with breaker:
            pass
        assert value("circuit_breaker_success_total", name=name) == float(number)


def test_series_stand_under_the_namespace() -> None:
    """`configure` after construction moves them all, the state at 1 included."""
    script = """
    from golden_runtime import CircuitBreaker, configure
    from prometheus_client import generate_latest
    breaker = CircuitBreaker("db")
    configure(namespace="chimera")
    breaker.call_sync(int)
    print(generate_latest().decode())
    """
    exposed = run_script(script).stdout.splitlines()
    assert 'chimera_circuit_breaker_success_total{name="db"} 1.0' in exposed
    assert 'chimera_circuit_breaker_state{name="db",state="closed"} 1.0' in exposed
    assert not [line for line in exposed if line.startswith("circuit_breaker")]


def test_no_other_series_appear(name: str) -> None:
    """A breaker exposes what is documented and nothing else."""
    fail(CircuitBreaker(name))
    mine = {line.partition("{")[0] for line in lines("circuit_breaker") if name in line}
    assert mine == {
        f"circuit_breaker_{key}"
        for key in (*(f"{outcome}_total" for outcome in OUTCOMES), "state", "transitions_total")
    }
