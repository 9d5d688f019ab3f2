"""How a call ends: the values of the label `status`."""

from __future__ import annotations

from asyncio import CancelledError
from typing import Final

SUCCESS: Final = "success"
FAILURE: Final = "failure"
CANCELLED: Final = "cancelled"

STATUSES: Final = (SUCCESS, FAILURE, CANCELLED)

_CANCELLATIONS: Final = (CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)


def is_cancellation(error: BaseException) -> bool:
    """Whether an exception says that the caller gave up, not that the function failed.

    A group is a cancellation when every exception in it is one.
    """
    if isinstance(error, BaseExceptionGroup):
        return error.split(_CANCELLATIONS)[1] is None
    return isinstance(error, _CANCELLATIONS)
