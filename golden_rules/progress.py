"""How far a long run is, on a terminal; nothing anywhere else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import IO

# Runs shorter than this many seconds show nothing; longer ones say where they are so many times a second.
_PATIENCE = 1.0
_INTERVAL = 0.1


class Progress:
    """Shows how many files are done and how long the rest will take, in one line that goes when the run ends."""

    def __init__(self, stream: IO[str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the stream to write to, if any, and what tells the time in seconds."""
        self._stream = stream if stream is not None and _is_terminal(stream) else None
        self._clock = clock
        self._files = self._size = self._done = self._done_size = self._width = 0
        self._started = self._next = 0.0

    def start(self, files: int, size: int) -> None:
        """Begin a run over so many files, of so many bytes in all."""
        self._files, self._size, self._done, self._done_size = files, size, 0, 0
        self._started = self._clock()
        self._next = self._started + _PATIENCE

    def step(self, size: int) -> None:
        """Count one more file, of so many bytes."""
        self._done += 1
        self._done_size += size
        if self._stream is None or (now := self._clock()) < self._next:
            return
        self._next = now + _INTERVAL
        left = (now - self._started) * (self._size - self._done_size) / max(self._done_size, 1)
        self._write(f"{self._done} of {self._files} files, {left:.0f} s left")

    def end(self) -> None:
        """Take the line away."""
        if self._width and self._stream is not None:
            self._write("")
            self._stream.write("\r")
            self._stream.flush()
            self._width = 0

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write("\r" + text.ljust(self._width))
            self._stream.flush()
            self._width = len(text)


def _is_terminal(stream: IO[str]) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
