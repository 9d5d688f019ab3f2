"""GR404: one metric declared twice as two different things."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from golden_rules.rules.applied import applied, argument
from golden_rules.rules.base import Bad, Good, ModuleSubject, Observation, ProjectRule, ProjectViolation
from golden_rules.rules.misleading.declared import client_metrics, constants, runtime_series, text, timers
from golden_rules.rules.scope import in_runtime, out_of_scope

if TYPE_CHECKING:
    from golden_rules.findings import Fact
    from golden_rules.source.outline import Function

# The series that a metric takes up besides its own name.
_TAKEN = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("_sum", "_count", "_created"),
    "info": ("_info",),
}

# What the runtime adds to the names that its decorators are given.
_SUFFIXES = {"counted": "total", "track_errors": "total", "timed": "seconds", "measure_memory": "bytes"}


class _Declared(NamedTuple):
    """A metric as one place declares it; plain data, for the facts of a file.

    Attributes:
        family: Its name without a counter's `_total`.
        labels: The names of its labels, sorted; None where they cannot be told.
        written: Its name as the place writes it, for the runtime, which refuses two ways to write one name.
        shown: The place as a message shows it.
    """

    family: str
    kind: str
    labels: tuple[str, ...] | None
    written: str
    shown: str


class ConflictingMetric(ProjectRule):
    """One metric is declared in two places as two different things.

    ## What it does

    Gathers the metrics that the runtime's decorators and timers and `prometheus_client`'s classes declare under constant names,
    in all files of the project, and finds

    - one name with two kinds, or with two sets of labels;
    - names that take up each other's series: a gauge `orders` and a counter `orders_total`, a counter `paying_count` and a
      histogram `paying`;
    - for the runtime, one name written in two ways: `shop.a.b` and `shop.a_b` are one metric to Prometheus.

    Metrics that are given a registry of their own are left alone, and so are names and labels that are not constant.

    ## Why is this bad?

    When both modules are imported in one process the second declaration raises, in the runtime and in `prometheus_client`: at
    start-up, or when a rarely used module is loaded in production. When they are not, Prometheus gets one name that
    means two things, and sums over it are wrong.

    ## Fix safety

    There is no fix: which of the two is to be renamed is for you to say.

    ## When not to follow it

    Where two programs of one repository never share a process nor a Prometheus.
    """

    code: ClassVar[str] = "GR404"
    name: ClassVar[str] = "conflicting-metric"
    triggers: ClassVar[tuple[str, ...]] = (
        "prometheus_client", "counted", "timed", "track_", "measure_memory",
    )  # fmt: skip
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
from golden_runtime import counted


@counted("shop.orders.paid")
def pay(order):
    return order.pay()


@counted("shop.orders.paid", {"by": "mail"})
def pay_by_mail(order):
    return order.pay_by_mail()
""",
        ),
        Bad(
            """\
from golden_runtime import timed, track_request


@track_request("shop.orders.pay", labels={"shop": "main"})
def pay(order):
    with timed("shop.orders.pay.duration"):
        return order.pay()
""",
        ),
        Bad(
            """\
from prometheus_client import Counter, Gauge

WAITING = Gauge("shop_orders", "Orders that wait.")
TAKEN = Counter("shop_orders", "Orders taken.", ["shop"])
""",
            path="src/shop/metrics.py",
        ),
        Bad(
            """\
from golden_runtime import counted


@counted("shop.orders.paid_late")
def pay_late(order):
    return order.pay()


@counted("shop.orders.paid.late")
def pay_later(order):
    return order.pay()
""",
        ),
        Good(
            """\
from golden_runtime import counted, track_adapter_request


@counted("shop.orders.paid", {"by": "hand"})
@track_adapter_request("bank")
def pay(order):
    return order.pay()


@counted("shop.orders.paid", {"by": "mail"})
@track_adapter_request("bank")
def pay_by_mail(order):
    return order.pay_by_mail()
""",
            "one metric with the same labels in two places",
        ),
        Good(
            """\
from prometheus_client import CollectorRegistry, Counter, Gauge

registry = CollectorRegistry()
TAKEN = Counter("shop_orders", "Orders taken.")
PUSHED = Gauge("shop_orders", "Orders taken today.", registry=registry)
""",
            "a registry of its own",
        ),
    )

    def observe(self, subject: ModuleSubject) -> Iterator[Observation]:
        outline = subject.outline
        if out_of_scope(subject.path) or in_runtime(outline, subject.config):
            return
        known = constants(outline)
        for function in outline.functions:
            for entry in applied(outline, function, subject.config):
                if entry.name and entry.call is not None:
                    yield from _declarations(subject, function, entry.name, entry.call, known)
            for call in timers(outline, function, subject.config):
                yield from _declarations(subject, function, "timed", call, known)
        for metric in client_metrics(outline, known):
            if metric.name and not metric.own_registry:
                family = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
                shown = f'{metric.kind.capitalize()}("{metric.name}")'
                declared = _Declared(family, metric.kind, metric.labels, "", shown)
                yield Observation(tuple(declared), subject.source.span(metric.call))

    def conclude(self, facts: Sequence[Fact], *, whole: bool) -> Iterator[ProjectViolation]:  # noqa: ARG002 - two places conflict whatever else there is
        taken: dict[str, list[tuple[Fact, _Declared]]] = defaultdict(list)
        for fact in sorted(facts, key=_place):
            declared = _Declared(*cast("tuple[str, str, tuple[str, ...] | None, str, str]", fact.data))
            earlier = [found for name in _series(declared) for found in taken.get(name, ())]
            conflict = next(((other, why) for other in earlier if (why := _conflict(declared, other[1]))), None)
            if conflict is not None:
                (first, _), why = conflict
                where = "above" if first.path == fact.path else f"in {first.path}"
                line = first.place.line if first.place is not None else 0
                yield ProjectViolation(
                    fact,
                    f"`{declared.shown}` conflicts with line {line} {where}: {why}",
                    "give one of them another name",
                )
            for name in _series(declared):
                taken[name].append((fact, declared))


def _declarations(
    subject: ModuleSubject, function: Function, name: str, call: ast.Call, known: Mapping[str, object]
) -> Iterator[Observation]:
    """Yield what one of the runtime's decorators declares, a metric each."""
    written = text(argument(call, 0, ""), known) or text(_named(call), known) or ""
    for series in runtime_series(name, call, function.name, known):
        family = series.name.removesuffix("_total") if series.kind == "counter" else series.name
        declared = _Declared(
            family, series.kind, series.labels, _spelling(name, written, family), f'{name}("{written}")'
        )
        yield Observation(tuple(declared), subject.source.span(call), function.qualname)


def _named(call: ast.Call) -> ast.expr | None:
    names = ("metric_name", "operation_name", "adapter_name", "cache_level")
    return next((keyword.value for keyword in call.keywords if keyword.arg in names), None)


def _spelling(decorator: str, written: str, family: str) -> str:
    """Return a metric's name as the runtime takes it to be written, or `""` where that cannot be told.

    That is without a suffix that the runtime adds anyway, and for `track_request("a.b")` it is `a.b.calls` and so on.
    """
    if decorator in ("track_request", "track_adapter_request"):
        what = family.removesuffix("_seconds").rpartition("_")[2]
        return f"{'adapter.' if decorator == 'track_adapter_request' else ''}{written}.{what}"
    suffix = _SUFFIXES.get(decorator)
    if suffix is None:
        return ""
    return re.sub(rf"([._/-]+{suffix})*[._/-]*$", "", written)


def _series(declared: _Declared) -> tuple[str, ...]:
    return (declared.family, *(declared.family + suffix for suffix in _TAKEN.get(declared.kind, ())))


def _conflict(one: _Declared, other: _Declared) -> str:
    """Return in words why two declarations cannot both stand, or `""`."""
    if one.family != other.family:
        return f"the {one.kind} `{one.family}` and the {other.kind} `{other.family}` take up each other's series"
    if one.kind != other.kind:
        return f"there `{one.family}` is a {other.kind}, here a {one.kind}"
    if one.labels is not None and other.labels is not None and one.labels != other.labels:
        return f"there `{one.family}` has {_listed(other.labels)}, here {_listed(one.labels)}"
    if one.written and other.written and one.written != other.written:
        return f"`{other.written}` and `{one.written}` are one name to Prometheus"
    return ""


def _listed(labels: tuple[str, ...]) -> str:
    if not labels:
        return "no labels"
    return ("the label " if len(labels) == 1 else "the labels ") + ", ".join(f"`{label}`" for label in labels)


def _place(fact: Fact) -> tuple[str, int, int]:
    return (fact.path, fact.place.line, fact.place.column) if fact.place is not None else (fact.path, 0, 0)
