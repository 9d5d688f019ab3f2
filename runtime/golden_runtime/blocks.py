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
    do: a web framework may enter and leave one block in two threads. An exit stack is its own place, for it may be handed
    on: its blocks are entered in one frame and left in another.
    """

    __slots__ = ("_stacked", "_standing")

    def __init__(self) -> None:
        self._standing: dict[int, list[T]] = {}
        self._stacked: dict[int, list[T]] = {}

    def enter(self, frame: FrameType, given: T) -> None:
        """Keep what the block that `frame` enters is given."""
        stack = _exit_stack(frame)
        blocks, place = (self._standing, frame) if stack is None else (self._stacked, stack)
        blocks.setdefault(id(place), []).append(given)

    def leave(self, frame: FrameType) -> T | None:
        """Return what the block that `frame` leaves was given; None where nothing was kept of it."""
        stack = _exit_stack(frame)
        return _pop(self._standing, id(frame)) if stack is None else _pop(self._stacked, id(stack))


def _pop(blocks: dict[int, list[T]], key: int) -> T | None:
    kept = blocks.get(key)
    if kept is None:
        return None
    given = kept.pop()
    if not kept:
        del blocks[key]
    return given


def _exit_stack(frame: FrameType) -> object:
    """Return what makes up the exit stack that a method of contextlib works for; None where `frame` is no such method.

    That is its callbacks, which `pop_all` hands on to another stack. They are left last in, first out, as blocks nest.
    """
    if frame.f_globals is not contextlib.__dict__:
        return None
    return getattr(frame.f_locals.get("self"), "_exit_callbacks", None)
