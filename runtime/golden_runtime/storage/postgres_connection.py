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


class NoAnswerError(psycopg.OperationalError):
    """The server has said nothing for as long as it was given; what it was asked to do may be done all the same."""


class PatientConnection(psycopg.Connection[Row]):
    """A connection that is hung up once the server owes an answer for `patience` seconds."""

    patience: float = math.inf

    def wait(self, gen: PQGen[T], *args: Any, **kwargs: Any) -> T:
        """Wait for what `gen` waits for. Raises NoAnswerError; then the connection is closed."""
        try:
            return super().wait(_within(self.patience, gen), *args, **kwargs)
        except NoAnswerError:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        # closing alone says goodbye first, which waits for a server that reads no more
        with suppress(OSError), socket.fromfd(self.pgconn.socket, socket.AF_INET, socket.SOCK_STREAM) as ours:
            ours.shutdown(socket.SHUT_RDWR)
        self.close()


def _within(seconds: float, gen: PQGen[T]) -> PQGen[T]:
    """Go through a generator of psycopg's, which goes on ten times a second, whether or not there is something to read.

    What it is told to be ready need not be: psycopg 3.2.1 in C says of a silent socket, too, that there is something to read.
    """
    until = time.monotonic() + seconds
    try:
        wanted = next(gen)
        while True:
            wanted = gen.send((yield wanted))
            if time.monotonic() >= until:
                raise NoAnswerError(f"no answer in {seconds:g} seconds")
    except StopIteration as ended:
        value: T = ended.value
        return value
