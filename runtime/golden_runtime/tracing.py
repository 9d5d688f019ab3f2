"""Spans of OpenTelemetry, where its API is installed: the extra `golden-runtime[tracing]`. Elsewhere nothing happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Literal, TypeAlias

from golden_runtime.hooks import is_own_failure
from golden_runtime.labels import SILENT, Silent
from golden_runtime.metrics import configuration
from golden_runtime.outcomes import is_cancellation
from golden_runtime.reporting import report_once
from golden_runtime.turns import is_interrupt

AttributeValue: TypeAlias = str | int | float | bool | Callable[..., object]
Attributes: TypeAlias = Mapping[str, AttributeValue]
SpanKind: TypeAlias = Literal["INTERNAL", "CLIENT"]

IS_INSTALLED: Final = find_spec("opentelemetry") is not None and find_spec("opentelemetry.trace") is not None


class Provided:
    """Stands in for the module that knows the provider of tracers, where that cannot be asked without a call."""

    __slots__ = ("_TRACER_PROVIDER",)

    def __init__(self, provider: object) -> None:
        self._TRACER_PROVIDER = provider


def provided() -> Any:
    """Return what has the provider of tracers as `_TRACER_PROVIDER`, and None as long as nobody would see a span.

    Hot paths ask at every call, since a program sets its provider when it likes. The attribute of the API is a private one: a
    test holds its releases to it, and where it is missing, or the environment names a provider, there always is one.
    """
    load()
    if not IS_INSTALLED:
        return Provided(None)
    if "OTEL_PYTHON_TRACER_PROVIDER" in os.environ or not hasattr(_trace, "_TRACER_PROVIDER"):
        return Provided(True)
    return _trace


# The API is optional and has no types here. It is loaded with the first decorator, not by a program that uses none.
_trace: Any = None
_context: Any = None


def load() -> None:
    """Load the API, where it is installed."""
    global _context, _trace
    if IS_INSTALLED and _trace is None:
        _context = import_module("opentelemetry.context")
        _trace = import_module("opentelemetry.trace")


def exemplar() -> Mapping[str, str] | None:
    """Return what leads from a duration to its trace: the ids of the running span, if it is sampled."""
    if _trace is None:
        return None
    try:
        span = _trace.get_current_span().get_span_context()
        if not (span.is_valid and span.trace_flags.sampled):
            return None
        return {"trace_id": _trace.format_trace_id(span.trace_id), "span_id": _trace.format_span_id(span.span_id)}
    except Exception as failed:  # metrics never harm the caller
        if is_interrupt(failed):
            raise
        report_once("durations get no exemplars, the running span cannot be read")
        return None


class OpenSpan:
    """The span of a running call. It is the current one while the call's own code runs."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Any) -> None:
        self._span = span
        self._token: Any = None

    def attach(self) -> None:
        """Make the span the current one."""
        try:
            self._token = _context.attach(_trace.set_span_in_context(self._span))
        except Exception as failed:  # metrics never harm the caller
            if is_interrupt(failed):
                raise
            report_once("a span cannot be made the current one")

    def detach(self) -> None:
        """Make the span current that was so before."""
        try:
            # a coroutine may be closed from a context that it was never attached to
            if _trace.get_current_span() is self._span:
                _context.detach(self._token)
        except Exception as failed:  # metrics never harm the caller
            if is_interrupt(failed):
                raise
            report_once("a span cannot be left")

    def finish(self, error: BaseException | None) -> None:
        """End the span, with the error if the call failed."""
        try:
            try:
                if error is not None and not is_cancellation(error):
                    self._fail(error)
            finally:
                self._span.end()
        except Exception as failed:  # metrics never harm the caller
            if is_interrupt(failed):
                raise
            report_once("a span cannot be ended")

    def _fail(self, error: BaseException) -> None:
        kind = type(error).__name__
        try:
            self._span.record_exception(error)
            description = f"{kind}: {error}"
        except Exception as failed:  # an error may have no text, and its span still ends
            if is_interrupt(failed):
                raise
            report_once(f"a span cannot tell what its `{kind}` says")
            description = kind
        self._span.set_status(_trace.Status(_trace.StatusCode.ERROR, description))


class Spans:
    """Opens a span for each call."""

    __slots__ = ("_attributes", "_kind", "_name")

    def __init__(self, name: str, attributes: Mapping[str, object], kind: SpanKind = "INTERNAL") -> None:
        self._name = name
        self._attributes = attributes
        self._kind = kind

    def begin(self) -> OpenSpan | None:
        """Start a span, unless nobody would see it."""
        try:
            provider = _trace.get_tracer_provider()
            if isinstance(provider, _trace.ProxyTracerProvider) or not configuration().enabled:
                return None
            tracer = provider.get_tracer("golden_runtime")
            kind = _trace.SpanKind[self._kind]
            return OpenSpan(tracer.start_span(self._name, kind=kind, attributes=self._attributes))
        except Exception as failed:  # metrics never harm the caller
            if is_interrupt(failed):
                raise
            report_once(f"the span `{self._name}` cannot be started")
            return None

    def end(self, state: OpenSpan | None, error: BaseException | None, result: object) -> None:
        """End the span."""
        if state is not None:
            state.finish(error)


class SpanObservers:
    """Gives each call what opens its span; see `Observers`."""

    __slots__ = ("_constants", "_functions", "_kind", "_name", "fixed")

    def __init__(self, name: str, attributes: Attributes, kind: SpanKind = "INTERNAL") -> None:
        if not isinstance(attributes, Mapping):
            raise TypeError(f"attributes must be a mapping of names to values, not `{attributes!r}`")
        self._name = name
        self._kind = kind
        self._constants = {key: value for key, value in attributes.items() if not callable(value)}
        self._functions = [(key, value) for key, value in attributes.items() if callable(value)]
        self.fixed: Spans | Silent | None = None
        if not IS_INSTALLED:
            self.fixed = SILENT
        elif not self._functions:
            self.fixed = Spans(name, self._constants, kind)
        load()

    def choose(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Spans:
        """Return what opens a span with the attributes of a call with these arguments.

        Raises no `Exception` but what a signal handler raises.
        """
        attributes: dict[str, object] = dict(self._constants)
        for key, function in self._functions:
            try:
                attributes[key] = function(*args, **kwargs)
            except Exception as error:  # whatever a user's function raises, the measured call goes on
                if not is_own_failure(error):
                    raise
                report_once(f"the function of attribute `{key}` of the span `{self._name}` failed, so it is left out")
        return Spans(self._name, attributes, self._kind)
