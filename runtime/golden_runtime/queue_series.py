"""The series of task queues and dead letters. Recording raises nothing but what a signal handler raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from golden_runtime.metrics import declare, families
from golden_runtime.names import counter_name, duration_name
from golden_runtime.reporting import report_once
from golden_runtime.turns import is_interrupt

if TYPE_CHECKING:
    from golden_runtime.metrics import Family
    from golden_runtime.tasks import QueueStats

OPERATIONS: Final = ("enqueue", "claim", "poll", "heartbeat", "complete", "fail", "release")
STATES: Final = ("ready", "delayed", "claimed")


class QueueSeries:
    """What is recorded of one queue. `poll` is a claim that found nothing."""

    def __init__(self, queue: str) -> None:
        depth, oldest, durations, claims, expiries = families(
            declare("gauge", "queue_depth", "Tasks that are not closed, by state.", ("queue", "state")),
            declare("gauge", "queue_oldest_age_seconds", "Age of the oldest task that waits.", ("queue",)),
            declare(
                "histogram",
                duration_name("queue.operation.duration"),
                "Duration of queue operations, commit included; `poll` is a claim that found nothing.",
                ("queue", "operation"),
            ),
            declare("counter", counter_name("queue.claims"), "Tasks claimed.", ("queue",)),
            declare("counter", counter_name("queue.lease_expiries"), "Leases that ran out.", ("queue",)),
        )
        labels = {"queue": queue}
        self._depth = {state: depth.series({**labels, "state": state}) for state in STATES}
        self._oldest = oldest.series(labels)
        self._durations = {operation: durations.series({**labels, "operation": operation}) for operation in OPERATIONS}
        self._claims = claims.series(labels)
        self._expiries = expiries.series(labels)

    def timed(self, operation: str, seconds: float) -> None:
        """Record how long an operation took."""
        self._durations[operation].record(seconds)

    def claimed(self, tasks: int, expired: int) -> None:
        """Count claims, and the leases that were found to have run out."""
        if tasks:
            self._claims.record(tasks)
        if expired:
            self._expiries.record(expired)

    def counted(self, stats: QueueStats) -> None:
        """Set the depths and the age."""
        for state, series in self._depth.items():
            series.record(getattr(stats, state))
        self._oldest.record(stats.oldest_age)


class DeadLetterSeries:
    """What is recorded of one queue's dead letters."""

    def __init__(self, queue: str) -> None:
        entries, errors, depth, replayed = families(
            declare("counter", counter_name("dlq.entries"), "Tasks that became dead letters.", ("queue",)),
            declare(
                "counter",
                counter_name("dlq.errors"),
                "Dead letters by the type of their error.",
                ("queue", "error_type"),
            ),
            declare("gauge", "dlq_depth", "Dead letters that nobody has dealt with.", ("queue",)),
            declare("counter", counter_name("dlq.replayed"), "Dead letters put back into the queue.", ("queue",)),
        )
        labels = {"queue": queue}
        self._labels = labels
        self._entries = entries.series(labels)
        self._errors: Family = errors
        self._depth = depth.series(labels)
        self._replayed = replayed.series(labels)

    def added(self, error_type: str) -> None:
        """Count a new dead letter."""
        self._entries.record(1.0)
        try:
            self._errors.series({**self._labels, "error_type": error_type}).record(1.0)
        except Exception as failed:  # metrics never harm the caller
            if is_interrupt(failed):
                raise
            report_once("`dlq_errors_total` cannot be recorded")

    def replayed(self, entries: int) -> None:
        """Count dead letters that were put back."""
        self._replayed.record(entries)

    def counted(self, depth: int) -> None:
        """Set the depth."""
        self._depth.record(depth)
