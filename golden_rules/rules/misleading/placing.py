"""Where measuring decorators stand on functions and classes, and where they would measure the work."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.findings import Edit, Fix, Safety, without_fix_as
from golden_rules.rules.applied import Applied, applied
from golden_rules.rules.barriers import Barrier, Loss, barrier, is_measuring, is_prometheus
from golden_rules.rules.base import ClassSubject, Subject, Violation
from golden_rules.rules.placement import is_unfinished, out_of_order

_WHY = {
    Loss.TAKEN: "which has taken `{function}` before it is measured: what is called from there is not measured",
    Loss.NO_FUNCTION: "which makes no function of `{function}`: importing the module fails",
    Loss.CREATION: "so it measures how the context manager is made, not the block that it is for",
    Loss.CACHED: "so it measures look-ups in the cache along with the work, and hides the cache's own methods",
}


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A measuring decorator that stands wrong.

    Attributes:
        below: The decorators that it must stand below, the outermost first; none where no place is right.
        order: The decorator on whose other side `decorator-order` puts it, and whether that is below.
        message: What is wrong, where no place is right; `remedy` likewise, and `no_fix`, why no fix does that.
    """

    entry: Applied
    below: tuple[Barrier, ...] = ()
    order: tuple[Applied, bool] | None = None
    message: str = ""
    remedy: str = ""
    no_fix: str = ""


def misplaced(subject: Subject) -> Iterator[Misplaced]:
    """Yield the measuring decorators of a function that stand wrong."""
    function = subject.function
    entries = list(applied(subject.outline, function, subject.config))
    measuring = [entry for entry in entries if is_measuring(entry, subject.config)]
    if not measuring:
        return
    barriers = [found for entry in entries if (found := barrier(entry)) is not None]
    for entry in measuring:
        below = tuple(found for found in barriers if found.index > entry.index and not found.lets_pass(entry))
        order = out_of_order(subject, entry)
        if below:
            yield Misplaced(entry, below, order if order and order[1] else None)
        elif is_unfinished(function):
            message = (
                f"`@{entry.written}` measures nothing on `{function.qualname}`: what implements it is not measured"
            )
            why = "these may stand in other files"
            yield Misplaced(entry, message=message, remedy="put it on the implementations", no_fix=why)
        elif (function.is_async or function.yields) and is_prometheus(entry, subject.outline):
            made = "generator" if function.yields else "coroutine"
            message = f"`@{entry.written}` measures none of the work of `{function.qualname}`: it ends as soon as the {made} is made"
            remedy, why = "use the runtime's decorators, or a `with` block inside", "those have series of other names"
            yield Misplaced(entry, message=message, remedy=remedy, no_fix=why)
        elif order is not None:
            yield Misplaced(entry, order=order)


def on_class(subject: ClassSubject) -> Iterator[Applied]:
    """Yield the runtime's decorators on a class, where none of them can stand."""
    module = subject.module
    return (entry for entry in applied(module.outline, subject.owner, module.config) if entry.name)


def class_misplacement(subject: ClassSubject, span: tuple[int, int], entry: Applied) -> Violation:
    """Return what is to be said of a decorator on a class, at the place where it stands."""
    return Violation(
        span,
        f"`@{entry.written}` stands on the class `{subject.owner.qualname}`, and measures functions only",
        without_fix_as("put it on the methods that do the work", "only you know which these are"),
    )


def misplacement(subject: Subject, span: tuple[int, int], found: Misplaced) -> Violation:
    """Return what is to be said of a decorator that stands wrong, at the place where it stands."""
    if found.below:
        return _below_barriers(subject, span, found)
    if found.order is None:
        return Violation(span, found.message, without_fix_as(found.remedy, found.no_fix))
    (other, is_below), written = found.order, found.entry.written
    stands, wanted = ("above", "below") if is_below else ("below", "above")
    return Violation(
        span,
        f"`@{written}` stands {stands} `@{other.written}`, and `decorator-order` puts it {wanted}",
        f"put it {wanted} `@{other.written}`",
        Fix(
            Safety.UNSAFE,
            f"move `@{written}` {wanted} `@{other.written}`",
            _move(subject, found.entry.index, other.index + is_below),
        ),
    )


def _below_barriers(subject: Subject, span: tuple[int, int], found: Misplaced) -> Violation:
    last, written = found.below[-1], found.entry.written
    place = last.index
    safe = all(passed.loss in (Loss.TAKEN, Loss.NO_FUNCTION) for passed in found.below)
    if found.order is not None and found.order[0].index > place:
        place, safe = found.order[0].index, False
    return Violation(
        span,
        f"`@{written}` stands above `@{last.written}`, {_WHY[last.loss].format(function=subject.function.qualname)}",
        f"put it below `@{last.written}`",
        Fix(
            Safety.SAFE if safe else Safety.UNSAFE,
            f"move `@{written}` below `@{last.written}`",
            _move(subject, found.entry.index, place + 1),
        ),
    )


def _move(subject: Subject, index: int, place: int) -> tuple[Edit, Edit]:
    """Move the lines of one decorator to where those above would be `place`; what stands between and the comments stay."""
    source, nodes = subject.source, subject.function.node.decorator_list
    start, end = source.line_start(nodes[index].lineno), _line_after(subject, nodes[index])
    at = _line_after(subject, nodes[place - 1]) if place > index else source.line_start(nodes[place].lineno)
    return Edit(start, end, ""), Edit(at, at, source.text[start:end])


def _line_after(subject: Subject, node: ast.expr) -> int:
    return subject.source.line_start((node.end_lineno or node.lineno) + 1)
