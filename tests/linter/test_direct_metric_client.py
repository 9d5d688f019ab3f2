"""GR205: which objects are metrics or clients of their own, and which code may have them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from golden_rules import Config, Finding, analyse_source

CONFIG = Config(root=Path.cwd(), select=("GR205",), metrics_modules=("metrics", "shop.gauges"))


def found(source: str, path: str = "src/shop/orders.py") -> tuple[Finding, ...]:
    """Return what GR205 finds in a module."""
    return analyse_source(dedent(source), path, CONFIG).findings


CLIENTS = {
    "histogram by an alias": "import prometheus_client as p\nTOOK = p.Histogram('took', 'Time.')",
    "from the inner module": "from prometheus_client.metrics import Gauge\nSIZE = Gauge('size', 'Size.')",
    "meter": "from opentelemetry.metrics import get_meter\nmeter = get_meter(__name__)",
    "statsd client": "import statsd\nclient = statsd.StatsClient('localhost')",
    "ddtrace": "from ddtrace import tracer",
    "newrelic": "import newrelic.agent",
}


@pytest.mark.parametrize("source", CLIENTS.values(), ids=CLIENTS)
def test_client_is_found_once(source: str) -> None:
    """One finding for one object, however the library is imported."""
    assert len(found(source)) == 1


def test_finding_names_the_scope_it_stands_in() -> None:
    """An object made in a constructor is found in it, one in a class body in the class, and a comment there silences it."""
    source = """\
        from prometheus_client import Counter

        class Orders:{comment}
            placed = Counter("placed", "Orders.")

            def __init__(self):
                self.lost = Counter("lost", "Orders.")
        """
    assert [finding.function for finding in found(source.format(comment=""))] == ["Orders", "Orders.__init__"]
    silenced = source.format(comment="  # golden-rules: ignore[GR205] -- the shop's own")
    assert [finding.function for finding in found(silenced)] == ["Orders.__init__"]


def test_uses_of_one_object_are_no_further_findings() -> None:
    """Spans and increments follow from the object."""
    source = """\
        from opentelemetry import trace

        tracer = trace.get_tracer(__name__)

        def pack():
            with tracer.start_as_current_span("pack"):
                pass

        def ship():
            with tracer.start_as_current_span("ship"):
                trace.get_current_span().set_attribute("fast", True)
        """
    assert len(found(source)) == 1


@pytest.mark.parametrize(
    "path",
    [
        "src/shop/metrics.py",
        "src/shop/gauges.py",
        "src/shop/http_metrics.py",
        "src/shop/otel/setup.py",
        "src/shop/otlp.py",
        "tests/orders.py",
    ],
)
def test_metrics_modules_are_left_alone(path: str) -> None:
    """By configuration, by a name that says it, or because they are tests."""
    assert not found("from prometheus_client import Gauge\nSIZE = Gauge('size', 'Size.')\n", path)


@pytest.mark.parametrize(
    ("scope", "is_found"),
    [
        ("class ShopMetrics:\n    def __init__(self):", False),
        ("class OtelSink:\n    def __init__(self):", False),
        ("class Shop:\n    def __init__(self):", True),
        ("if True:\n    def export_metrics():", False),
        ("if True:\n    def configure_telemetry():", False),
        ("if True:\n    def take_order():", True),
    ],
)
def test_what_is_there_for_metrics_may_have_them(scope: str, is_found: bool) -> None:
    """A set of metrics, an exporter, and the function that sets them up, all by name."""
    source = (
        f"from prometheus_client import Gauge\n\n{scope}\n        size = Gauge('size', 'Size.')\n        return size\n"
    )
    assert bool(found(source)) is is_found


def test_setting_up_is_left_alone() -> None:
    """Providers, exporters, endpoints and types are no metrics."""
    assert not found(
        """\
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from prometheus_client import CollectorRegistry, Counter, make_asgi_app

        trace.set_tracer_provider(TracerProvider())
        app = make_asgi_app(CollectorRegistry())

        def is_counter(metric: Counter) -> bool:
            return isinstance(metric, Counter)
        """
    )


@pytest.mark.parametrize("path", ["src/shop_exporter/client.py", "src/shop/exporter.py", "src/shop/exporters/stock.py"])
def test_exporters_are_left_alone(path: str) -> None:
    """What exports numbers is for metrics as a whole."""
    source = "from prometheus_client import Gauge\nSTOCK = Gauge('stock', 'Parcels.')\n"
    assert not found(source, path)
    assert found(source, "src/shop/exported.py")


def test_a_client_that_is_handed_on_by_a_given_name_is_left_alone() -> None:
    """Whoever asks for it names and uses it; what a function names itself is its own file's, if that uses it."""
    source = """\
        from opentelemetry import trace

        def get_tracer(name="shop"):
            return trace.get_tracer({name})
        """
    use = """\

        def charge(order):
            with get_tracer().start_as_current_span("charge"):
                order.charge()
        """
    assert not found(source.format(name="name"))
    assert not found(source.format(name="__name__"))
    assert found(source.format(name="__name__") + use)


def test_what_a_file_returns_to_others_is_made_for_them() -> None:
    """One function may stand on another, as long as none of them records anything."""
    source = """\
        from opentelemetry import metrics

        def get_meter():
            return metrics.get_meter("shop")

        def placed():
            {what}get_meter().create_counter("placed")
        """
    assert not found(source.format(what="return "))
    assert found(source.format(what="counter = "))


@pytest.mark.parametrize("made_in", ["__init__", "open"])
def test_a_class_that_serves_what_it_makes_is_an_exporter(made_in: str) -> None:
    """Metrics are what it is for, wherever in the class it makes them."""
    source = """\
        import prometheus_client as prom

        class Portfolio:
            def {made_in}(self):
                self.value = prom.Gauge("portfolio_value", "What it is worth.")
                self.start()

            def start(self):
                {call}
        """
    assert not found(source.format(made_in=made_in, call="prom.start_http_server(80)"))
    assert found(source.format(made_in=made_in, call="self.stop()"))


def test_metrics_that_a_run_pushes_are_its_result() -> None:
    """A registry of its own goes to a gateway, and is gone."""
    source = """\
        from prometheus_client import Gauge, push_to_gateway

        def bill(accounts, registry):
            Gauge("billed", "Accounts.", registry=registry).set(len(accounts))
            {call}
        """
    assert not found(source.format(call="push_to_gateway('push:9091', job='billing', registry=registry)"))
    assert found(source.format(call="accounts.clear()"))


def test_the_file_that_starts_an_agent_may_use_it() -> None:
    """Setting a library up is left alone."""
    source = """\
        import newrelic.agent

        def start():
            {call}

        def report(error):
            newrelic.agent.notice_error(error=error)
        """
    assert not found(source.format(call="newrelic.agent.initialize()"))
    assert found(source.format(call="pass"))
