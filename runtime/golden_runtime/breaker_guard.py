"""A circuit breaker's two ends of a call: whether it may begin, and what its outcome means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from golden_runtime.breaker_config import CircuitBreakerConfig
from golden_runtime.breaker_series import BreakerSeries
from golden_runtime.breaker_states import CircuitState, Machine, Rejection, Ticket
from golden_runtime.callables import MisuseError
from golden_runtime.cancellation import is_displaced
from golden_runtime.deadline import attempt_timed_out
from golden_runtime.hooks import is_own_failure, tell
from golden_runtime.outcomes import is_cancellation
from golden_runtime.reporting import report_once
from golden_runtime.settings import matcher
from golden_runtime.turns import Turn


class CircuitBreakerError(Exception):
    """A call that a breaker did not let through.

    `name` is the breaker's, `state` is OPEN, or HALF_OPEN where the slots of all probes were taken, and `retry_after` is the
    seconds until a call may be let through: infinite for a breaker that was forced open, and the longest that the slots can
    stay taken for one that is half open.
    """

    def __init__(self, name: str, retry_after: float, state: CircuitState = CircuitState.OPEN) -> None:
        super().__init__(name, retry_after, state)
        self.name = name
        self.retry_after = retry_after
        self.state = state

    def __str__(self) -> str:
        if self.state is CircuitState.HALF_OPEN:
            return f"circuit breaker `{self.name}` is half open and its probes are under way"
        if self.retry_after == float("inf"):
            return f"circuit breaker `{self.name}` was forced open"
        return f"circuit breaker `{self.name}` is open: retry in {self.retry_after:.3g} s"


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state, as listeners are told."""

    name: str
    before: CircuitState
    after: CircuitState


Listener: TypeAlias = Callable[[Transition], object]


class Guard:
    """Admits calls and takes their outcomes, with all that is recorded, logged and told of them.

    A call begins as `machine.closed or admit()`. Where its ticket is quiet, a success is no more than `success.count()`.
    """

    __slots__ = ("_announcing", "_failure_result", "_ignores", "_name", "_series", "listeners", "machine", "success")

    def __init__(
        self, name: str, config: CircuitBreakerConfig, clock: Callable[[], float], listeners: Iterable[Listener]
    ) -> None:
        self._name = name
        self._ignores = matcher("ignore", config.ignore)
        self._failure_result = config.failure_result
        self._series = BreakerSeries(name)
        self._announcing = Turn()
        self.success = self._series.success
        self.listeners = tuple(listeners)
        self.machine = Machine(config, clock, quiet=config.failure_result is None)

    def replace(self, older: Guard) -> None:
        """Let the series show the state of this one, not that of an older breaker of the same name."""
        if older.machine.present.kind is not self.machine.present.kind:
            self._series.show(self.machine.present.kind)

    def admit(self) -> Ticket:
        """Return the ticket of a call that may begin. Raises CircuitBreakerError where it may not."""
        admitted = self.machine.admit()
        try:
            self.announce()
        except BaseException:  # an interrupt: the call does not begin
            if not isinstance(admitted, Rejection):
                self.machine.cancelled(admitted)
            raise
        if isinstance(admitted, Rejection):
            self._series.rejected.count()
            raise CircuitBreakerError(self._name, admitted.retry_after, admitted.state)
        return admitted

    def returned(self, ticket: Ticket, result: object) -> None:
        """Take the outcome of a call that returned: a success, unless the result says otherwise."""
        if self._failure_result is not None and self._asked(ticket, self._failure_result, "failure_result", result):
            self.failed(ticket)
        elif ticket.window is not None:
            # what `succeeded` comes to, two calls shorter: with a failure rate, every call comes here
            ticket.window.append(False)
            self.success.count()
        else:
            self.succeeded(ticket)

    def raised(self, ticket: Ticket, error: BaseException) -> None:
        """Take the outcome of a call that raised: a failure, unless it was cancelled or the error is to be ignored."""
        if isinstance(error, MisuseError):
            self.machine.cancelled(ticket)
        elif (is_cancellation(error) or is_displaced(error)) and not attempt_timed_out():
            self.machine.cancelled(ticket)
            self._series.cancelled.count()
        elif self._asked(ticket, self._ignores, "ignore", error):
            self.succeeded(ticket)
        else:
            self.failed(ticket)

    def succeeded(self, ticket: Ticket) -> None:
        """Take the outcome of a call that succeeded."""
        self.machine.succeeded(ticket)
        self._series.success.count()
        self.announce()

    def failed(self, ticket: Ticket) -> None:
        """Take the outcome of a call that failed."""
        self.machine.failed(ticket)
        self._series.failure.count()
        self.announce()

    def _asked(self, ticket: Ticket, function: Callable[[Any], object], setting: str, outcome: object) -> bool:
        try:
            return bool(function(outcome))
        except BaseException as error:  # what a user's function raises must not take the place of what the call did
            if not is_own_failure(error):
                self.machine.cancelled(ticket)
                raise
            report_once(f"`{setting}` of circuit breaker `{self._name}` failed, which counts as no")
            return False

    def announce(self) -> None:
        """Record, log and tell what has changed. One thread at a time does, so that the order stays."""
        transitions = self.machine.transitions
        # looked at again after each release: what came in between, its own thread could not announce
        while transitions and self._announcing.take(self._announce):
            pass

    def _announce(self) -> None:
        transitions = self.machine.transitions
        while transitions:
            before, after = transitions[0]
            self._series.show(after)
            # not before: an interrupt must not leave the series at the old state
            transitions.popleft()
            self._series.transition(after)
            tell(self.listeners, f"circuit breaker `{self._name}`", Transition(self._name, before, after))
