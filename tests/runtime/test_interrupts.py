"""What a signal handler raises, Ctrl-C or a time limit, leaves the metrics at work, wherever it comes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_LOCAL = ("settle", "settle_durations", "collect", "collect_counts", "declaring", "handling")
_SHARED = ("settle", "settle_durations", "declaring", "handling")
_FORKING = ("forking",) if hasattr(os, "fork") else ()


def _run(script: str, *arguments: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, str(_HERE / script), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("scenario", [*_LOCAL, *_FORKING])
def test_an_interrupt_anywhere_leaves_the_metrics_at_work(scenario: str) -> None:
    """After each, all threads record and are scraped; nothing is lost or doubled but what was in the middle."""
    _run("interrupts.py", scenario)


@pytest.mark.parametrize("scenario", [*_SHARED, *_FORKING])
def test_an_interrupt_anywhere_leaves_the_files_at_work(scenario: str, tmp_path: Path) -> None:
    """The same where processes share files."""
    _run("interrupts.py", scenario, PROMETHEUS_MULTIPROC_DIR=str(tmp_path))


@pytest.mark.parametrize("scenario", ["breaking", "retrying", "budgeting", "measuring"])
def test_an_interrupt_anywhere_leaves_breakers_and_policies_at_work(scenario: str) -> None:
    """None stays in a state that its calls have left."""
    _run("interrupts_resilience.py", scenario)


@pytest.mark.parametrize("scenario", ["storing", *_FORKING])
def test_an_interrupt_anywhere_leaves_queues_at_work(scenario: str, tmp_path: Path) -> None:
    """They go on, in all threads, and what they accept is on the disk."""
    _run("interrupts_resilience.py", scenario, str(tmp_path))
