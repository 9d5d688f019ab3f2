"""What changes from one round of a loop to the next, beside counts and pauses: then each round tries something else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from golden_rules.naming import snake
from golden_rules.rules.resilience.retry_syntax import names_of, only_counts, reads_of, stepped
from golden_rules.rules.resilience.retry_words import is_attempt, is_delay, is_failure
from golden_rules.source.names import resolve
from golden_rules.source.outline import Function, Outline
from golden_rules.source.own_code import OwnCode
from golden_rules.source.trees import AnyLoop, AnyTry, AnyWith, callee, dotted, is_number

Loop = AnyLoop
Attempt = AnyTry | AnyWith

_DRAWS = ("random.", "secrets.", "uuid.")
# `call_next(request)` of a middleware gives nothing, it hands on.
_NEXT_ONE = re.compile(
    r"(^|_)((?<!call_)next(?!_(call|handler))|pop|popleft|popitem|free_port|unused_port|open_port|random\w*|candidate)(_|$)"
)
_CHOOSES = re.compile(r"^_*(select|choose|pick)(_|$)")
_CANDIDATE = re.compile(r"(^|_)(port|host|candidate|name|filename|path|suffix|slug)$")
# What makes good the cause of a failure, so that the same thing may work now.
_REPAIRS = re.compile(
    r"^_*(refresh|re_?auth\w*|re_?log_?in|log_?in|authenticate|authorize|renew|create|install|register|repair|recover|migrate)(_|$)"
)
_TWICE = frozenset({"range(2)", "range(0, 2)", "range(1, 3)"})


@dataclass(frozen=True, eq=False)
class Rounds:
    """The rounds of a loop; `own` are the nodes of which it is the nearest loop."""

    outline: Outline
    function: Function
    code: OwnCode
    loop: Loop
    own: list[ast.AST]

    @cached_property
    def number_a_candidate(self) -> bool:
        """Whether the next candidate is made from the number of the try: `port = first + attempt`."""
        if isinstance(self.loop, ast.While):
            return False
        counters = set(names_of(self.loop.target))
        return any(
            isinstance(node, ast.Assign)
            and any(_CANDIDATE.search(snake(dotted(target))) for target in node.targets)
            and not counters.isdisjoint(reads_of(node.value))
            for node in self.own
        )

    @cached_property
    def draw(self) -> bool:
        """Whether something is drawn each time: a random number."""
        return any((resolve(self.outline, self.function, name) or "").startswith(_DRAWS) for name in self._asked)

    @cached_property
    def go_on(self) -> bool:
        """Whether a call gives something else each time: the next element."""
        return any(_NEXT_ONE.search(snake(name)) for name in self._asked)

    @cached_property
    def _asked(self) -> list[str]:
        """The calls whose results do more than to decide, report or wait."""
        return [callee(node) for node in self.own if isinstance(node, ast.Call) and not only_counts(self.code, node)]

    @cached_property
    def choose(self) -> bool:
        """Whether what is tried is chosen anew: `route = self.select_route(...)`."""
        for node in self.own:
            if not isinstance(node, ast.Assign):
                continue
            value = node.value.value if isinstance(node.value, ast.Await) else node.value
            if isinstance(value, ast.Call) and _CHOOSES.search(snake(callee(value).rpartition(".")[2])):
                return True
        return False

    def step(self, tried: set[str]) -> bool:
        """Whether something that grows or shrinks by round is worked on by what is tried, whose variables are `tried`."""
        grown = {dotted(node.target) for node in self.own if isinstance(node, ast.AugAssign)}
        return any(self._is_worked_on(name) for name in grown & tried if not is_attempt(name) and not is_delay(name))

    def remake(self, attempt: Attempt) -> bool:
        """Whether a handler makes what is tried another one: the day before, a smaller batch."""
        names = {name for node in self._handled(attempt) for name in _remade(node)}
        return any(
            self._is_worked_on(name) for name in names if not (is_attempt(name) or is_delay(name) or is_failure(name))
        )

    def repair_once(self, attempt: Attempt) -> bool:
        """Whether there are two tries, and the cause of a failure is made good between them."""
        if isinstance(self.loop, ast.While) or ast.unparse(self.loop.iter) not in _TWICE:
            return False
        return any(
            isinstance(node, ast.Call) and _REPAIRS.search(snake(callee(node).rpartition(".")[2]))
            for node in self._handled(attempt)
        )

    def _handled(self, attempt: Attempt) -> Iterator[ast.AST]:
        handlers = handlers_of(attempt)
        for node in self.own:
            if any(outer in handlers for outer in self.code.holders(node)):
                yield node

    def _is_worked_on(self, name: str) -> bool:
        """Whether a variable is read in the loop for more than to decide, to report, to wait, or to make it anew."""
        return any(
            not only_counts(self.code, node) and name not in self._made_by(node)
            for node in self.code.loads[name]
            if self.loop in self.code.holders(node)
        )

    def _made_by(self, node: ast.AST) -> set[str]:
        """Return the variables that the statement which reads a node sets."""
        for outer in self.code.holders(node):
            if isinstance(outer, ast.Assign):
                return set(map(dotted, outer.targets))
            if isinstance(outer, ast.stmt):
                break
        return set()


def counts_anew(node: ast.Assign, own: list[ast.AST]) -> bool:
    """Whether failures in a row are forgotten after success, and the loop goes on."""
    grown = {dotted(step.target) for step in own if isinstance(step, ast.AugAssign) and isinstance(step.op, ast.Add)}
    none = isinstance(node.value, ast.Constant) and is_number(node.value) and node.value.value == 0
    return none and not grown.isdisjoint(map(dotted, node.targets))


def handlers_of(attempt: Attempt) -> list[ast.ExceptHandler]:
    """Return the clauses that deal with a failure; `with suppress(...)` has none."""
    return [] if isinstance(attempt, AnyWith) else attempt.handlers


def _remade(node: ast.AST) -> Iterator[str]:
    """Yield the variables that a statement makes from themselves: `n += 1`, `day = day - week`, `batch = batch[:half]`."""
    if isinstance(node, ast.AugAssign):
        yield dotted(node.target)
        return
    yield from map(dotted, stepped(node))
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
        whole = dotted(node.value.value)
        yield from (whole for target in node.targets if whole and dotted(target) == whole)
