"""GR301: loops that try again by hand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.findings import without_fix_as
from golden_rules.rules.base import Bad, Good, OutlineRule, Subject, Violation
from golden_rules.rules.resilience.allowed import ALLOWED_IN, is_allowed
from golden_rules.rules.resilience.retry_cases import RETRY_CASES
from golden_rules.rules.scope import in_runtime, out_of_scope

if TYPE_CHECKING:
    from golden_rules.rules.resilience.retry_loops import RetryLoop
    from golden_rules.source.text import SourceText


class HandBuiltRetry(OutlineRule):
    """A loop tries something, catches the error, perhaps sleeps, and tries the same thing again.

    ## What it does
    Finds loops whose rounds are tries of one thing: an error is caught and the next round begins, success leaves the loop.
    The tries may be counted (`for attempt in range(3)`, `while retries < limit`), endless, or run through a list of
    delays; the pause may be constant, grow, hide in a helper, or be missing. Loops that count attempts and look at a bad
    result instead of an exception (`if response.status_code == 429: sleep(delay)`) are found as well.

    The shape alone is not enough; a pause whose length grows, has a name or is left to a helper is. Where the pause is a plain
    number (`sleep(1)`), what is counted must be called an attempt, a try or the like, or what is tried must leave the
    process; where nothing waits, both. What is tried leaves the process, as far as the rule can tell, where it awaits
    something, calls a library that talks to other systems, calls what the function was handed, or has a word such as
    `client`, `session`, `send`, `fetch` or `execute` in a call. So `for attempt in range(5)` around `os.rmdir` is left
    alone, and so is a `while True` that neither waits nor counts.

    Loops that only look alike are left alone:

    - those that wait: polling until a job is ready or a record is there, what says that it waits (`wait_for_server`) or probes
      health, begins each round with the same pause, or looks for as long as a timeout allows, without a number of tries and
      with no other result than that it is there; and those that try to take a lock which others hold;
    - those that go on: periodic services, consumers, the pages of a listing, a service that is kept up by reconnecting. A `while`
      that success ends only at times goes on where others stop it (`while not stop.is_set()`, `while self.running`), and where
      nothing counts its tries and neither its test nor the name of the function speaks of any;
    - those that try something else in each round: the next candidate (or whatever is picked with `excluded=tried`), host or port,
      a number that is drawn, and imports;
    - questions put to a person;
    - those in which others were merely first (`WatchError`, `IntegrityError`, `SessionExists`) or nothing is there yet
      (`queue.Empty`), unless they count attempts and wait, and two tries between which the cause is made good (`refresh_token`,
      `recover_connection`);
    - rounds of which each learns from the one before: a model is shown its mistake, or is asked with other parameters.

    ## Why is this bad?
    Each such loop has its own idea of what may be tried again, for how long, and how often, and most have none of a
    deadline, jitter, `Retry-After`, a budget shared by all callers, or a breaker that says to stop. A dependency that is
    down then gets several times its usual load. And nobody sees it: a service that always needs three attempts looks
    healthy. `RetryPolicy` has all of that, and counts attempts, errors and delays.

    ## Fix safety
    Unsafe. A function whose whole body is a retry loop becomes the tried part under `@retry(...)`, whatever shape the loop
    has: a `for` or a `while`, a number or a constant of attempts, a pause that is written out or doubled by hand, success that
    returns in the loop, in an `else` or behind it. It must give up after a number of attempts that is known, by raising the
    last error again, and wait for a constant, a doubling or an evenly growing time; interrupts and cancellation must not be
    caught. Above the loop, only names may stand that are given to texts and numbers, and no attempt may set anything for the
    next. Where the function does more, before the loop or behind it or around it, the loop becomes one over the attempts of a
    policy, and what is tried stays in it line for line:

        for attempt in RetryPolicy(RetryConfig(max_retries=2, retry_on=Busy), name="shop.mails.send").attempts():
            with attempt:
                ...

    That asks that nothing else in the function reads what the loop sets for itself, such as the number of the attempt. It
    makes a policy at each call: where the call is often made, give the policy a name at the top of the file. Attempts and delays stay the same (`jitter="none"` says so: take it away, it is what spreads the load). What was
    logged between two attempts, or before the last error, goes; the policy counts attempts, and notes them on the error.
    Like every policy it keeps to the deadline of a policy around it, does not try again against an open breaker, and waits
    as long as a `Retry-After` says; where that is longer than `max_delay` (a minute, or the longest pause where the loop has a
    longer one or a limit), it does not try again.
    Constants are read once, when the module is imported. A test that sets one of them (`gateway.MAX_ATTEMPTS = 1`), or puts
    something else in place of the module's `time` or `sleep`, changes nothing any more and may wait for real; one that
    replaces `time.sleep` or `asyncio.sleep` itself (`mock.patch("shop.gateway.time.sleep")`) works as before.

    No other loop has a fix: which errors are worth another try, and within which deadline, is for you to say; the finding
    says what stands against one. There

        policy = RetryPolicy(RetryConfig(max_retries=2, deadline=30.0), name="gateway")
        receipt = await policy.execute(gateway.send, order)

    takes the loop's place, with `policy.execute_sync` for plain functions.

    ## When not to follow it
    Where the loop belongs to a protocol (compare-and-swap on one's own database, a lock file), or where the program cannot
    depend on the runtime. Tests, benchmarks, migrations and vendored code are left alone, and so is what `allowed-in` names.
    """

    code: ClassVar[str] = "GR301"
    name: ClassVar[str] = "hand-built-retry"
    triggers: ClassVar[tuple[str, ...]] = ("except", "suppress", "sleep", "backoff", "pause", "delay", "wait")
    options = (ALLOWED_IN,)
    cases: ClassVar[tuple[Bad | Good, ...]] = RETRY_CASES

    def check(self, subject: Subject) -> Iterator[Violation]:
        """Yield one violation for each loop that tries again."""
        if not self._may_retry(subject):
            return
        from golden_rules.rules.resilience.retry_fixes import retry_fix
        from golden_rules.rules.resilience.retry_loops import retry_loops

        for retry in retry_loops(subject.outline, subject.function, subject.source):
            found = retry_fix(subject, retry.loop.lineno)
            yield Violation(
                span=_head(subject.source, retry),
                message=f"`{subject.function.qualname}` retries by hand: {_why(retry)}",
                remedy=without_fix_as("use `RetryPolicy` or `@retry(...)`", found if isinstance(found, str) else ""),
                fix=None if isinstance(found, str) else found,
            )

    def _may_retry(self, subject: Subject) -> bool:
        function = subject.function
        if not function.loops or out_of_scope(subject.path) or in_runtime(subject.outline, subject.config):
            return False
        from golden_rules.rules.resilience.retry_hints import may_retry

        if not may_retry(subject.outline, function, subject.source):
            return False
        return not is_allowed(self.value(ALLOWED_IN, subject.config), subject.path, subject.outline, function)


def _head(source: SourceText, retry: RetryLoop) -> tuple[int, int]:
    loop = retry.loop
    held = loop.test if isinstance(loop, ast.While) else loop.iter
    end = source.span(held)[1]
    if isinstance(held, ast.Tuple) and source.text[end - 1] == ")":
        # Left out as around any other expression, whose own extent has no parentheses.
        end = len(source.text[: end - 1].rstrip())
    return source.span(loop)[0], end


def _why(retry: RetryLoop) -> str:
    pause = f"waits with `{retry.pause}`" if retry.pause else ""
    if retry.attempt is None:
        return f"it looks at the result, {pause} and tries again"
    caught = f"catches `{' '.join(retry.caught.split())}`" if retry.caught else "catches everything"
    return f"it {caught}, {pause} and tries again" if pause else f"it {caught} and tries again"
