"""Errors as text that any store accepts: no NUL, no lone surrogate, no bound-less length, and never an error of its own."""

from __future__ import annotations

import traceback
from typing import Final

from golden_runtime.storage.burying import Burial
from golden_runtime.turns import is_interrupt

# Characters. Of a traceback the end says most, and where the message at its end is long, the beginning.
_LONGEST_MESSAGE: Final = 4_000
_LONGEST_TRACEBACK: Final = 30_000


class RemoteError(Exception):
    """Stands for an exception of another process that cannot come from there: what is known of it is text."""

    def __init__(self, error_type: str, message: str, traceback_text: str) -> None:
        super().__init__(error_type, message, traceback_text)
        self.error_type = error_type
        self.message = message
        self.traceback_text = traceback_text

    @classmethod
    def of(cls, error: BaseException) -> RemoteError:
        """Return what is known of an exception."""
        return cls(type(error).__name__, message(error), _traceback(error))

    def __str__(self) -> str:
        """Return the type and the message."""
        return f"{self.error_type}: {self.message}"


def burial(error: BaseException | str, *, phase: str, attempts: int) -> Burial:
    """Return what a dead letter says of an error: its type, message and traceback, or a message alone."""
    if isinstance(error, str):
        return Burial("Failure", clean(error, _LONGEST_MESSAGE), "", phase, attempts)
    if isinstance(error, RemoteError):
        return Burial(error.error_type, error.message, error.traceback_text, phase, attempts)
    return Burial(type(error).__name__, message(error), _traceback(error), phase, attempts)


def message(error: BaseException | str) -> str:
    """Return the message of an error, with its notes."""
    if isinstance(error, str):
        return clean(error, _LONGEST_MESSAGE)
    try:
        text = str(error)
    except Exception as failed:  # a broken `__str__` must not keep a task from being closed
        if is_interrupt(failed):
            raise
        text = f"(the message of this {type(error).__name__} cannot be read)"
    return clean(text, _LONGEST_MESSAGE)


def clean(text: str, longest: int) -> str:
    """Return text that both stores take, cut to a length."""
    plain = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def _traceback(error: BaseException) -> str:
    try:
        text = "".join(traceback.format_exception(error))
    except Exception as failed:  # as above
        if is_interrupt(failed):
            raise
        text = f"(the traceback of this {type(error).__name__} cannot be read)"
    plain = clean(text, len(text) * 8)
    if len(plain) <= _LONGEST_TRACEBACK:
        return plain
    half = _LONGEST_TRACEBACK // 2
    return f"{plain[:half]}\n…\n{plain[-half:]}"
