"""Recording and alerting rules for Prometheus, from the catalogue and the objectives.

Objectives are watched as the Site Reliability Workbook of Google teaches (chapter 5, "Alerting on SLOs"): several burn rates,
each over a long window and a short one. A burn rate of one spends the whole error budget of a period in exactly that period.
The long window makes an alert sure, the short one makes it end soon after the trouble does.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from golden_rules.catalogue.metrics import Catalogue, Declaration
from golden_rules.catalogue.panels import base_of
from golden_rules.catalogue.promql import named, quoted, selected
from golden_rules.catalogue.resilience import BREAKERS, DEAD_LETTERS, QUEUES, prefixes
from golden_rules.catalogue.series import translated
from golden_rules.errors import UsageError, did_you_mean
from golden_rules.objectives import Objective

MONTH = 30 * 86_400.0
"""The period that objectives are held over unless another is asked for, in seconds."""
SHORTEST_PERIOD = 8_640.0
"""Seconds; the shortest window of it is one second."""
QUEUE_AGE = 300.0
"""Seconds that the oldest task may wait unless something else is asked for."""

PAGE, TICKET = "page", "ticket"
# No share of failed calls is above one: with an objective as loose as 90 %, 14.4 times its budget would never be reached.
_HIGHEST = 0.95


@dataclass(frozen=True, slots=True)
class _Burn:
    """How fast the budget may burn.

    Attributes:
        rate: The burn rate from which it alerts.
        long: The long window, as a part of the period; `short` likewise.
    """

    severity: str
    rate: float
    long: float
    short: float


# The workbook's table 5-8: of a month, 1 h and 5 min, 6 h and 30 min, 3 days and 6 h.
_BURNS = (
    _Burn(PAGE, 14.4, 1 / 720, 1 / 8_640),
    _Burn(PAGE, 6.0, 1 / 120, 1 / 1_440),
    _Burn(TICKET, 1.0, 1 / 10, 1 / 120),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: it records a series or raises an alert.

    Attributes:
        record: The series; `""` for an alert.
        alert: The alert; `""` for a recorded series.
        lasting: How long the condition holds before the alert fires, as Prometheus writes it; `""` for at once.
        places: The code that it speaks of.
    """

    expr: str
    record: str = ""
    alert: str = ""
    lasting: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    places: tuple[Declaration, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[Rule, ...]


def groups_of(catalogue: Catalogue, period: float = MONTH, queue_age: float = QUEUE_AGE) -> list[Group]:
    """Return the rules for a catalogue, a group for each operation with an objective and one for the resilience parts.

    Raises UsageError for a latency that is no bound of its operation's histogram.
    """
    groups = [
        Group(f"golden-rules: {held.declaration.subject}", tuple(_budget(held, period))) for held in _held(catalogue)
    ]
    parts = tuple(_resilience(catalogue, queue_age))
    return [*groups, *([Group("golden-rules: resilience", parts)] if parts else [])]


def check_objectives(catalogue: Catalogue) -> None:
    """Raise UsageError for an objective that no operation is held to."""
    names = [declaration.subject for declaration in catalogue.made_by("track_request")]
    for objective in catalogue.objectives:
        if not any(_matches(objective, name) for name in names):
            hint = did_you_mean(objective.operation, names)
            raise UsageError(
                f"`objectives` names `{objective.operation}`, which no `track_request` here measures{hint}"
            )


@dataclass(frozen=True, slots=True)
class _Held:
    """An operation with its objective."""

    declaration: Declaration
    base: str
    objective: Objective


def _held(catalogue: Catalogue) -> Iterator[_Held]:
    found: dict[str, Declaration] = {}
    for declaration in catalogue.made_by("track_request"):
        found.setdefault(base_of(declaration, "_calls_total"), declaration)
    for base, declaration in sorted(found.items()):
        objective = _objective(declaration, catalogue.objectives)
        if objective is not None:
            _check_latency(declaration, objective)
            yield _Held(declaration, base, objective)


def _objective(declaration: Declaration, objectives: Iterable[Objective]) -> Objective | None:
    """Return the objective of an operation: the one that names it, or that with the longest pattern."""
    matching = [objective for objective in objectives if _matches(objective, declaration.subject)]
    return max(matching, key=lambda entry: ("*" not in entry.operation, len(entry.operation)), default=None)


def _matches(objective: Objective, operation: str) -> bool:
    if translated(objective.operation) == translated(operation):
        return True
    return fnmatch.fnmatchcase(operation, objective.operation)


def _check_latency(declaration: Declaration, objective: Objective) -> None:
    bounds, latency = declaration.buckets, objective.latency
    if latency is None or not bounds or latency in bounds:
        return
    near = sorted(sorted(bounds, key=lambda bound: abs(bound - latency))[:2])
    raise UsageError(
        f"the objective of `{declaration.subject}` has the latency `{duration(latency)}`, which is no bound of its buckets:"
        f" choose {' or '.join(f'`{duration(bound)}`' for bound in near)}, or give `track_request` other `buckets`"
        f" ({declaration.path}:{declaration.line})"
    )


def _budget(held: _Held, period: float) -> Iterator[Rule]:
    indicators = ["success"] if held.objective.latency is None else ["success", "latency"]
    windows = sorted({round(part * period, 3) for burn in _BURNS for part in (burn.long, burn.short)})
    for indicator in indicators:
        for window in windows:
            yield Rule(
                expr=_error_ratio(held, indicator, duration(window)),
                record=_recorded(window),
                labels={"app": held.declaration.app, "operation": held.declaration.subject, "sli": indicator},
            )
    for indicator in indicators:
        for severity in (PAGE, TICKET):
            burns = [burn for burn in _BURNS if burn.severity == severity]
            yield _burn_alert(held, indicator, severity, burns, period)


def _error_ratio(held: _Held, indicator: str, window: str) -> str:
    """Return the share of calls that miss the objective, by job: a Prometheus may watch more than one environment."""

    def rate(series: str, *matchers: str) -> str:
        return f"sum by (job) (rate({selected(held.base + series, *matchers, job='')}[{window}]))"

    if indicator == "success":
        failed, ended = 'status="failure"', 'status=~"success|failure"'
        return f"{rate('_calls_total', failed)} / {rate('_calls_total', ended)}"
    # `30` or `30.0`, as the client and the version of Prometheus have it
    bound = f"{held.objective.latency:g}"
    bound = quoted(f"{bound}|{bound}\\.0") if "." not in bound else quoted(bound.replace(".", "\\."))
    in_time = rate("_duration_seconds_bucket", f"le=~{bound}")
    return f"1 - {in_time} / {rate('_duration_seconds_count')}"


def _recorded(window: float) -> str:
    return f"golden_rules:budget_errors:ratio_rate{duration(window)}"


def _burn_alert(held: _Held, indicator: str, severity: str, burns: Sequence[_Burn], period: float) -> Rule:
    budget = 1 - held.objective.success
    labels = f"{{operation={quoted(held.declaration.subject)},sli={quoted(indicator)}}}"

    def condition(burn: _Burn) -> str:
        threshold = f"{min(burn.rate * budget, _HIGHEST):.6g}"
        long, short = (_recorded(round(part * period, 3)) for part in (burn.long, burn.short))
        return f"({long}{labels} > {threshold} and {short}{labels} > {threshold})"

    goal = f"{held.objective.success * 100:g} % of calls succeed"
    wrong = "fail"
    if indicator == "latency":
        within = duration(held.objective.latency or 0.0)
        goal = f"{held.objective.success * 100:g} % of calls end within {within}"
        wrong = f"take longer than {within}"
    slowest = min(burn.rate for burn in burns)
    return Rule(
        expr=" or ".join(map(condition, burns)),
        alert="LatencyBudgetBurn" if indicator == "latency" else "ErrorBudgetBurn",
        labels={"severity": severity, "app": held.declaration.app, "operation": held.declaration.subject},
        annotations={
            "summary": f"{held.declaration.subject}: {{{{ $value | humanizePercentage }}}} of calls {wrong}",
            "description": f"The objective is that {goal}. At this rate its budget for {duration(period)} is gone within"
            f" {duration(round(period / slowest))}.",
        },
        places=(held.declaration,),
    )


def _resilience(catalogue: Catalogue, queue_age: float) -> Iterator[Rule]:
    for prefix, places, names in _parts(catalogue, BREAKERS, "name", "circuit_breaker_state"):
        closed = selected(f"{prefix}circuit_breaker_state", names, 'state="closed"', job="")
        yield Rule(
            # half-open too: a breaker that fails its probes goes from one to the other
            expr=f"min by (job, name) ({closed}) == 0",
            alert="CircuitBreakerOpen",
            lasting="5m",
            labels=_labels(PAGE, prefix),
            annotations={
                "summary": "the circuit breaker {{ $labels.name }} does not close",
                "description": "For five minutes it has let no calls through but probes, in at least one process.",
            },
            places=places,
        )
    for prefix, places, names in _parts(catalogue, DEAD_LETTERS, "queue", "dlq_depth"):
        entries = selected(f"{prefix}dlq_entries_total", names, job="")
        yield Rule(
            expr=f"sum by (job, queue) (increase({entries}[15m])) > 0",
            alert="DeadLettersGrowing",
            labels=_labels(TICKET, prefix),
            annotations={
                "summary": "{{ $value | humanize }} new dead letters in {{ $labels.queue }}",
                "description": "Tasks were given up within the last quarter of an hour: look at them, then replay or drop them.",
            },
            places=places,
        )
    for prefix, places, names in _parts(catalogue, QUEUES, "queue", "queue_depth"):
        age = selected(f"{prefix}queue_oldest_age_seconds", names, job="")
        yield Rule(
            expr=f"max by (job, queue) ({age}) > {queue_age:g}",
            alert="QueueTooOld",
            lasting="5m",
            labels=_labels(PAGE, prefix),
            annotations={
                "summary": "the oldest task in {{ $labels.queue }} has waited for {{ $value | humanizeDuration }}",
                "description": f"Tasks are to wait for {duration(queue_age)} at most: the workers are too few, stuck or gone.",
            },
            places=places,
        )


def _labels(severity: str, prefix: str) -> dict[str, str]:
    namespace = prefix.rstrip("_")
    return {"severity": severity, "namespace": namespace} if namespace else {"severity": severity}


def _parts(
    catalogue: Catalogue, makers: Sequence[str], label: str, telling: str
) -> Iterator[tuple[str, tuple[Declaration, ...], str]]:
    """Yield the parts of one kind by namespace: what their series start with, where they are made, and their names."""
    places = tuple(catalogue.made_by(*makers))
    for prefix in prefixes(places, telling):
        yield prefix, places, named(label, (place.subject for place in places))


def duration(seconds: float) -> str:
    """Return seconds as Prometheus writes spans of time: `90` is `1m30s`."""
    left = round(seconds * 1000)
    parts: list[str] = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
