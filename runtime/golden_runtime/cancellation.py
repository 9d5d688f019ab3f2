"""Cancellations that do not show in what a call raises: in a group with other errors, or behind an error of its clean-up."""

from __future__ import annotations

import asyncio

from golden_runtime.outcomes import is_cancellation


def is_displaced(error: BaseException, handled: BaseException | None = None) -> bool:
    """Whether the running task was asked to cancel, and this error came in the place of that: raised in a `finally`, say.

    `handled` is what was being handled when the call began (`sys.exception()`): one that is part of the clean-up after a
    cancellation is not itself cancelled. A timeout is none either, though it begins as a cancellation: some libraries raise it
    and leave their request pending.
    """
    if not _is_cancelling():
        return False
    seen: set[int] = set()
    behind: BaseException | None = error
    while behind is not None and behind is not handled and id(behind) not in seen:
        if isinstance(behind, TimeoutError):
            return False
        if isinstance(behind, asyncio.CancelledError):
            return True
        seen.add(id(behind))
        behind = behind.__context__
    return False


def _is_cancelling() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        # a thread, or a loop of another kind
        return False
    return task is not None and task.cancelling() > 0


def has_cancellation(error: BaseException) -> bool:
    """Whether an error is a cancellation, or a group that has one somewhere in it."""
    if isinstance(error, BaseExceptionGroup):
        return any(has_cancellation(inner) for inner in error.exceptions)
    return is_cancellation(error)
