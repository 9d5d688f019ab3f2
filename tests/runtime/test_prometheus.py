"""A decorated service, scraped by a real Prometheus: what dashboards ask for is what the driven load implies.

The service has a clock of its own, so that durations are what the test says they are, whatever else the machine does.
"""

import json
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="no `prometheus` and `promtool` on this machine: install Debian's package `prometheus`",
)

SERVICE = """
    import sys, time

    now = 1_000.0
    time.perf_counter = lambda: now

    from golden_runtime import CircuitBreaker, CircuitBreakerConfig, configure, mark_failure, timed, track_request
    from prometheus_client import start_http_server

    configure(namespace="chimera")
    breaker = CircuitBreaker("model", CircuitBreakerConfig(failure_threshold=1_000))

    @track_request("workflow_execution")
    @timed("workflow.duration")
    def execute(seconds, fails):
        global now
        now += seconds
        if fails:
            mark_failure(ConnectionError("handled"))

    def ask(fails):
        if fails:
            raise ConnectionError

    server, _ = start_http_server(0, addr="127.0.0.1")
    print(server.server_port, flush=True)
    sys.stdin.readline()
    for number in range(200):
        # every fourth one fails; one in ten takes 30 ms, the others 2 ms
        execute(0.03 if number % 10 == 0 else 0.002, number % 4 == 0)
    for number in range(50):
        try:
            breaker.call_sync(ask, number % 5 == 0)
        except ConnectionError:
            pass
    print("done", flush=True)
    sys.stdin.readline()
"""

CONFIGURATION = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: chimera
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""

# Samples before the load, so that every series is there at zero, and altogether, so that rates are smooth.
_BEFORE, _ALTOGETHER = 3, 40

CALLS = "chimera_workflow_execution_calls_total"
FAILED, SUCCEEDED = "chimera_circuit_breaker_failure_total", "chimera_circuit_breaker_success_total"


class Prometheus:
    """A Prometheus that scrapes the service."""

    def __init__(self, url: str, process: subprocess.Popen[bytes]) -> None:
        self._url = url
        self._process = process

    def value(self, query: str) -> float | None:
        """Return the one value of a query, or None where there is none, or no answer yet."""
        assert self._process.poll() is None, "Prometheus ended"
        try:
            with urlopen(f"{self._url}/api/v1/query?{urlencode({'query': query})}", timeout=30) as response:  # noqa: S310 - our own
                results = json.load(response)["data"]["result"]
        except (URLError, ConnectionError):
            return None
        return float(results[0]["value"][1]) if results else None


def wait_until(is_so: Callable[[], bool]) -> None:
    """Ask until something outside this process is so."""
    deadline = monotonic() + 90
    pause = threading.Event()
    while not is_so():
        assert monotonic() < deadline, "Prometheus did not come to that"
        pause.wait(0.1)


@pytest.fixture(scope="module")
def service() -> Iterator[subprocess.Popen[str]]:
    """The service, before any load; its first line is the port."""
    command = [sys.executable, "-c", textwrap.dedent(SERVICE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def metrics(service: subprocess.Popen[str]) -> str:
    """The URL of the service's metrics."""
    assert service.stdout is not None
    return f"http://127.0.0.1:{int(service.stdout.readline())}/metrics"


@pytest.fixture(scope="module")
def prometheus(
    metrics: str, service: subprocess.Popen[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the service before, while and after the load was driven."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=metrics.split(":")[2].partition("/")[0]))
    with _started(folder) as process:
        found = Prometheus(f"http://127.0.0.1:{_port(folder)}", process)
        try:
            wait_until(lambda: (found.value(f"count_over_time({CALLS}{{status='failure'}}[1m])") or 0) >= _BEFORE)
            assert service.stdin is not None
            assert service.stdout is not None
            print("go", file=service.stdin, flush=True)
            assert service.stdout.readline() == "done\n"
            wait_until(lambda: (found.value(f"count_over_time({CALLS}{{status='failure'}}[1m])") or 0) >= _ALTOGETHER)
            yield found
        finally:
            process.terminate()


def _started(folder: Path) -> "subprocess.Popen[bytes]":
    (folder / "port").write_text(str(_free_port()))
    return subprocess.Popen(
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{_port(folder)}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _port(folder: Path) -> int:
    return int((folder / "port").read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_promtool_finds_nothing_to_say(metrics: str) -> None:
    """Prometheus' own linter accepts the names, units and texts of everything that is exposed."""
    with urlopen(metrics, timeout=30) as response:  # noqa: S310 - our own
        exposed = response.read()
    assert b"chimera_workflow_execution_calls_total" in exposed
    done = subprocess.run(["promtool", "check", "metrics"], input=exposed, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("query", "implied"),
    [
        pytest.param(
            f'sum(rate({CALLS}{{status="success"}}[1m])) / sum(rate({CALLS}[1m]))',
            pytest.approx(0.75),
            id="success rate",
        ),
        pytest.param(
            # 20 of 200 lie between 25 and 50 ms, so the 190th of them all lies half-way between
            "histogram_quantile(0.95, rate(chimera_workflow_duration_seconds_bucket[1m]))",
            pytest.approx(0.0375),
            id="95th percentile",
        ),
        pytest.param(
            # Prometheus extrapolates by at most half the time between two samples at each end of what it has seen
            f"sum(rate({CALLS}[1m])) * 60",
            pytest.approx(200, rel=1.5 / _ALTOGETHER),
            id="throughput",
        ),
        pytest.param(
            f"sum(rate({FAILED}[1m])) / (sum(rate({FAILED}[1m])) + sum(rate({SUCCEEDED}[1m])))",
            pytest.approx(0.2),
            id="breaker failure rate",
        ),
    ],
)
def test_queries_return_what_the_load_implies(prometheus: Prometheus, query: str, implied: float) -> None:
    """200 workflows, a quarter of them failed, one in ten slow, and 50 calls through a breaker, a fifth of them failed."""
    assert prometheus.value(query) == implied
