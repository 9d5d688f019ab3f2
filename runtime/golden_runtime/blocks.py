"""Which `with` block of a shared context manager is which."""

from __future__ import annotations

from types import FrameType
from typing import Generic, TypeVar

T = TypeVar("T")


class Blocks(Generic[T]):
    """What each block that is open on one context manager was given when it was entered.

    Blocks are told apart by the frame that the `with` stands in. Threads, tasks and recursive calls each have a frame of
    their own, which lives until its block ends, and blocks of one frame nest. Neither threads nor context variables would
    do: a web framework may enter and leave one block in two threads.
    """

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[int, list[T]] = {}

    def enter(self, frame: FrameType, item: T) -> None:
        """Keep what a block is given."""
        self._open.setdefault(_block_of(frame), []).append(item)

    def leave(self, frame: FrameType) -> T | None:
        """Return what the block was given; None where it was never entered."""
        block = _block_of(frame)
        if block not in self._open:
            # an exit stack that was handed on: entered in one frame, left in another
            block = next(reversed(list(self._open)), block)
        try:
            item = self._open[block].pop()
            if not self._open[block]:
                del self._open[block]
        except LookupError:
            return None
        return item


def _block_of(frame: FrameType) -> int:
    while frame.f_back is not None and frame.f_globals.get("__name__") == "contextlib":
        frame = frame.f_back
    return id(frame)
