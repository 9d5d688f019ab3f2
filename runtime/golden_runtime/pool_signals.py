"""SIGTERM and SIGINT while a pool runs: counted, and handed to the event loop, never acted on inside the handler."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_signals(on_signal: Callable[[int], None]) -> Iterator[None]:
    """Call `on_signal` in the running event loop with the number of signals so far, as long as the block runs.

    Outside the main thread, where no signals arrive, nothing is installed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    count = 0

    def received() -> None:
        nonlocal count
        count += 1
        on_signal(count)

    previous = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        for number in _SIGNALS:
            _install(loop, number, received)
        yield
    finally:
        for number, handler in previous.items():
            _restore(loop, number, handler)


def _install(loop: asyncio.AbstractEventLoop, number: signal.Signals, received: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(number, received)
    except NotImplementedError:
        # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(received))


def _restore(loop: asyncio.AbstractEventLoop, number: signal.Signals, handler: object) -> None:
    with suppress(NotImplementedError):
        loop.remove_signal_handler(number)
    if callable(handler) or isinstance(handler, signal.Handlers):
        signal.signal(number, handler)
