"""Which increments of a function are telemetry, and which of them count its errors."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass

from golden_rules.rules.base import Subject
from golden_rules.rules.handbuilt.counter_reads import usage
from golden_rules.rules.handbuilt.counter_words import (
    counts_hits,
    feeds_metrics,
    holds_results,
    is_amount,
    is_state,
    is_store,
    is_sure_count,
    speaks_of_errors,
    speaks_of_events,
)
from golden_rules.rules.handbuilt.increments import Increment, increments, may_increment
from golden_rules.rules.handbuilt.metric_helpers import only_feeds_metrics
from golden_rules.rules.handbuilt.metric_modules import (
    comes_from_instrumentation,
    counts_for_others,
    draws_a_screen,
    is_one_off,
)
from golden_rules.rules.handbuilt.wrappers import wraps_another, yields_context
from golden_rules.rules.scope import in_runtime, is_benchmark, out_of_scope
from golden_rules.source.outline import Function
from golden_rules.source.trees import dotted

# Exceptions that say how a search or a queue stands, and no failure.
_ORDINARY = frozenset(
    {
        "Empty", "QueueEmpty", "Full", "QueueFull", "StopIteration", "StopAsyncIteration", "KeyError", "IndexError", "AttributeError", "LookupError",
        "ImportError", "ModuleNotFoundError", "FileNotFoundError", "FileExistsError", "DoesNotExist", "ObjectDoesNotExist", "NoResultFound", "NotFound",
        "CancelledError", "GeneratorExit", "KeyboardInterrupt", "SystemExit", "EOFError", "BlockingIOError", "WouldBlock",
    }
)  # fmt: skip
# Those by which a queue says that its other side is faster, or slower.
_QUEUE_STANDS = frozenset({"Empty", "QueueEmpty", "Full", "QueueFull", "BlockingIOError", "WouldBlock"})
_FAILED = re.compile(r"(^|_)(errors?|fail\w*|exceptions?)(_|$)")


@dataclass(frozen=True, slots=True)
class Counted:
    """The increments of a function that are telemetry.

    Attributes:
        errors: Those that count failures which an `except` clause catches.
        events: The others.
    """

    errors: tuple[Increment, ...] = ()
    events: tuple[Increment, ...] = ()


def counted(subject: Subject) -> Counted:
    """Return what a function counts by hand for others to read."""
    return _counted(subject)


@functools.lru_cache(maxsize=1)
def _counted(subject: Subject) -> Counted:
    function = subject.function
    if not may_increment(function):
        return Counted()
    if out_of_scope(subject.path) or is_benchmark(function.qualname) or counts_for_others(subject.path, subject.config):
        return Counted()
    owner = function.owner
    if owner is not None and feeds_metrics(owner.name):
        return Counted()
    if in_runtime(subject.outline, subject.config) or wraps_another(function):
        # What counts for others is homemade instrumentation as a whole (GR206).
        return Counted()
    found = tuple(increments(subject.outline, function))
    for_others = yields_context(function) or only_feeds_metrics(function, {item.node for item in found})
    errors: list[Increment] = []
    events: list[Increment] = []
    for increment in found:
        if increment.metric and (for_others or is_amount(increment.word)):
            # What feeds metrics around a block, or does nothing else, is homemade instrumentation, too; what a class counts in its
            # own attributes there is its own.
            continue
        if _is_back_pressure(increment):
            continue
        if _counts_failures(increment):
            if increment.metric or _is_telemetry(subject, increment):
                errors.append(increment)
        elif _is_own_event(subject, increment) if increment.metric else _is_telemetry(subject, increment):
            events.append(increment)
    return Counted(tuple(errors), tuple(events))


def _counts_failures(increment: Increment) -> bool:
    """Whether an increment stands where a failure was caught, and counts that."""
    if not increment.handlers:
        return False
    if increment.metric:
        return not _is_ordinary(increment.handlers[0])
    return speaks_of_errors(increment.word)


def _is_ordinary(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return False
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(dotted(item).rpartition(".")[2] in _ORDINARY for item in types)


def _is_back_pressure(increment: Increment) -> bool:
    """Whether an attribute counts that a queue was full or empty, by a name that speaks of no error: `self.dropped += 1`."""
    if increment.metric or not increment.handlers or _FAILED.search(increment.word):
        return False
    kinds = increment.handlers[0].type
    types = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    return all(item is not None and dotted(item).rpartition(".")[2] in _QUEUE_STANDS for item in types)


def _is_own_event(subject: Subject, increment: Increment) -> bool:
    """Whether a metric counts what the function does, rather than being one of the domain that is fed from here.

    What the metrics modules define may be fed from anywhere; yet one more for each call of the function is a call count,
    and what is named here is defined here, whoever made the client.
    """
    if not increment.branch or increment.named:
        return True
    return not comes_from_instrumentation(subject.outline, subject.function, increment.counter, subject.config)


def _is_telemetry(subject: Subject, increment: Increment) -> bool:
    """Whether a number is one of the program's statistics: kept among them or told with them, and used for nothing else."""
    target = increment.target
    store = None if target is None else _is_store_of_own(subject.function, target)
    if target is None or store is None or _holds_results(subject.function):
        return False
    if is_one_off(subject.path) or draws_a_screen(subject.path):
        return False
    word = increment.word
    if is_state(word) and not is_sure_count(word):
        return False
    use = usage(subject.outline, target)
    if not use.only_reports:
        return False
    if store or _counts_failures(increment):
        # A name that speaks of errors where an error was caught says enough.
        return True
    # `self.calls[tool] += 1` is a tally by name, which is data more often than not.
    is_tally = isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant)
    return not is_tally and ((use.told and speaks_of_events(word)) or (counts_hits(word) and not use.readings))


def _is_store_of_own(function: Function, target: ast.expr) -> bool | None:
    """Return whether a variable is kept in a store of counters; `None` where it is not kept beyond the call."""
    if isinstance(target, ast.Name):
        return False
    root: ast.expr = target
    names = []
    while isinstance(root, ast.Attribute | ast.Subscript):
        if isinstance(root, ast.Attribute):
            names.append(root.attr)
        root = root.value
    if not isinstance(root, ast.Name):
        return None
    if root.id not in ("self", "cls") and function.is_local(root.id):
        return None
    names.append(root.id)
    return any(is_store(name) for name in (names if isinstance(target, ast.Subscript) else names[1:]))


def _holds_results(function: Function) -> bool:
    return any(scope.owner is not None and holds_results(scope.owner.name) for scope in function.scopes())
