"""What tests see of the runtime: the series in the default registry, as a scrape shows them."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from prometheus_client import REGISTRY, generate_latest


def value(series: str, **labels: str) -> float | None:
    """Return the value of one series, or None where it is not exposed."""
    for metric in REGISTRY.restricted_registry([series]).collect():
        for sample in metric.samples:
            if sample.name == series and sample.labels == labels:
                return sample.value
    return None


def lines(prefix: str) -> list[str]:
    """Return the lines of the text exposition that start with a prefix, without comments."""
    return [line for line in generate_latest(REGISTRY).decode().splitlines() if line.startswith(prefix)]


def statuses(calls: str, **labels: str) -> dict[str, float]:
    """Return the calls by outcome, leaving out the outcomes that never happened."""
    found = {status: value(calls, status=status, **labels) for status in ("success", "failure", "cancelled")}
    return {status: count for status, count in found.items() if count}


def outcomes(name: str) -> dict[str, float]:
    """Return the calls of `track_request(name)` by outcome."""
    return statuses(f"{name}_calls_total")


def run_script(
    source: str, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a Python script in a process of its own, and return what it did; it must exit with 0."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done
