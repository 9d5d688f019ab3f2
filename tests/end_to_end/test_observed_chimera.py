"""The proof of dashboard and alerts: chimera works under load, some of it fails, and a real Prometheus watches."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="no `prometheus` on this machine: install Debian's package `prometheus`"
)

SETTINGS = """
objectives = { "chimera.workflow" = { success = 0.99, latency = "30s" } }
"""
CONFIGURATION = """
global: {{scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: chimera
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
# The shortest there is: the windows of its alerts are from a second to a quarter of an hour.
PERIOD = "2h24m"
# What Grafana fills in.
VARIABLES = {"$__rate_interval": "2s", "$__range": "1m", "$job": ".*"}


@dataclass(frozen=True, slots=True)
class Watched:
    """The service, and the Prometheus that watches it."""

    folder: Path
    page: str
    url: str
    process: subprocess.Popen[bytes]

    def ask(self, path: str, **parameters: str) -> Any:
        """Return what the HTTP API answers."""
        assert self.process.poll() is None, "Prometheus ended"
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=30) as response:  # noqa: S310 - our own
            return json.load(response)["data"]

    def answers(self, query: str) -> bool:
        """Tell whether a query returns data; what is no number, such as a share of nothing, is none."""
        return any(result["value"][1] != "NaN" for result in self.ask("query", query=query)["result"])

    def firing(self) -> set[tuple[str, str]]:
        """The alerts that fire, with their severity."""
        every = self.ask("alerts")["alerts"]
        return {
            (alert["labels"]["alertname"], alert["labels"]["severity"]) for alert in every if alert["state"] == "firing"
        }


def wait_until(is_so: Callable[[], bool]) -> None:
    """Ask until something outside this process is so."""
    deadline = monotonic() + 90
    pause = threading.Event()
    while not _tried(is_so):
        assert monotonic() < deadline, "Prometheus did not come to that"
        pause.wait(0.2)


def _tried(is_so: Callable[[], bool]) -> bool:
    try:
        return is_so()
    except (URLError, ConnectionError):
        return False


@pytest.fixture(scope="module")
def folder(run, root, tmp_path_factory) -> Path:
    """Chimera with all fixes and on the runtime's parts, its dashboard and its rules."""
    found = tmp_path_factory.mktemp("observed") / "chimera"
    shutil.copytree(root / "fixtures" / "chimera", found, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    assert run(found, "golden_rules", "check", "--fix", "--unsafe-fixes").returncode in (0, 1)
    shutil.copy(Path(__file__).parent / "observed" / "observed.py", found / "src" / "chimera" / "observed.py")
    pyproject = found / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('app = "chimera"\n', f'app = "chimera"\n{SETTINGS}'))
    for command in (
        ("dashboard", "src", "--output", "dashboard.json"),
        ("alerts", "src", "--output", "rules.yml", "--period", PERIOD),
    ):
        done = run(found, "golden_rules", *command)
        assert done.returncode == 0, done.stderr
    return found


@pytest.fixture(scope="module")
def watched(folder: Path) -> Iterator[Watched]:
    """The service under load, watched by Prometheus until it has seen a bit of everything."""
    service = subprocess.Popen(
        [sys.executable, "-m", "chimera.observed"],
        cwd=folder / "src",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with service:
        assert service.stdin is not None
        assert service.stdout is not None
        port = int(service.stdout.readline())
        (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=port))
        with _prometheus(folder) as (url, process):
            found = Watched(folder, f"http://127.0.0.1:{port}/metrics", url, process)
            wait_until(lambda: found.answers("count_over_time(chimera_dlq_depth[1m]) > 20"))
            yield found
        service.stdin.close()


class _prometheus:  # noqa: N801 - it is used as a function
    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{probe.getsockname()[1]}"
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self._address}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> tuple[str, subprocess.Popen[bytes]]:
        return f"http://{self._address}", self._process

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def panels(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the queries of the dashboard with the titles of their panels."""
    for panel in json.loads((folder / "dashboard.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"]
            for variable, value in VARIABLES.items():
                query = query.replace(variable, value)
            yield panel["title"], query


def test_every_panel_has_data(watched: Watched) -> None:
    """Each query of the dashboard is asked through Prometheus' HTTP API, and none comes back empty."""
    every = list(panels(watched.folder))
    assert len(every) > 30
    empty = [title for title, query in every if not watched.answers(query)]
    assert empty == []


def test_the_figures_are_those_of_the_load(watched: Watched) -> None:
    """A third of the digests and a fifth of the deliveries fail, and so says the panel of failures by operation."""
    query = next(query for title, query in panels(watched.folder) if title == "Failures by operation")
    smooth = query.replace("[2s]", "[30s]")
    shares = {
        result["metric"]["operation"]: float(result["value"][1])
        for result in watched.ask("query", query=smooth)["result"]
    }
    assert shares["chimera.workflow"] == pytest.approx(1 / 3, abs=0.12)
    assert shares["chimera.delivery"] == pytest.approx(1 / 5, abs=0.12)


def test_every_rule_has_data(watched: Watched) -> None:
    """Each recorded series is there, and so is what each alert compares with its threshold."""
    groups = yaml.safe_load((watched.folder / "rules.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    asked = [rule["record"] for rule in rules if "record" in rule]
    for rule in rules:
        if "alert" in rule:
            recorded = re.findall(r"golden_rules:\w+:\w+\{[^}]*\}", rule["expr"])
            asked += recorded or [re.split(r" (?:>|==) ", rule["expr"])[0]]
    assert len(asked) > 15
    wait_until(lambda: not [query for query in asked if not watched.answers(query)])


def test_the_alert_that_should_fire_fires(watched: Watched) -> None:
    """A third of the digests fail where one in a hundred may: somebody is paged, and not about the duration."""
    wait_until(lambda: {("ErrorBudgetBurn", "page"), ("ErrorBudgetBurn", "ticket")} <= watched.firing())
    wait_until(lambda: ("DeadLettersGrowing", "ticket") in watched.firing())
    assert {name for name, _ in watched.firing()} == {"ErrorBudgetBurn", "DeadLettersGrowing"}


def test_the_catalogue_agrees_with_the_page(run, watched: Watched) -> None:
    """`metrics --check` finds all of the runtime's parts on the live page; only modules that were not imported are missing."""
    done = run(watched.folder, "golden_rules", "metrics", "src", "--check", watched.page, "--format", "json")
    found = json.loads(done.stdout)
    assert (found["extra"], found["changed"]) == ([], [])
    imported = ("observed", "adapters/database", "adapters/llm", "adapters/http", "models", "sandbox")
    assert not [
        entry["name"]
        for entry in found["missing"]
        if any(module in place["path"] for place in entry["places"] for module in imported)
        and "first runs" not in entry["message"]
    ]
