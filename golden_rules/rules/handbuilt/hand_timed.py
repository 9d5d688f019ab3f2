"""GR201: a duration measured with clock readings and subtraction."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.rules.base import Rule, Subject, Violation
from golden_rules.rules.handbuilt.clocks import clock_unit
from golden_rules.source.imports import reference

if TYPE_CHECKING:
    from golden_rules.source.slices import Slice

# Tests, code whose purpose is to measure, code that runs once, and code of others.
_OUT_OF_SCOPE = re.compile(
    r"(^|/)(tests?|testing|testutils?|test_utils?|benchmarks?|bench|profiling|profilers?|migrations|alembic|_?vendor(ed)?|third_party\w*)(/|$)"
    r"|(^|/)(conftest|test_[^/]*|[^/]*_tests?|[^/]*_?test_utils?|[^/]*benchmark[^/]*|bench_[^/]*)\.py$"
)


class HandTimed(Rule):
    """Finds durations."""

    code: ClassVar[str] = "GR201"
    name: ClassVar[str] = "hand-timed"
    triggers: ClassVar[tuple[str, ...]] = ("time", "clock", "now", "seconds", "perf_counter", "monotonic", "today")

    def wants(self, subject: Subject) -> bool:
        """Return whether the function reads a clock and subtracts."""
        function = subject.function
        if function.yields or function.name in ("__enter__", "__exit__", "__aenter__", "__aexit__"):
            return False
        if not any(clock_unit(subject.outline, function, call.name) for call in function.calls):
            return False
        if subject.config.is_metrics_module(subject.path) or _OUT_OF_SCOPE.search(subject.path):
            return False
        return any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) for node in ast.walk(function.node))

    def check(self, subject: Subject, piece: Slice) -> Iterator[Violation]:
        """Yield one violation for each start that a telemetry value is measured from."""
        from golden_rules.rules.handbuilt.timer_names import target_name, timing_name
        from golden_rules.rules.handbuilt.timings import timings

        outline, function = subject.outline, subject.function
        found = timings(outline, function, piece.node)
        base = metric_name(outline, function, subject.config.app_for(subject.path))
        taken: set[str] = set()
        reported: set[object] = set()
        for difference in found.differences:
            sink = difference.telemetry
            start = difference.stamp or difference.start
            if sink is None or start in reported:
                continue
            reported.add(start)
            target = target_name(found.body, difference)
            metric = timing_name(base, (difference.start, target), taken, subject.source.text)
            code = " ".join(piece.code(difference.node).split())
            yield Violation(
                span=piece.span(difference.node),
                message=f"`{target or function.qualname}` is timed by hand: `{_bare(code)}` ends in {sink.words}",
                remedy=_remedy(difference, metric),
                fix=_fix(subject, piece, found, difference, metric),
            )


def _bare(code: str) -> str:
    """Return code without the parentheses around all of it."""
    if not (code.startswith("(") and code.endswith(")")):
        return code
    inner = code[1:-1].strip()
    try:
        ast.parse(inner, mode="eval")
    except SyntaxError:
        return code
    return inner


def _remedy(difference: Difference, metric: str) -> str:
    name = difference.start if difference.start.isidentifier() else "timer"
    return f'write `{name} = timed("{metric}").start()` and, for the seconds, `{name}.stop()`'


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
    return None if edits is None else Fix(Safety.UNSAFE, f"decorate with `@{call}` and drop the log line", edits, imports)
