"""Loops that try, fail, and try the same thing again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from golden_rules.naming import snake
from golden_rules.rules.resilience.retry_alikes import asks_a_person, is_no_try, only_takes_a_lock, serves
from golden_rules.rules.resilience.retry_lessons import learns
from golden_rules.rules.resilience.retry_rounds import Attempt, Loop, Rounds, counts_anew
from golden_rules.rules.resilience.retry_signs import is_borne_out
from golden_rules.rules.resilience.retry_syntax import (
    counts_tries,
    ends_with_the_time,
    is_answer,
    is_outcome,
    is_policy,
    is_stopped,
    names_of,
    only_counts,
    reads_of,
    sleeps_first,
    stepped,
    tests_a_result,
    tests_for_none,
    unwrapped,
    waits_out,
    yields_nothing,
)
from golden_rules.rules.resilience.retry_words import (
    AWAITED_STATUS,
    AWAITING,
    RESTARTS,
    RETRYING,
    WAITING,
    is_attempt,
    is_delay,
    is_failure,
    is_pause,
    polls,
)
from golden_rules.rules.resilience.ways_out import (
    LEAVES,
    Way,
    Ways,
    cleans_up,
    finished,
    is_endless,
    onward,
    suppressed,
    ways_out,
)
from golden_rules.source.outline import Function, Outline
from golden_rules.source.own_code import OwnCode, own_code
from golden_rules.source.text import SourceText
from golden_rules.source.trees import AnyLoop, AnyTry, AnyWith, arguments, callee, dotted
from golden_rules.source.written import code_of, text_of

_YIELDS = (ast.Yield, ast.YieldFrom)


@dataclass(frozen=True, slots=True)
class RetryLoop:
    """A loop that tries again by hand.

    Attributes:
        attempt: What is tried: the `try`, or the `with suppress(...)`; `None` where a bad result is tried again.
        caught: The exceptions that lead to another try, as written; `""` for a bare `except`.
        pause: The name of the call that waits between two tries, or `""`.
    """

    loop: Loop
    attempt: Attempt | None
    caught: str
    pause: str


def retry_loops(outline: Outline, function: Function, source: SourceText) -> Iterator[RetryLoop]:
    """Yield the loops of a function that try again by hand, in order; what is nested in one of them is part of it."""
    code = own_code(function.node)
    found: set[ast.AST] = set()
    for node in code.nodes:
        if not isinstance(node, AnyLoop) or not found.isdisjoint(code.holders(node)):
            continue
        retry = _Examined(outline, function, source, code, node).retry()
        if retry is not None:
            found.add(node)
            yield retry


@dataclass(eq=False)
class _Examined:
    """A loop under examination."""

    outline: Outline
    function: Function
    source: SourceText
    code: OwnCode
    loop: Loop

    def retry(self) -> RetryLoop | None:
        if not isinstance(self.loop, ast.While) and not self._repeats(self.loop):
            return None
        for attempt in self._attempts:
            caught = self._caught(attempt)
            if (
                caught is not None
                and self._is_retry(attempt, caught)
                and self._is_borne_out(list(self._tried(attempt)))
            ):
                return RetryLoop(self.loop, attempt, caught, self.pause)
        if self._retries_result() and self._is_borne_out(self.inner):
            return RetryLoop(self.loop, None, "", self.pause)
        return None

    # what the loop holds

    @cached_property
    def inner(self) -> list[ast.AST]:
        """The nodes in the loop, those of loops in it included, in order."""
        return self.code.inside(self.loop)

    @cached_property
    def own(self) -> list[ast.AST]:
        """The nodes of which this is the nearest loop."""
        return [node for node in self.inner if self._nearest_loop(node) is self.loop]

    def _nearest_loop(self, node: ast.AST) -> ast.AST | None:
        return next((outer for outer in self.code.holders(node) if isinstance(outer, AnyLoop)), None)

    @cached_property
    def text(self) -> str:
        return text_of(self.source, self.code, self.loop)

    @cached_property
    def says_retry(self) -> bool:
        return bool(RETRYING.search(self.text) or RETRYING.search(self.function.name))

    @cached_property
    def pause(self) -> str:
        """The call that waits between two tries: outside of what is tried, or there on a condition."""
        # `delay = self._retry_delay(attempt)` only says how long, where something else waits.
        waiting = [call for call in self._pauses if not isinstance(self.code.parent(call), ast.Assign)]
        return next(map(callee, (*waiting, *self._pauses)), "")

    @cached_property
    def _pauses(self) -> list[ast.Call]:
        return [
            node
            for node in self.own
            if isinstance(node, ast.Call) and is_pause(callee(node), arguments(node)) and self._between_tries(node)
        ]

    def _between_tries(self, call: ast.Call) -> bool:
        tried = False
        child: ast.AST = call
        for outer in self.code.holders(call):
            if outer is self.loop:
                break
            if isinstance(outer, ast.If):
                return True
            if isinstance(outer, AnyTry) and child in outer.body:
                tried = True
            child = outer
        return not tried

    # whether its rounds are tries of one thing

    def _repeats(self, loop: ast.For | ast.AsyncFor) -> bool:
        """Whether a `for` counts tries, or runs through the pauses between them, rather than through things."""
        names = list(names_of(loop.target))
        # `for attempt in attempts` runs through what is tried, one after another.
        listed = isinstance(unwrapped(loop.iter), ast.Name | ast.Attribute)
        if waits_out(loop.iter) or (not self.pause and is_policy(loop.iter)):
            return False
        return counts_tries(self.outline, self.function, loop.iter, names) and not any(
            self._is_worked_on(name) for name in names if not is_delay(name) and (listed or not is_attempt(name))
        )

    def _is_worked_on(self, name: str) -> bool:
        """Whether a loop's variable is more than a number of tries: what is tried depends on it."""
        return any(
            not only_counts(self.code, node) for node in self.code.loads[name] if self.loop in self.code.holders(node)
        )

    @cached_property
    def counted(self) -> bool:
        """Whether something counts the tries, and ends them."""
        if not isinstance(self.loop, ast.While):
            return True
        return any(is_attempt(name) or is_failure(name) for name in self._counters)

    @cached_property
    def _counters(self) -> list[str]:
        """The variables that grow or shrink by round."""
        return [
            dotted(target)
            for node in self.own
            for target in ((node.target,) if isinstance(node, ast.AugAssign) else stepped(node))
        ]

    @cached_property
    def names_tries(self) -> bool:
        """Whether what is counted is called an attempt, or a pause in a list of them."""
        if isinstance(self.loop, ast.While):
            named, head = self._counters, self.loop.test
        else:
            named, head = list(names_of(self.loop.target)), self.loop.iter
        return any(map(is_attempt, named)) or bool(RETRYING.search(code_of(self.source, self.code, head)))

    def _is_borne_out(self, tried: list[ast.AST]) -> bool:
        return is_borne_out(self.outline, self.function, tried, self._pauses, named=self.names_tries)

    # tries that raise

    @cached_property
    def _attempts(self) -> list[Attempt]:
        """The `try` statements that are part of a round, not of what is done about a failure."""
        return [
            node
            for node in self.own
            if ((isinstance(node, AnyTry) and node.handlers) or (isinstance(node, AnyWith) and suppressed(node)))
            and not self._in_clean_up(node)
        ]

    def _in_clean_up(self, node: ast.AST) -> bool:
        child = node
        for outer in self.code.holders(node):
            if outer is self.loop:
                return False
            if cleans_up(outer, child):
                return True
            child = outer
        return False

    def _caught(self, attempt: Attempt) -> str | None:
        """Return the errors after which the loop goes round again, as written, or `None` where none does."""
        if isinstance(attempt, AnyWith):
            goes_on = Way.NEXT in onward(self.code, attempt, self.loop, frozenset({Way.NEXT}))
            return ", ".join(code_of(self.source, self.code, kind) for kind in suppressed(attempt)) if goes_on else None
        going_on = []
        for handler in attempt.handlers:
            ways = ways_out(handler.body)
            if Way.CONTINUE not in ways:
                ways = onward(self.code, attempt, self.loop, ways)
            if ways & {Way.CONTINUE, Way.NEXT}:
                going_on.append(code_of(self.source, self.code, handler.type) if handler.type else "")
        return ", ".join(going_on) if going_on else None

    def _is_retry(self, attempt: Attempt, caught: str) -> bool:
        sure = self._succeeds(attempt)
        tried = list(self._tried(attempt))
        if sure is None or asks_a_person(self.code, tried, self.own) or self._moves_on(attempt):
            return False
        if is_no_try(tried) or (self._waits and not self.names_tries):
            return False
        if is_outcome(caught) and not (self.pause and self.names_tries):
            return False
        if (self._streams(attempt) and not (self.counted and sure)) or (serves(tried) and not sure):
            return False
        if not self.counted and RESTARTS.search(self.text):
            return False
        if not self.counted and only_takes_a_lock(tried):
            return False
        answers = is_answer(caught)
        pauses, counted, says = bool(self.pause), self.counted, self.says_retry
        if answers and not (says and (pauses or counted)):
            return False
        if (self._polls or (not counted and sleeps_first(self.loop))) and not (sure and (counted or says)):
            return False
        if not (counted or says) and ends_with_the_time(self.loop) and yields_nothing(tried):
            return False
        if sure or self._goes_on:
            return sure
        return (pauses or counted) if self.names_tries else (pauses and says)

    @cached_property
    def _goes_on(self) -> bool:
        """Whether the loop is there to go on, as far as its head tells: others stop it, or nothing counts or speaks of tries."""
        if not isinstance(self.loop, ast.While):
            return False
        if is_stopped(self.loop.test, self.own):
            return True
        return not (self.counted or self.names_tries or RETRYING.search(self.function.name))

    @cached_property
    def _waits(self) -> bool:
        """Whether the function says that it waits until something is there, however often it has to look."""
        return bool(AWAITING.search(snake(self.function.name)))

    @cached_property
    def _polls(self) -> bool:
        """Whether the loop waits for something to come about, rather than for something to work."""
        return bool(WAITING.search(snake(self.function.name)) or polls(self.text))

    def _succeeds(self, attempt: Attempt) -> bool | None:
        """Return whether success leaves the loop: always, on a condition (`False`), or never (`None`)."""
        ways = ways_out(attempt.body) if isinstance(attempt, AnyWith) else finished(attempt)
        whole = onward(self.code, attempt, self.loop, ways)
        flags = self._flags_set(attempt)
        if flags is not None and Way.NEXT in whole:
            return flags
        if not whole & LEAVES:
            return None
        return not whole & {Way.NEXT, Way.CONTINUE}

    def _flags_set(self, attempt: Attempt) -> bool | None:
        """Return whether success makes the loop's test false: surely, perhaps, or (`None`) it does not touch it."""
        if not isinstance(self.loop, ast.While) or is_endless(self.loop):
            return None
        tested = set(reads_of(self.loop.test))
        perhaps = None
        for node in self.own:
            if not isinstance(node, ast.Assign) or not self._on_success(node, attempt):
                continue
            if tested.isdisjoint(map(dotted, node.targets)) or counts_anew(node, self.own):
                continue
            if not isinstance(node.value, ast.Call | ast.Await) or tests_for_none(self.loop.test):
                return True
            perhaps = False
        return perhaps

    def _on_success(self, node: ast.AST, attempt: Attempt) -> bool:
        child = node
        for outer in self.code.holders(node):
            if cleans_up(outer, child):
                return False
            if outer is attempt:
                return True
            child = outer
        return False

    def _tried(self, attempt: Attempt) -> Iterator[ast.AST]:
        for node in self.inner:
            if self.code.is_in(node, attempt.body):
                yield node

    def _moves_on(self, attempt: Attempt) -> bool:
        """Whether each round tries something else: the next number, name or candidate."""
        rounds = Rounds(self.outline, self.function, self.code, self.loop, self.own)
        if rounds.number_a_candidate or learns(self.code, self.loop, self.own, attempt):
            return True
        if not self.pause and (rounds.choose or rounds.repair_once(attempt)):
            return True
        if (self.names_tries and self.pause) or self._counts_attempts:
            return False
        tried = {dotted(node) for node in self._tried(attempt) if isinstance(node, ast.Name | ast.Attribute)}
        if rounds.step(tried) or (not self.pause and rounds.remake(attempt)):
            return True
        return rounds.draw or (not self.names_tries and rounds.go_on)

    @cached_property
    def _counts_attempts(self) -> bool:
        return not isinstance(self.loop, ast.While) and any(map(is_attempt, names_of(self.loop.target)))

    def _streams(self, attempt: Attempt) -> bool:
        """Whether what is tried goes on for ever, or has handed something on before it fails."""
        for node in self._tried(attempt):
            if isinstance(node, _YIELDS) and not self._is_cooperative:
                return True
            if isinstance(node, ast.AsyncFor) or is_endless(node):
                return True
        return False

    @cached_property
    def _hands_on(self) -> bool:
        """Whether a round hands on one thing after another, which another try would not take back."""
        return not self._is_cooperative and any(
            isinstance(node, _YIELDS) and self._nearest_loop(node) is not self.loop for node in self.inner
        )

    @cached_property
    def _is_cooperative(self) -> bool:
        """Whether the function is a coroutine of the old kind, whose `yield` awaits."""
        return any(name.endswith(("inlineCallbacks", "coroutine")) for name in self.function.decorators)

    # tries that give a bad result

    def _retries_result(self) -> bool:
        if not self.pause or not self.counted:
            return False
        if not self.names_tries and (isinstance(self.loop, ast.While) or not self.says_retry):
            return False
        if self._polls or AWAITED_STATUS.search(self.text) or self._hands_on or sleeps_first(self.loop):
            return False
        ways: Ways = ways_out(self.loop.body)
        return self._leaves_with_a_result and bool(ways & {Way.NEXT, Way.CONTINUE}) and tests_a_result(self.own)

    @cached_property
    def _leaves_with_a_result(self) -> bool:
        """Whether the loop is left elsewhere than in the handlers of errors, after which there is no result."""
        return any(
            isinstance(node, ast.Return) or (isinstance(node, ast.Break) and self._nearest_loop(node) is self.loop)
            for node in self.inner
            if not self._in_clean_up(node)
        )
