"""The metrics that one file declares under constant names, and which two of them cannot both stand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from golden_rules.catalogue.series import in_namespace
from golden_rules.config import Config
from golden_rules.rules.applied import applied, argument
from golden_rules.rules.misleading.declared import client_metrics, constants, runtime_series, text, timers
from golden_rules.source.outline import Function, Outline

# The series that a metric takes up besides its own name.
_TAKEN = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("_sum", "_count", "_created"),
    "info": ("_info",),
}

# What the runtime adds to the names that its decorators are given.
_SUFFIXES = {"counted": "total", "track_errors": "total", "timed": "seconds", "measure_memory": "bytes"}


class Declared(NamedTuple):
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

    @property
    def series(self) -> tuple[str, ...]:
        """Every name that the metric takes."""
        return (self.family, *(self.family + suffix for suffix in _TAKEN.get(self.kind, ())))


class Declaration(NamedTuple):
    """A place that declares a metric.

    Attributes:
        call: The call that declares it.
        function: The qualified name of the function that it measures, or stands in; `""` for none.
        maker: The runtime's decorator or timer, as `counted`; `""` for a class of `prometheus_client`.
        name: What that is given as its name.
    """

    metric: Declared
    call: ast.Call
    function: str
    maker: str
    name: str


def declarations(outline: Outline, config: Config) -> Iterator[Declaration]:
    """Yield the metrics that a file declares; what has a registry of its own, or a name that is no constant, is left out."""
    known = constants(outline)
    for function in outline.functions:
        for entry in applied(outline, function, config):
            if entry.name and entry.call is not None:
                yield from _by_runtime(function, entry.name, entry.call, known, config)
        for call in timers(outline, function, config):
            yield from _by_runtime(function, "timed", call, known, config)
    for metric in client_metrics(outline, known):
        if metric.name and not metric.own_registry:
            family = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
            shown = f'{metric.kind.capitalize()}("{metric.name}")'
            declared = Declared(family, metric.kind, metric.labels, "", shown)
            yield Declaration(declared, metric.call, "", "", metric.name)


def conflict_of(one: Declared, other: Declared) -> str:
    """Return in words why two declarations that take one name cannot both stand, or `""`."""
    if one.family != other.family:
        return f"the {one.kind} `{one.family}` and the {other.kind} `{other.family}` take up each other's series"
    if one.kind != other.kind:
        return f"there `{one.family}` is a {other.kind}, here a {one.kind}"
    if one.labels is not None and other.labels is not None and one.labels != other.labels:
        return f"there `{one.family}` has {_listed(other.labels)}, here {_listed(one.labels)}"
    if one.written and other.written and one.written != other.written:
        return f"`{other.written}` and `{one.written}` are one name to Prometheus"
    return ""


def _by_runtime(
    function: Function, maker: str, call: ast.Call, known: Mapping[str, object], config: Config
) -> Iterator[Declaration]:
    """Yield what one of the runtime's decorators declares, a metric each."""
    written = text(argument(call, 0, ""), known) or text(_named(call), known) or ""
    for series in runtime_series(maker, call, function.name, known):
        spelling = _spelling(maker, written, series.name.removesuffix("_total"))
        exposed = in_namespace(series, config.namespace or "")
        family = exposed.name.removesuffix("_total") if series.kind == "counter" else exposed.name
        metric = Declared(family, series.kind, series.labels, spelling, f'{maker}("{written}")')
        yield Declaration(metric, call, function.qualname, maker, written)


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


def _listed(labels: tuple[str, ...]) -> str:
    if not labels:
        return "no labels"
    return ("the label " if len(labels) == 1 else "the labels ") + ", ".join(f"`{label}`" for label in labels)
