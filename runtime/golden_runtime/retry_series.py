"""What is recorded of the retry policies of one name."""

from __future__ import annotations

from golden_runtime.metrics import declare, families
from golden_runtime.outcomes import CANCELLED, FAILURE, SUCCESS
from golden_runtime.reporting import report_once
from golden_runtime.turns import is_interrupt


class RetrySeries:
    """The series of the policies of one name. Recording raises no `Exception` but what a signal handler raises."""

    __slots__ = ("_errors", "_exhausted", "_name", "cancelled", "delay", "failure", "success")

    def __init__(self, name: str) -> None:
        attempts, exhausted, self._errors, delay = families(
            declare(
                "counter", "retry_attempts_total", "Attempts under a retry policy, by outcome.", ["name", "outcome"]
            ),
            declare(
                "counter", "retry_exhausted_total", "Calls that failed for good, though retries were meant.", ["name"]
            ),
            declare("counter", "retry_errors_total", "Those calls by their last error.", ["name", "error_type"]),
            declare("histogram", "retry_delay_seconds", "Seconds waited before a retry.", ["name"]),
        )
        self._name = name
        self.success, self.failure, self.cancelled = (
            attempts.series({"name": name, "outcome": outcome}) for outcome in (SUCCESS, FAILURE, CANCELLED)
        )
        self._exhausted = exhausted.series({"name": name})
        self.delay = delay.series({"name": name})

    def gave_up(self, error_type: str) -> None:
        """Count a call that failed for good, though retries were meant."""
        self._exhausted.count()
        try:
            self._errors.series({"name": self._name, "error_type": error_type}).count()
        except Exception as failed:  # a new series may be refused, which must not harm the caller
            if is_interrupt(failed):
                raise
            report_once("`retry_errors_total` cannot be recorded")
