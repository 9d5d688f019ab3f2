"""The commands and projects that the end-to-end tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from repositories import Repository

ROOT = Path(__file__).parents[2]
SHIPPED = ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", ".pre-commit-hooks.yaml")
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


@pytest.fixture(scope="session")
def environment(tmp_path_factory) -> dict[str, str]:
    """The environment for git and pre-commit: nobody's settings, and a cache of the test's own."""
    home = tmp_path_factory.mktemp("home")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
    author = {
        f"GIT_{who}_{what}": "somebody@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return {
        **inherited,
        **author,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "PRE_COMMIT_HOME": str(home),
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="session")
def hook_source(root, environment, tmp_path_factory) -> Repository:
    """Return this repository as it stands in the work tree, in one commit that hooks are taken from."""
    folder = tmp_path_factory.mktemp("golden-rules")
    for name in SHIPPED:
        shutil.copy(root / name, folder / name)
    shutil.copytree(root / "golden_rules", folder / "golden_rules", ignore=shutil.ignore_patterns("__pycache__"))
    source = Repository(folder, environment)
    assert source.commit(".").returncode == 0
    return source
