"""Retry policies against a model of what is promised, through every order of events that hypothesis comes up with.

Several calls are under way at once, some of them within an attempt of another, all with one budget.
"""

from __future__ import annotations

from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from exposed import value
from golden_runtime import (
    CircuitBreakerError,
    CircuitState,
    RetryBudget,
    RetryConfig,
    RetryPolicy,
    RetryStatistics,
    RetryTimeoutError,
    remaining_seconds,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from resilience_time import Clock

# All times are eighths of seconds, so that sums are exact.
RESERVE, RATIO, PER_SECOND = 1, 0.25, 0.125
OPEN_FOR, LOOK = 2.0, 0.5

configs = st.fixed_dictionaries(
    {
        "max_retries": st.integers(0, 9),
        "base_delay": st.sampled_from([0.0, 0.5, 1.0]),
        "max_delay": st.sampled_from([1.0, 3.0, 100.0]),
        "strategy": st.sampled_from(["exponential", "linear"]),
        "deadline": st.sampled_from([None, None, 2.0, 7.5, 20.0]),
        "attempt_timeout": st.sampled_from([None, None, 1.0, 5.0]),
        "on_open": st.sampled_from(["raise", "wait"]),
        "has_budget": st.booleans(),
    }
)


class Asking(OSError):
    """An error that asks for a delay."""

    retry_after = 1.5


ERRORS: dict[str, Any] = {
    "failure": OSError,
    "asking": Asking,
    "unnamed": KeyError,
    "cancelled": KeyboardInterrupt,
    "group": lambda: BaseExceptionGroup("several", [OSError(), SystemExit()]),
    "open": lambda: CircuitBreakerError("db", OPEN_FOR),
    "half open": lambda: CircuitBreakerError("db", 60.0, CircuitState.HALF_OPEN),
    "forced open": lambda: CircuitBreakerError("db", float("inf")),
}


@dataclass
class Budget:
    """What is left of the budget that all calls share."""

    left: float = RESERVE
    filled_at: float = 0.0

    def take(self, now: float) -> bool:
        """Take a retry out, if there is one."""
        self.left = min(RESERVE, self.left + PER_SECOND * (now - self.filled_at))
        self.filled_at = now
        allowed = self.left >= 1.0
        self.left -= allowed
        return allowed


@dataclass(eq=False)
class Call:
    """A call that has begun: what was promised of it, and the generator that stands for it in a context of its own."""

    config: dict[str, Any]
    budget: Budget | None
    began: float
    parent: Call | None
    # the attempt of the parent that this call is part of
    part_of: int = 0
    attempts: int = 0
    rejections: int = 0
    delays: list[float] = field(default_factory=list)
    # counts attempts, rejected ones too
    block: int = 0
    # when the attempt under way is to be over
    limit: float = float("inf")
    context: Context = field(default_factory=copy_context)
    real: Any = None
    generator: Any = None
    # a synchronous call keeps to what held when it began, though its parent waits no longer
    kept: float = field(init=False)

    def __post_init__(self) -> None:
        self.kept = self.around()

    def around(self) -> float:
        """The limit that holds around what begins now: that of the parent's attempt, as long as that is under way."""
        if self.parent is None:
            return float("inf")
        is_part = self.parent.block == self.part_of and self.parent.limit < float("inf")
        return self.parent.limit if is_part else self.parent.around()

    def deadline(self) -> float:
        """When the call is to be over."""
        own = self.config["deadline"]
        return self.kept if own is None else min(self.kept, self.began + own)

    def begin(self, now: float) -> bool:
        """Begin an attempt, if there is time for one."""
        if self.deadline() <= now:
            return False
        self.attempts += 1
        self.block += 1
        self.limit = min(self.deadline(), now + (self.config["attempt_timeout"] or float("inf")))
        return True

    def delay_after(self, kind: str, now: float) -> float | None:
        """The seconds after which there is another attempt; None where there is none."""
        if kind in ("cancelled", "unnamed", "group"):
            return None
        if kind.endswith("open"):
            self.attempts -= 1
            self.rejections += 1
            wait = {"open": OPEN_FOR, "half open": LOOK, "forced open": float("inf")}[kind]
            return wait if self.config["on_open"] == "wait" and wait < self.deadline() - now and wait < 99.0 else None
        base, number = self.config["base_delay"], self.attempts
        grown = base * (number if self.config["strategy"] == "linear" else 2 ** (number - 1))
        delay = 1.5 if kind == "asking" else min(self.config["max_delay"], grown)
        fits = number <= self.config["max_retries"] and delay <= self.config["max_delay"]
        if not fits or delay >= self.deadline() - now or (self.budget is not None and not self.budget.take(now)):
            return None
        self.delays.append(delay)
        return delay


class RetryMachine(RuleBasedStateMachine):
    """Calls begin, within others or not; their attempts end in any way and any order; time passes."""

    calls = Bundle("calls")

    @initialize(configs=st.lists(configs, min_size=1, max_size=3))
    def build(self, configs: list[dict[str, Any]]) -> None:
        """Build the policies, which share a budget and a name."""
        self.clock = Clock(0.0)
        self.name = f"test-{uuid4().hex}"
        self.configs = configs
        self.budget = Budget()
        budget = RetryBudget(RATIO, PER_SECOND, RESERVE, clock=self.clock)
        self.policies = [
            RetryPolicy(
                RetryConfig(
                    **{key: setting for key, setting in config.items() if key != "has_budget"},
                    jitter="none",
                    retry_on=lambda error: not isinstance(error, KeyError),
                    budget=budget if config["has_budget"] else None,
                ),
                name=self.name,
                clock=self.clock,
                sleep=self.clock.sleep,
                random=lambda: LOOK,
            )
            for config in configs
        ]
        self.counts = dict.fromkeys(("success", "failure", "cancelled"), 0)
        self.exhausted = self.waits = 0
        self.under_way: list[Call] = []

    @rule(target=calls, which=st.integers(0, 2))
    def begin(self, which: int) -> Any:
        """A call begins."""
        return self._begin(which, None)

    @rule(target=calls, which=st.integers(0, 2), parent=calls)
    def begin_within(self, which: int, parent: Call) -> Any:
        """A call begins within an attempt of another, or in a task that such an attempt has left behind."""
        return self._begin(which, parent)

    def _begin(self, which: int, parent: Call | None) -> Any:
        number, now = which % len(self.configs), self.clock()
        config = self.configs[number]
        call = Call(config, self.budget if config["has_budget"] else None, now, parent, parent.block if parent else 0)
        if call.budget is not None:
            call.budget.left = min(RESERVE, call.budget.left + RATIO)
        if parent is not None:
            call.context = parent.context.run(copy_context)
        call.real = self.policies[number].attempts()

        def body() -> Any:
            for attempt in call.real:
                with attempt:
                    yield attempt.number, remaining_seconds()

        call.generator = body()
        if not call.begin(now):
            with pytest.raises(RetryTimeoutError, match="did not begin"):
                call.context.run(next, call.generator)
            return multiple()
        self._began(call, call.context.run(next, call.generator))
        self.under_way.append(call)
        return call

    def _began(self, call: Call, seen: tuple[int, float | None]) -> None:
        """What the code of an attempt sees is its number, and how long it may take."""
        left = None if call.limit == float("inf") else call.limit - self.clock()
        assert seen == (call.attempts, left)

    @rule(call=calls)
    def succeed(self, call: Call) -> None:
        """An attempt succeeds, and the call with it."""
        if call in self.under_way:
            assert call.context.run(next, call.generator, None) is None
            self._over(call)
            self.counts["success"] += 1

    @rule(call=calls, kind=st.sampled_from([*["failure"] * 8, *ERRORS]))
    def fail(self, call: Call, kind: str) -> None:
        """An attempt raises: after the delay that the model says there is another, or the error itself is raised."""
        if call not in self.under_way:
            return
        error, slept = ERRORS[kind](), len(self.clock.slept)
        delay = call.delay_after(kind, self.clock())
        if not kind.endswith("open"):
            self.counts["cancelled" if kind == "cancelled" else "failure"] += 1
        if delay is None:
            self.exhausted += kind in ("failure", "asking")
            with pytest.raises(BaseException) as raised:  # noqa: PT011 - it is compared with the very one
                call.context.run(call.generator.throw, error)
            assert raised.value is error
            self._over(call)
            return
        self.waits += not kind.endswith("open")
        seen = call.context.run(call.generator.throw, error)
        assert self.clock.slept[slept:] == [delay]
        assert call.begin(self.clock())
        self._began(call, seen)

    def _over(self, call: Call) -> None:
        self.under_way.remove(call)
        call.limit = float("inf")

    @rule(seconds=st.sampled_from([0.125, 0.5, 1.0, 4.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @invariant()
    def agrees(self) -> None:
        """Each call's statistics are those of the model."""
        for call in self.under_way:
            expected = RetryStatistics(call.attempts, call.rejections, tuple(call.delays), self.clock() - call.began)
            assert call.real.statistics == expected

    @invariant()
    def keeps_to_its_limits(self) -> None:
        """There is never an attempt too many, nor a delay too long."""
        for call in self.under_way:
            assert call.attempts <= call.config["max_retries"] + 1
            assert all(delay <= call.config["max_delay"] for delay in call.delays)

    def teardown(self) -> None:
        """Every attempt, wait and failed call is counted."""
        for outcome, count in self.counts.items():
            assert value("retry_attempts_total", name=self.name, outcome=outcome) == float(count)
        assert value("retry_exhausted_total", name=self.name) == float(self.exhausted)
        assert value("retry_delay_seconds_count", name=self.name) == float(self.waits)


RetryMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestRetry = RetryMachine.TestCase
