"""Replacing a file: all of it or nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from golden_rules.errors import reason_of
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
        raise UnwritableFile(f"`{shown(path)}` cannot be written: {reason_of(error)}") from error
    try:
        replace_file(path, content)
    except UnwritableFile:
        if is_new:
            path.unlink(missing_ok=True)
        raise


class Replacement(NamedTuple):
    """What a file is to hold.

    Attributes:
        content: What it will hold.
        before: What it must hold until then; `None` for anything.
    """

    path: Path
    content: bytes
    before: bytes | None = None


def replace_file(path: Path, content: bytes, before: bytes | None = None) -> None:
    """Replace a file's content in one step, its mode and owner kept and links followed.

    Args:
        path: The file.
        content: What it will hold.
        before: What it must hold until then; by default anything.

    Raises:
        UnwritableFile: It cannot be written, or holds something else than `before`.
    """
    replace_files([Replacement(path, content, before)])


def replace_files(replacements: Sequence[Replacement]) -> None:
    """Replace the content of several files, of all of them or of none, as `replace_file` does.

    Raises:
        UnwritableFile: One of them cannot be written, or holds something else than it must.
    """
    with contextlib.ExitStack() as stack:
        others = len(replacements) - 1
        ready = [(item, *_prepared(stack, item, others)) for item in replacements]
        # As late as can be: an editor may have saved a file while it was being fixed.
        for item, target, _, _ in ready:
            _check_unchanged(item, target, others)
        for number, (item, target, temporary, _) in enumerate(ready):
            try:
                temporary.replace(target)
            except OSError as error:
                for _, other, _, backup in ready[:number]:
                    backup.replace(other)
                raise _unwritable(item, error, others) from error


def _prepared(stack: contextlib.ExitStack, item: Replacement, others: int) -> tuple[Path, Path, Path]:
    """Return the file behind a path, and what takes its place: its new content, and its present one for the way back."""
    try:
        target = item.path.resolve()
        # Whoever may not write the file must not get round that by replacing it.
        if not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        temporary = stack.enter_context(_beside(target, item.content))
        backup = stack.enter_context(_beside(target, target.read_bytes())) if others else temporary
    except OSError as error:
        raise _unwritable(item, error, others) from error
    return target, temporary, backup


def _check_unchanged(item: Replacement, target: Path, others: int) -> None:
    try:
        if item.before is None or target.read_bytes() == item.before:
            return
    except OSError as error:
        raise _unwritable(item, error, others) from error
    raise UnwritableFile(f"`{shown(item.path)}` changed while it was being fixed: run the command again")


def _unwritable(item: Replacement, error: OSError, others: int) -> UnwritableFile:
    reason = reason_of(error)
    left = "it was left as it was"
    if others:
        left += f", and so {'was the other file' if others == 1 else f'were the {others} other files'} of the same fix"
    return UnwritableFile(f"`{shown(item.path)}` cannot be written: {reason}; {left}")


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
