"""Replacing a file: all of it or nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
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


def replace_file(path: Path, content: bytes, before: bytes | None = None) -> None:
    """Replace a file's content in one step, its mode and owner kept and links followed.

    Args:
        path: The file.
        content: What it will hold.
        before: What it must hold until then; by default anything.

    Raises:
        UnwritableFile: It cannot be written, or holds something else than `before`.
    """
    target = path.resolve()
    try:
        # Whoever may not write the file must not get round that by replacing it.
        if not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        with _beside(target, content) as temporary:
            # As late as can be: an editor may have saved the file while it was being fixed.
            if before is not None and target.read_bytes() != before:
                raise UnwritableFile(f"`{shown(path)}` changed while it was being fixed: run the command again")
            temporary.replace(target)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UnwritableFile(f"`{shown(path)}` cannot be written: {reason}; it was left as it was") from error


@contextlib.contextmanager
def _beside(target: Path, content: bytes) -> Iterator[Path]:
    """Give a file with that content in the folder of `target`, with its mode and owner; it is gone afterwards."""
    import tempfile

    state = target.stat()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            # Else a file system may keep the new name and lose the content when the power fails.
            os.fsync(stream.fileno())
        with contextlib.suppress(PermissionError, AttributeError):  # Windows has no such owners
            os.chown(name, state.st_uid, state.st_gid)
        Path(name).chmod(state.st_mode & 0o7777)
        yield Path(name)
    finally:
        with contextlib.suppress(OSError):
            Path(name).unlink()
