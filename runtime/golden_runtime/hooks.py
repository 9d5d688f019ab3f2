"""Functions that users hand in, such as listeners and predicates: whether what one of them raises is a failure of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ParamSpec

from golden_runtime.outcomes import is_cancellation
from golden_runtime.reporting import report_once
from golden_runtime.turns import is_interrupt

P = ParamSpec("P")


def is_own_failure(error: BaseException) -> bool:
    """Whether a function has failed by itself, so that it is logged and must not take the place of what the call did.

    Ctrl-C, `sys.exit()` and time limits are to end more than the function that they happened to come in: whatever is no
    `Exception`, and whatever a signal handler raises. A cancellation is one of something that the function has asked for; its
    caller cannot be cancelled while it does not wait.
    """
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return False
    return is_cancellation(error) or not is_interrupt(error)


def tell(listeners: Iterable[Callable[P, object]], whose: str, *args: P.args, **kwargs: P.kwargs) -> None:
    """Call listeners of `whose` with what there is to tell; one that fails is logged once, and keeps nobody from hearing it."""
    for listener in listeners:
        try:
            listener(*args, **kwargs)
        except BaseException as error:  # it must not harm the call that happened to bring this about
            if not is_own_failure(error):
                raise
            report_once(f"a listener of {whose} failed")
