"""The contract between the linter's prediction and the runtime: which series a decorator exposes.

The decorators run for real, in one process for each namespace, and the registry is asked what they exposed.
"""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from golden_rules.catalogue.parts import PARTS
from golden_rules.catalogue.reading import REQUEST_BUCKETS, WORKFLOW_BUCKETS
from golden_rules.catalogue.series import UNKNOWN, Call, Series, predicted_series

CALLS = [
    Call("counted", ["a.b"]),
    Call("counted", ["c.b_total", {"tier": "gold", "area": "x"}, 2.0]),
    Call("counted", [], {"metric_name": "d-e/f", "labels": {"kind": "x"}}),
    Call("timed", ["a.b.duration"]),
    Call("timed", ["a.wait_seconds"], {"labels": {"kind": "x"}, "buckets": [1.0, 2.0]}),
    Call("track_errors", ["a.errors", {"kind": "x"}]),
    Call("measure_memory", ["a.peak"]),
    Call("measure_memory", ["a.used_bytes"], {"labels": {"kind": "x"}}),
    Call("traced", ["a.span"]),
    Call("track_request", ["a.op"]),
    Call("track_request", ["a.quiet", {"kind": "x"}, False]),
    Call("track_request", ["shop.buy"], {"labels": {"kind": "x"}, "record_errors": True}),
    Call("track_adapter_request", ["db"], function="fetch_user"),
    Call("track_adapter_request", [], {"adapter_name": "http.client", "operation": "get"}),
    Call("track_cache_operation", ["redis"]),
    Call("track_cache_operation", ["memory", "set"]),
    Call("track_cache_operation", ["disk"], {"operation_type": "multi.get"}),
]

# Decorates a function with each call, makes it fail where it can, and prints the families of the registry.
SCRIPT = """
import golden_runtime, json, sys
from prometheus_client import CollectorRegistry

namespace, calls = json.loads(sys.argv[1])
registry = CollectorRegistry()
golden_runtime.configure(namespace=namespace, registry=registry)

def fails():
    raise LookupError

exposed = []
for decorator, positional, keywords, function in calls:
    before = {family.name for family in registry.collect()}
    fails.__name__ = function or "fails"
    try:
        getattr(golden_runtime, decorator)(*positional, **keywords)(fails)()
    except LookupError:
        pass
    families = [family for family in registry.collect() if family.name not in before]
    exposed.append([
        [
            family.name + ("_total" if family.type == "counter" else ""),
            family.type,
            sorted({label for sample in family.samples for label in sample.labels} - {"le"}),
        ]
        for family in families
    ])
print(json.dumps(exposed))
"""


@pytest.mark.parametrize("namespace", ["", "shop", "my.shop"])
def test_each_decorator_exposes_what_the_linter_predicts(namespace: str) -> None:
    """Names, kinds, label names and units are equal, for every decorator and however its arguments are given."""
    asked = [[call.decorator, call.positional, call.keywords or {}, call.function] for call in CALLS]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), json.dumps([namespace, asked])],
        capture_output=True,
        text=True,
        check=True,
    )
    for call, exposed in zip(CALLS, json.loads(done.stdout), strict=True):
        real = {(name, kind, tuple(labels)) for name, kind, labels in exposed}
        predicted = predicted_series(call, namespace)
        assert {(series.name, series.kind, series.labels) for series in predicted} == real, call
        for series in predicted:
            assert series.unit == next((unit for unit in ("seconds", "bytes") if series.name.endswith(unit)), "")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call("somebody_elses", ["a.b"]), ()),
        (Call("counted", [UNKNOWN]), ()),
        (Call("counted", ["not a name"]), ()),
        (Call("counted", ["total"]), ()),
        (Call("counted"), ()),
        (Call("counted", ["a.b"], {"labels": UNKNOWN}), (Series("a_b_total", "counter", None),)),
    ],
)
def test_what_cannot_be_told_is_not_guessed(call: Call, expected: tuple[Series, ...]) -> None:
    """A name that is no constant, or that the runtime refuses, predicts nothing; unknown labels are said to be unknown."""
    assert predicted_series(call) == expected


# Makes every part, and prints the families of the registry and the bounds of buckets.
PARTS_SCRIPT = """
import json, sys
from prometheus_client import CollectorRegistry
from golden_runtime import *

registry = CollectorRegistry()
configure(namespace="shop", registry=registry)
families = lambda: {family.name: family for family in registry.collect()}
made = {}
for name, make in {
    "CircuitBreaker": lambda: CircuitBreaker("x"),
    "circuit_breakers.get_or_create": lambda: circuit_breakers.get_or_create("y"),
    "RetryPolicy": lambda: RetryPolicy(),
    "retry": lambda: retry()(print),
    "DeadLetterQueue": lambda: DeadLetterQueue(sys.argv[1]),
    "TaskQueue": lambda: TaskQueue(sys.argv[1]),
    "ExecutorPool": lambda: ExecutorPool({"w": print}),
}.items():
    earlier = families()
    part = make()
    made[name] = sorted(
        [family.name + ("_total" if family.type == "counter" else ""), family.type]
        for family in families().values() if family.name not in earlier
    )
labels = {
    family.name + ("_total" if family.type == "counter" else ""): sorted(
        {label for sample in family.samples for label in sample.labels} - {"le"}
    )
    for family in registry.collect()
}
print(json.dumps([made, labels, list(REQUEST_BUCKETS), list(WORKFLOW_BUCKETS)]))
"""


def test_each_part_exposes_what_the_linter_predicts(tmp_path: Path) -> None:
    """Breakers, retries, queues, dead letters and pools: names, kinds, and labels as far as there are samples."""
    done = subprocess.run(
        [sys.executable, "-c", PARTS_SCRIPT, str(tmp_path / "tasks.db")], capture_output=True, text=True, check=True
    )
    made, labels, request_buckets, workflow_buckets = json.loads(done.stdout)
    assert made.keys() == PARTS.keys()
    for name, part in PARTS.items():
        predicted = {(f"shop_{series.name}", series.kind) for series in part.series}
        real = set(map(tuple, made[name]))
        # what an earlier part of the same kind has made is there already
        assert real <= predicted, name
        assert {series for series, _ in predicted} <= labels.keys(), name
        for series in part.series:
            own = labels[f"shop_{series.name}"]
            assert not own or tuple(own) == series.labels, series
    assert (tuple(request_buckets), tuple(workflow_buckets)) == (REQUEST_BUCKETS, WORKFLOW_BUCKETS)


def test_the_linter_does_not_import_the_runtime() -> None:
    """The two halves agree through this test alone."""
    program = "import golden_rules.catalogue.series, sys; sys.exit('golden_runtime' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
