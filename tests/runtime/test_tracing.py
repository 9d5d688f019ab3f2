"""Spans and exemplars, with the real OpenTelemetry SDK."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Generator, Iterator

import pytest
from exposed import run_script
from golden_runtime import mark_failure, timed, traced, track_adapter_request, track_cache_operation, track_request
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.exposition import generate_latest


@pytest.fixture(scope="session")
def exporter() -> InMemorySpanExporter:
    """Where the spans of this process end up. OpenTelemetry takes one provider for each process."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    """The spans of one test."""
    exporter.clear()
    yield exporter
    exporter.clear()


def finished(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """Return the finished spans by name."""
    return {span.name: span for span in spans.get_finished_spans()}


def test_traced_opens_a_span(spans: InMemorySpanExporter) -> None:
    """Each call is a span, current while it runs, with constant attributes and those of its arguments."""

    @traced("orders.create", attributes={"tier": "gold", "order": lambda order: order})
    def work(order: int) -> bool:
        return trace.get_current_span().is_recording()

    assert work(7) is True
    span = finished(spans)["orders.create"]
    assert span.attributes == {"tier": "gold", "order": 7}
    assert span.status.status_code is StatusCode.UNSET
    assert not trace.get_current_span().is_recording()


def test_nested_calls_are_child_spans(spans: InMemorySpanExporter) -> None:
    """A measured function that another one calls, or awaits, is a child of it in the trace."""

    @traced("inner")
    async def inner() -> None:
        await asyncio.sleep(0)

    @traced("outer")
    async def outer() -> None:
        await asyncio.gather(inner(), inner())

    asyncio.run(outer())
    inner_spans = [span for span in spans.get_finished_spans() if span.name == "inner"]
    assert [span.parent for span in inner_spans] == [finished(spans)["outer"].context] * 2


def test_composites_open_spans(spans: InMemorySpanExporter, name: str) -> None:
    """Each composite has its span; calls to something outside are of the kind `client`."""

    @track_request(f"{name}.op", labels={"tier": "gold"})
    @track_adapter_request(name)
    @track_cache_operation(name, "get")
    def work() -> None:
        pass

    work()
    seen = {span.name: (span.kind, dict(span.attributes or {})) for span in spans.get_finished_spans()}
    assert seen == {
        f"{name}.op": (SpanKind.INTERNAL, {"tier": "gold"}),
        f"adapter.{name}.work": (SpanKind.CLIENT, {"adapter": name, "operation": "work"}),
        f"cache.{name}.get": (SpanKind.CLIENT, {"cache": name, "operation": "get"}),
    }


@pytest.mark.parametrize(
    ("error", "status", "events"),
    [(LookupError("missing"), StatusCode.ERROR, 1), (asyncio.CancelledError(), StatusCode.UNSET, 0)],
)
def test_a_span_says_how_the_call_ended(
    spans: InMemorySpanExporter, error: BaseException, status: StatusCode, events: int
) -> None:
    """A failure is recorded in the span, a cancellation is none."""

    @traced("op")
    def work() -> None:
        raise error

    with pytest.raises(type(error)):
        work()
    span = finished(spans)["op"]
    assert (span.status.status_code, len(span.events)) == (status, events)


class SpeechlessError(Exception):
    """An error whose text cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError


def test_an_error_without_a_text_fails_the_span(spans: InMemorySpanExporter) -> None:
    """The span ends, and says that the call failed, whatever the error does when it is asked for its text."""

    @traced("op")
    def work() -> None:
        raise SpeechlessError

    with pytest.raises(SpeechlessError):
        work()
    status = finished(spans)["op"].status
    assert (status.status_code, status.description) == (StatusCode.ERROR, "SpeechlessError")


def test_a_marked_failure_is_in_the_span(spans: InMemorySpanExporter, name: str) -> None:
    """A failure that the function handles fails the span of every decorator on it."""

    @traced("outer")
    @track_request(name)
    def work() -> None:
        mark_failure(LookupError("missing"))

    work()
    assert {span.name: span.status.description for span in spans.get_finished_spans()} == {
        "outer": "LookupError: missing",
        name: "LookupError: missing",
    }


def test_a_generators_span_is_not_its_consumers(spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture) -> None:
    """The span is current at each step and not between them; closing from another task leaves no complaint in the log."""

    @traced("generator")
    def numbers() -> Generator[bool, None, None]:
        yield trace.get_current_span().is_recording()
        yield trace.get_current_span().is_recording()

    @traced("async generator")
    async def async_numbers() -> AsyncGenerator[bool, None]:
        yield trace.get_current_span().is_recording()
        yield True

    async def drive() -> None:
        running = async_numbers()
        assert await anext(running)
        assert not trace.get_current_span().is_recording()
        await asyncio.create_task(running.aclose())

    for inside in numbers():
        assert inside
        assert not trace.get_current_span().is_recording()
    asyncio.run(drive())
    assert set(finished(spans)) == {"generator", "async generator"}
    assert caplog.records == []


def test_durations_carry_exemplars(spans: InMemorySpanExporter, name: str) -> None:
    """The OpenMetrics exposition leads from a bucket to the trace of a call in it, for composites and for blocks."""

    @track_request(f"{name}.op")
    def work() -> None:
        with timed(f"{name}.block"):
            pass

    work()
    trace_id = trace.format_trace_id(finished(spans)[f"{name}.op"].context.trace_id)
    shown = generate_latest(REGISTRY).decode().splitlines()
    for histogram in (f"{name}_op_duration_seconds", f"{name}_block_seconds"):
        assert [line for line in shown if line.startswith(f"{histogram}_bucket") and trace_id in line]


def test_an_attribute_that_fails_is_left_out(spans: InMemorySpanExporter) -> None:
    """The call and its span go on."""

    @traced("op", attributes={"order": lambda order: order["id"], "tier": "gold"})
    def work(order: dict[str, int]) -> str:
        return "done"

    assert work({}) == "done"
    assert finished(spans)["op"].attributes == {"tier": "gold"}


def test_a_tracer_that_breaks_never_harms_the_caller() -> None:
    """Whatever the SDK raises reaches the log, not the caller."""
    run_script(
        """
        from golden_runtime import track_request
        from opentelemetry import trace
        from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
        from prometheus_client import REGISTRY

        class Broken(SpanProcessor):
            def on_start(self, span, parent_context=None):
                raise RuntimeError("no start")

        provider = TracerProvider()
        provider.add_span_processor(Broken())
        trace.set_tracer_provider(provider)

        @track_request("op")
        def work():
            return "done"

        assert work() == "done"
        assert REGISTRY.get_sample_value("op_calls_total", {"status": "success"}) == 1.0
        """
    )


def test_without_the_extra_nothing_is_traced_and_all_is_counted() -> None:
    """`traced` does nothing, and the composites record as ever, where OpenTelemetry is not installed."""
    run_script(
        """
        import inspect, sys
        sys.modules["opentelemetry"] = None
        from golden_runtime import traced, track_request
        from prometheus_client import REGISTRY

        @traced("span", attributes={"order": lambda order: 1 / 0})
        @track_request("op")
        async def work(order):
            return order

        try:
            work(7).send(None)
        except StopIteration as stop:
            assert stop.value == 7
        assert inspect.iscoroutinefunction(work)
        assert REGISTRY.get_sample_value("op_calls_total", {"status": "success"}) == 1.0
        """
    )


def test_the_api_is_loaded_with_the_first_decorator() -> None:
    """A program that only runs queues or breakers does not wait for OpenTelemetry to load."""
    run_script(
        """
        import sys
        import golden_runtime
        assert "opentelemetry.trace" not in sys.modules
        golden_runtime.track_request("op")
        assert "opentelemetry.trace" in sys.modules
        """
    )


def test_disabled_measuring_opens_no_span() -> None:
    """`configure(enabled=False)` holds for spans too, also of functions that were decorated before."""
    run_script(
        """
        from golden_runtime import configure, traced
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        trace.set_tracer_provider(TracerProvider())

        @traced("op")
        def work():
            return trace.get_current_span().is_recording()

        configure(enabled=False)
        assert work() is False
        """
    )


def test_a_span_needs_a_name() -> None:
    """`@traced` without a name is a common slip: the message says what is wanted."""
    with pytest.raises(TypeError, match="a span's name must be a string"):
        traced(print)  # type: ignore[arg-type]  # the mistake under test


def test_attributes_have_names() -> None:
    """What is no mapping shows at decoration, in a sentence."""
    with pytest.raises(TypeError, match="attributes must be a mapping"):
        traced("op", attributes=["tier"])  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize(
    "stack", ["traced('op')(counted('a')(work))", "track_request('op')(work)", "timed('op')(work)"]
)
def test_a_provider_may_come_at_any_time(stack: str) -> None:
    """The contract with the API's private attribute: calls are traced from the moment a provider of tracers is set."""
    run_script(
        f"""
        from golden_runtime import counted, timed, traced, track_request
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from prometheus_client import REGISTRY

        def work():
            return trace.get_current_span().is_recording()

        measured = {stack}
        assert measured() is False
        trace.set_tracer_provider(TracerProvider())
        with trace.get_tracer("test").start_as_current_span("outer"):
            assert measured() is True
        exemplars = [sample.exemplar for metric in REGISTRY.collect() for sample in metric.samples if sample.exemplar]
        assert len(exemplars) == {stack.count("timed") + stack.count("track_request")}
        """
    )


def test_a_time_limit_that_comes_while_a_span_is_told_of_an_error_ends_the_call(spans: InMemorySpanExporter) -> None:
    """Such limits are an `Exception` raised by a signal handler, as Celery's is; the span ends all the same."""

    class TimeLimit(Exception):
        pass

    class Slow(Exception):
        def __str__(self) -> str:
            signal.raise_signal(signal.SIGINT)
            return "never"

    def limit(*_: object) -> None:
        raise TimeLimit

    @traced("limited")
    def work() -> None:
        raise Slow

    previous = signal.signal(signal.SIGINT, limit)
    try:
        with pytest.raises(TimeLimit):
            work()
    finally:
        signal.signal(signal.SIGINT, previous)
    assert list(finished(spans)) == ["limited"]
    assert not trace.get_current_span().is_recording()
