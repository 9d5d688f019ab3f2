"""What a file defines that measures what it stands around: decorators, context managers, classes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

from golden_rules.rules.base import ModuleSubject
from golden_rules.rules.handbuilt.measuring import measures, times_block
from golden_rules.rules.handbuilt.metric_modules import counts_for_others
from golden_rules.rules.handbuilt.wrappers import decorated_by, yields_context
from golden_rules.rules.scope import in_runtime, out_of_scope
from golden_rules.source.outline import Class, Function

_COUNTERPARTS = {
    "timing": "`@timed`, or `timed(...)` around a block",
    "counting": "`@counted`",
    "tracing": "`@traced`",
}
_BLOCK_METHODS = frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__"})


class Helper(NamedTuple):
    """Something of a project's own that measures what it stands around.

    Attributes:
        around: The decorator, generator or class.
        kind: What it is, in words: "timing decorator".
        what: What it does: "timing", "counting" or "tracing".
        why: What it measures with, in the code's own terms.
    """

    around: Function | Class
    kind: str
    what: str
    why: str

    @property
    def message(self) -> str:
        """What a finding says of it."""
        return f"`{self.around.qualname}` is a {self.kind} of the project's own: {self.why}"

    @property
    def remedy(self) -> str:
        """What to write instead of it."""
        return f"use {_COUNTERPARTS[self.what]}, or name it in `measured-by`"


def homemade(subject: ModuleSubject) -> Iterator[Helper]:
    """Yield what a file defines that measures what it stands around, where that is no business of the file."""
    if out_of_scope(subject.path) or counts_for_others(subject.path, subject.config):
        return
    if in_runtime(subject.outline, subject.config):
        return
    for helper in measuring_helpers(subject):
        target = f"{subject.outline.module}.{helper.around.qualname}"
        if not any(target == entry or target.startswith(entry + ".") for entry in subject.config.measured_by):
            yield helper


def goes_with_helper(subject: ModuleSubject, function: Function) -> bool:
    """Whether a function measures others, or one of the file's own decorators measures it: a series of its own would be one too many."""
    return _measures_others(subject, function) or _measured_by_helper(subject, function)


def _measures_others(subject: ModuleSubject, function: Function) -> bool:
    """Whether a function is, or stands in, a decorator or context manager that measures others, whoever approves of it.

    A series of its own would record each call of the others a second time, or how long it takes to decorate them.
    """
    if function.owner is not None and function.name in _BLOCK_METHODS:
        return any(helper.around is function.owner for helper in measuring_helpers(subject))
    if not (function.parent or function.nested or yields_context(function)):
        return False
    around = {helper.around for helper in measuring_helpers(subject)}
    return not around.isdisjoint(function.scopes())


def _measured_by_helper(subject: ModuleSubject, function: Function) -> bool:
    """Whether a decorator that the file itself defines measures a function, whatever it is called."""
    if not any(name in subject.outline.bound for name in function.decorators):
        return False
    return any(
        isinstance(helper.around, Function)
        and helper.around.parent is None
        and helper.around.name in function.decorators
        for helper in measuring_helpers(subject)
    )


# Asked for by several rules, and for findings as well as for facts.
@functools.lru_cache(maxsize=1)
def measuring_helpers(subject: ModuleSubject) -> tuple[Helper, ...]:
    """Return the decorators, generators and classes of a file that measure what they stand around."""
    return tuple(_measuring_helpers(subject))


def _measuring_helpers(subject: ModuleSubject) -> Iterator[Helper]:
    seen: set[Function] = set()
    for wrapper, decorator in decorated_by(subject.outline):
        if decorator in seen or (found := measures(subject, wrapper)) is None:
            continue
        seen.add(decorator)
        yield Helper(decorator, f"{found.what} decorator", found.what, f"what it returns {found.how}")
    for function in subject.outline.functions:
        if function.parent is None and yields_context(function) and (found := measures(subject, function)) is not None:
            yield Helper(function, f"{found.what} context manager", found.what, f"it {found.how} around its block")
    for owner in subject.outline.classes:
        if reading := times_block(subject, owner):
            yield Helper(
                owner, "timing context manager", "timing", f"it reads `{reading}` where its block starts and ends"
            )
