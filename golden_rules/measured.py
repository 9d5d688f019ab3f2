"""What measures a function already: a decorator, a block, or a metric recorded in its body."""

from __future__ import annotations

import re

from golden_rules.config import Config
from golden_rules.findings import Fix
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline

RUNTIME = "golden_runtime"
RUNTIME_DECORATORS = frozenset(
    {
        "counted", "timed", "traced", "track_errors", "measure_memory", "track_request", "track_adapter_request",
        "track_cache_operation",
    }
)  # fmt: skip
# All that fixes write of it.
_WRITTEN = re.compile(rf"\b({'|'.join(sorted(RUNTIME_DECORATORS))}|retry|RetryStrategy|mark_failure)\(")

# Decorators of metric and tracing clients, whatever object they hang on (`REQUEST_TIME.time`, `tracer.wrap`).
_CLIENT_DECORATORS = frozenset(
    {
        "time", "count_exceptions", "track_inprogress", "start_as_current_span", "start_as_current_observation",
        "start_active_span",
    }
)  # fmt: skip
_CLIENTS = (
    "prometheus_client.",
    "prometheus_async.",
    "opentelemetry.",
    "ddtrace.",
    "newrelic.",
    "elasticapm.",
    "sentry_sdk.",
    "logfire.",
    "autometrics.",
    "datadog.",
    "statsd.",
    "aws_xray_sdk.",
    "langfuse.",
    "langsmith.",
)
# A project's own measuring decorator, by the words people name them with.
_HOMEMADE = re.compile(
    r"(^|_)(time_?it|timed|timer|timing|time_(func|function|method|call|this)|(measure|measured|instrument|instrumented|instrumentation"
    r"|trace|traced|tracing|tracer|metric|metrics|monitored|observed|counted|count_calls|span|telemetry|statsd)"
    r"|(track|log|record|with|report)_(time|timing|latency|duration|errors|exceptions|calls|metrics|request|performance"
    r"|execution_time|usage))($|_)",
    re.IGNORECASE,
)
_RECORDING_METHODS = frozenset({"observe", "inc", "record", "timing", "increment", "histogram", "gauge"})
_RECORDING = _RECORDING_METHODS | {"start"}


def measured_by(outline: Outline, function: Function, config: Config) -> str:
    """Return what measures a function, as it stands in the source, or `""` where nothing does."""
    for decorator in function.decorators:
        if _measures(outline, function, decorator, config):
            return decorator
    for block in function.measured_blocks:
        if _is_client_call(outline, function, block, config):
            return block
    if _RECORDING.isdisjoint(function.called):
        return ""
    for call in function.calls:
        if _records(outline, function, call.name, config):
            return call.name
    return ""


def is_timer(measured: str) -> bool:
    """Whether what measures a function is only a timer that it starts, which tells how long, and not how it ended."""
    return measured.endswith("().start")


def runtime_name(target: str, config: Config) -> str:
    """Return which of the runtime's decorators an absolute name stands for, or `""`."""
    module, _, name = target.rpartition(".")
    if name not in RUNTIME_DECORATORS:
        return ""
    known = (RUNTIME, config.runtime_module)
    return name if any(module == base or module.startswith(base + ".") for base in known) else ""


def missing_name(fix: Fix | None, config: Config) -> str:
    """Return a name that a fix writes and a runtime module of the project's own does not have, or `""`."""
    if fix is None or config.runtime_names is None:
        return ""
    imported = {item.name for item in fix.imports if item.module == config.runtime_module}
    written = (name for edit in fix.edits for name in _WRITTEN.findall(edit.text))
    return next((name for name in (*imported, *written) if name and name not in config.runtime_names), "")


def _measures(outline: Outline, function: Function, decorator: str, config: Config) -> bool:
    """Whether a decorator measures; it is resolved where the function stands, not inside it."""
    if not decorator:
        return False
    last = decorator.rpartition(".")[2]
    if last in _CLIENT_DECORATORS and "." in decorator:
        return True
    target = resolve(outline, function.parent, decorator) or decorator
    if runtime_name(target, config) or _is_configured(target, config):
        return True
    return target.startswith(_CLIENTS) or _HOMEMADE.search(last) is not None


def _is_configured(target: str, config: Config) -> bool:
    return any(target == entry or target.startswith(entry + ".") for entry in config.measured_by)


def _is_client_call(outline: Outline, function: Function, name: str, config: Config) -> bool:
    target = resolve(outline, function, name)
    if name.rpartition(".")[2] in ("start_as_current_span", "start_active_span"):
        return True
    if target is None:
        return False
    return bool(runtime_name(target, config)) or _is_configured(target, config)


def _records(outline: Outline, function: Function, name: str, config: Config) -> bool:
    """Whether a call in the body records: `timed("...").start()`, or a method of a metric."""
    base, _, method = name.rpartition(".")
    if method == "start" and base.endswith("()"):
        target = resolve(outline, function, base)
        return target is not None and bool(runtime_name(target, config))
    if method not in _RECORDING_METHODS:
        return False
    target = resolve(outline, function, base)
    return target is not None and target.startswith(_CLIENTS)
