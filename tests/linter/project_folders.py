"""Projects for tests: files below a folder, and the command run there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from click.testing import CliRunner, Result

from golden_rules.cli import commands


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder, by their paths in it, and return the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return folder


def golden_rules(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `golden-rules` in a folder, in a process of its own."""
    command = [sys.executable, "-m", "golden_rules", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def check(*arguments: str) -> Result:
    """Run `golden-rules check` in this process, in the working directory."""
    return CliRunner().invoke(commands, ["check", *arguments], standalone_mode=False)
