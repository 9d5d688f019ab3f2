"""The promise: what was accepted ends completed or as a dead letter, whatever process is killed when.

These are short runs of `soak.py`; `make soak` kills hundreds of times.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="its processes are forked, to be killed sooner"),
    # each of these keeps both processors busy by itself
    pytest.mark.xdist_group("kill"),
]


def soak(*arguments: str) -> dict[str, Any]:
    """Run a soak and return its report."""
    script = Path(__file__).with_name("soak.py")
    done = subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize(
    "arguments",
    [("--store", "sqlite"), ("--store", "postgres", "--restarts", "1")],
    ids=["sqlite", "postgres, restarted"],
)
def test_killed_workers_and_producers_lose_nothing(arguments: tuple[str, ...]) -> None:
    """Everything a producer saw accepted is closed in the end, nothing completed twice, good, slow, failing or poisonous."""
    report = soak("--kills", "20", *arguments)
    assert report["holds"], report
    assert report["kills"] == 20
    assert report["claims"] > report["completed"] > 0


def test_a_full_disk_refuses_clearly_and_loses_nothing() -> None:
    """While the file cannot grow, enqueueing is refused in a sentence; what was accepted before is worked off after."""
    report = soak("--kills", "20", "--store", "sqlite", "--full-disk")
    assert report["holds"], report
    assert report["refused"] > 0
