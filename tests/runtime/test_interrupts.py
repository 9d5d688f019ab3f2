"""What a signal handler raises, Ctrl-C or a time limit, leaves the metrics at work, wherever it comes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).with_name("interrupts.py")
_LOCAL = ("settle", "settle_durations", "collect", "collect_counts", "declaring", "handling")
_SHARED = ("settle", "settle_durations", "declaring", "handling")
_FORKING = ("forking",) if hasattr(os, "fork") else ()


def _run(scenario: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(_SCRIPT), scenario],
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
    _run(scenario, {})


@pytest.mark.parametrize("scenario", [*_SHARED, *_FORKING])
def test_an_interrupt_anywhere_leaves_the_files_at_work(scenario: str, tmp_path: Path) -> None:
    """The same where processes share files."""
    _run(scenario, {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)})
