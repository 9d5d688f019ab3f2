"""GR206: a project's own decorators and context managers that time, count or trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from golden_rules.findings import Fact, Fix, without_fix_as
from golden_rules.rules.base import (
    Bad,
    Good,
    ModuleRule,
    ModuleSubject,
    Observation,
    ProjectRule,
    ProjectViolation,
    Violation,
)
from golden_rules.rules.handbuilt.helpers import homemade
from golden_rules.rules.handbuilt.homemade_cases import HOMEMADE_CASES
from golden_rules.rules.scope import out_of_scope
from golden_rules.source.headers import name_span
from golden_rules.source.outline import Class, Function


class HomemadeInstrumentation(ModuleRule, ProjectRule):
    """A decorator or context manager of the project's own times, counts or traces what it stands around.

    ## What it does

    Finds decorators whose wrapper measures the function it calls, generators under `@contextmanager` that measure
    their block, and classes that read a clock in `__enter__` and in `__exit__`. Measuring is a difference of clock readings
    that decides nothing, a metric that is fed, or a block of a metric (`with SECONDS.time():`) or a span around the call.

    ## Why is this bad?

    Every service has one, and none is whole: it times the making of a coroutine instead of its run, loses the signature,
    counts a cancellation as a failure, or ends at the first `yield` of a generator. The runtime's decorators keep the
    kind, signature and types of what they decorate, and agree on names, labels and buckets.

    ## Fix safety

    The fix puts `@timed`, `@counted` or `@track_request` in place of each use, in all files of the project or in none, and
    deletes the definition with the metrics that it alone fed. It is unsafe: the series change their names, arguments such as
    `@track_time("orders")` and lines of the log go, and another project may import the decorator.

    It is there for decorators that pass the call on, measure, and write lines of the log below a warning, with nothing besides:
    no condition but one that tells coroutine functions from others or holds back such a line, no look at arguments or
    result; and whose name stands nowhere else than in plain imports and on functions. Those that are called by hand,
    exported by a package, tested, or used where one of the runtime's could not stand are left to you; the finding says
    which line or file stands against it. Where single files are checked, only a decorator whose name begins with an
    underscore is replaced.

    ## When not to follow it

    Where it is the house's standard: name it in `measured-by`, or put it into a module of `metrics-modules`. Those, modules
    that are named like instrumentation, tests, benchmarks, migrations and vendored code are left alone. So are wrappers that
    do more than measure: that retry, cache, limit a rate or check rights; those that return the duration to their caller,
    and context managers that take one before their block begins; and a class whose name says that it limits its block.
    """

    code: ClassVar[str] = "GR206"
    name: ClassVar[str] = "homemade-instrumentation"
    asks_for_names: ClassVar[bool] = True
    triggers: ClassVar[tuple[str, ...]] = (
        # What most files hold comes first, and then nothing else is looked for.
        "read", "inc", "@", "add", "time", "now", "log", "start_", "seconds", "span", "monotonic", "clock", "epoch", "perf_counter", "timing",
        "today", "observ", "record_", "histogram",
    )  # fmt: skip
    cases: ClassVar[tuple[Bad | Good, ...]] = HOMEMADE_CASES

    def check(self, subject: ModuleSubject) -> Iterator[Violation]:
        """Yield one violation for each decorator, generator or class that measures what it stands around."""
        for helper in homemade(subject):
            fix, why = _own_fix(subject, helper.around)
            yield Violation(
                span=name_span(subject.source, helper.around),
                message=helper.message,
                remedy=without_fix_as(helper.remedy, why),
                fix=fix,
                around=helper.around,
            )

    def observe(self, subject: ModuleSubject) -> Iterator[Observation]:
        """Yield the decorators of a file that the runtime's can take the place of, and where it uses those of others."""
        from golden_rules.rules.handbuilt.homemade_fixes import HomemadeFix, homemade_fix
        from golden_rules.rules.handbuilt.homemade_uses import uses_elsewhere

        if subject.config.is_below_runtime(subject.path) or not subject.config.runtime_declared:
            return
        if not out_of_scope(subject.path):
            for uses in uses_elsewhere(subject):
                yield Observation(uses.told())
        for helper in homemade(subject):
            around = helper.around
            if isinstance(around, Function) and isinstance(found := homemade_fix(subject, around), HomemadeFix):
                target = f"{subject.outline.module}.{around.name}"
                data = (target, helper.message, helper.remedy, *found.reading.told())
                yield Observation(data, name_span(subject.source, around), around.qualname, found.fix)

    def conclude(self, facts: Sequence[Fact], *, whole: bool) -> Iterator[ProjectViolation]:
        """Yield a violation for each decorator that other files use: the runtime's can take its place in all of them, or why not."""
        from golden_rules.rules.handbuilt.homemade_fixes import fixes_across

        for fact, found in fixes_across(facts, self.code) if whole else ():
            message, remedy = str(fact.data[1]), str(fact.data[2])
            if isinstance(found, str):
                yield ProjectViolation(fact, message, without_fix_as(remedy, found), supplements=True)
            else:
                yield ProjectViolation(fact, message, remedy, found, supplements=True)


def _own_fix(subject: ModuleSubject, around: Function | Class) -> tuple[Fix | None, str]:
    """Return the fix of a decorator that its own file alone uses, or in words why none can come of it."""
    from golden_rules.rules.handbuilt.homemade_fixes import homemade_fix
    from golden_rules.rules.handbuilt.wrappers import yields_context

    if not isinstance(around, Function):
        return None, "nothing of the runtime can be used in every way that a class can"
    if yields_context(around):
        return None, "the block that it measures is no function, which has the name that a series needs"
    found = homemade_fix(subject, around)
    if isinstance(found, str):
        return None, found
    return (found.fix, "") if found.uses else (None, "its own file does not use it")
