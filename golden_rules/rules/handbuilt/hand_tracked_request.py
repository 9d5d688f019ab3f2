"""GR204: how long a call takes and how it ends, both recorded by hand."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.findings import Fix, Safety, without_fix_as
from golden_rules.naming import metric_name
from golden_rules.rules.base import Bad, Good, OutlineRule, Subject, Violation
from golden_rules.rules.handbuilt.counted import counted
from golden_rules.rules.handbuilt.metric_modules import counts_for_others
from golden_rules.rules.handbuilt.timing_hints import may_time
from golden_rules.source.trees import AnyLoop, AnyTry

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.increments import Increment
    from golden_rules.rules.handbuilt.timed_starts import TimedStart
    from golden_rules.rules.handbuilt.timings import Difference
    from golden_rules.source.own_code import OwnCode


class HandTrackedRequest(OutlineRule):
    """A function records by hand how long it takes and how it ends.

    ## What it does

    Finds functions in which both halves stand: a duration measured with clock readings that ends in telemetry (GR201), and
    its outcome, either in a counter of failures in an `except` clause (GR203), or in a call that records the duration where
    the work failed and another where it did not. It takes the place of the findings on each half.

    ## Why is this bad?

    It is what `@track_request` does, in a dozen lines that every path must get right: the early return that forgets the
    counter, the exception nobody listed, the cancellation that counts as a failure. The decorator records calls by
    `status`, the duration and the errors by type, and opens a span, under one name.

    ## Fix safety

    The fix is that of its timing (GR201), and as safe: the clock readings become a timer of the runtime, and every value, path
    and log line stays. There is none where a counter would stay that is a finding by itself (GR202, GR203): half of the work
    would be done, and look like all of it. `@track_request` in place of both would change the names of the series, and is for
    you to write. There is no fix either where the duration feeds a metric of the project's own, as each run would then be in
    two series.

    ## When not to follow it

    Where the halves speak of different things, such as the time of one step and the failures of another. Tests,
    benchmarks, migrations, vendored code, the modules named in `metrics-modules` and others that are named like
    instrumentation are left alone. So are functions that are put in the place of another, such as a method of a library
    (`create = Messages.create`, then `Messages.create = tracked_create`): they record it for others.
    """

    code: ClassVar[str] = "GR204"
    name: ClassVar[str] = "hand-tracked-request"
    triggers: ClassVar[tuple[str, ...]] = ("except",)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
import time


def fetch(session, url, listener):
    begin = time.monotonic()
    try:
        answer = session.get(url)
    except OSError as error:
        listener.on_failure(url, error=error, duration=time.monotonic() - begin)
        raise
    listener.on_success(url, duration=time.monotonic() - begin)
    return answer
""",
            """\
from golden_runtime import timed


def fetch(session, url, listener):
    begin = timed("shop.orders.fetch.duration").start()
    try:
        answer = session.get(url)
    except OSError as error:
        listener.on_failure(url, error=error, duration=begin.stop())
        raise
    listener.on_success(url, duration=begin.stop())
    return answer
""",
        ),
        Bad(
            """\
import time


class Jobs:
    def run(self, job, log):
        started = time.monotonic()
        try:
            job()
        except Exception:
            self.stats["failed"] += 1
            log.exception("%s failed after %.1f s", job, time.monotonic() - started)
            return
        self.stats["done"] += 1
        log.info("%s took %.1f s", job, time.monotonic() - started)
""",
        ),
        Bad(
            """\
import time

import httpx
from prometheus_client import Counter, Histogram

DELIVERIES = Counter("deliveries", "Webhook calls.", ["status"])
SECONDS = Histogram("delivery_seconds", "How long webhook calls take.")


async def deliver(client, url, notice):
    start = time.perf_counter()
    try:
        response = await client.post(url, json=notice)
    except httpx.TransportError:
        SECONDS.observe(time.perf_counter() - start)
        DELIVERIES.labels(status="unreachable").inc()
        raise
    SECONDS.observe(time.perf_counter() - start)
    DELIVERIES.labels(status="delivered").inc()
    return response
""",
        ),
        Bad(
            """\
import time


def fetch(session, url, metrics):
    begin = time.time()
    try:
        answer = session.get(url)
    except OSError:
        metrics.record_request(url, status="error", duration=time.time() - begin)
        raise
    metrics.record_request(url, status="ok", duration=time.time() - begin)
    return answer
""",
        ),
        Bad(
            """\
import time

from shop.observability import SECONDS


def charge(gateway, order):
    status = "charged"
    start = time.perf_counter()
    try:
        return gateway.charge(order)
    except OSError:
        status = "unreachable"
        raise
    finally:
        SECONDS.labels(status).observe(time.perf_counter() - start)
""",
        ),
        Good(
            """\
import time


def fetch(session, url, deadline):
    try:
        return session.get(url, timeout=deadline - time.monotonic())
    except OSError:
        session.close()
        raise
""",
            "a deadline is no telemetry",
        ),
        Good(
            """\
import time


def render(page, log):
    start = time.perf_counter()
    try:
        return page.render()
    except ValueError:
        log.warning("%s cannot be rendered", page)
        raise
    finally:
        log.info("took %.2f s", time.perf_counter() - start)
""",
            "a duration alone is hand-timed",
        ),
        Good(
            """\
import time


class Poller:
    def poll(self, source, log):
        start = time.monotonic()
        try:
            source.poll()
        except OSError:
            self.failures += 1
            if self.failures > 3:
                raise
        log.debug("polled in %.1f s", time.monotonic() - start)
""",
            "failures that decide are no telemetry",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        """Yield one violation, at the first telemetry difference, where the outcome is recorded as well."""
        if not subject.function.handlers or subject.function.yields:
            return
        if counts_for_others(subject.path, subject.config) or not may_time(subject):
            return
        from golden_rules.rules.handbuilt.outcomes import recorded_by_outcome
        from golden_rules.rules.handbuilt.timed_starts import measured, timed_starts
        from golden_rules.rules.handbuilt.timings import timings

        found = timings(subject.outline, subject.function)
        differences = measured(found, subject)
        if not differences:
            return
        errors = counted(subject).errors
        if errors:
            outcome = f"its failures are counted in `{errors[0].shown}`"
        elif call := recorded_by_outcome(found.code, differences):
            outcome = f"`{call}` is told how it ended"
        else:
            return
        starts = list(timed_starts(subject, found))
        first = differences[0]
        metric = metric_name(subject.outline, subject.function, *subject.config.naming(subject.path))
        fix = _timers(starts)
        if isinstance(fix, Fix):
            fix = _counting_on(subject, errors) or fix
        yield Violation(
            span=subject.source.span(first.node),
            message=f"`{subject.function.qualname}` is tracked by hand: its duration ends in {first.telemetry}, and {outcome}",
            remedy=without_fix_as(
                _remedy(found.code, differences, errors, metric), fix if isinstance(fix, str) else ""
            ),
            fix=fix if isinstance(fix, Fix) else None,
        )


def _remedy(code: OwnCode, differences: list[Difference], errors: tuple[Increment, ...], metric: str) -> str:
    """Return what to do: a round of a loop that is timed by itself ends by itself, and not with the function."""
    first = differences[0]
    rounds = {outer for outer in code.holders(first.node) if isinstance(outer, AnyLoop)}
    if first.stamp is not None and not rounds.isdisjoint(code.holders(first.stamp.binding)):
        return f'put what is tried into a function of its own with `@track_request("{metric}")`'
    return f'put `@track_request("{metric}")` on the function{_advice(code, differences, errors)}'


def _advice(code: OwnCode, differences: list[Difference], errors: tuple[Increment, ...]) -> str:
    """Return what else it takes where a clause ends the failure, which a decorator then does not see."""
    clauses = {error.handlers[0] for error in errors}
    for difference in differences:
        for outer in code.holders(difference.node):
            if isinstance(outer, ast.ExceptHandler):
                clauses.add(outer)
            elif isinstance(outer, AnyTry) and code.is_in(difference.node, outer.finalbody):
                clauses.update(outer.handlers)
    if all(isinstance(clause.body[-1], ast.Raise) for clause in clauses):
        return ""
    return ", and call `mark_failure(error)` where a clause does not raise again"


def _counting_on(subject: Subject, errors: tuple[Increment, ...]) -> str:
    """Return in words what a fix of the timing would leave to be found by itself, as it has no fix of its own; `""` for nothing."""
    from golden_rules.rules.handbuilt.counter_fixes import errors_fix
    from golden_rules.rules.handbuilt.hand_tracked_errors import HandTrackedErrors

    found = HandTrackedErrors
    if not errors or not subject.config.looks_for(found.code, found.name, subject.path):
        return ""
    mended = isinstance(errors_fix(subject, errors), Fix)
    return "" if mended else f"`{errors[0].shown}` would still count its failures by hand"


def _timers(starts: Iterable[TimedStart]) -> Fix | str:
    """Return one fix for all of a function's timings, or in words why any of them has none that keeps every value."""
    fixes: list[Fix] = []
    for start in starts:
        if start.series:
            return f"each run would be in two series, and only you know who reads that of `{start.series}`"
        if isinstance(start.safe, str):
            return start.safe
        fixes.append(start.safe)
    edits = tuple(dict.fromkeys(edit for fix in fixes for edit in fix.edits))
    imports = tuple(dict.fromkeys(item for fix in fixes for item in fix.imports))
    safety = Safety.UNSAFE if any(fix.safety is Safety.UNSAFE for fix in fixes) else Safety.SAFE
    clocks = tuple(dict.fromkeys(clock for fix in fixes for clock in fix.clocks))
    return Fix(safety, " and ".join(fix.description for fix in fixes), edits, imports, clocks=clocks)
