"""GR201: a duration measured with clock readings and subtraction."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.rules.base import Rule, Subject, Violation
from golden_rules.rules.handbuilt.clocks import clock_unit

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
        """Yield one violation for each start whose difference is telemetry."""
        from golden_rules.rules.handbuilt.timings import timings

        found = timings(subject.outline, subject.function, piece.node)
        seen = set()
        for difference in found.differences:
            sink = difference.telemetry
            if sink is None:
                continue
            key = id(difference.stamp) if difference.stamp else difference.start
            if key in seen:
                continue
            seen.add(key)
            yield Violation(piece.span(difference.node), f"`{piece.code(difference.node)}` ends in {sink.words}", "x")
