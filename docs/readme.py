"""README's outputs, from a real run: `python docs/build.py` writes them.

In the section `Before and after`, the Python block is a file, and each console block a command with its output. The
commands run in a folder that holds that file alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
_SECTION = re.compile(r"^## Before and after\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`([^`\n]+)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^```console\n\$ ([^\n]*)\n.*?^```$", re.MULTILINE | re.DOTALL)


def rendered(text: str) -> str:
    """Return README's text with the outputs as they really are."""
    with tempfile.TemporaryDirectory() as folder:
        return _SECTION.sub(lambda section: _with_outputs(section[0], Path(folder)), text)


def _with_outputs(section: str, folder: Path) -> str:
    for name, source in _FILE.findall(section):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return _COMMAND.sub(lambda block: f"```console\n$ {block[1]}\n{_output(block[1], folder)}```", section)


def _output(command: str, folder: Path) -> str:
    """Return what a command shows in a terminal, colours aside."""
    program, *arguments = command.split()
    if program != "golden-rules":
        raise SystemExit(f"error: README runs `{program}`, and only `golden-rules` can be run here")
    return subprocess.run(
        [sys.executable, "-m", "golden_rules", *arguments],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout
