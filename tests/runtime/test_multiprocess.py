"""prometheus_client's multiprocess mode: what several processes record adds up, whatever interrupts or ends them.

Each test runs processes of its own, because the client chooses its mode when it is imported.
"""

import os
from pathlib import Path

import pytest
from exposed import run_script

PRELUDE = """
import os, signal, sys
from golden_runtime import configure, counted, measure_memory, timed, track_request
from golden_runtime.metrics import declare, families
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

def gathered():
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }

def total(name, **labels):
    return gathered().get((name, *sorted(labels.items())))

def fork(work):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child

def join(*children):
    for child in children:
        assert os.waitpid(child, 0)[1] == 0

"""


@pytest.fixture
def run(tmp_path: Path) -> object:
    """Run a script body after the prelude, in multiprocess mode, with files of its own."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    return lambda body: run_script(PRELUDE + body, environment=environment)


def test_processes_add_up(run) -> None:
    """Forked workers write files of their own; together they show every call, and nothing twice."""
    run(
        """
@track_request("op")
def work():
    pass

@timed("block", buckets=[1, 2])
def block():
    pass

def serve():
    for _ in range(1_000):
        work(), block()

work()
join(*(fork(serve) for _ in range(4)))
work()
assert total("op_calls_total", status="success") == 4_002.0
assert total("op_duration_seconds_count") == 4_002.0
assert total("op_duration_seconds_bucket", le="+Inf") == 4_002.0
assert total("block_seconds_bucket", le="1.0") == 4_000.0
"""
    )


def test_a_killed_process_has_lost_nothing(run) -> None:
    """Every call is written as it ends: a process that is killed keeps no secret."""
    run(
        """
@track_request("op")
def work():
    pass

def serve():
    for _ in range(100):
        work()
    os.kill(os.getpid(), signal.SIGKILL)

os.waitpid(fork(serve), 0)
assert total("op_calls_total", status="success") == 100.0
"""
    )


def test_outcomes_are_at_zero_before_the_first_failure(run) -> None:
    """As soon as anything has recorded, or a worker was forked, every known series is in the files."""
    run(
        """
@track_request("op")
def work():
    pass

assert total("op_calls_total", status="failure") is None
join(fork(lambda: None))
assert total("op_calls_total", status="failure") == 0.0
counted("other")(lambda: None)()
late = track_request("late")
assert total("late_calls_total", status="cancelled") == 0.0
"""
    )


def test_series_that_moved_leave_nothing_behind(run) -> None:
    """`configure` after decoration: the files know the names below the namespace, and no others."""
    run(
        """
@track_request("op")
def work():
    pass

configure(namespace="shop", buckets=[1, 2])
assert total("shop_op_calls_total", status="failure") == 0.0
work()
assert total("shop_op_duration_seconds_bucket", le="1.0") == 1.0
assert not [series for series in gathered() if not series[0].startswith("shop_")]
"""
    )


@pytest.mark.parametrize(
    "spoilt",
    ["del os.environ['PROMETHEUS_MULTIPROC_DIR']", "os.environ['PROMETHEUS_MULTIPROC_DIR'] = '/no/such/folder'"],
)
def test_files_that_cannot_be_written_harm_no_call(run, spoilt: str) -> None:
    """What is measured goes on, and one line in the log says that values are lost."""
    done = run(
        f"""
@track_request("op")
def work():
    return "done"

{spoilt}
assert [work() for _ in range(3)] == ["done"] * 3
"""
    )
    assert done.stderr.count("a value cannot be written to the files that processes share, so it is lost") == 1


def test_disabled_measuring_writes_nothing(run) -> None:
    """With `enabled=False` there are no series in the files, whatever runs."""
    run(
        """
work = track_request("op")(lambda: "done")
configure(enabled=False)
assert work() == "done"
assert gathered() == {}
"""
    )


def test_gauges_forget_the_dead(run) -> None:
    """Of the living the largest value is shown, without a label for each process; the dead are forgotten."""
    run(
        """
@measure_memory("peak")
def work(size):
    bytearray(size)

work(1_000_000)
(depth,) = families(declare("gauge", "depth", "Depth.", ["queue"], merge="livesum"))
depth.series({"queue": "a"}, initial=2.0)

def serve():
    work(9_000_000)
    depth.series({"queue": "a"}).record(5.0)

child = fork(serve)
join(child)
assert total("peak_bytes") >= 9_000_000
assert total("depth", queue="a") == 7.0
mark_process_dead(child)
assert 1_000_000 <= total("peak_bytes") < 2_000_000
assert total("depth", queue="a") == 2.0
"""
    )


def test_a_signal_handler_may_call_measured_functions(run) -> None:
    """Also where it interrupts the client, which waits for itself if its own metrics are used like that."""
    run(
        """
handled = 0
theirs = Counter("theirs", "The user's own.")

@track_request("op")
def work():
    pass

work()

def handle(number, frame):
    global handled
    handled += 1
    work()

signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
done = 1
while handled < 500 or done < 20_000:
    work()
    theirs.inc()
    done += 1
signal.setitimer(signal.ITIMER_REAL, 0)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
assert total("op_calls_total", status="success") == done + handled
assert total("op_duration_seconds_count") == done + handled
"""
    )


def test_threads_and_forks_lose_nothing(run) -> None:
    """Threads that write while workers are forked are counted once each, and no worker waits for a lock it cannot get."""
    run(
        """
import threading

sys.setswitchinterval(1e-5)  # so that threads take turns anywhere

@track_request("op")
def work():
    pass

forked = threading.Event()
made = []

def many():
    number = 0
    while not forked.is_set():
        work()
        number += 1
    made.append(number)

threads = [threading.Thread(target=many) for _ in range(4)]
for thread in threads:
    thread.start()
children = [fork(lambda: [work() for _ in range(100)]) for _ in range(60)]
forked.set()
for thread in threads:
    thread.join()
join(*children)
assert total("op_calls_total", status="success") == sum(made) + 6_000
"""
    )


def test_what_is_written_is_what_the_client_writes(run) -> None:
    """The contract with the client's private attributes: its own metrics, given the same, show the same in the files."""
    run(
        """
bounds = [0.1, 1.0, 10.0]
values = [0.05, 0.1, 0.5, 1.0, 3.0, 10.0, 99.0]
calls, seconds = families(
    declare("counter", "ours_calls_total", "Calls.", ["kind"]),
    declare("histogram", "ours_seconds", "Seconds.", buckets=tuple(bounds)),
)
their_calls = Counter("theirs_calls", "Calls.", ["kind"]).labels("x")
their_seconds = Histogram("theirs_seconds", "Seconds.", buckets=bounds)
for value in values:
    calls.series({"kind": "x"}).record(value)
    seconds.series({}).record(value)
    their_calls.inc(value)
    their_seconds.observe(value)

def under(prefix):
    return {
        (series[0].removeprefix(prefix), *series[1:]): value
        for series, value in gathered().items()
        if series[0].startswith(prefix)
    }

assert under("ours") == under("theirs")
assert len(under("ours")) == 7
# and in this process, as the client's own collector shows it
own = {(s.name, s.labels.get("le")): s.value for m in REGISTRY.collect() for s in m.samples}
assert own["ours_seconds_bucket", "1.0"] == own["theirs_seconds_bucket", "1.0"] == 4.0
"""
    )
