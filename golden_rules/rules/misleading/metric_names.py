"""GR403: metric names that are no names, are made as the program runs, or go against the conventions."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from golden_rules.findings import Edit, Fix, Safety
from golden_rules.naming import snake_case
from golden_rules.options import PatternOption
from golden_rules.rules.applied import applied, argument
from golden_rules.rules.base import Bad, Good, OutlineRule, Subject, Violation
from golden_rules.rules.misleading.declared import constants, runtime_series, text, timers
from golden_rules.rules.scope import in_runtime, out_of_scope

# OpenTelemetry's grammar for the names of instruments, and Prometheus' for labels, which the runtime follows.
_METRIC_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,254}")
_LABEL_NAME = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")
_RESERVED_LABELS = frozenset({"le", "quantile"})
_OWN_LABELS = {"track_request": ("status", "error_type"), "track_errors": ("error_type",)}
_NAMES = {
    "counted": "metric_name",
    "timed": "metric_name",
    "track_errors": "metric_name",
    "measure_memory": "metric_name",
    "track_request": "operation_name",
    "track_adapter_request": "adapter_name",
    "track_cache_operation": "cache_level",
}
_SUFFIXES = {"counted": "total", "track_errors": "total", "timed": "seconds", "measure_memory": "bytes"}
# Ends of names that the suffix, which the runtime adds, makes nonsense of.
_WRONG_ENDS = {
    "timed": re.compile(
        r"[._/-]+(ms|msec|millis|milliseconds?|us|usec|micros|microseconds?|ns|nanos|nanoseconds?|s|secs?|mins?|minutes?|hours?|total|bytes|bucket|sum|count)$"
    ),
    "measure_memory": re.compile(
        r"[._/-]+(kb|mb|gb|kib|mib|gib|kilobytes|megabytes|gigabytes|total|seconds|count|sum)$"
    ),
    "track_request": re.compile(r"[._/-]+(calls_total|duration_seconds|errors_total)$"),
    "track_adapter_request": re.compile(r"[._/-]+(calls_total|duration_seconds|errors_total)$"),
}
_ILLEGAL = re.compile(r"[^A-Za-z0-9_./-]+")
_PATTERN = PatternOption(
    "pattern",
    r"A regular expression that the names of operations and metrics must match from end to end, such as `shop\.[a-z_.]+`.",
)
_FREE = frozenset({"track_adapter_request", "track_cache_operation"})
"""Decorators that are given the name of a system, not that of a metric."""


class InvalidMetricName(OutlineRule):
    """A name given to the runtime is none, is made as the program runs, or goes against the conventions.

    ## What it does

    Looks at the names that the runtime's decorators and timers are given. It finds

    - names that the runtime refuses: with characters other than letters, digits, `.`, `_`, `-` and `/`, with no letter first, or
      nothing but the suffix that is added anyway; labels that are no names, or that the decorator sets itself;
    - names put together as the program runs (`f"shop.{kind}"`, `"shop." + kind`). A parameter that is passed on as it is, and
      constants, also those of other modules, are left alone;
    - upper-case letters: Prometheus' names are snake case; or, where the project has a `pattern` of its own, names that do not
      match it;
    - ends that the added suffix makes nonsense of: `timed("a.latency_ms")` is `a_latency_ms_seconds`, and counts seconds.

    ## Why is this bad?

    A name that is refused stops the program as the module is imported. One that is made at run time is known to no dashboard
    and no alert, nor to `golden-rules metrics`, and each value makes metrics of its own. One with the wrong unit misleads
    whoever reads it.

    ## Fix safety

    For a name that is refused the fix puts `_` for what is illegal; it is safe, since no series had the name. Changing
    upper case to snake case and dropping a wrong end renames a series that may be in use, so there the fix is unsafe. What
    varies in a name belongs into `labels=`, which is for you to write.

    ## When not to follow it

    Where dashboards know the name as it is, and a rename costs more than it is worth.
    """

    code: ClassVar[str] = "GR403"
    name: ClassVar[str] = "invalid-metric-name"
    triggers: ClassVar[tuple[str, ...]] = ("counted", "timed", "track_", "measure_memory")
    options = (_PATTERN,)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
from golden_runtime import timed


@timed("shop.orders.paying_ms")
def pay(order):
    return order.pay()
""",
            """\
from golden_runtime import timed


@timed("shop.orders.paying")
def pay(order):
    return order.pay()
""",
            unsafe=True,
        ),
        Bad(
            """\
from golden_runtime import counted


@counted("shop orders: paid")
def pay(order):
    return order.pay()
""",
            """\
from golden_runtime import counted


@counted("shop_orders_paid")
def pay(order):
    return order.pay()
""",
        ),
        Bad(
            """\
from golden_runtime import track_request


@track_request("shop.Orders.payByMail")
def pay(order):
    return order.pay()
""",
            """\
from golden_runtime import track_request


@track_request("shop.orders.pay_by_mail")
def pay(order):
    return order.pay()
""",
            unsafe=True,
        ),
        Bad(
            """\
from golden_runtime import timed


def pay(order):
    with timed(f"shop.orders.{order.kind}.duration"):
        return order.pay()
""",
        ),
        Bad(
            """\
from golden_runtime import track_request


@track_request("shop.orders.pay", labels={"status": "new", "kind-of-order": "mail"})
def pay(order):
    return order.pay()
""",
        ),
        Bad(
            """\
from golden_runtime import track_request


@track_request("orders.pay")
def pay(order):
    return order.pay()
""",
            settings=(("rules", {"GR403": {"pattern": r"shop\.[a-z_.]+"}}),),
        ),
        Good(
            """\
from golden_runtime import track_adapter_request, track_request


@track_request("shop.orders.pay")
@track_adapter_request("http")
def pay(order):
    return order.pay()
""",
            "a name as the project wants it, and that of a system",
            settings=(("rules", {"GR403": {"pattern": r"shop\.[a-z_.]+"}}),),
        ),
        Good(
            """\
from golden_runtime import counted, timed, track_request

from shop.names import PAY

APP = "shop"


@counted(f"{APP}.orders.paid_total")
@timed("shop.orders.pay-duration_seconds")
@track_request(PAY)
def pay(order):
    return order.pay()
""",
            "constants, and suffixes that are not added twice",
        ),
        Good(
            """\
from golden_runtime import track_request


def measured(name):
    return track_request(name, {"kind": "order"})


def deliver(name, order):
    @track_request(name)
    def work():
        return order.deliver()

    return work()
""",
            "a name that is passed on",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        if out_of_scope(subject.path) or in_runtime(subject.outline, subject.config):
            return
        named = list(_named(subject))
        if not named:
            return
        known, pattern = constants(subject.outline), self.value(_PATTERN, subject.config)
        for decorator, call in named:
            node = argument(call, 0, _NAMES[decorator])
            if node is not None:
                wrong = _wrong(subject, decorator, call, node, known, pattern)
                if wrong is not None:
                    yield _violation(subject, node, wrong)
            yield from _wrong_labels(subject, decorator, call, known)


@dataclass(frozen=True, slots=True)
class _Wrong:
    """What is wrong with a name, what to do, and the name to write instead, if that is known."""

    message: str
    remedy: str
    instead: str = ""
    safety: Safety = Safety.UNSAFE


def _named(subject: Subject) -> Iterator[tuple[str, ast.Call]]:
    """Yield the runtime's decorators of a function and the timers in its body."""
    for entry in applied(subject.outline, subject.function, subject.config):
        if entry.name in _NAMES and entry.call is not None:
            yield entry.name, entry.call
    for call in timers(subject.outline, subject.function, subject.config):
        yield "timed", call


def _wrong(
    subject: Subject,
    decorator: str,
    call: ast.Call,
    node: ast.expr,
    known: Mapping[str, object],
    pattern: str | None,
) -> _Wrong | None:
    """Return what is wrong with the name that a decorator is given: first what the runtime refuses, then the conventions."""
    name = text(node, known)
    if name is None:
        return _made_at_run_time(decorator, node)
    if (refused := _refused(decorator, name)) is not None:
        return refused
    ends = _WRONG_ENDS.get(decorator)
    if ends is not None and (end := ends.search(name.lower())):
        series = runtime_series(decorator, call, subject.function.name, known)
        shown = f"the series is `{series[0].name}`" if series else f"`_{_SUFFIXES.get(decorator, '')}` is added"
        kept = snake_case(name[: end.start()])
        return _Wrong(f"`{name}` ends in `{end[1]}`, so {shown}", f"write `{kept}`", kept)
    if pattern is not None and decorator not in _FREE:
        if re.fullmatch(pattern, name):
            return None
        return _Wrong(f"`{name}` is not as the project wants names", f"write a name that matches `{pattern}`")
    if name != name.lower():
        return _Wrong(
            f"`{name}` has upper-case letters: Prometheus' names are snake case",
            f"write `{snake_case(name)}`",
            snake_case(name),
        )
    return None


def _made_at_run_time(decorator: str, node: ast.expr) -> _Wrong | None:
    if not isinstance(node, ast.JoinedStr | ast.BinOp) and not _is_formatted(node):
        return None
    code = " ".join(ast.unparse(node).split())
    return _Wrong(
        f"the name that `{decorator}` is given is made as the program runs, `{code}`: no dashboard or alert can know it",
        "write one name, and what varies in `labels=`",
    )


def _refused(decorator: str, name: str) -> _Wrong | None:
    """Return what is wrong with a name that raises as the decorator is applied."""
    if not _METRIC_NAME.fullmatch(name):
        instead = _ILLEGAL.sub("_", name).strip("_./-")
        usable = instead if _METRIC_NAME.fullmatch(instead) else ""
        remedy = (
            f"write `{usable}`" if usable else "start with a letter, and use letters, digits, `.`, `_`, `-` and `/`"
        )
        return _Wrong(f"`{name}` is no metric name: the runtime refuses it", remedy, usable, Safety.SAFE)
    suffix = _SUFFIXES.get(decorator, "")
    if suffix and re.fullmatch(rf"([._/-]*{suffix})+[._/-]*", name):
        return _Wrong(
            f"`{name}` is nothing but the suffix that is added anyway: the runtime refuses it", "say what is measured"
        )
    return None


def _violation(subject: Subject, node: ast.expr, wrong: _Wrong) -> Violation:
    span = subject.source.span(node)
    fix = None
    if wrong.instead and isinstance(node, ast.Constant):
        written = json.dumps(wrong.instead)
        if subject.source.text[span[0]] == "'":
            written = f"'{wrong.instead}'"
        fix = Fix(wrong.safety, f"write `{wrong.instead}`", (Edit(*span, written),))
    return Violation(span, wrong.message, wrong.remedy, fix)


def _wrong_labels(subject: Subject, decorator: str, call: ast.Call, known: Mapping[str, object]) -> Iterator[Violation]:
    labels = argument(call, 1, "labels") if decorator != "track_cache_operation" else None
    for key in labels.keys if isinstance(labels, ast.Dict) else ():
        label = text(key, known)
        if label is None or key is None:
            continue
        if not _LABEL_NAME.fullmatch(label) or label in _RESERVED_LABELS:
            yield Violation(
                subject.source.span(key),
                f"`{label}` is no label name: the runtime refuses it",
                "use letters, digits and `_`, no digit first, no `__` first, not `le` or `quantile`",
            )
        elif label in _OWN_LABELS.get(decorator, ()):
            yield Violation(
                subject.source.span(key),
                f"the label `{label}` is set by `{decorator}` itself: the runtime refuses it",
                "rename it",
            )


def _is_formatted(node: ast.expr) -> bool:
    """Whether an expression is `"...".format(...)` or `".".join(...)`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("format", "join")
        and isinstance(node.func.value, ast.Constant)
    )
