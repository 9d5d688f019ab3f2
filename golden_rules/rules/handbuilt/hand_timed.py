"""GR201: durations measured with clock readings and subtraction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.findings import Fix, without_fix_as
from golden_rules.rules.base import Bad, Good, OutlineRule, Subject, Violation
from golden_rules.rules.handbuilt.timing_cases import TIMING_CASES
from golden_rules.rules.handbuilt.timing_hints import may_time

if TYPE_CHECKING:
    from golden_rules.rules.handbuilt.timed_starts import TimedStart


class HandTimed(OutlineRule):
    """A duration is measured with clock readings and a subtraction, for a log line, a metric or a result.

    ## What it does

    Finds differences of clock readings that end in telemetry: a log call, a metric, a field, keyword or entry
    with a name such as `elapsed`, `duration_ms` or `latency`, or a helper that gets a variable of such a name beside a result
    (`self._parse(raw, latency_ms)`). The clocks are those of `time`, `timeit`, `datetime` and
    `asyncio`, of Django, Pendulum and Arrow, and a project's own where their name says so (`self.clock.time()`,
    `utcnow()`).

    Readings that drive the program are left alone: a difference that is compared with a limit, slept, or subtracted from
    a timeout is a deadline, a rate limit, a back-off or the age of a cache entry. A comparison that only decides whether
    to report (`if elapsed > 1: logger.warning(...)`) is part of the report.

    Left alone as well is a duration that is the answer rather than a note beside it:

    - what only a person gets to see: what is printed, made into a text for a callback or a report (`report(f"took {s} s")`),
      drawn by a user interface or a progress bar, kept in a `progress`, or returned by a command, a script or `main`; and what a
      function that prints keeps or returns besides, in a file with `if __name__ == "__main__":`, unless it is a method or answers
      requests;
    - the latency that a probe is asked for: in functions such as `ping`, `health_check` or `measure_latency`, in records such as
      `HealthResult`, and in answers that say beside it only that there was one, as `{"reachable": True, "latency_ms": ...}`;
    - the age of what goes on: a status, a listing, an `uptime`, how long a loop has been going on, and what a
      function named for waiting (`wait_for_build`) returns, or logs if it looks in a loop with pauses;
    - what an instrument says of work that others began: where the class, the function or the file is named for timing, tracing
      or profiling (`Timer.stop`), and another function read the start;
    - the same work, timed as often as a loop counts (`for _ in range(runs)`), where it is only kept: a benchmark;
    - how long tests took, in plugins of pytest: files and packages named `pytest_...`, and what imports pytest;
    - what is multiplied into an amount: a price, an energy; and what a start is moved by.

    A metric that is fed with it (`SECONDS.observe(took)`) makes telemetry of it all the same, as a log line does of what is also
    printed.

    ## Why is this bad?

    A duration in a log line cannot be aggregated, alerted on, or compared between releases; each place has its own clock,
    unit and name; and paths that raise or return early go unmeasured unseen. A timer of the runtime records a histogram
    under a name that follows from the function's, and still returns the seconds to those that want them.

    ## Fix safety

    The safe fix changes expressions only: the first reading becomes `timed("...").start()`, the difference `.stop()`, which
    records once and returns the seconds as a float. Where another reading may follow, it is `.elapsed`. Early returns, log
    lines and stored values stay what they were, so `.stop()` stands where the clock was read, and a path on which it was
    not read records nothing. The fix is offered where the start is a local variable that nothing else reads, no `locals()`
    or `eval` either, and the clock counts seconds: `time.time()`, `monotonic()`, `perf_counter()`, an event loop's
    `time()`; `datetime` where the difference is asked for its `.total_seconds()`, and nanoseconds where they are divided by
    a billion. A reading that is also stored as a timestamp, shared with another function, or compared is for you to
    untangle; the finding says which of these it is.

    There is no fix where the seconds feed a metric of the project's own (`SECONDS.observe`, `statsd.timing`,
    `record_latency`): a timer beside it would record each run a second time, under another name. Dashboards and alerts may
    read the one that is there, so `timed` in its place is for you to write; the finding says so.

    Where a whole function is timed for one log line at its end, the unsafe fix puts `@timed("...")` on the function and
    drops the readings and the line, with all else it said and the comments right above them that speak of time.

    A timer reads a clock of its own: a test that replaces the file's clock and looks at the seconds fails then, and has to
    be changed. So the fix is unsafe, and says which file it is, where a file of the project's folder replaces the clock
    (`mock.patch("shop.orders.time.time")`, `monkeypatch.setattr(orders.time, "time", now)`), or that of the whole program
    (`mock.patch("time.time")`, time-machine, freezegun where it moves the timer's clock otherwise) and knows the module, imports its package, or is a `conftest.py` or
    helper of tests. `--fix` and `--diff` look for that; `check` alone
    does not, as what it says of a file hangs on no other. A clock of the project's own (`self.clock.now()`) is there to be
    another one in tests: the fix is always unsafe then.

    A clock's import that is left without a use goes with it, unless a comment stands on its line.

    ## When not to follow it

    Where the duration is the subject itself, as in a benchmark, or a timestamp of a record is compared with now: the lists above
    go by names and by where the value flows, so a probe that is called `ask` and says more of its work than that it worked is found.
    So are a script that logs what it did for who runs it, the cases of an evaluation or an experiment, and what a runner of
    tests or of a developer's tasks keeps in its results: to the rule these are work like any other.
    Tests, benchmarks (`run_benchmark`, `test_load_performance`), load tests, timers, migrations, vendored code and the modules
    named in `metrics-modules` are left alone, and so are context managers and decorators that measure others, and
    functions that are put in the place of another (`send = Client.send`, then `Client.send = measured_send`).
    """

    code: ClassVar[str] = "GR201"
    name: ClassVar[str] = "hand-timed"
    triggers: ClassVar[tuple[str, ...]] = ("time", "now", "seconds", "monotonic", "clock", "perf_counter", "today")
    cases: ClassVar[tuple[Bad | Good, ...]] = TIMING_CASES

    def check(self, subject: Subject) -> Iterator[Violation]:
        """Yield one violation for each start that a telemetry value is measured from."""
        if not may_time(subject):
            return
        from golden_rules.rules.handbuilt.timed_starts import timed_starts
        from golden_rules.rules.handbuilt.timings import timings

        for start in timed_starts(subject, timings(subject.outline, subject.function)):
            difference = start.difference
            code = " ".join(subject.source.code(difference.node).split())
            safe = start.safe if isinstance(start.safe, Fix) else None
            why = "" if safe or start.unsafe else str(start.safe)
            yield Violation(
                span=subject.source.span(difference.node),
                message=f"`{start.what}` is timed by hand: `{code}` ends in {difference.telemetry}",
                remedy=without_fix_as(_remedy(start), why),
                fix=safe or start.unsafe,
                unsafe_fix=start.unsafe if safe else None,
            )


def _remedy(start: TimedStart) -> str:
    if start.series:
        return f'record it with `timed("{start.metric}")` in place of `{start.series}`'
    name = start.difference.start
    timer = f'timed("{start.metric}").start()'
    if start.difference.stamp is None:
        return f"keep `{timer}` beside `{name}`, where that is set, and call the timer's `.stop()` here"
    if isinstance(start.safe, str):
        return f"start `timer = {timer}` beside `{name}`, and write `timer.stop()` for the seconds"
    return f"write `{name} = {timer}`, and `{name}.stop()` for the seconds"
