"""A circuit breaker: it stops calling what keeps failing, and lets a few probes find out when it works again."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from golden_runtime.blocks import Blocks
from golden_runtime.breaker_config import CircuitBreakerConfig
from golden_runtime.breaker_guard import CircuitBreakerError, Guard, Listener, Transition
from golden_runtime.breaker_states import CircuitState, Ticket
from golden_runtime.breaker_wrapping import protect
from golden_runtime.callables import UNFINISHED, check_finished, misuse_of, settled

if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = [
    "CircuitBreaker",
    "CircuitBreakerConfig",
    "CircuitBreakerError",
    "CircuitBreakers",
    "CircuitState",
    "Transition",
    "circuit_breakers",
]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


class CircuitBreaker:
    """Lets calls through while they succeed, and rejects them with CircuitBreakerError while they keep failing.

    Use it as `await breaker.call(f, ...)` and `breaker.call_sync(f, ...)`, as a decorator of functions of every kind
    (`@breaker`), or around a block (`with breaker`, `async with breaker`). Threads and tasks may share it; it holds no lock
    while the protected call runs. Cancellation, GeneratorExit, KeyboardInterrupt and SystemExit count neither way, except
    where the attempt of a retry policy took too long: that is a failure. A state that has timed out is left at the next call.

    The newest breaker of a name is found in `circuit_breakers`. `clock` returns seconds and never goes back.
    """

    __slots__ = ("_blocks", "_first", "_guard", "_machine", "_success", "config", "name")

    def __init__(
        self,
        name: str,
        config: CircuitBreakerConfig | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        listeners: Iterable[Listener] = (),
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"the name of a circuit breaker must be a string that is not empty, not `{name!r}`")
        self.name = name
        self.config = config or CircuitBreakerConfig()
        self._guard = Guard(name, self.config, clock, listeners)
        # the way of a call that succeeds, without a step more than it takes
        self._machine = self._guard.machine
        self._success = self._guard.success
        self._first = self._machine.first
        self._blocks: Blocks[Ticket] = Blocks()
        older = circuit_breakers.get(name)
        if older is not None:
            self._guard.replace(older._guard)
        circuit_breakers.add(self)

    def __repr__(self) -> str:
        return f"CircuitBreaker({self.name!r}, {self.state.name})"

    @property
    def state(self) -> CircuitState:
        """The present state."""
        return self._machine.present.kind

    async def call(self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a coroutine function, and return what it returns. Raises CircuitBreakerError where that may not be now.

        A plain function may be given too; it blocks the event loop while it runs.
        """
        ticket = self._machine.closed or self._guard.admit()
        try:
            called = function(*args, **kwargs)
            result = await (called if type(called) is CoroutineType else settled(function, called))
        except BaseException as error:  # cancellation too gives its slot back
            self._guard.raised(ticket, misuse_of(function) or error)
            raise
        if ticket.quiet:
            self._success.count()
        else:
            self._guard.returned(ticket, result)
        return result

    def call_sync(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a plain function, and return what it returns. Raises CircuitBreakerError where that may not be now."""
        ticket = self._machine.closed or self._guard.admit()
        try:
            result = function(*args, **kwargs)
            if type(result) in UNFINISHED:
                check_finished(function, result)
        except BaseException as error:  # an interrupt too gives its slot back
            self._guard.raised(ticket, misuse_of(function) or error)
            raise
        if ticket.quiet:
            self._success.count()
        else:
            self._guard.returned(ticket, result)
        return result

    def __call__(self, function: F) -> F:
        """Return the function, protected: of the same kind, with the same signature and metadata.

        A generator is one call from its first step to its end; one that is left early is cancelled. A plain function that
        returns a coroutine or a future, as one does whose kind another decorator hides, returns a coroutine then, and the call
        ends with that. Raises TypeError for what is no function.
        """
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self(function.__func__))
        return protect(self._guard, function)

    def __enter__(self) -> None:
        ticket = self._machine.closed or self._guard.admit()
        if ticket is not self._first:
            self._blocks.enter(sys._getframe(1), ticket)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None and self._machine.closed is self._first and self._first.quiet:
            self._success.count()
        else:
            self._left(sys._getframe(1), error)

    async def __aenter__(self) -> None:
        ticket = self._machine.closed or self._guard.admit()
        if ticket is not self._first:
            self._blocks.enter(sys._getframe(1), ticket)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None and self._machine.closed is self._first and self._first.quiet:
            self._success.count()
        else:
            self._left(sys._getframe(1), error)

    def _left(self, frame: FrameType, error: BaseException | None) -> None:
        # nothing is kept of a block that began before the first change of state, which is nearly every one
        ticket = self._blocks.leave(frame) or self._first
        if error is None:
            self._guard.succeeded(ticket)
        else:
            self._guard.raised(ticket, error)

    def force_open(self) -> None:
        """Reject every call from now on, until `force_close` or `reset`."""
        self._machine.open()
        self._guard.announce()

    def force_close(self) -> None:
        """Let every call through from now on, however many fail, until `force_open` or `reset`."""
        self._machine.close(held=True)
        self._guard.announce()

    def reset(self) -> None:
        """Close with nothing counted yet, and take no notice of calls that began before."""
        self._machine.close(held=False)
        self._guard.announce()

    def add_listener(self, listener: Listener) -> None:
        """Call a function with each Transition from now on: in their order, outside the lock, by whatever thread is there.

        What it raises is logged once, and reaches nobody; Ctrl-C, `sys.exit()` and time limits that come in it do.
        """
        self._guard.listeners = (*self._guard.listeners, listener)


class CircuitBreakers(Mapping[str, CircuitBreaker]):
    """The circuit breakers of this process by name: of several with one name, the newest."""

    def __init__(self) -> None:
        self._newest: dict[str, CircuitBreaker] = {}
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> CircuitBreaker:
        return self._newest[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._newest))

    def __len__(self) -> int:
        return len(self._newest)

    def add(self, breaker: CircuitBreaker) -> None:
        """Let a breaker be found by its name. Every breaker does this by itself."""
        self._newest[breaker.name] = breaker

    def get_or_create(self, name: str, config: CircuitBreakerConfig | None = None) -> CircuitBreaker:
        """Return the breaker of this name, made where there is none.

        Raises ValueError where there is one whose configuration differs from the one given.
        """
        with self._lock:
            breaker = self._newest.get(name)
            if breaker is None:
                return CircuitBreaker(name, config)
            if config is not None and config != breaker.config:
                raise ValueError(
                    f"circuit breaker `{name}` exists with another configuration: use another name, or leave it out"
                )
            return breaker


circuit_breakers = CircuitBreakers()
