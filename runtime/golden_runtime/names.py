"""Names: from dotted metric names to what Prometheus exposes, as OpenTelemetry translates them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from golden_runtime.errors import MetricNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

# OpenTelemetry's grammar for the names of instruments.
_METRIC_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,254}")
_SEPARATORS = re.compile(r"[._/-]+")
_LABEL_NAME = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")
# Prometheus gives these to the series of histograms and summaries.
_RESERVED_LABELS = frozenset({"le", "quantile"})


def translate(name: str) -> str:
    """Return a dotted name with underscores: runs of separators become one, trailing ones are dropped.

    Raises MetricNameError where the name is not a string, or does not follow OpenTelemetry's grammar.
    """
    if not isinstance(name, str):
        raise MetricNameError(f'a metric name must be a string such as "app.orders.create", not `{name!r}`')
    if not _METRIC_NAME.fullmatch(name):
        raise MetricNameError(
            f"`{name}` is not a metric name: start with a letter, then use up to 254 letters, digits, `.`, `_`, `-` and `/`"
        )
    return _SEPARATORS.sub("_", name).rstrip("_")


def counter_name(name: str) -> str:
    """Return the name of a counter's series: `a.b` gives `a_b_total`."""
    return _with_suffix(name, "total")


def duration_name(name: str) -> str:
    """Return the name of a histogram of seconds: `a.b.duration` gives `a_b_duration_seconds`."""
    return _with_suffix(name, "seconds")


def bytes_name(name: str) -> str:
    """Return the name of a gauge of bytes: `a.peak` gives `a_peak_bytes`."""
    return _with_suffix(name, "bytes")


def spelled(name: str, suffix: str) -> str:
    """Return a name as it was written, without the suffix that is added anyway: `a.b_total` and `a.b` are one spelling."""
    return re.sub(rf"([._/-]+{suffix})*[._/-]*$", "", name)


def in_namespace(namespace: str, name: str) -> str:
    """Return a translated name below a translated namespace (which may be empty), never below it twice."""
    if not namespace or name.startswith(f"{namespace}_"):
        return name
    return f"{namespace}_{name}"


def check_labels(names: Iterable[str], *, taken: Iterable[str] = ()) -> None:
    """Raise MetricNameError where a label name is illegal or is one that the decorator sets itself."""
    own = frozenset(taken)
    for name in names:
        if not isinstance(name, str) or not _LABEL_NAME.fullmatch(name) or name in _RESERVED_LABELS:
            raise MetricNameError(
                f"`{name}` is not a label name: use letters, digits and `_`, no digit first, no `__` first, not `le` or `quantile`"
            )
        if name in own:
            raise MetricNameError(f"the label `{name}` is set by the decorator itself: give yours another name")


def _with_suffix(name: str, suffix: str) -> str:
    stem = translate(name)
    while stem.endswith(f"_{suffix}"):
        stem = stem.removesuffix(f"_{suffix}")
    if stem == suffix:
        raise MetricNameError(
            f"`{name}` is nothing but the suffix `_{suffix}`, which is added anyway: say what is measured"
        )
    return f"{stem}_{suffix}"
