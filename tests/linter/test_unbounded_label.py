"""GR405: which values of labels grow without bound, and which are few."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules import Config, analyse_source

CONFIG = Config(root=Path.cwd(), select=("GR405",))


def findings(source: str, path: str = "src/shop/orders.py") -> list[str]:
    """Return what GR405 says of a module."""
    return [finding.message for finding in analyse_source(source, path, CONFIG).findings]


def labelled(value: str, *before: str) -> str:
    """Return a module with a function that labels a metric."""
    lines = "".join(f"    {line}\n" for line in before)
    return f"def f(request, user, order, worker, e):\n{lines}    ORDERS.labels(kind={value}).inc()\n"


ENDLESS = [
    "user.id", "user_id", "request.user.id", "str(order.id)", "order_uuid", "self.session_id", "request.path", "request.url.path",
    "str(request.url)", "self.request.path", "request.headers.get('X-Request-Id')", "environ['PATH_INFO']", "user.email",
    "user['email']", "request.client.host", "request.remote_addr", "client_ip", "f'user-{user.id}'", "'user-' + user_id",
    "'user-%s' % user_id", "user_id or 'none'", "user_id if user else 'none'", "uuid.uuid4()", "uuid4().hex", "time.time()",
    "datetime.now().isoformat()", "error_message", "traceback", "sql", "url", "trace_id.lower()", "requestId", "order.created_at",
    "scope['path']",
]  # fmt: skip
FEW = [
    "'order'", "order.kind", "worker.id", "worker_id", "model_id", "shard_id", "pool_id", "request.method", "response.status_code",
    "type(e).__name__", "e.__class__.__name__", "route_of(request.path)", "request.url_rule.rule", "route.path", "self.url", "base_url",
    "self.path", "bool(user_id)", "len(user_ids)", "user_id is None", "'yes' if user_id else 'no'", "error_type", "reason", "queue_name",
    "os.getpid()", "request.user.role", "message_type", "host", "time_of_day()",
]  # fmt: skip


@pytest.mark.parametrize("value", ENDLESS)
def test_endless_values_are_found(value: str) -> None:
    """Ids, addresses, texts, people and times make a series each."""
    assert len(findings(labelled(value))) == 1


@pytest.mark.parametrize("value", FEW)
def test_few_values_are_left_alone(value: str) -> None:
    """Kinds, methods, codes, classes, routes and the ids of workers are few."""
    assert findings(labelled(value)) == []


def test_values_are_followed_to_where_they_are_set() -> None:
    """A variable is what it was set to, whatever its name; set in several places it may be anything."""
    assert len(findings(labelled("kind", "kind = request.path"))) == 1
    assert len(findings(labelled("kind", "path = request.path", "kind = f'at {path}'"))) == 1
    assert findings(labelled("user_id", "user_id = 'all'")) == []
    assert findings(labelled("user_id", "user_id = user.id", "user_id = bucket(user_id)")) == []


def test_text_of_an_exception_is_found() -> None:
    """What a handler catches has a text without end, however it is taken."""
    handler = (
        "def f(order):\n    try:\n        order.pay()\n    except Exception as err:\n        FAILED.labels({}).inc()\n"
    )
    for value in ("str(err)", "err", "repr(err)", "f'{err}'", "err.args"):
        assert len(findings(handler.format(value))) == 1
    for value in ("type(err).__name__", "err.code", "err.errno"):
        assert findings(handler.format(value)) == []


@pytest.mark.parametrize(
    ("statement", "count"),
    [
        ("ORDERS.labels('order', user.id).observe(1)", 1),
        ("ORDERS.labels(**{'kind': user.id}).inc()", 1),
        ("ORDERS.labels(**dict(kind=user.id, shop=shop)).inc()", 1),
        ("child = ORDERS.labels(user.id)", 1),
        ("with ORDERS.labels(user=user.id).time(): order.pay()", 1),
        ("order_counter.add(1, {'user': user.id})", 1),
        ("self.metrics.order_histogram.record(2, attributes={'user': user.id})", 1),
        ("statsd.increment('paid', tags=[f'user:{user.id}'])", 1),
        ("statsd.increment('paid', tags=['shop:%s' % shop, 'user:' + str(user.id)])", 1),
        ("tags = [f'user:{user.id}']; self.metrics.timing('pay', 2, tags=tags)", 1),
        ("metrics.incr('paid', tags={'user': user.id})", 1),
        ("statsd.increment('paid', tags=[f'shop:{shop}', 'kind:order'])", 0),
        ("statsd.increment('paid', tags=self.tags)", 0),
        ("order.set('paid', tags=[f'user:{user.id}'])", 0),
        ("issue.labels(user.id)", 0),
        ("watchers.add(1, {'user': user.id})", 0),
        ("span.set_attribute('user', user.id)", 0),
        ("ORDERS.labels(*values).inc()", 0),
    ],
)
def test_only_labels_of_metrics_count(statement: str, count: int) -> None:
    """Labels of metrics are told from other labels by what is done with them, or by the name of the metric."""
    assert len(findings(f"def f(self, user, order, issue, values, shop):\n    {statement}\n")) == count


def test_tags_of_a_client_under_another_name_are_labels() -> None:
    """What made the client tells, and the finding names the tag."""
    source = "from datadog import DogStatsd\n\nsink = DogStatsd()\n\n\ndef f(user):\n    sink.gauge('paid', 1, tags=[f'buyer:{user.id}'])\n"
    (message,) = findings(source)
    assert message.startswith("label `buyer` of `sink` grows without bound: `user.id` is")


def test_computed_labels_of_the_runtime_are_looked_at() -> None:
    """A function of the arguments is judged by what it returns, a constant by nothing."""
    source = "from golden_runtime import counted\n\n@counted('a.b', {labels})\ndef f(user, kind):\n    return user\n"
    assert len(findings(source.replace("{labels}", "labels={'u': lambda user, kind: user.id}"))) == 1
    assert len(findings(source.replace("{labels}", "{'u': lambda user, kind: user.email}"))) == 1
    assert findings(source.replace("{labels}", "labels={'k': lambda user, kind: kind, 'url': 'none'}")) == []


def test_metrics_modules_are_looked_at_and_tests_are_not() -> None:
    """A series is as dear in a metrics module as elsewhere."""
    assert len(findings(labelled("user.id"), "src/shop/metrics.py")) == 1
    assert findings(labelled("user.id"), "tests/test_metrics.py") == []
