"""Which files are a project's own instrumentation, whatever it calls them."""

from __future__ import annotations

import functools
import re

from golden_rules.config import Config
from golden_rules.frameworks import COMMANDS
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline

# `metrics-modules` names what a project configures; these are the names that projects use besides.
_INSTRUMENTATION = re.compile(
    r"(^|[/_])(metrics?|telemetry|observability|observ\w+|monitoring|monitors?|instrument\w*|tracing|tracers?|traces?|otel|otlp|opentelemetry|opentracing|prometheus|prom|statsd"
    r"|dogstatsd|datadog|ddtrace|newrelic|apm|stats|statistics|gauges?|histograms?|sentry|logfire|profiling|grafana|influx(db)?|cloudwatch|stackdriver)([/_]|\.pyi?$)"
)
# The narrower half of them: whose business is to count.
_COUNTING = re.compile(
    r"(^|[/_])(metrics?|telemetry|observability|monitoring|instrument(s|ation|ed)?|tracing|otel|opentelemetry|opentracing|prometheus|prom|statsd|dogstatsd|datadog|newrelic|apm|monitors?|sensors?)([/_]|\.pyi?$)|(^|[/_])tracers?\.pyi?$"
)
# Commands, scripts and evaluations end, and say at their end what they did.
_ONE_OFF = re.compile(
    r"(^|/)(commands?|scripts?|cli|tools?|examples?|bin|docs|demos?|evals?)(/|$)|(^|/)(cli|[^/]*_script|demo|__main__|setup)\.py$"
)
# The files among them that a person runs, and waits for their end; `tools/` may hold those of agents.
_RUN_BY_HAND = re.compile(
    r"(^|/)(\w*commands?|scripts?|cli|examples?|bin|docs|demos?\w*)(/|$)|(^|/)(\w*_?cli|[^/]*_script|demo|__main__|setup)\.py$"
)
# What draws a person's screen, and numbers on it; `ui/` alone may hold the server behind it.
_INTERFACE = re.compile(r"(^|/)(tui|gui|widgets|dialogs|screens)/|(^|[/_])(t?ui|gui)\.pyi?$")


def is_instrumentation(path: str, config: Config) -> bool:
    """Whether a file may define metrics: one of `metrics-modules`, or named like the instrumentation of a project."""
    return config.is_metrics_module(path) or bool(_INSTRUMENTATION.search(path.lower()))


def counts_for_others(path: str, config: Config) -> bool:
    """Whether counting is what a file is for."""
    return config.is_metrics_module(path) or _is_named_for_counting(path)


# Asked of one file for each of its functions, by several rules.
@functools.lru_cache(maxsize=8)
def _is_named_for_counting(path: str) -> bool:
    return _COUNTING.search(path.lower()) is not None


def is_one_off(path: str) -> bool:
    """Whether a file holds commands, scripts or examples, which are gone before anybody scrapes them."""
    return bool(_ONE_OFF.search(path))


def draws_a_screen(path: str) -> bool:
    """Whether a file is a part of a user interface, whose numbers somebody looks at."""
    return bool(_INTERFACE.search(path.lower()))


def answers_a_person(function: Function, path: str) -> bool:
    """Whether somebody waits for what a function says: a command by decorator or file, or a program's `main`."""
    if any(decorator.rpartition(".")[2] in COMMANDS for decorator in function.decorators):
        return True
    is_main = function.parent is None and function.owner is None and function.name.lower().strip("_") == "main"
    return is_main or bool(_RUN_BY_HAND.search(path))


def comes_from_instrumentation(outline: Outline, function: Function, name: str, config: Config) -> bool:
    """Whether a metric, as written, is one that the project's own instrumentation defines, rather than this file."""
    parts = name.replace("()", "").split(".")
    if parts[0] in ("self", "cls"):
        # What the file puts into an attribute is its own; what that holds is its class's.
        holder = ".".join(parts[:2]) if len(parts) > 2 else ""
    else:
        holder = name if _is_imported(outline, function, parts[0]) else ""
    target = resolve(outline, function, holder) if holder else None
    if target is None:
        return False
    module = target.rpartition(".")[0]
    return module != outline.module and is_instrumentation(module.replace(".", "/") + ".py", config)


def _is_imported(outline: Outline, function: Function, root: str) -> bool:
    return root in outline.names or any(root in scope.imports for scope in function.scopes())
