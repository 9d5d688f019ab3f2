"""Replacing a file: all of it or nothing."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from golden_rules.paths import shown


class UnwritableFile(Exception):
    """A file that cannot be replaced; its text is one sentence, and the file is as it was."""


def write_file(path: Path, content: bytes) -> None:
    """Make a file, or replace its content in one step; raises UnwritableFile."""
    is_new = not path.exists()
    try:
        if is_new:
            path.touch()
        elif not path.is_file():
            path.write_bytes(content)  # a device or pipe, which cannot be replaced
            return
    except OSError as error:
        raise UnwritableFile(f"`{shown(path)}` cannot be written: {(error.strerror or '').lower()}") from error
    try:
        replace_file(path, content)
    except UnwritableFile:
        if is_new:
            path.unlink(missing_ok=True)
        raise


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file's content in one step, its mode kept and links followed.

    Raises:
        UnwritableFile: It cannot be written.
    """
    target = path.resolve()
    temporary = None
    try:
        mode = target.stat().st_mode
        # Whoever may not write the file must not get round that by replacing it.
        if not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        Path(temporary).chmod(mode & 0o7777)
        Path(temporary).replace(target)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        reason = (error.strerror or type(error).__name__).lower()
        raise UnwritableFile(f"`{shown(path)}` cannot be written: {reason}; it was left as it was") from error
