"""What is known of a pool: its series, and the figures and trends of its recent past. Recording never raises."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from golden_runtime.metrics import declare, families
from golden_runtime.names import counter_name, duration_name
from golden_runtime.outcomes import STATUSES
from golden_runtime.recording import LIMIT, Buffer

if TYPE_CHECKING:
    from collections.abc import Sequence

# How many of the last tasks, and of the last depths, the figures are of.
_REMEMBERED: Final = 1_000
_REMEMBERED_DEPTHS: Final = 60
# Below these numbers there is no trend, only chance.
_FEWEST_FOR_TREND: Final = 20
_FEWEST_DEPTHS: Final = 6
# A change of this part of the earlier value is one; of a rate, of these many hundredths.
_CHANGE: Final = 0.10
_CHANGE_OF_RATE: Final = 0.05

Trend: TypeAlias = Literal["improving", "stable", "degrading", "unknown"]


@dataclass(frozen=True, slots=True)
class Trends:
    """Where figures move: the later half of what is remembered against the earlier half."""

    duration: Trend
    success_rate: Trend
    queue_depth: Trend


@dataclass(frozen=True, slots=True)
class PoolMetrics:
    """A pool's figures. Durations in seconds, end to end with retries, of the last thousand tasks.

    With a queue `queue_depth` is what the last look at it found, at most five seconds ago.
    """

    pool_size: int
    active: int
    free_slots: int
    queue_depth: int
    completed: int
    failed: int
    released: int
    success_rate: float
    p50: float
    p95: float
    p99: float
    trends: Trends


class PoolSeries:
    """What is recorded of one pool."""

    def __init__(self, pool: str, workflows: Sequence[str], capacity: int) -> None:
        active, slots, calls, durations = families(
            declare("gauge", "executor_pool_active", "Tasks under way.", ("pool",), merge="livesum"),
            declare(
                "gauge", "executor_pool_capacity", "Tasks that may be under way at a time.", ("pool",), merge="livesum"
            ),
            declare(
                "counter",
                counter_name("executor_pool.workflow.calls"),
                "Tasks that ended, by outcome.",
                ("pool", "workflow", "status"),
            ),
            declare(
                "histogram",
                duration_name("executor_pool.workflow.duration"),
                "Duration of tasks, retries included.",
                ("pool", "workflow"),
            ),
        )
        self._active = active.series({"pool": pool})
        self._capacity = slots.series({"pool": pool})
        self._size = capacity
        # one note for each task: its duration, which counts as a call of that status when notes are added up
        self._ended = {
            (workflow, status): durations.series({"pool": pool, "workflow": workflow}).buffer(
                calls.series({"pool": pool, "workflow": workflow, "status": status})
            )
            for workflow in workflows
            for status in STATUSES
        }
        self._shown = -1

    def buffer(self, workflow: str, status: str) -> Buffer:
        """Return where the durations of a workflow's tasks that ended so are noted."""
        return self._ended[workflow, status]

    def ended(self, workflow: str, status: str, seconds: float) -> None:
        """Record the end of a task."""
        buffer = self._ended[workflow, status]
        buffer.append(seconds)
        if len(buffer.pending) >= LIMIT:
            buffer.settle()

    def occupied(self, active: int) -> None:
        """Set the gauges, if the number has changed."""
        if active != self._shown:
            self._shown = active
            self._active.record(active)
            self._capacity.record(self._size)


class History:
    """The recent past of a pool."""

    def __init__(self) -> None:
        # seconds, with the sign saying how it ended: one step for each task
        self._ended: deque[float] = deque(maxlen=_REMEMBERED)
        self._depths: deque[int] = deque(maxlen=_REMEMBERED_DEPTHS)
        self.completed = 0
        self.failed = 0
        self.released = 0

    def succeeded_after(self, seconds: float) -> None:
        """Remember the end of a task that succeeded."""
        self.completed += 1
        self._ended.append(seconds)

    def failed_after(self, seconds: float) -> None:
        """Remember the end of a task that failed."""
        self.failed += 1
        self._ended.append(-seconds)

    def saw_depth(self, depth: int) -> None:
        """Remember how deep the queue was."""
        self._depths.append(depth)

    def figures(self, *, size: int, active: int, backlog: int) -> PoolMetrics:
        """Return the figures of now. `backlog` is the depth where no queue has been looked at."""
        ordered = sorted(map(abs, self._ended))
        rate = fmean(self._successes()) if self._ended else 1.0
        return PoolMetrics(
            pool_size=size,
            active=active,
            free_slots=size - active,
            queue_depth=self._depths[-1] if self._depths else backlog,
            completed=self.completed,
            failed=self.failed,
            released=self.released,
            success_rate=rate,
            p50=_percentile(ordered, 0.50),
            p95=_percentile(ordered, 0.95),
            p99=_percentile(ordered, 0.99),
            trends=self._trends(),
        )

    def _successes(self) -> list[float]:
        # a failure in no time at all is still below zero, as -0.0
        return [float(math.copysign(1.0, seconds) > 0) for seconds in self._ended]

    def _trends(self) -> Trends:
        durations, depths = list(map(abs, self._ended)), list(self._depths)
        return Trends(
            duration=_trend(durations, _FEWEST_FOR_TREND, _CHANGE, better_when="lower"),
            success_rate=_trend(
                self._successes(),
                _FEWEST_FOR_TREND,
                _CHANGE_OF_RATE,
                better_when="higher",
            ),
            queue_depth=_trend(depths, _FEWEST_DEPTHS, _CHANGE, better_when="lower"),
        )


def _percentile(ordered: Sequence[float], part: float) -> float:
    """Return the nearest-rank percentile: the least value that so large a part of all does not exceed."""
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def _trend(values: Sequence[float], fewest: int, change: float, *, better_when: Literal["lower", "higher"]) -> Trend:
    if len(values) < fewest:
        return "unknown"
    half = len(values) // 2
    before, after = fmean(values[:half]), fmean(values[half:])
    if abs(after - before) <= change * (abs(before) if before else 1.0):
        return "stable"
    return "improving" if (after < before) == (better_when == "lower") else "degrading"
