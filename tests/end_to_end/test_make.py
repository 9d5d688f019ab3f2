"""What `make` runs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path


def digest(folder: Path) -> str:
    """A digest of every source file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return hashlib.sha256(b"".join(bytes(path) + path.read_bytes() for path in files)).hexdigest()


def test_the_demo_shows_each_step_and_leaves_the_checkout_alone(root):
    """Findings, the diff, what remains, and the new series; fixtures/chimera is what it was."""
    before = digest(root / "fixtures" / "chimera")
    done = subprocess.run([sys.executable, "scripts/demo.py"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [line for line in done.stdout.splitlines() if line.startswith(("1. ", "2. ", "3. ", "4. "))]
    assert len(steps) == 4
    assert "$ golden-rules check --diff\ndiff --git a/src/chimera/" in done.stdout
    assert "completed     10\n" in done.stdout
    assert "chimera_workflows_digest_workflow_run_calls_total" in done.stdout
    assert len(done.stdout.splitlines()) < 250
    assert digest(root / "fixtures" / "chimera") == before


def test_an_unsuitable_python_is_one_sentence(root, tmp_path):
    """`make` says which interpreter will not do and how to name another; nothing is set up."""
    command = ["make", "--no-print-directory", "test", "PYTHON=no-such-python", f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr.startswith("error: `no-such-python` is no Python 3.11 or later")
    assert not (tmp_path / "venv").exists()
