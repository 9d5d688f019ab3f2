"""The panels of breakers, retries, dead letters, queues and pools."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from golden_rules.catalogue.metrics import Catalogue, Declaration
from golden_rules.catalogue.panel import RATE, Panel, PanelKind, Query
from golden_rules.catalogue.promql import named, selected

BREAKERS = ("CircuitBreaker", "circuit_breakers.get_or_create")
RETRIES = ("RetryPolicy", "retry")
QUEUES = ("TaskQueue",)
DEAD_LETTERS = ("TaskQueue", "DeadLetterQueue")
POOLS = ("ExecutorPool",)


def resilience_panels(catalogue: Catalogue) -> Iterator[Panel]:
    """Yield the panels of the parts that the code makes."""
    yield from _breakers(_Parts(catalogue, BREAKERS, "name", "circuit_breaker_state"))
    yield from _retries(_Parts(catalogue, RETRIES, "name", "retry_attempts_total"))
    yield from _queues(_Parts(catalogue, QUEUES, "queue", "queue_depth"))
    yield from _dead_letters(_Parts(catalogue, DEAD_LETTERS, "queue", "dlq_depth"))
    yield from _pools(_Parts(catalogue, POOLS, "pool", "executor_pool_active"))


def prefixes(places: Sequence[Declaration], series: str) -> list[str]:
    """Return what stands before a part's own names: nothing, or the namespace with `_`."""
    names = {entry.name for place in places for entry in place.series}
    return sorted({name.removesuffix(series) for name in names if name == series or name.endswith(f"_{series}")})


class _Parts:
    """The parts of one kind, and the panels they are shown in."""

    def __init__(self, catalogue: Catalogue, makers: Sequence[str], label: str, telling: str) -> None:
        self.places = tuple(catalogue.made_by(*makers))
        self.names = named(label, (place.subject for place in self.places))
        self._prefixes = prefixes(self.places, telling)

    def series(self, prefix: str, name: str, *matchers: str) -> str:
        """Return a series of these parts with the names given in the code."""
        return selected(f"{prefix}{name}", self.names, *matchers)

    def panel(
        self,
        title: str,
        unit: str,
        about: str,
        query: Callable[[str], str],
        legend: str,
        kind: PanelKind = "lines",
    ) -> Iterator[Panel]:
        """Yield a panel with a query for each namespace, if there are such parts at all."""
        if self.places:
            queries = tuple(Query(query(prefix), legend) for prefix in self._prefixes)
            yield Panel(title, kind, unit, about, queries, self.places)


def _breakers(parts: _Parts) -> Iterator[Panel]:
    def state(prefix: str) -> str:
        opened = parts.series(prefix, "circuit_breaker_state", 'state="open"')
        half = parts.series(prefix, "circuit_breaker_state", 'state="half_open"')
        return f"max by (name) (2 * {opened} or {half})"

    def trips(prefix: str) -> str:
        series = parts.series(prefix, "circuit_breaker_transitions_total", 'to="open"')
        return f"sum by (name) (increase({series}[1h]))"

    def refused(prefix: str) -> str:
        return f"sum by (name) (rate({parts.series(prefix, 'circuit_breaker_rejected_total')}{RATE}))"

    yield from parts.panel(
        "Circuit breakers",
        "short",
        "The state of each breaker; of several processes, the worst.",
        state,
        "{{name}}",
        "states",
    )
    yield from parts.panel("Breaker trips", "short", "How often each breaker opened within an hour.", trips, "{{name}}")
    yield from parts.panel(
        "Refused by breakers", "reqps", "Calls a second that breakers did not let through.", refused, "{{name}}"
    )


def _retries(parts: _Parts) -> Iterator[Panel]:
    def attempts(prefix: str) -> str:
        return f"sum by (name, outcome) (rate({parts.series(prefix, 'retry_attempts_total')}{RATE}))"

    def exhausted(prefix: str) -> str:
        return f"sum by (name) (increase({parts.series(prefix, 'retry_exhausted_total')}[1h]))"

    yield from parts.panel("Attempts", "reqps", "Attempts a second by outcome.", attempts, "{{name}} {{outcome}}")
    yield from parts.panel(
        "Retries exhausted", "short", "Calls that failed for good within an hour.", exhausted, "{{name}}"
    )


def _queues(parts: _Parts) -> Iterator[Panel]:
    yield from parts.panel(
        "Queue depth",
        "short",
        "Tasks that are not closed, by state. Each process exports all of its queue: this is the maximum, not the sum.",
        lambda prefix: f"max by (queue, state) ({parts.series(prefix, 'queue_depth')})",
        "{{queue}} {{state}}",
    )
    yield from parts.panel(
        "Queue age",
        "s",
        "The age of the oldest task that waits.",
        lambda prefix: f"max by (queue) ({parts.series(prefix, 'queue_oldest_age_seconds')})",
        "{{queue}}",
    )


def _dead_letters(parts: _Parts) -> Iterator[Panel]:
    yield from parts.panel(
        "New dead letters",
        "short",
        "Tasks that became dead letters within an hour.",
        lambda prefix: f"sum by (queue) (increase({parts.series(prefix, 'dlq_entries_total')}[1h]))",
        "{{queue}}",
    )
    yield from parts.panel(
        "Dead letters",
        "short",
        "Dead letters that nobody has dealt with.",
        lambda prefix: f"max by (queue) ({parts.series(prefix, 'dlq_depth')})",
        "{{queue}}",
    )


def _pools(parts: _Parts) -> Iterator[Panel]:
    def saturation(prefix: str) -> str:
        active, capacity = (parts.series(prefix, f"executor_pool_{what}") for what in ("active", "capacity"))
        return f"sum by (pool) ({active}) / sum by (pool) ({capacity})"

    def tasks(prefix: str) -> str:
        calls = parts.series(prefix, "executor_pool_workflow_calls_total")
        return f"sum by (workflow, status) (rate({calls}{RATE}))"

    def duration(prefix: str) -> str:
        buckets = parts.series(prefix, "executor_pool_workflow_duration_seconds_bucket")
        return f"histogram_quantile(0.95, sum by (le, workflow) (rate({buckets}{RATE})))"

    yield from parts.panel(
        "Pool saturation", "percentunit", "The share of a pool's slots that are taken.", saturation, "{{pool}}"
    )
    yield from parts.panel("Tasks by outcome", "reqps", "Tasks that ended, a second.", tasks, "{{workflow}} {{status}}")
    yield from parts.panel(
        "Tasks: P95", "s", "The duration that 95 of 100 tasks stay below, retries included.", duration, "{{workflow}}"
    )
