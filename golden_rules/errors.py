"""Failures that a user can cause, and the nearest right spelling of what was mistyped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class UsageError(Exception):
    """A failure that the user can cause and mend; its text is one sentence: what, where, and what to do."""


def reason_of(error: OSError) -> str:
    """Return what the system has against it, as the end of a sentence: `permission denied`."""
    return (error.strerror or str(error) or type(error).__name__).lower()


def described(error: BaseException) -> str:
    """Return what a bug report must hold: the kind of error, its message, and where it was raised."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" in {'/'.join(Path(frame.tb_frame.f_code.co_filename).parts[-2:])}:{frame.tb_lineno}" if frame else ""
    return f"{type(error).__name__}: {error}{place}"


def did_you_mean(wrong: str, right: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest of `right`, or nothing where none is near."""
    import difflib

    spellings = {_folded(candidate): candidate for candidate in sorted(right)}
    near = difflib.get_close_matches(_folded(wrong), spellings, n=len(spellings) or 1)
    if not near:
        return ""
    # of the near ones, one with two characters swapped is the likeliest
    swapped = (candidate for candidate in near if sorted(candidate) == sorted(_folded(wrong)))
    return f": did you mean `{spellings[next(swapped, near[0])]}`?"


def _folded(name: str) -> str:
    return name.casefold().replace("_", "-")
