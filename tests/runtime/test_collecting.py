"""What the garbage collector runs is measured like everything else, and breaks nothing that it runs in the middle of."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# Each of these has a measured function run by a collection, which begins wherever something is allocated.
FINALIZERS = {
    "function": """
@track_request("app.close")
def close():
    mark_failure(ValueError())
    return [[] for _ in range(2)]


class Abandoned:
    def __init__(self):
        self.me = self

    def __del__(self):
        close()


abandon = Abandoned
""",
    "retried function": """
@track_request("app.close")
@RetryPolicy(RetryConfig(deadline=9.0))
def close():
    return [[] for _ in range(2)]


class Abandoned:
    def __init__(self):
        self.me = self

    def __del__(self):
        close()


abandon = Abandoned
""",
    "generator": """
@track_request("app.close")
def steps(held):
    yield held.append(steps)


def abandon():
    held = []
    made = steps(held)
    held.append(made)
    next(made)
""",
}
PROGRAM = """
import gc
from prometheus_client import REGISTRY
from golden_runtime import RetryConfig, RetryPolicy, mark_failure, track_request
{finalizer}

@track_request("app.end")
def end():
    return [[] for _ in range(2)]


@track_request("app.work")
def work(depth):
    abandon()
    return work(depth - 1) if depth else end()


gc.set_threshold({threshold}, 1, 1)
for number in range(3000):
    work(number % 3)
gc.set_threshold(700, 10, 10)
gc.collect()
value = REGISTRY.get_sample_value
print(
    value("app_work_calls_total", {{"status": "success"}}),
    value("app_work_calls_total", {{"status": "failure"}}),
    sum(value("app_close_calls_total", {{"status": status}}) for status in ("success", "failure", "cancelled")),
)
"""


@pytest.mark.parametrize("threshold", [1, 2])
@pytest.mark.parametrize("finalizer", FINALIZERS)
def test_collection_in_the_middle_of_a_call(finalizer: str, threshold: int) -> None:
    """A finalizer that is measured is counted, the call in the middle of which it ran ends as it would, no process dies."""
    program = PROGRAM.format(finalizer=FINALIZERS[finalizer], threshold=threshold)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["6000.0", "0.0", "6000.0"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="only where there are timers")
def test_an_interrupt_during_a_collection_reaches_the_program() -> None:
    """Ctrl-C, or a time limit: it comes once the collector is done, and is not swallowed in what it tells of that."""
    program = """
import gc, signal
import golden_runtime.decorators


class TimeLimit(Exception):
    pass


def end(*_):
    raise TimeLimit


signal.signal(signal.SIGALRM, end)
kept = [[] for _ in range(500_000)]
for _ in range(10):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.002)
        gc.collect()
        signal.pause()
    except TimeLimit:
        print("reached")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr, done.stdout.split()) == (0, "", ["reached"] * 10)
