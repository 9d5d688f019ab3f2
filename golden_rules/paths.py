"""Paths as text: how messages show them, and which folders of a path are still to be looked at.

Strings, not `Path` objects, but for what is asked once: a run over thousands of files compares and joins each path several times.
"""

# ruff: noqa: PTH109, PTH120 - strings on purpose, see above
from __future__ import annotations

import os
from typing import TYPE_CHECKING

from golden_rules.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path


def working_folder() -> str:
    """Return the working directory; raises UsageError where it is gone."""
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise UsageError("the working directory does not exist any more: change to one that does") from error


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path relative to the working directory, with `/`; absolute where no relative one exists."""
    try:
        return os.path.relpath(path).replace(os.sep, "/")
    except ValueError:  # another drive
        return os.fspath(path).replace(os.sep, "/")


def repository_of(folder: Path) -> Path | None:
    """Return the root of the git repository that a folder is in, `None` where it is in none."""
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)


def relative_to(path: str, root: str) -> str:
    """Return an absolute path relative to an absolute folder, with `/`."""
    prefix = root if root.endswith(os.sep) else root + os.sep
    if path.startswith(prefix):
        return path[len(prefix) :].replace(os.sep, "/")
    if path == root:
        return "."
    try:
        return os.path.relpath(path, root).replace(os.sep, "/")
    except ValueError:  # another drive
        return path.replace(os.sep, "/")


def unresolved(folder: str, known: Container[str]) -> list[str]:
    """Return `folder`, an absolute path, and its ancestors that are not known, outermost first."""
    missing: list[str] = []
    while folder not in known:
        missing.append(folder)
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    return missing[::-1]
