"""What an error is told to tell of the attempts that led to it."""

from __future__ import annotations

from golden_runtime.reporting import report_once
from golden_runtime.turns import is_interrupt

# Notes are for people, who read neither the first of two thousand attempts nor the end of a long message.
_MOST = 20
_LONGEST_MESSAGE = 200


class Notes:
    """What became of the attempts of one call under a policy, the last ones of many."""

    __slots__ = ("_name", "_told")

    def __init__(self, name: str) -> None:
        self._name = name
        self._told: list[str] = []

    @property
    def _mark(self) -> str:
        return f"retry `{self._name}`: "

    def add(self, told: str) -> None:
        """Tell one more thing."""
        self._told.append(self._mark + told)
        del self._told[:-_MOST]

    def attach(self, error: BaseException) -> None:
        """Add the notes to an error, in place of those that an earlier call has added to the same one.

        Where all there is to tell is that the first attempt failed, the error itself tells that.
        """
        if len(self._told) < 2:
            return
        mark = self._mark
        try:
            others = [note for note in getattr(error, "__notes__", ()) if not note.startswith(mark)]
            error.__notes__ = [*others, *self._told]
        except Exception as failed:  # an exception may forbid notes, which must not take the place of the error
            if is_interrupt(failed):
                raise
            report_once(f"an error of retry `{self._name}` takes no notes")


def described(error: BaseException) -> str:
    """Return an error's class and the first line of its message, in bounds."""
    try:
        message = str(error).partition("\n")[0]
    except Exception as failed:  # an exception's own `__str__` may fail
        if is_interrupt(failed):
            raise
        message = ""
    shown = message if len(message) <= _LONGEST_MESSAGE else message[:_LONGEST_MESSAGE] + "..."
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__
