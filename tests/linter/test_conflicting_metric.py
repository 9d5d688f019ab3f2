"""GR404: which declarations of one metric conflict, checked against the runtime and `prometheus_client` themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from golden_runtime import MetricConflictError, counted, measure_memory, timed, track_errors, track_request
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Summary

from golden_rules import Config, analyse_source
from golden_rules.engine import project_findings
from golden_rules.registry import load_rules

CONFIG = Config(root=Path.cwd(), select=("GR404",))
RUNTIME = "from golden_runtime import counted, measure_memory, timed, track_errors, track_request\n"
CLIENT = "from prometheus_client import Counter, Gauge, Histogram, Summary\n"
NAMES = {
    "counted": counted, "measure_memory": measure_memory, "timed": timed, "track_errors": track_errors,
    "track_request": track_request, "Counter": Counter, "Gauge": Gauge, "Histogram": Histogram, "Summary": Summary,
}  # fmt: skip


def findings(*sources: str, settings: Config = CONFIG) -> list[tuple[str, int, str]]:
    """Return what GR404 says of a project with these files."""
    results = [analyse_source(source, f"src/shop/m{number}.py", settings) for number, source in enumerate(sources)]
    return [(found.path, found.line, found.message) for found in project_findings(load_rules(), results, whole=True)]


def decorated(call: str) -> str:
    """Return a module with one decorated function."""
    return f"{RUNTIME}\n@{call}\ndef f():\n    return 1\n"


DECORATORS = [
    ('counted("{}.a")', 'counted("{}.a")', False),
    ('counted("{}.a")', 'counted("{}.a_total")', False),
    ('counted("{}.a")', 'counted("{}_a")', True),
    ('counted("{}.a")', 'counted("{}.a", {{"k": "v"}})', True),
    ('counted("{}.a", {{"k": "v", "l": "w"}})', 'counted("{}.a", {{"l": "x", "k": "y"}})', False),
    ('counted("{}.a.calls", {{"status": "x"}})', 'track_request("{}.a")', False),
    ('counted("{}.a_calls", {{"status": "x"}})', 'track_request("{}.a")', True),
    ('track_request("{}.a.b")', 'track_request("{}.a_b")', True),
    ('counted("{}.a_calls")', 'track_request("{}.a")', True),
    ('track_errors("{}.a.errors")', 'track_request("{}.a")', False),
    ('timed("{}.a.duration")', 'track_request("{}.a")', False),
    ('timed("{}.a.duration")', 'track_request("{}.a", {{"k": "v"}})', True),
    ('timed("{}.a")', 'counted("{}.a_seconds")', True),
    ('timed("{}.a")', 'counted("{}.a")', False),
    ('measure_memory("{}.a")', 'counted("{}.a_bytes")', True),
]


@pytest.mark.parametrize(("one", "other", "conflicts"), DECORATORS)
def test_the_rule_and_the_runtime_agree(request: pytest.FixtureRequest, one: str, other: str, conflicts: bool) -> None:
    """What the rule finds in two files is what the runtime refuses to declare twice, and nothing else."""
    name = f"shop.conflict{crc32(request.node.name.encode())}"
    one, other = one.format(name), other.format(name)
    found = findings(decorated(one), decorated(other))
    assert bool(found) is conflicts
    eval(one, NAMES)  # noqa: S307 - a decorator of the table above
    if conflicts:
        with pytest.raises(MetricConflictError):
            eval(other, NAMES)  # noqa: S307 - as above
    else:
        eval(other, NAMES)  # noqa: S307 - as above


def test_a_name_is_seen_below_the_namespace() -> None:
    """`paid` and `shop.paid` are both `shop_paid_total` where `shop` is the namespace, and two metrics where there is none."""
    sources = [decorated(f'counted("{name}")') for name in ("paid", "shop.paid")]
    assert not findings(*sources)
    assert [path for path, _, _ in findings(*sources, settings=replace(CONFIG, namespace="shop"))] == ["src/shop/m1.py"]


METRICS = [
    ('Counter("{}", "x", ["k"])', 'Counter("{}_total", "x", ("l",))'),
    ('Gauge("{}", "x")', 'Counter("{}", "x")'),
    ('Histogram("{}", "x")', 'Counter("{}_count", "x")'),
    ('Summary("{}", "x")', 'Gauge("{}_sum", "x")'),
    ('Gauge("a", "x", namespace="{}")', 'Counter("{}_a", "x", labelnames=["k"])'),
]


@pytest.mark.parametrize(("one", "other"), METRICS)
def test_what_prometheus_client_refuses_is_found(request: pytest.FixtureRequest, one: str, other: str) -> None:
    """Two kinds, two label sets, and names that take up each other's series cannot stand in one process."""
    name = f"shop_client{crc32(request.node.name.encode())}"
    one, other = one.format(name), other.format(name)
    assert [(path, line) for path, line, _ in findings(CLIENT + one, CLIENT + other)] == [("src/shop/m1.py", 2)]
    first = eval(one, NAMES)  # noqa: S307 - a metric of the table above
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        eval(other, NAMES)  # noqa: S307 - as above
    REGISTRY.unregister(first)


@pytest.mark.parametrize(
    "source",
    [
        "def make(registry):\n    Gauge('a', 'x', registry=registry)\n    Counter('a', 'x', registry=registry)\n",
        "Gauge('a', 'x')\nCounter(name(), 'x')\nCounter(f'{prefix}a', 'x')\n",
        "Gauge('a', 'x', labels)\nGauge('a', 'x', ['k'])\n",
        "Gauge('a', 'x')\nGauge('a_b', 'x')\nHistogram('c', 'x')\n",
        "from collections import Counter\nGauge('a', 'x')\nCounter('a')\n",
    ],
)
def test_what_cannot_be_told_is_left_alone(source: str) -> None:
    """Registries of their own, names and labels that are not constant, and other classes of these names."""
    assert findings(CLIENT + source) == []


def test_the_runtime_and_prometheus_client_share_one_name_space() -> None:
    """A metric made by hand conflicts with a decorator's, in whichever file."""
    found = findings(decorated('counted("shop.paid")'), CLIENT + 'PAID = Gauge("shop_paid", "x")\n')
    assert [(path, line) for path, line, _ in found] == [("src/shop/m1.py", 2)]
    assert "line 3 in src/shop/m0.py" in found[0][2]


def test_names_may_be_constants_of_the_module() -> None:
    """A name that the module sets once, to a text, is as good as the text."""
    source = CLIENT + 'PREFIX = "shop"\nA = Gauge(f"{PREFIX}_a", "x")\nB = Counter(PREFIX + "_a", "x")\n'
    assert [line for _, line, _ in findings(source)] == [4]


def test_a_comment_silences_one_place() -> None:
    """A place that a comment excuses is not reported, whatever the other is."""
    excused = CLIENT + "B = Counter('a', 'x')  # golden-rules: ignore[GR404] -- another process\n"
    assert findings(CLIENT + "A = Gauge('a', 'x')\n", excused) == []
