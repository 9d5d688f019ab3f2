"""A circuit breaker against a model of what is promised, through every order of events that hypothesis comes up with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from exposed import value
from golden_runtime import CircuitBreaker, CircuitBreakerConfig, CircuitBreakerError, CircuitState
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from resilience_time import Clock

TIMEOUT, PROBE_TIMEOUT = 10.0, 25.0

configs = st.builds(
    CircuitBreakerConfig,
    failure_threshold=st.integers(1, 3),
    success_threshold=st.integers(1, 3),
    timeout_seconds=st.just(TIMEOUT),
    window_size=st.integers(3, 6),
    failure_rate_threshold=st.sampled_from([None, None, 0.3, 0.5, 1.0]),
    minimum_calls=st.integers(1, 3),
    half_open_max_calls=st.integers(1, 3),
    probe_timeout=st.just(PROBE_TIMEOUT),
    ignore=st.just(KeyError),
)


@dataclass(eq=False)
class Call:
    """A call that is under way: the period of the breaker's life it began in, and the generator that stands for it."""

    period: int
    began: float
    generator: Any


@dataclass
class Model:
    """The promises, without a thought for threads or speed."""

    config: CircuitBreakerConfig
    state: str = "closed"
    period: int = 0
    held: bool = False
    until: float = 0.0
    row: int = 0
    window: list[bool] = field(default_factory=list)
    slots: list[Call] = field(default_factory=list)
    successes: int = 0

    def enter(self, state: str, *, held: bool = False) -> None:
        """Begin another period."""
        self.state, self.held = state, held
        self.period += 1
        self.row, self.window, self.slots, self.successes = 0, [], [], 0

    def admits(self, now: float) -> bool:
        """Whether a call may begin, which is what makes an open breaker half open."""
        if self.state == "open" and now >= self.until:
            self.enter("half_open")
        if self.state == "half_open" and len(self.slots) >= self.config.half_open_max_calls:
            self.slots = [call for call in self.slots if now < call.began + PROBE_TIMEOUT]
        return self.state == "closed" or (
            self.state == "half_open" and len(self.slots) < self.config.half_open_max_calls
        )

    def ends(self, call: Call, outcome: bool | None, now: float) -> None:
        """Take the outcome of a call: whether it succeeded, or None where it was cancelled."""
        counts = call.period == self.period
        if self.state == "half_open":
            counts = counts and call in self.slots
            self.slots = [other for other in self.slots if other is not call]
        if not counts or outcome is None or self.state == "open":
            return
        if self.state == "half_open":
            self.successes += outcome
            if not outcome:
                self.open(now)
            elif self.successes >= self.config.success_threshold:
                self.enter("closed")
        elif not self.held:
            self.row = 0 if outcome else self.row + 1
            self.window = [*self.window, outcome][-self.config.window_size :]
            if not outcome and self.trips():
                self.open(now)

    def open(self, now: float) -> None:
        """Open until the timeout is over."""
        self.enter("open")
        self.until = now + TIMEOUT

    def trips(self) -> bool:
        """Whether there were too many failures."""
        rate = self.config.failure_rate_threshold
        if rate is None:
            return self.row >= self.config.failure_threshold
        failed = self.window.count(False)
        return len(self.window) >= (self.config.minimum_calls or 0) and failed / len(self.window) >= rate


class BreakerMachine(RuleBasedStateMachine):
    """Calls begin and end in any order, time passes, and somebody forces states."""

    calls = Bundle("calls")

    @initialize(config=configs)
    def build(self, config: CircuitBreakerConfig) -> None:
        """Build the breaker and its model."""
        self.clock = Clock()
        self.breaker = CircuitBreaker(f"test-{uuid4().hex}", config, clock=self.clock)
        self.model = Model(config)
        self.counts = dict.fromkeys(("success", "failure", "rejected", "cancelled"), 0)

        @self.breaker
        def call() -> Any:
            yield

        self.call = call

    @rule(target=calls)
    def begin(self) -> Call | None:
        """A call begins exactly where the model lets it."""
        admitted = self.model.admits(self.clock())
        generator = self.call()
        if not admitted:
            with pytest.raises(CircuitBreakerError) as raised:
                next(generator)
            assert raised.value.state == self.model.state
            assert raised.value.retry_after > 0
            self.counts["rejected"] += 1
            return None
        next(generator)
        call = Call(self.model.period, self.clock(), generator)
        if self.model.state == "half_open":
            self.model.slots.append(call)
        return call

    @rule(call=consumes(calls))
    def succeed(self, call: Call | None) -> None:
        """A call succeeds."""
        if call is not None:
            next(call.generator, None)
            self._ended(call, "success", outcome=True)

    @rule(call=consumes(calls))
    def ignore(self, call: Call | None) -> None:
        """A call raises what is to be ignored."""
        if call is not None:
            with pytest.raises(KeyError):
                call.generator.throw(KeyError())
            self._ended(call, "success", outcome=True)

    @rule(call=consumes(calls))
    def fail(self, call: Call | None) -> None:
        """A call fails."""
        if call is not None:
            with pytest.raises(OSError):  # noqa: PT011 - any will do
                call.generator.throw(OSError())
            self._ended(call, "failure", outcome=False)

    @rule(call=consumes(calls))
    def cancel(self, call: Call | None) -> None:
        """A call is cancelled."""
        if call is not None:
            call.generator.close()
            self._ended(call, "cancelled", outcome=None)

    def _ended(self, call: Call, counted: str, *, outcome: bool | None) -> None:
        self.counts[counted] += 1
        self.model.ends(call, outcome, self.clock())

    @rule()
    def fail_until_open(self) -> None:
        """As many calls fail in a row as it takes, so that what follows is about open and half-open breakers."""
        for _ in range(6):
            call = self.begin()
            self.fail(call)

    @rule(seconds=st.sampled_from([0.5, TIMEOUT - 0.5, TIMEOUT, TIMEOUT, PROBE_TIMEOUT]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @rule(forced=st.sampled_from(["force_open", "force_close", "reset"]))
    def force(self, forced: str) -> None:
        """Somebody forces a state."""
        getattr(self.breaker, forced)()
        self.model.enter("open" if forced == "force_open" else "closed", held=forced == "force_close")
        self.model.until = float("inf")

    @invariant()
    def agrees(self) -> None:
        """The state is the model's."""
        assert self.breaker.state == CircuitState(self.model.state)

    @invariant()
    def keeps_to_its_slots(self) -> None:
        """There are never more probes than slots."""
        assert len(self.model.slots) <= self.model.config.half_open_max_calls

    def teardown(self) -> None:
        """Every call is counted under its outcome."""
        for outcome, count in self.counts.items():
            assert value(f"circuit_breaker_{outcome}_total", name=self.breaker.name) == float(count)


BreakerMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestBreaker = BreakerMachine.TestCase
