"""The commands and projects that the end-to-end tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of this repository."""
    return ROOT


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a Python module as a command in a folder: `run(folder, "golden_rules", "check")`."""

    def run_module(
        folder: Path, *arguments: str, python_path: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GIT_"))}
        path = {} if python_path is None else {"PYTHONPATH": str(python_path)}
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            env={**inherited, "NO_COLOR": "1", **path, **(environment or {})},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    return run_module
