"""Which `with` block of a shared context manager is which."""

from __future__ import annotations

import contextlib
from types import FrameType
from typing import Generic, TypeVar

T = TypeVar("T")


class Blocks(Generic[T]):
    """What the blocks that are open on one context manager were given when they were entered.

    Blocks are told apart by the frame that the `with` stands in. Threads, tasks and recursive calls each have a frame of
    their own, which lives until its block ends, and blocks of one frame nest. Neither threads nor context variables would
    do: a web framework may enter and leave one block in two threads.
    """

    __slots__ = ("_stacked", "_standing")

    def __init__(self) -> None:
        self._standing: dict[int, list[T]] = {}
        # those entered by an exit stack, which may be handed on: entered in one frame, left in another
        self._stacked: dict[int, list[T]] = {}

    def enter(self, frame: FrameType, given: T) -> None:
        """Keep what the block that `frame` enters is given."""
        outer = _outside_contextlib(frame)
        blocks = self._standing if outer is frame else self._stacked
        blocks.setdefault(id(outer), []).append(given)

    def leave(self, frame: FrameType) -> T | None:
        """Return what the block that `frame` leaves was given; None where nothing was kept of it."""
        outer = _outside_contextlib(frame)
        if outer is frame:
            return _pop(self._standing, id(outer))
        given = _pop(self._stacked, id(outer))
        return _pop(self._stacked, next(reversed(list(self._stacked)), 0)) if given is None else given


def _pop(blocks: dict[int, list[T]], key: int) -> T | None:
    kept = blocks.get(key)
    if kept is None:
        return None
    given = kept.pop()
    if not kept:
        del blocks[key]
    return given


def _outside_contextlib(frame: FrameType) -> FrameType:
    while frame.f_back is not None and frame.f_globals is contextlib.__dict__:
        frame = frame.f_back
    return frame
