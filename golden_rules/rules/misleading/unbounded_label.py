"""GR405: labels whose values grow without bound."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.findings import Edit, Fix, Safety
from golden_rules.options import StringsOption
from golden_rules.rules.applied import Applied, applied, argument
from golden_rules.rules.base import Bad, Good, OutlineRule, Subject, Violation
from golden_rules.rules.scope import in_runtime, out_of_scope
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function
from golden_rules.source.trees import dotted

if TYPE_CHECKING:
    from golden_rules.rules.misleading.unbounded import Growth, Values
    from golden_rules.source.own_code import OwnCode
    from golden_rules.source.text import SourceText

# What is done with a labelled metric: nothing else has a method `labels` and one of these on its result.
_RECORDING = frozenset(
    {
        "inc",
        "dec",
        "set",
        "observe",
        "time",
        "count_exceptions",
        "track_inprogress",
        "set_to_current_time",
        "info",
        "state",
    }
)
_INSTRUMENT = re.compile(r"(^|_)(counter|histogram|gauge|up_down_counter|instrument|metric)$", re.IGNORECASE)
_ADDING = frozenset({"add", "record", "set"})
# The methods of StatsD clients that take tags, and what such a client is called.
_TAGGING = frozenset({"increment", "incr", "decrement", "gauge", "histogram", "distribution", "timing", "timed", "set"})
_CLIENT = re.compile(r"(^|_)((dog)?statsd|stats|metrics)(_client)?$", re.IGNORECASE)
_LABELLING = _ADDING | _TAGGING | {"labels"}
_BOUNDED = StringsOption(
    "bounded",
    "Names of which a project knows that there are few: of labels, or of what labels are set to (`tenant_id`).",
)


class UnboundedLabel(OutlineRule):
    """A label takes values that grow without bound: ids, addresses, paths, texts, names of people, points in time.

    ## What it does

    Looks at the values of labels: in `labels=` of the runtime's decorators, in `.labels(...)` of `prometheus_client`, and in the
    attributes that `add`, `record` and `set` of OpenTelemetry's instruments are given, and in the `tags=` of a StatsD or Datadog client
    (`statsd.increment("orders.paid", tags=[f"user:{user_id}"])`). It finds

    - the text of an exception (`str(error)`), as opposed to its class;
    - ids of what there is always another one of: `request_id`, `user.id`, `session_id`; ids of workers, models, shards and pools
      are few;
    - what a client asked for (`request.path`), addresses, file names, e-mail addresses, queries, messages;
    - points in time, and what is random.

    Variables are followed to where they are set. What a function made of such a value (`route_of(path)`) is taken to be
    bounded.

    ## Why is this bad?

    Each value of a label is a series of its own, which the process keeps for ever and Prometheus stores for weeks.
    Memory grows with the traffic, queries slow down, and in the end the metrics are what brings the service down. The runtime
    stops at `max_series` and counts the rest as `other`, so that the label says less each day.

    ## Fix safety

    For the text of an exception the fix puts its class: `type(error).__name__`. It is unsafe because the label's values change,
    and with them what dashboards select. What else to label with is for you to say.

    ## When not to follow it

    Where you know that there are few: a `user` that is one of five service accounts; `bounded` takes such names. Modules
    named in `metrics-modules` are looked at too, since a series is as dear there.
    """

    code: ClassVar[str] = "GR405"
    name: ClassVar[str] = "unbounded-label"
    triggers: ClassVar[tuple[str, ...]] = (
        # What most files hold comes first, and then nothing else is looked for.
        "set",
        "add",
        "labels",
        "record",
        "counted",
        "timed",
        "track_",
        "measure_memory",
        "tags",
    )
    options = (_BOUNDED,)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
from shop.metrics import FAILURES


def charge(customer, gateway):
    try:
        gateway.charge(customer)
    except OSError as error:
        FAILURES.labels(gateway=gateway.name, reason=str(error)).inc()
        raise
""",
            """\
from shop.metrics import FAILURES


def charge(customer, gateway):
    try:
        gateway.charge(customer)
    except OSError as error:
        FAILURES.labels(gateway=gateway.name, reason=type(error).__name__).inc()
        raise
""",
            unsafe=True,
        ),
        Bad(
            """\
from golden_runtime import track_request


@track_request("shop.orders.find", labels={"customer": lambda customer_id, **_: customer_id})
def find(customer_id, number):
    return customer_id.orders[number]
""",
        ),
        Bad(
            """\
from shop.metrics import LATENCY


async def measure(request, call_next, clock):
    path = request.url.path
    start = clock.time()
    response = await call_next(request)
    LATENCY.labels(request.method, path, response.status_code).observe(clock.time() - start)
    return response
""",
        ),
        Bad(
            """\
from opentelemetry import metrics

meter = metrics.get_meter("shop")
paid_counter = meter.create_counter("shop.paid")


def pay(order, user):
    order.pay()
    attributes = {"currency": order.currency, "user": f"user-{user.id}"}
    paid_counter.add(1, attributes)
""",
        ),
        Bad(
            """\
from datadog import statsd


def pay(order, user_id):
    order.pay()
    statsd.increment("shop.paid", tags=["currency:" + order.currency, f"user:{user_id}"])
""",
        ),
        Good(
            """\
from shop.metrics import FAILURES


def charge(customer, gateway):
    try:
        gateway.charge(customer)
    except OSError as error:
        FAILURES.labels(type(error).__name__, error.errno, gateway.name).inc()
        raise
""",
            "classes, codes and names are few",
        ),
        Good(
            """\
from shop.metrics import LATENCY, route_of


def measure(request, seconds):
    path = route_of(request.path)
    LATENCY.labels(path=path, worker_id=request.worker_id, status=request.status).observe(seconds)
""",
            "a path that was brought to a route",
        ),
        Good(
            """\
from shop.metrics import LATENCY


def measured(method, url):
    def decorate(function):
        def wrapper(*args):
            with LATENCY.labels(method, url).time():
                return function(*args)

        return wrapper

    return decorate
""",
            "what a decorator is made with",
        ),
        Good(
            """\
from shop.metrics import ORDERS


def place(order, user):
    ORDERS.labels(order.owner_id, buyer=user.id).inc()
""",
            "owners and buyers of which the project has few",
            settings=(("rules", {"GR405": {"bounded": ["owner_id", "buyer"]}}),),
        ),
        Good(
            """\
def mark(issue, user_id):
    issue.labels(user_id)
    issue.comments.add(user_id)
    issue.watchers.add(1, {"user_id": user_id})
""",
            "no metric",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        if out_of_scope(subject.path) or in_runtime(subject.outline, subject.config) or not _may_label(subject):
            return
        from golden_rules.rules.misleading.unbounded import Values
        from golden_rules.source.own_code import OwnCode

        source, own = subject.source, OwnCode(subject.function.node)
        values = Values(own)
        bounded = {*self.value(_BOUNDED, subject.config), *_given_to_the_maker(subject.function)}
        for metric, label, value in [*_decorated(subject, values), *_recorded(subject, own, values)]:
            growth = values.growth(value)
            if growth is None:
                continue
            code = " ".join(_written(source, growth.node).split())
            if not {label, code.rpartition(".")[2]}.isdisjoint(bounded):
                continue
            yield Violation(
                span=source.span(value),
                message=f"{f'label `{label}`' if label else 'a label'} of `{metric}` grows without bound: "
                f"`{code}` is {growth.what}",
                remedy=growth.instead,
                fix=_fix(source, value, growth),
            )


def _given_to_the_maker(function: Function) -> Iterator[str]:
    """Yield what a decorator is made with, `@measured("GET", "/orders")`: one value for each function that it stands on."""
    decorator = function.parent
    maker = decorator.parent if decorator is not None else None
    if decorator is None or maker is None:
        return
    ends = maker.node.body[-1]
    if isinstance(ends, ast.Return) and isinstance(ends.value, ast.Name) and ends.value.id == decorator.name:
        arguments = maker.node.args
        yield from (one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))


def _may_label(subject: Subject) -> bool:
    """Whether a function hands labels to anything, or a decorator on it computes some."""
    function = subject.function
    if not _LABELLING.isdisjoint(function.called) and any(_labels(subject, call.name) for call in function.calls):
        return True
    return any(_given_labels(entry) for entry in applied(subject.outline, function, subject.config))


def _given_labels(entry: Applied) -> ast.expr | None:
    """Return the labels that a decorator of the runtime is given."""
    return argument(entry.call, 1, "labels") if entry.name and entry.call else None


def _labels(subject: Subject, name: str) -> bool:
    """Whether a call of a name may take labels."""
    metric, _, method = name.rpartition(".")
    return (
        method == "labels"
        or (method in _ADDING and _is_instrument(subject, metric))
        or (method in _TAGGING and _is_client(subject, metric))
    )


def _decorated(subject: Subject, values: Values) -> Iterator[tuple[str, str, ast.expr]]:
    """Yield the labels that the runtime's decorators compute for each call."""
    for entry in applied(subject.outline, subject.function, subject.config):
        for label, value in values.entries(_given_labels(entry)):
            if isinstance(value, ast.Lambda):
                yield f"@{entry.written}", label, value


def _recorded(subject: Subject, code: OwnCode, values: Values) -> Iterator[tuple[str, str, ast.expr]]:
    """Yield the labels in calls of metrics, each with the metric as written."""
    for node in code.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        metric, method = dotted(node.func.value), node.func.attr
        if method == "labels" and _is_labelled(subject, code, node, metric):
            yield from ((metric, "", value) for value in node.args if not isinstance(value, ast.Starred))
            for keyword in node.keywords:
                pairs = values.entries(keyword.value) if keyword.arg is None else [(keyword.arg, keyword.value)]
                yield from ((metric, label, value) for label, value in pairs)
        elif method in _TAGGING and _is_client(subject, metric):
            tags = next((keyword.value for keyword in node.keywords if keyword.arg == "tags"), None)
            yield from ((metric, label, value) for label, value in values.tags(tags))
        elif method in _ADDING and _is_instrument(subject, metric):
            given = argument(node, 1, "attributes")
            yield from ((metric, label, value) for label, value in values.entries(given))


def _is_labelled(subject: Subject, code: OwnCode, call: ast.Call, metric: str) -> bool:
    """Whether `.labels(...)` is a metric's: by what is done with it, by the metric's class, or its name."""
    holder = next(code.holders(call))
    if isinstance(holder, ast.Attribute):
        return holder.attr in _RECORDING
    target = resolve(subject.outline, subject.function, metric) or ""
    return target.startswith("prometheus_client.") or metric.rpartition(".")[2].isupper()


def _is_instrument(subject: Subject, metric: str) -> bool:
    """Whether a receiver is an instrument of OpenTelemetry: by what made it, or by its name."""
    target = resolve(subject.outline, subject.function, metric) or ""
    made = target.rpartition(".")[2]
    return made.startswith("create_") or bool(_INSTRUMENT.search(metric.removesuffix("()").rpartition(".")[2]))


def _is_client(subject: Subject, metric: str) -> bool:
    """Whether a receiver is a client of StatsD or Datadog: by what made it, or by its name."""
    target = resolve(subject.outline, subject.function, metric) or ""
    return target.startswith(("datadog.", "statsd.")) or bool(_CLIENT.search(metric.rpartition(".")[2]))


def _fix(source: SourceText, value: ast.expr, growth: Growth) -> Fix | None:
    name = growth.exception
    if not name or _written(source, value) not in (name, f"str({name})", f"repr({name})", f'f"{{{name}}}"'):
        return None
    start, end = source.span(value)
    text = f"type({name}).__name__"
    return Fix(Safety.UNSAFE, f"label with `{text}`", (Edit(start, end, text),))


def _written(source: SourceText, node: ast.expr) -> str:
    return source.text[slice(*source.span(node))]
