"""What is recorded of a circuit breaker: its series, from construction on, and its transitions in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from golden_runtime.breaker_states import CircuitState
from golden_runtime.hooks import is_own_failure
from golden_runtime.metrics import declare, families
from golden_runtime.reporting import report_once

if TYPE_CHECKING:
    from golden_runtime.metrics import Series

_LOGGER = logging.getLogger(__name__)


class BreakerSeries:
    """The series of the breakers of one name. Recording never raises an `Exception`."""

    __slots__ = ("_name", "_states", "_transitions", "cancelled", "failure", "rejected", "success")

    def __init__(self, name: str) -> None:
        counters = {
            "success": "Calls through the circuit breaker that succeeded.",
            "failure": "Calls through the circuit breaker that failed.",
            "rejected": "Calls that the circuit breaker did not let through.",
            "cancelled": "Calls through the circuit breaker that were cancelled.",
        }
        *calls, states, transitions = families(
            *(declare("counter", f"circuit_breaker_{key}_total", text, ["name"]) for key, text in counters.items()),
            declare("gauge", "circuit_breaker_state", "1 for the present state, 0 for the others.", ["name", "state"]),
            declare(
                "counter", "circuit_breaker_transitions_total", "Changes of state, by the new one.", ["name", "to"]
            ),
        )
        self._name = name
        self.success, self.failure, self.rejected, self.cancelled = (family.series({"name": name}) for family in calls)
        self._states: dict[CircuitState, Series] = {
            state: states.series({"name": name, "state": state}, initial=float(state is CircuitState.CLOSED))
            for state in CircuitState
        }
        self._transitions = {state: transitions.series({"name": name, "to": state}) for state in CircuitState}

    def transition(self, to: CircuitState) -> None:
        """Count, and log, that the breaker is in another state."""
        self._transitions[to].count()
        level = logging.WARNING if to is CircuitState.OPEN else logging.INFO
        try:
            _LOGGER.log(level, "Circuit breaker '%s' transitioned to %s", self._name, to.name)
        except Exception as failed:  # an application's own logging handler must not harm the call
            if not is_own_failure(failed):
                raise
            report_once("logging a transition of a circuit breaker failed")

    def show(self, present: CircuitState) -> None:
        """Set the gauges: 1 for the present state, 0 for the others."""
        for state, series in self._states.items():
            series.record(float(state is present))
