"""Cancellations that do not show in what a call raises: in a group with other errors, or behind an error of its clean-up."""

from __future__ import annotations

import asyncio

from golden_runtime.outcomes import is_cancellation


def requests() -> int:
    """Return how many requests to cancel the running task are pending; 0 outside of tasks, and in other kinds of loops."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return 0
    return 0 if task is None else task.cancelling()


def is_displaced(error: BaseException, before: int = 0) -> bool:
    """Whether the running task was asked to cancel, and this error came in the place of that: raised in a `finally`, say.

    `before` is how many requests there were when the call began: one that is part of a clean-up is not itself cancelled.
    A timeout is none either, though it begins as a cancellation: some libraries raise it and leave their request pending.
    """
    if requests() <= before:
        return False
    seen: set[int] = set()
    behind: BaseException | None = error
    while behind is not None and id(behind) not in seen and not isinstance(behind, TimeoutError):
        if isinstance(behind, asyncio.CancelledError):
            return True
        seen.add(id(behind))
        behind = behind.__context__
    return False


def has_cancellation(error: BaseException) -> bool:
    """Whether an error is a cancellation, or a group that has one somewhere in it."""
    if isinstance(error, BaseExceptionGroup):
        return any(has_cancellation(inner) for inner in error.exceptions)
    return is_cancellation(error)
