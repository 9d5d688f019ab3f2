"""GR104: steps of resilience code that nothing measures."""

from __future__ import annotations

from collections.abc import Iterator

from golden_rules.criticality import THRESHOLD, Kind
from golden_rules.resilience_steps import Step
from golden_rules.rules.base import Bad, Good, Subject, UnmeasuredRule, Violation
from golden_rules.rules.unmeasured.insertion import (
    counted_decorator,
    errors_decorator,
    timed_decorator,
    violation,
)


class UnmeasuredResilienceStep(UnmeasuredRule):
    """A step of resilience code that nothing measures: breaker bookkeeping, a retry, a dead letter, a queue poll.

    ## What it does
    Finds, in classes named for a circuit breaker, a retry policy, a dead-letter queue or a task queue, the methods that do
    its work, where they have no measuring decorator. What only says whether or how to try again, as by working out a delay,
    is no step, and neither is what makes a function that will try again (a decorator), takes the next from a container in memory
    (`self._items.popleft()`), only hands on to another step of its class, or polls in a loop for as long as the service runs.

    ## Why is this bad?
    Resilience code hides failures by design. A breaker that opens every night, retries that always need three
    attempts, dead letters that pile up: all of it stays invisible unless these steps are counted.

    ## Fix safety
    Safe. Bookkeeping and dead letters get `@counted`, polls `@timed`, retries `@timed` and `@track_errors`; all keep
    the function's kind, signature and name.

    A function that swallows its exceptions gets `mark_failure` along with the decorator, see GR406; where only you know
    whether what it catches is a failure, that takes `--unsafe-fixes`.

    ## When not to follow it
    Where the class can give way to the runtime's own `CircuitBreaker`, `RetryPolicy`, `DeadLetterQueue` or `TaskQueue`,
    which name their own series, do that instead.
    """

    code = "GR104"
    name = "unmeasured-resilience-step"
    kind = Kind.RESILIENCE_STEP
    options = (THRESHOLD,)
    cases = (
        Bad(
            """\
class CircuitBreaker:
    def record_failure(self, error):
        self.failures += 1
        if self.failures >= self.threshold:
            self.log.warning("circuit opened by %s", error)
            self.opened_at = self.clock()
""",
            """\
from golden_runtime import counted


class CircuitBreaker:
    @counted("shop.breaker.record_failure")
    def record_failure(self, error):
        self.failures += 1
        if self.failures >= self.threshold:
            self.log.warning("circuit opened by %s", error)
            self.opened_at = self.clock()
""",
            path="src/shop/breaker.py",
        ),
        Bad(
            """\
class RetryPolicy:
    async def execute(self, operation):
        for delay in self.delays():
            try:
                return await operation()
            except self.retriable:
                await self.sleep(delay)
        return await operation()
""",
            """\
from golden_runtime import timed, track_errors


class RetryPolicy:
    @timed("shop.retry.execute.duration")
    @track_errors("shop.retry.execute.errors")
    async def execute(self, operation):
        for delay in self.delays():
            try:
                return await operation()
            except self.retriable:
                await self.sleep(delay)
        return await operation()
""",
            path="src/shop/retry.py",
        ),
        Good(
            """\
class CircuitBreaker:
    def is_open(self):
        return self.clock() - self.opened_at < self.timeout()
""",
            "asking for the state is no bookkeeping",
        ),
        Good(
            """\
class OrderQueue:
    def dequeue(self):
        return self._orders.popleft() if self._orders else None
""",
            "a container in memory is not polled",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        match subject.verdict.step:
            case Step.RETRY:
                yield violation(subject, timed_decorator(subject), errors_decorator(subject))
            case Step.POLL:
                yield violation(subject, timed_decorator(subject))
            case _:
                yield violation(subject, counted_decorator(subject))
