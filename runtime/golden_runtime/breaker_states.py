"""The states of a circuit breaker: who may call, and what each outcome leads to. No metrics, no logging, no user code.

Every state a breaker enters is an object of its own, and each call is handed a ticket that belongs to the state it began in.
That is the guard against late results: one that comes back to a state that is over changes nothing, because the object it
changes is no longer the present one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from golden_runtime.breaker_config import CircuitBreakerConfig


class CircuitState(StrEnum):
    """The states of a circuit breaker, as the label `state` shows them."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a call may not begin, and in how many seconds one may."""

    state: CircuitState
    retry_after: float


class Closed:
    """Calls pass. It is also the ticket of all of them.

    `quiet` says that a success changes nothing here, so that the caller may leave out telling.
    """

    __slots__ = ("consecutive", "held", "quiet", "window")

    kind = CircuitState.CLOSED

    def __init__(self, window: deque[bool] | None, *, held: bool) -> None:
        self.consecutive = 0
        self.window = window
        self.held = held
        self.quiet = False


class Open:
    """Calls are rejected until a time of the breaker's clock, in seconds."""

    __slots__ = ("until",)

    kind = CircuitState.OPEN

    def __init__(self, until: float) -> None:
        self.until = until


class HalfOpen:
    """A few calls pass, as probes. The slots that are taken are the keys of `probes`."""

    __slots__ = ("probes", "successes")

    kind = CircuitState.HALF_OPEN

    def __init__(self) -> None:
        self.probes: dict[Probe, float] = {}
        self.successes = 0

    def free_expired(self, now: float) -> None:
        """Free the slots of probes that took too long: whatever they report after that no longer counts."""
        for probe in [probe for probe, expires in self.probes.items() if expires <= now]:
            del self.probes[probe]


class Probe:
    """The ticket of a call that tests whether the breaker may close."""

    __slots__ = ("half_open",)

    quiet = False
    window = None

    def __init__(self, half_open: HalfOpen) -> None:
        self.half_open = half_open


Ticket: TypeAlias = Closed | Probe
State: TypeAlias = Closed | Open | HalfOpen


class Machine:
    """Moves between the states. Threads may share it; no method waits for anything but the others' few steps.

    `closed` is the present state while that is `Closed`, else None. It is read without the lock: a call that reads it just
    before the breaker opens is a call that began before. `first` is the state it began in, which never comes back.
    """

    __slots__ = ("_clock", "_config", "_lock", "_quiet", "closed", "first", "present", "transitions")

    def __init__(self, config: CircuitBreakerConfig, clock: Callable[[], float], *, quiet: bool) -> None:
        self._config = config
        self._clock = clock
        self._quiet = quiet
        # Reentrant, because a signal handler may make a call of its own while this thread is in here.
        self._lock = threading.RLock()
        self.transitions: deque[tuple[CircuitState, CircuitState]] = deque()
        self.first = self._new_closed()
        self.present: State = self.first
        self.closed: Closed | None = self.first

    def admit(self) -> Ticket | Rejection:
        """Return a ticket for a call that may begin now, or why it may not."""
        now = self._clock()
        with self._lock:
            present = self.present
            if isinstance(present, Open):
                if now < present.until:
                    return Rejection(CircuitState.OPEN, present.until - now)
                present = HalfOpen()
                self._enter(present)
            if isinstance(present, Closed):
                return present
            return self._admit_probe(present, now)

    def _admit_probe(self, half_open: HalfOpen, now: float) -> Probe | Rejection:
        if len(half_open.probes) >= self._config.half_open_max_calls:
            half_open.free_expired(now)
        if len(half_open.probes) >= self._config.half_open_max_calls:
            return Rejection(CircuitState.HALF_OPEN, min(half_open.probes.values()) - now)
        probe = Probe(half_open)
        half_open.probes[probe] = now + self._config.probe_timeout
        return probe

    def succeeded(self, ticket: Ticket) -> None:
        """Take note that a call succeeded."""
        if isinstance(ticket, Probe):
            self._probe_succeeded(ticket)
        elif ticket.window is not None:
            ticket.window.append(False)
        elif ticket.consecutive or self._quiet:
            with self._lock:
                ticket.consecutive = 0
                ticket.quiet = self._quiet

    def _probe_succeeded(self, probe: Probe) -> None:
        with self._lock:
            if not self._return(probe):
                return
            probe.half_open.successes += 1
            if probe.half_open.successes >= self._config.success_threshold:
                self._enter(self._new_closed())

    def failed(self, ticket: Ticket) -> None:
        """Take note that a call failed."""
        now = self._clock()
        with self._lock:
            trips = self._return(ticket) if isinstance(ticket, Probe) else self._trips(ticket)
            if trips:
                self._enter(Open(now + self._config.timeout_seconds))

    def _trips(self, closed: Closed) -> bool:
        """Count a failure, and say whether it is one too many."""
        if closed is not self.present or closed.held:
            return False
        if closed.window is None:
            closed.quiet = False
            closed.consecutive += 1
            return closed.consecutive >= self._config.failure_threshold
        closed.window.append(True)
        calls = len(closed.window)
        if calls < self._config.fewest_calls or self._config.failure_rate_threshold is None:
            return False
        # counted at each failure, not kept: successes then need no lock, and a count of 100 takes a microsecond
        return closed.window.count(True) / calls >= self._config.failure_rate_threshold

    def cancelled(self, ticket: Ticket) -> None:
        """Take note that a call ended without telling anything: a probe gives its slot back."""
        if isinstance(ticket, Probe):
            with self._lock:
                self._return(ticket)

    def _return(self, probe: Probe) -> bool:
        """Give a probe's slot back, and say whether its result counts."""
        held = probe.half_open.probes.pop(probe, None) is not None
        return held and probe.half_open is self.present

    def open(self) -> None:
        """Open, and stay open until `close` is called."""
        with self._lock:
            self._enter(Open(float("inf")))

    def close(self, *, held: bool) -> None:
        """Close with nothing counted; where `held`, no failure opens it."""
        with self._lock:
            self._enter(self._new_closed(held=held))

    def _new_closed(self, *, held: bool = False) -> Closed:
        by_rate = self._config.failure_rate_threshold is not None
        return Closed(deque(maxlen=self._config.window_size) if by_rate else None, held=held)

    def _enter(self, state: State) -> None:
        closed = state if isinstance(state, Closed) else None
        before = self.present
        # one step, see `turns`: with only one of them set, an open breaker would let every call through
        self.present, self.closed = state, closed
        if before.kind is not state.kind:
            self.transitions.append((before.kind, state.kind))
