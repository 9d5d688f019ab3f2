"""The starts that a function measures telemetry from, each with its metric name and what would fix it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden_rules.criticality import Kind
from golden_rules.findings import Clock, Fix, ImportedName, Safety
from golden_rules.naming import metric_name
from golden_rules.rules.handbuilt.answers import is_answer
from golden_rules.rules.handbuilt.clocks import is_of_library
from golden_rules.rules.handbuilt.timer_fixes import timer_edits
from golden_rules.rules.handbuilt.timer_names import target_name, timed_name, timing_name
from golden_rules.rules.handbuilt.whole_function import decorator_edits
from golden_rules.rules.handbuilt.wrappers import yields_context
from golden_rules.source.names import resolve
from golden_rules.source.references import reference, why_no_reference
from golden_rules.source.trees import arguments

if TYPE_CHECKING:
    from golden_rules.rules.base import Subject
    from golden_rules.rules.handbuilt.timings import Difference, Timings
    from golden_rules.source.own_code import OwnCode

_IN_TWO_SERIES = "each run would be in two series, and only you know who reads the one that is there"


@dataclass(frozen=True, slots=True)
class TimedStart:
    """One clock reading that durations are measured from.

    Attributes:
        difference: The first difference from it that is telemetry.
        what: What is timed, as the finding says it.
        metric: The metric name of a timer in its place.
        series: What makes a series of the project's own of the durations, which a timer's would stand beside; `""` for none.
        safe: The fix that puts a timer there, or in words why that is not certain to keep every value.
        unsafe: The fix that decorates the function instead, and drops the log line.
    """

    difference: Difference
    what: str
    metric: str
    series: str
    safe: Fix | str
    unsafe: Fix | None


def timed_starts(subject: Subject, found: Timings) -> Iterator[TimedStart]:
    """Yield the starts of a function that telemetry is measured from, the earliest first."""
    base = metric_name(subject.outline, subject.function, *subject.config.naming(subject.path))
    taken: set[str] = set()
    text = subject.source.text
    if subject.verdict.critical and subject.verdict.kind is Kind.ENTRY_POINT and not subject.verdict.measured:
        # The plain name is for the decorator that GR101 asks for besides, which times the whole of it.
        taken.add(f"{base}.duration")
    for difference in _first_of_each_start(found, subject):
        target = target_name(found.code, difference)
        metric = timing_name(base, (difference.start, target), taken, text)
        series = found.series_of(difference)
        safe = _IN_TWO_SERIES if series else _timer(subject, found, difference, metric)
        unsafe = None if series else _decorator(subject, found, difference, metric)
        what = timed_name(found.code, difference, target, subject.function.qualname)
        yield TimedStart(difference, what, metric, series, safe, unsafe)


def measured(found: Timings, subject: Subject) -> list[Difference]:
    """Return the differences that tell how long a piece of the function's own work took, in their order."""
    lends = yields_context(subject.function)
    return [
        difference
        for difference in found.differences
        if difference.telemetry
        and not is_answer(found, subject, difference)
        and not (lends and _times_the_block(found, difference))
    ]


def _first_of_each_start(found: Timings, subject: Subject) -> list[Difference]:
    """Return the first telemetry difference of each start, the earliest start first, so that it gets the plain name."""
    firsts: dict[object, Difference] = {}
    for difference in measured(found, subject):
        firsts.setdefault(difference.stamp or difference.start, difference)
    return sorted(
        firsts.values(), key=lambda first: found.code.order(first.stamp.binding if first.stamp else first.node)
    )


def _times_the_block(found: Timings, difference: Difference) -> bool:
    """Whether a context manager hands over to its block while this is measured, so that it measures that block."""
    code = found.code
    begun = code.order(difference.stamp.binding) if difference.stamp else 0
    ended = code.order(difference.node)
    return any(begun < code.order(node) < ended for node in code.nodes if isinstance(node, ast.Yield | ast.YieldFrom))


def _timer(subject: Subject, found: Timings, difference: Difference, metric: str) -> Fix | str:
    """Return the fix that makes a timer of a start, or in words why there is none."""
    function, outline, module = subject.function, subject.outline, subject.config.runtime_module
    if difference.stamp is None:
        return f"the function does not set `{difference.start}` to the clock itself"
    if reader := _reads_all_variables(found.code):
        return f"`{reader}` sees all of the function's variables"
    spelled = reference(outline, function, module, "timed", inside=True)
    if spelled is None:
        return why_no_reference(outline, module, "timed")
    call = f'{spelled[0]}("{metric}")'
    edits = timer_edits(subject.source, function, found, difference.stamp, call)
    if isinstance(edits, str):
        return edits
    reading = difference.reading.name
    target = resolve(outline, function, reading) or ""
    # One of the project's own is there to be another one in tests.
    safety = Safety.SAFE if is_of_library(target) else Safety.UNSAFE
    clocks = (Clock(reading, target),)
    return Fix(safety, f"time with `{call}.start()`", edits, _imports(spelled), clocks=clocks)


def _decorator(subject: Subject, found: Timings, difference: Difference, metric: str) -> Fix | None:
    """Return the fix that decorates the function, where it is timed for one log line."""
    outline, function = subject.outline, subject.function
    spelled = reference(outline, function, subject.config.runtime_module, "timed")
    if spelled is None or subject.verdict.measured or _reads_all_variables(found.code):
        return None
    call = f'{spelled[0]}("{metric}")'
    edits = decorator_edits(subject.source, outline, function, found, difference, call)
    if edits is None:
        return None
    return Fix(Safety.UNSAFE, f"decorate with `@{call}`, drop the log line", edits, _imports(spelled))


def _imports(spelled: tuple[str, ImportedName | None]) -> tuple[ImportedName, ...]:
    return () if spelled[1] is None else (spelled[1],)


def _reads_all_variables(code: OwnCode) -> str:
    """Return what a function calls to read all of its variables at once, so that none may hold something else or go; or `""`."""
    for node in code.nodes:
        match node:
            case ast.Call(func=ast.Name(id="eval" | "exec" as name)) if arguments(node) == 1:
                return name
            case ast.Call(func=ast.Name(id="locals" | "vars" | "dir" as name)) if arguments(node) == 0:
                return f"{name}()"
            case _:
                pass
    return ""
