"""Git repositories of users, with pre-commit in them."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Repository:
    """A git repository of a user, with pre-commit installed."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = environment
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run git; the output of hooks comes on standard error."""
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def commit(self, *files: str) -> subprocess.CompletedProcess[str]:
        """Add files and commit, through the hooks."""
        self.git("add", *files)
        return self.git("commit", "--quiet", "--message", "Change something")

    def commits(self) -> int:
        """How many commits went through."""
        return len(self.git("log", "--format=%h", "--all").stdout.split())

    def write(self, name: str, text: str) -> Path:
        """Write a file of the work tree."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
