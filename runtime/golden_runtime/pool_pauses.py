"""When a pool must not claim: while a breaker is open, and then one task at a time until one succeeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping


class Pauses:
    """Which workflows rest, and which are tried again. Times in seconds of `clock`."""

    def __init__(self, workflows: tuple[str, ...], clock: Callable[[], float]) -> None:
        self._workflows = workflows
        self._clock = clock
        # until when a workflow rests; it stays here after that, until a task of it succeeds
        self._until: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._until)

    def pause(self, workflow: str, seconds: float) -> None:
        """Let a workflow rest."""
        self._until[workflow] = max(self._clock() + seconds, self._until.get(workflow, -math.inf))

    def succeeded(self, workflow: str) -> None:
        """Take a workflow as healthy again, unless it still rests: then the task had begun before."""
        if self._until.get(workflow, math.inf) <= self._clock():
            del self._until[workflow]

    def open_to(self, active: Mapping[str, int] | Iterable[str]) -> tuple[tuple[str, ...], bool]:
        """Return the workflows that may be claimed now, and whether one of them is on probation.

        active: the workflows that have tasks under way; on probation there is one at a time.
        """
        now = self._clock()
        busy = set(active)
        allowed = tuple(
            workflow
            for workflow in self._workflows
            if workflow not in self._until or (self._until[workflow] <= now and workflow not in busy)
        )
        return allowed, any(workflow in self._until for workflow in allowed)

    def seconds_left(self) -> float:
        """Return how long until the first rest ends: infinite where none is left to end."""
        now = self._clock()
        return min((until - now for until in self._until.values() if until > now), default=math.inf)
