"""GR207: metrics and instrumentation helpers that nothing in the project uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import ClassVar

from golden_rules.findings import NAMES, Fact, without_fix_as
from golden_rules.naming import module_parts
from golden_rules.rules.base import Bad, Good, ModuleSubject, Observation, ProjectRule, ProjectViolation
from golden_rules.rules.handbuilt.definitions import Definition, definitions
from golden_rules.rules.handbuilt.unused_fixes import unused_fix
from golden_rules.rules.scope import in_runtime, out_of_scope
from golden_rules.source.mentions import any_name, looks_up_itself


class UnusedInstrumentation(ProjectRule):
    """A metric or an instrumentation helper is defined, and nothing in the whole project uses it.

    ## What it does

    Finds, at the top level of modules, metric objects, decorators and context managers that measure, and functions of the
    metrics modules that feed a metric, whose name no other code mentions: not in its own file, not by import or
    attribute in another, not in a text (`getattr`, `__all__`, a registry of names). It looks when the whole project is checked, and
    says nothing of files that look up their own names (`globals()`, a `__getattr__`).

    What is used by being there is left alone: collectors, gauges with a function (`set_function`), information
    metrics, and everything under a decorator that registers it. So is a public decorator or context manager that stands neither
    in a metrics module nor among a project's own utilities (`utils.py`, `_timing.py`, `common/`): it may be what a library offers.

    ## Why is this bad?

    Whoever reads the metrics module believes that the series exists. A dashboard on it stays empty, an alert on it never
    fires, and the code is kept up for nobody.

    ## Fix safety

    The fix deletes the definition, with its decorators and the comment right above it, and the imports that only it used. What
    that leaves unused goes in the same run. It is unsafe: nothing in the project's folder mentions the name, also not its settings,
    notebooks, and files that are not checked, but another project may import it; and perhaps it should have been used, which only
    you can say.

    Left to you is what stands under a condition or is defined more than once, what comments or texts of its file still
    mention, what does more than define (an argument that is a call, a base class that may know its subclasses), and what stands in
    a package's `__init__.py`.

    ## When not to follow it

    In a library whose helpers are used by others: name them in `__all__`, or import them in the package's `__init__.py`.
    Where a template, a notebook or another repository uses the metric, which the rule cannot see.
    """

    code: ClassVar[str] = "GR207"
    name: ClassVar[str] = "unused-instrumentation"
    asks_for_names: ClassVar[bool] = True
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
from prometheus_client import Counter

PLACED = Counter("orders_placed", "Orders placed.")
REFUNDED = Counter("orders_refunded", "Orders refunded.")


def place(order):
    order.save()
    PLACED.inc()
""",
            """\
from prometheus_client import Counter

PLACED = Counter("orders_placed", "Orders placed.")


def place(order):
    order.save()
    PLACED.inc()
""",
            unsafe=True,
        ),
        Bad(
            """\
import time
from contextlib import contextmanager


@contextmanager
def log_duration(log, label):
    start = time.perf_counter()
    try:
        yield
    finally:
        log.info("%s took %.1f s", label, time.perf_counter() - start)


def told(orders):
    return ", ".join(orders)
""",
            """\
def told(orders):
    return ", ".join(orders)
""",
            unsafe=True,
            path="src/shop/telemetry.py",
        ),
        Bad(
            """\
import time
from contextlib import contextmanager

try:
    from shop.clock import now
except ImportError:
    now = time.monotonic

    @contextmanager
    def log_duration(log):
        start = time.monotonic()
        yield
        log.info("took %.1f s", time.monotonic() - start)
""",
            path="src/shop/telemetry.py",
        ),
        Good(
            """\
from prometheus_client import Counter, Gauge

PLACED = Counter("orders_placed", "Orders placed.")
DEPTH = Gauge("queue_depth", "Orders that wait.")
DEPTH.set_function(lambda: 0)


def place(order):
    order.save()
    PLACED.inc()
""",
            "one is fed, one reads its value itself",
        ),
        Good(
            """\
from prometheus_client import Counter

__all__ = ["PLACED"]

PLACED = Counter("orders_placed", "Orders placed.")
""",
            "exported for others",
            path="src/shop/metrics.py",
        ),
    )

    def observe(self, subject: ModuleSubject) -> Iterator[Observation]:
        """Yield what a file defines of its own instrumentation, and does not use itself."""
        if out_of_scope(subject.path) or in_runtime(subject.outline, subject.config):
            return
        defined = list(definitions(subject))
        if not defined or looks_up_itself(subject.source.text):
            return
        for definition in defined:
            fix = unused_fix(subject, definition)
            reason = fix if isinstance(fix, str) else ""
            yield Observation(
                (definition.name, definition.kind, reason),
                _span(subject, definition),
                fix=None if isinstance(fix, str) else fix,
            )

    def conclude(self, facts: Sequence[Fact], *, whole: bool) -> Iterator[ProjectViolation]:
        """Yield one violation for each definition that no file mentions."""
        if not whole:
            return
        mentioned = {name for fact in facts if fact.code == NAMES for name in fact.data}
        for fact in facts:
            if fact.code != self.code or not mentioned.isdisjoint(
                (fact.data[0], any_name(".".join(module_parts(fact.path))))
            ):
                continue
            name, kind, reason = fact.data
            yield ProjectViolation(
                fact,
                f"nothing uses `{name}`, {kind}",
                without_fix_as("delete it, or use it where it was meant", str(reason)),
            )


def _span(subject: ModuleSubject, definition: Definition) -> tuple[int, int]:
    node, source = definition.node, subject.source
    start = source.offset(node.lineno, node.col_offset)
    if isinstance(node, ast.Name):
        return start, start + len(node.id)
    return start, source.line_end(node.lineno)
