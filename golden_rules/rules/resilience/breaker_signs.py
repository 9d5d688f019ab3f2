"""What single statements tell of a circuit breaker: counts that reach a limit, what is set then, and what asks for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.naming import snake
from golden_rules.rules.resilience.breaker_words import (
    ASKS,
    ASKS_REST,
    EXCUSED,
    FAILURES,
    GIVEN_UP,
    HALF_OPEN,
    HELD_BACK,
    IN_USE,
    IS_OPEN,
    LAST_ERROR,
    LAST_FAILURE,
    LIMIT,
    NEXT_RUN,
    NO_COUNT,
    NOW,
    OPENED,
    OTHER,
    OUT_UNTIL,
    RATE,
    RECORDS_FAILURE,
    REPORTS,
    RETRY_AT,
    STARTS_REST,
    STATE,
    SURELY_OPENED,
    TIMES_OF_OTHER,
    UNTIL,
)
from golden_rules.rules.resilience.variables import is_kept, shown, stores, word_of, words_in
from golden_rules.source.outline import Function
from golden_rules.source.trees import dotted, walk

_LONGEST_WORD = 20
SETTING = frozenset({ast.Assign, ast.AnnAssign, ast.NamedExpr})
LIMITING = (ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq)


@dataclass(frozen=True, slots=True)
class Gate:
    """A variable that may refuse calls; `weight` is 2 where it is said plainly, 0 where it is only when a call failed."""

    word: str
    shown: str
    weight: int


def asks_rest(node: ast.If) -> str:
    """Return what is asked whether something rests, where that is left alone then: `if on_cooldown(host): continue`."""
    if not isinstance(node.body[-1], ast.Return | ast.Raise | ast.Continue):
        return ""
    calls = (inner for inner in walk(node.test) if isinstance(inner, ast.Call))
    return next((dotted(call.func) for call in calls if ASKS_REST.search(snake(dotted(call.func)))), "")


def rests_on_error(handler: ast.ExceptHandler) -> bool:
    """Whether an error handler sends something to rest, for another reason than a limit of calls."""
    return not _is_held_back(handler) and any(map(starts_rest, walk(handler)))


def starts_rest(node: ast.AST) -> bool:
    """Whether a call sends something to rest: `self._set_cooldown(host)`."""
    return isinstance(node, ast.Call) and bool(STARTS_REST.search(snake(dotted(node.func))))


def gates_of(node: ast.AST, outer: frozenset[str]) -> Iterator[Gate]:
    """Yield what an assignment sets, where that may be what refuses calls."""
    for target, value in stores(node):
        if is_kept(target, outer) and not _is_report(target):
            word = word_of(target)
            weight = _weight(word, value)
            if weight is not None:
                yield Gate(word, shown(target), weight)


def given_up(function: Function, node: ast.If, outer: frozenset[str], settings: list[ast.AST]) -> Iterator[Gate]:
    """Yield what is set because failures have reached a limit: `if errors > 3: self.disabled = True`, or the time of it."""
    if not (reaches_limit(node.test) or _tells_limit(node.test, settings)):
        return
    told = bool(RECORDS_FAILURE.search(snake(function.name)))
    for statement in node.body:
        for target, value in stores(statement):
            word = word_of(target)
            if not is_kept(target, outer) or _is_report(target):
                continue
            if isinstance(value, ast.Constant) and value.value is True:
                flagged = bool(GIVEN_UP.search(word))
            elif isinstance(value, ast.Constant) and value.value is False:
                flagged = told and bool(IN_USE.search(word))
            else:
                flagged = _is_time(value) and not TIMES_OF_OTHER.search(word)
            if flagged:
                yield Gate(word, shown(target), 2)


def _tells_limit(test: ast.expr, settings: list[ast.AST]) -> bool:
    """Whether a test is a variable that says if failures have reached a limit: `tripped = failures >= most`, `if tripped:`."""
    return isinstance(test, ast.Name) and any(
        isinstance(target, ast.Name) and target.id == test.id and reaches_limit(value)
        for node in settings
        for target, value in stores(node)
    )


def _is_time(value: ast.expr) -> bool:
    """Whether a value is the time now, or some time after it."""
    return any(NOW.search(word) for word in words_in(value))


def begun_again(settings: list[ast.AST]) -> Iterator[str]:
    """Yield the variables that are set to none."""
    for node in settings:
        for target, value in stores(node):
            if isinstance(value, ast.Constant) and value.value == 0:
                yield word_of(target)


def refuses(node: ast.AST) -> bool:
    """Whether a statement leaves because failures have reached a limit, perhaps on a further condition."""
    if not isinstance(node, ast.If) or not reaches_limit(node.test):
        return False
    ends = [node.body[-1], *(inner.body[-1] for inner in node.body if isinstance(inner, ast.If))]
    return any(isinstance(end, ast.Return | ast.Raise | ast.Continue) for end in ends)


def reaches_limit(test: ast.expr) -> bool:
    """Whether an expression compares failures with a limit."""
    return any(
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and isinstance(node.ops[0], LIMITING)
        and sets_limit(node.left, node.comparators[0], exactly=isinstance(node.ops[0], ast.Eq))
        for node in walk(test)
    )


def _is_report(target: ast.expr) -> bool:
    """Whether an item is set of what only tells others: `stats["circuit_status"]`, of a dictionary made on the spot."""
    return (
        isinstance(target, ast.Subscript)
        and isinstance(target.value, ast.Name)
        and bool(REPORTS.search(snake(target.value.id)))
    )


def _weight(word: str, value: ast.expr) -> int | None:
    if STATE.search(word):
        values = [snake(name) for name in _named_values(value)]
        if any("half" in name or "trip" in name for name in values):
            return 2
        # A connection and a door are open, too; and `self._state = new_state` says little by itself.
        return 1 if any(map(IS_OPEN.search, values)) else 0 if any(map(STATE.search, values)) else None
    if isinstance(value, ast.Constant) and not value.value:
        return None
    if UNTIL.search(word):
        return 2
    if OPENED.search(word) and not OTHER.search(word):
        return 2 if SURELY_OPENED.search(word) else 1
    if RETRY_AT.search(word) and isinstance(value, ast.BinOp) and _is_time(value):
        return 1
    if LAST_ERROR.search(word) and not _is_time(value):
        # What went wrong last refuses nothing.
        return None
    return 0 if LAST_FAILURE.search(word) else None


def _named_values(value: ast.expr) -> Iterator[str]:
    for node in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
        match node:
            case ast.Constant(value=str(name)):
                yield name
            case ast.Call(func=func):
                yield dotted(func)
            case _:
                yield dotted(node).removesuffix(".value")


def closes_on_error(function: Function, nodes: list[ast.AST], outer: frozenset[str]) -> Iterator[str]:
    """Yield what an error handler, or a function that is called on a failure, says about until when nothing is tried."""
    told = bool(RECORDS_FAILURE.search(snake(function.name)))
    handlers = [node for node in nodes if isinstance(node, ast.ExceptHandler)]
    for root in (function.node,) if told else handlers:
        rests = isinstance(root, ast.ExceptHandler) and not _is_held_back(root)
        excused = _where_excused(root)
        for node in walk(root):
            if type(node) in SETTING and node not in excused:
                yield from (
                    gate.word
                    for gate in gates_of(node, outer)
                    if OUT_UNTIL.search(gate.word) or RETRY_AT.search(gate.word) or (rests and UNTIL.search(gate.word))
                )


def _is_held_back(handler: ast.ExceptHandler) -> bool:
    return handler.type is not None and any(HELD_BACK.search(word) for word in words_in(handler.type))


def _where_excused(root: ast.AST) -> frozenset[ast.AST]:
    """Return what runs where the other side lacks what was asked for or asks for a rest: `if error.code in (404, 429):`."""
    return frozenset(
        node
        for test in walk(root)
        if isinstance(test, ast.If) and _excuses(test.test)
        for statement in test.body
        for node in walk(statement)
    )


def _excuses(test: ast.expr) -> bool:
    constants = [node.value for node in walk(test) if isinstance(node, ast.Constant)]
    codes = {value for value in constants if isinstance(value, int)}
    told = [*words_in(test), *(value.lower() for value in constants if isinstance(value, str))]
    return (bool(codes) and codes <= EXCUSED) or any(map(HELD_BACK.search, told))


def put_off(settings: list[ast.AST]) -> Iterator[str]:
    """Yield the variables that only say when something scheduled is due again: `task.next_run_at = task.backoff_until`."""
    for node in settings:
        for target, value in stores(node):
            if NEXT_RUN.search(word_of(target)):
                yield from words_in(value)


def is_half_open(node: ast.AST) -> bool:
    """Whether a name or a short text speaks of the half-open state."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return bool(HALF_OPEN.search(snake(name)))
        case ast.Constant(value=str(name)):
            return len(name) < _LONGEST_WORD and bool(HALF_OPEN.search(name.lower().replace("-", "_")))
        case _:
            return False


def counted_up(node: ast.AST) -> ast.expr | None:
    """Return the variable that a node counts up."""
    match node:
        case ast.AugAssign(op=ast.Add(), target=target, value=ast.Constant(value=int()) | ast.Name() | ast.Attribute()):
            return target
        case ast.Assign(targets=[target], value=ast.BinOp(op=ast.Add(), left=left)):
            return target if word_of(left) == word_of(target) or isinstance(left, ast.Call) else None
        case ast.Call(func=ast.Attribute(value=base, attr="append" | "appendleft"), args=[value]):
            # Failures of a window of time; a list of errors is another thing.
            return base if any(NOW.search(word) for word in words_in(value)) else None
        case _:
            return None


def sets_limit(left: ast.expr, right: ast.expr, *, exactly: bool) -> bool:
    """Whether a comparison sets failures against a limit; `failures > 0` and `error == "gone"` do not."""
    if any(isinstance(side, ast.Constant) and side.value in (0, None) for side in (left, right)):
        return False
    words = [*words_in(left), *words_in(right)]
    if not any(is_failure(word) or RATE.search(word) for word in words):
        return False
    return not exactly or any(LIMIT.search(word) for word in words)


def is_failure(word: str) -> bool:
    """Whether a word is that of a number of failures."""
    return bool(FAILURES.search(word)) and not NO_COUNT.search(word)


def asked_words(function: Function, node: ast.AST) -> Iterator[str]:
    """Yield the words of what decides about anything."""
    match node:
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test) | ast.Assert(test=test):
            yield from words_in(test)
        case ast.Compare() | ast.BoolOp():
            yield from words_in(node)
        case ast.Match(subject=subject):
            yield from words_in(subject)
        case ast.Return(value=ast.expr() as value) if ASKS.search(snake(function.name)):
            yield from words_in(value)
        case _:
            pass
