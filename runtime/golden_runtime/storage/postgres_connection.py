"""A connection to PostgreSQL that waits for an answer only so long: a server that hangs keeps the connection open, and silent."""

from __future__ import annotations

import math
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from golden_runtime.storage.session import Row

if TYPE_CHECKING:
    from psycopg.abc import PQGen

T = TypeVar("T")

# Seconds that a server gets to say that it has cancelled what Ctrl-C has cut short.
_GRACE = 1.0


class NoAnswerError(psycopg.OperationalError):
    """The server has said nothing for as long as it was given; what it was asked to do may be done all the same."""


class PatientConnection(psycopg.Connection[Row]):
    """A connection that is hung up once the server owes an answer for `patience` seconds."""

    patience: float = math.inf

    def wait(self, gen: PQGen[T], *args: Any, **kwargs: Any) -> T:
        """Wait for what `gen` waits for. Raises NoAnswerError; then the connection is closed."""
        try:
            return super().wait(_within(self.patience, gen), *args, **kwargs)
        except NoAnswerError as silent:
            self._hang_up()
            # before 3.3 psycopg lets what goes wrong with cancelling take the place of Ctrl-C
            if isinstance(silent.__context__, KeyboardInterrupt):
                raise silent.__context__ from None
            raise

    def _hang_up(self) -> None:
        # closing alone says goodbye first, which waits for a server that reads no more
        with suppress(OSError), socket.fromfd(self.pgconn.socket, socket.AF_INET, socket.SOCK_STREAM) as ours:
            ours.shutdown(socket.SHUT_RDWR)
        self.close()


def _within(seconds: float, gen: PQGen[T]) -> PQGen[T]:
    """Go through a generator of psycopg's, which goes on ten times a second, whether or not there is something to read.

    What it is told to be ready need not be: psycopg 3.2.1 in C says of a silent socket, too, that there is something to read.
    It is told nothing where psycopg begins anew to wait for it, having asked the server to cancel it after Ctrl-C.
    """
    until = time.monotonic() + seconds
    is_cancelled = False
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready is None:
                is_cancelled = True
                until = min(until, time.monotonic() + _GRACE)
                wanted = next(gen)
            else:
                wanted = gen.send(ready)
            if time.monotonic() >= until:
                raise NoAnswerError(f"no answer in {seconds:g} seconds")
    except psycopg.errors.LockNotAvailable as sooner:
        # the server has given up by itself just then, of which psycopg would complain to people, and close the connection
        if is_cancelled:
            raise psycopg.errors.QueryCanceled from sooner
        raise
    except StopIteration as ended:
        value: T = ended.value
        return value
