"""Which series a decorator of the runtime exposes, from its constant arguments alone.

The linter does not import the runtime. A contract test decorates functions, reads the real registry, and demands what is
predicted here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

SeriesKind: TypeAlias = Literal["counter", "histogram", "gauge", "summary"]
SeriesUnit: TypeAlias = Literal["", "seconds", "bytes"]

# OpenTelemetry's grammar for the names of instruments, which the runtime follows.
_METRIC_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,254}")
_SEPARATORS = re.compile(r"[._/-]+")


@dataclass(frozen=True, slots=True)
class Series:
    """One metric, as Prometheus knows it.

    Attributes:
        name: The counter's name with `_total`, the histogram's without `_bucket`, `_sum` and `_count`.
        labels: The names of its labels, sorted, without a histogram's `le`; None where they cannot be told.
    """

    name: str
    kind: SeriesKind
    labels: tuple[str, ...] | None
    unit: SeriesUnit = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A decorator's call: `@track_request("shop.buy", labels={"tier": "gold"})`.

    Attributes:
        decorator: The decorator's name in the runtime.
        positional: The constant arguments. A mapping of labels stands for the names that are its keys; its values do not
            matter. What is no constant is UNKNOWN.
        function: The name of the decorated function.
    """

    decorator: str
    positional: Sequence[object] = ()
    keywords: Mapping[str, object] | None = None
    function: str = ""


class Unknown:
    """Stands for an argument that is no constant."""


UNKNOWN = Unknown()


def predicted_series(call: Call, namespace: str = "") -> tuple[Series, ...]:
    """Return the series that a decorator exposes, in the order of their names.

    There are none for another decorator, and where a name is no constant or the runtime would refuse it.
    """
    predict = _PREDICTIONS.get(call.decorator)
    found = () if predict is None else predict(call)
    return tuple(sorted((in_namespace(series, namespace) for series in found), key=lambda series: series.name))


def in_namespace(series: Series, namespace: str) -> Series:
    """Return a series below a namespace, which may be empty, never below it twice."""
    prefix = translated(namespace)
    if not prefix or series.name.startswith(f"{prefix}_"):
        return series
    return Series(f"{prefix}_{series.name}", series.kind, series.labels, series.unit)


def translated(name: object) -> str:
    """Return a dotted name with underscores, or `""` for what the runtime takes for no name."""
    if not isinstance(name, str) or not _METRIC_NAME.fullmatch(name):
        return ""
    return _SEPARATORS.sub("_", name).rstrip("_")


def _counted(call: Call) -> tuple[Series, ...]:
    return _one(call, "counter", "total", "")


def _timed(call: Call) -> tuple[Series, ...]:
    return _one(call, "histogram", "seconds", "seconds")


def _track_errors(call: Call) -> tuple[Series, ...]:
    return _one(call, "counter", "total", "", "error_type")


def _measure_memory(call: Call) -> tuple[Series, ...]:
    return _one(call, "gauge", "bytes", "bytes")


def _one(call: Call, kind: SeriesKind, suffix: str, unit: SeriesUnit, *own: str) -> tuple[Series, ...]:
    name = _with_suffix(translated(_argument(call, 0, "metric_name")), suffix)
    return (Series(name, kind, _labels(call, own), unit),) if name else ()


def _track_request(call: Call) -> tuple[Series, ...]:
    base = translated(_argument(call, 0, "operation_name"))
    errors = _argument(call, 2, "record_errors", True)
    return _composite(base, _labels(call), errors=bool(errors)) if base else ()


def _track_adapter_request(call: Call) -> tuple[Series, ...]:
    adapter = translated(_argument(call, 0, "adapter_name"))
    return _composite(f"adapter_{adapter}", ("adapter", "operation"), errors=True) if adapter else ()


def _track_cache_operation(call: Call) -> tuple[Series, ...]:
    level = translated(_argument(call, 0, "cache_level"))
    operation = _argument(call, 1, "operation_type", "get")
    name = translated(operation)
    if not level or not name:
        return ()
    series = _composite(f"cache_{level}_{name}", (), errors=False)
    if operation != "get":
        return series
    return (*series, *(Series(f"cache_{level}_{found}_total", "counter", ()) for found in ("hits", "misses")))


def _composite(base: str, labels: tuple[str, ...] | None, *, errors: bool) -> tuple[Series, ...]:
    def with_own(own: str) -> tuple[str, ...] | None:
        return None if labels is None else tuple(sorted([*labels, own]))

    series = (
        Series(f"{base}_calls_total", "counter", with_own("status")),
        Series(f"{base}_duration_seconds", "histogram", labels, "seconds"),
    )
    return (*series, Series(f"{base}_errors_total", "counter", with_own("error_type"))) if errors else series


_PREDICTIONS: Mapping[str, Callable[[Call], tuple[Series, ...]]] = {
    "counted": _counted,
    "timed": _timed,
    "track_errors": _track_errors,
    "measure_memory": _measure_memory,
    "track_request": _track_request,
    "track_adapter_request": _track_adapter_request,
    "track_cache_operation": _track_cache_operation,
}


def _argument(call: Call, position: int, name: str, default: object = UNKNOWN) -> object:
    if len(call.positional) > position:
        return call.positional[position]
    return (call.keywords or {}).get(name, default)


def _labels(call: Call, own: Iterable[str] = ()) -> tuple[str, ...] | None:
    labels = _argument(call, 1, "labels", None)
    if labels is None:
        return tuple(sorted(own))
    if not isinstance(labels, Mapping):
        return None
    return tuple(sorted([*map(str, labels), *own]))


def _with_suffix(stem: str, suffix: str) -> str:
    while stem.endswith(f"_{suffix}"):
        stem = stem.removesuffix(f"_{suffix}")
    return f"{stem}_{suffix}" if stem and stem != suffix else ""
