"""GR201: durations measured with clock readings and subtraction."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.findings import Fix, Safety
from golden_rules.naming import metric_name
from golden_rules.rules.base import Rule, Subject, Violation
from golden_rules.rules.handbuilt.clocks import clock_unit
from golden_rules.source.imports import reference

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.timings import Difference, Timings
    from golden_rules.source.outline import Function
    from golden_rules.source.slices import Slice

# Tests, code whose purpose is to measure, code that runs once, and code of others.
_OUT_OF_SCOPE = re.compile(
    r"(^|/)(tests?|testing|test_?utils?|benchmarks?|bench|profiling|profilers?|migrations|alembic|_?vendor(ed)?|third_party\w*)(/|$)"
    r"|(^|/)(conftest|test_[^/]*|[^/]*_tests?|[^/]*_?test_utils?|[^/]*benchmark[^/]*|bench_[^/]*)\.py$"
)
_CONTEXT_MANAGER = frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__"})


class HandTimed(Rule):
    """A duration is measured with clock readings and a subtraction, for a log line, a metric or a result.

    ## What it does

    Finds differences of clock readings that end in telemetry: a log call or `print`, a metric, a field, keyword or entry
    with a name such as `elapsed`, `duration_ms` or `latency`. The clocks are those of `time`, `timeit`, `datetime` and
    `asyncio`, of Django, Pendulum and Arrow, and a project's own where their name says so (`self.clock.time()`,
    `utcnow()`).

    Readings that drive the program are left alone: a difference that is compared with a limit, slept, or subtracted from
    a timeout is a deadline, a rate limit, a back-off or the age of a cache entry. A comparison that only decides whether
    to report (`if elapsed > 1: logger.warning(...)`) is part of the report.

    ## Why is this bad?

    A duration in a log line cannot be aggregated, alerted on, or compared between releases; each place has its own clock,
    unit and name; and paths that raise or return early go unmeasured unseen. A timer of the runtime records a histogram
    under a name that follows from the function's, and still returns the seconds to those that want them.

    ## Fix safety

    The safe fix changes expressions only: the first reading becomes `timed("...").start()`, the difference `.stop()`, which
    records once and returns the seconds as a float. Where another reading may follow, it is `.elapsed`. Early returns,
    log lines and stored values stay what they were, so `.stop()` stands where the clock was read, and a path on which
    it was not read records nothing. The fix is offered where the start is a local variable that nothing else reads and
    the clock counts seconds: `time.time()`, `monotonic()`, `perf_counter()`, an event loop's `time()`; `datetime`
    where the difference is asked for its `.total_seconds()`, and nanoseconds where they are divided by a billion. A
    reading that is also stored as a timestamp, shared with another function, or compared is for you to untangle.

    Where no safe fix is possible because of the unit, and a whole function is timed for one log line at its end, the
    unsafe fix puts `@timed("...")` on the function and drops the readings and the line, with all else it said.

    The clocks' import may become unused; that is left to the linter that reports unused imports.

    ## When not to follow it

    Where the duration is the subject itself, as in a benchmark, or a timestamp of a record is compared with now. Tests,
    benchmarks, migrations, vendored code and the modules named in `metrics-modules` are left alone, and so are
    generators, context managers and decorators that measure others.
    """

    code: ClassVar[str] = "GR201"
    name: ClassVar[str] = "hand-timed"
    triggers: ClassVar[tuple[str, ...]] = ("time", "clock", "now", "seconds", "perf_counter", "monotonic", "today")

    def wants(self, subject: Subject) -> bool:
        """Return whether the function reads a clock and subtracts."""
        function = subject.function
        if function.yields or function.name in _CONTEXT_MANAGER:
            return False
        if not any(clock_unit(subject.outline, function, call.name) for call in function.calls):
            return False
        if subject.config.is_metrics_module(subject.path) or _OUT_OF_SCOPE.search(subject.path):
            return False
        return _subtracts(function) and not _wraps_another(function)

    def check(self, subject: Subject, piece: Slice) -> Iterator[Violation]:
        """Yield one violation for each start that a telemetry value is measured from."""
        from golden_rules.rules.handbuilt.timer_names import target_name, timing_name
        from golden_rules.rules.handbuilt.timings import timings

        outline, function = subject.outline, subject.function
        found = timings(outline, function, piece.node)
        base = metric_name(outline, function, subject.config.app_for(subject.path))
        taken: set[str] = set()
        for difference in _first_of_each_start(found):
            target = target_name(found.body, difference)
            metric = timing_name(base, (difference.start, target), taken, subject.source.text)
            code = " ".join(subject.source.text[slice(*piece.span(difference.node))].split())
            yield Violation(
                span=piece.span(difference.node),
                message=f"`{target or function.qualname}` is timed by hand: `{code}` ends in {difference.telemetry}",
                remedy=_remedy(difference, metric),
                fix=_fix(subject, piece, found, difference, metric),
            )


def _first_of_each_start(found: Timings) -> list[Difference]:
    """Return the first telemetry difference of each start, the earliest start first, so that it gets the plain name."""
    firsts: dict[object, Difference] = {}
    for difference in found.differences:
        if difference.telemetry:
            firsts.setdefault(difference.stamp or difference.start, difference)
    return sorted(
        firsts.values(), key=lambda first: found.body.order(first.stamp.binding if first.stamp else first.node)
    )


def _subtracts(function: Function) -> bool:
    return any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) for node in ast.walk(function.node))


def _wraps_another(function: Function) -> bool:
    """Whether a function is what a decorator returns: it calls a parameter of the function around, which returns it."""
    outer = function.parent
    if outer is None:
        return False
    arguments = outer.node.args
    parameters = {argument.arg for argument in (*arguments.posonlyargs, *arguments.args)}
    if not any(call.name in parameters for call in function.calls):
        return False
    return any(
        isinstance(node, ast.Return) and isinstance(node.value, ast.Name) and node.value.id == function.name
        for node in ast.walk(outer.node)
    )


def _remedy(difference: Difference, metric: str) -> str:
    name = difference.start if difference.start.isidentifier() else "timer"
    return f'write `{name} = timed("{metric}").start()`, and `{name}.stop()` for the seconds'


def _fix(subject: Subject, piece: Slice, found: Timings, difference: Difference, metric: str) -> Fix | None:
    """Return the safe fix; the unsafe one where only that is possible; or `None`."""
    from golden_rules.rules.handbuilt.timer_fixes import timer_edits
    from golden_rules.rules.handbuilt.whole_function import decorator_edits

    function, source = subject.function, subject.source
    spelled = reference(subject.outline, function, subject.config.runtime_module, "timed")
    if spelled is None or difference.stamp is None:
        return None
    name, needed = spelled
    call = f'{name}("{metric}")'
    imports = () if needed is None else (needed,)
    if name.partition(".")[0] not in function.bound:
        edits = timer_edits(piece, source.text, function, found, difference.stamp, call)
        if edits is not None:
            return Fix(Safety.SAFE, f"time with `{call}.start()`", edits, imports)
    if subject.verdict.measured:
        return None
    edits = decorator_edits(piece, source, function, found, difference, call)
    return None if edits is None else Fix(Safety.UNSAFE, f"decorate with `@{call}`, drop the log line", edits, imports)
