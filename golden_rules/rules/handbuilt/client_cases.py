"""What GR205 finds and leaves alone, as its page shows and its test checks."""

from __future__ import annotations

from golden_rules.rules.base import Bad, Good

CLIENT_CASES: tuple[Bad | Good, ...] = (
    Bad(
        """\
from prometheus_client import Counter

PLACED = Counter("orders_placed", "Orders placed.", ["shop"])


def place(order, shop):
    order.save()
    PLACED.labels(shop=shop.name).inc()
""",
    ),
    Bad(
        """\
from opentelemetry import trace

tracer = trace.get_tracer(__name__)


def charge(gateway, order):
    with tracer.start_as_current_span("charge"):
        return gateway.charge(order)
""",
    ),
    Bad(
        """\
import prometheus_client as prom


class Stock:
    def __init__(self, registry):
        self.lookups = prom.Histogram("stock_lookup_seconds", "Time to look up.", registry=registry)
""",
    ),
    Bad(
        """\
from datadog import statsd


def refund(order):
    statsd.increment("orders.refunded")
    order.refund()
""",
    ),
    Bad(
        """\
try:
    from prometheus_client import Counter as _Counter
except ImportError:
    _Counter = None

if _Counter is not None:
    SENT = _Counter("mails_sent", "Mails sent.")
else:
    SENT = None
""",
    ),
    Good(
        """\
from prometheus_client import Gauge

POOL_SIZE = Gauge("pool_size", "Workers.")
""",
        "a metrics module defines the metrics of the domain",
        path="src/shop/metrics.py",
    ),
    Good(
        """\
from opentelemetry import trace

tracer = trace.get_tracer(__name__)
""",
        "instrumentation by another name",
        path="src/shop/tracing/spans.py",
    ),
    Good(
        """\
from opentelemetry import trace

tracer = trace.get_tracer(__name__)
""",
        "a library that the project uses throughout",
        settings=(("rules", {"direct-metric-client": {"allowed": ["opentelemetry.trace"]}}),),
    ),
    Good(
        """\
from collections import Counter


def by_shop(orders):
    return Counter(order.shop for order in orders)
""",
        "another Counter",
    ),
    Good(
        """\
from opentelemetry import metrics, trace


def get_tracer():
    return trace.get_tracer("shop")


def get_meter():
    return metrics.get_meter("shop")


def placed_counter():
    return get_meter().create_counter("orders_placed")
""",
        "a file that makes metrics for others, and uses none itself",
    ),
    Bad(
        """\
from opentelemetry import trace


def get_tracer():
    return trace.get_tracer("shop")


def charge(gateway, order):
    with get_tracer().start_as_current_span("charge"):
        return gateway.charge(order)
""",
    ),
    Good(
        """\
from prometheus_client import CollectorRegistry, Gauge, push_to_gateway


def bill(accounts, gateway):
    billed = sum(account.bill() for account in accounts)
    registry = CollectorRegistry()
    Gauge("accounts_billed", "Accounts that were billed.", registry=registry).set(billed)
    push_to_gateway(gateway, job="billing", registry=registry)
""",
        "a run pushes its result",
    ),
    Good(
        """\
from prometheus_client import Gauge, start_http_server


class Portfolio:
    def __init__(self, port):
        self.value = Gauge("portfolio_value", "What it is worth.")
        start_http_server(port)
""",
        "a class that serves its own metrics is an exporter",
    ),
    Good(
        """\
import newrelic.agent


class Reporter:
    def __init__(self):
        newrelic.agent.initialize()

    def report(self, error):
        newrelic.agent.notice_error(error=error)
""",
        "where an agent is set up",
    ),
    Good(
        """\
from opentelemetry import trace
from prometheus_client import generate_latest, start_http_server


def serve(port):
    start_http_server(port)
    return trace.get_current_span(), generate_latest()
""",
        "an endpoint and a context are no metrics",
    ),
)
