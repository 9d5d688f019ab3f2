"""The state that makes a circuit breaker: a count of failures, a limit, and something that refuses calls."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.naming import snake
from golden_rules.rules.resilience.breaker_words import (
    ASKS,
    FAILURES,
    GIVEN_UP,
    GUARDS,
    HALF_OPEN,
    IS_BREAKER,
    IS_OPEN,
    LAST_FAILURE,
    LIMIT,
    NAMED,
    NO_COUNT,
    NOW,
    OPENED,
    OPENS,
    OTHER,
    OUT_UNTIL,
    RATE,
    RECORDS,
    RECORDS_FAILURE,
    REPORTS,
    RESTS,
    RETRY_AT,
    SPEAKS,
    STATE,
    SURELY_OPENED,
    TIMES_OF_OTHER,
    UNTIL,
    tells,
)
from golden_rules.rules.resilience.units import Unit
from golden_rules.rules.resilience.variables import declared, is_kept, shown, stores, word_of, words_in
from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import dotted, walk

_INITIAL = frozenset({"__init__", "__post_init__", "reset"})
_LONGEST_WORD = 20
# The types of the nodes that each question is about, looked up before any of them is asked.
_WORDS = frozenset({ast.Name, ast.Attribute, ast.Constant})
_COUNTING = frozenset({ast.Compare, ast.AugAssign, ast.Assign, ast.Call})
_SETTING = frozenset({ast.Assign, ast.AnnAssign, ast.NamedExpr})
_ASKING = frozenset({ast.If, ast.IfExp, ast.While, ast.Assert, ast.Compare, ast.BoolOp, ast.Match, ast.Return})
_LIMITING = (ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq)


@dataclass(frozen=True, slots=True)
class Breaker:
    """A circuit breaker that a class is, or that a class or the functions of a file keep.

    Attributes:
        failures: The variable that counts failures, as written, `""` where there is none.
        opened: The variable that says whether, or until when, calls are refused, as written, `""` where there is none.
        touching: The functions that have to do with it.
    """

    failures: str
    opened: str
    touching: tuple[Function, ...]


@dataclass(frozen=True, slots=True)
class _Gate:
    """A variable that may refuse calls; `weight` is 2 where it is said plainly, 0 where it is only when a call failed."""

    word: str
    shown: str
    weight: int


@dataclass(slots=True)
class _Seen:
    failures: str = ""
    counted: str = ""
    limited: bool = False
    refused: bool = False
    half_open: bool = False
    on_error: frozenset[str] = frozenset()
    recorded: frozenset[str] = frozenset()
    begun_again: frozenset[str] = frozenset()


def breaker_of(unit: Unit, outline: Outline) -> Breaker | None:
    """Return the circuit breaker that a class or the functions of a file build by hand, `None` where they build none.

    `outline` is that of the file: what one class sets, the record that it sets it on may ask.
    """
    guards = bool(GUARDS.search(snake(unit.name)))
    if guards and not SPEAKS.search(unit.text):
        return None
    seen = _Seen()
    gates: dict[str, _Gate] = {}
    may_be_half_open = "half" in unit.source.text.lower()
    for function in unit.functions:
        if not tells(function.words.lowered):
            continue
        nodes = list(walk(function.node))
        outer = declared(nodes)
        for node in nodes:
            kind = type(node)
            if kind in _WORDS:
                seen.half_open = seen.half_open or (may_be_half_open and _is_half_open(node))
            elif kind in _COUNTING:
                _note_failures(seen, node, outer)
            elif isinstance(node, ast.If):
                seen.refused = seen.refused or _refuses(node)
            if (kind in _SETTING or kind is ast.If) and function.name not in _INITIAL:
                for gate in (*_gates(node, outer), *_given_up(node, outer)):
                    gates[gate.word] = max(gate, gates.get(gate.word, gate), key=lambda one: one.weight)
        seen.on_error |= frozenset(_closes_on_error(function, nodes, outer))
        if function.name not in _INITIAL:
            seen.begun_again |= frozenset(_begun_again(nodes))
            if RECORDS_FAILURE.search(snake(function.name)):
                seen.recorded |= frozenset(
                    gate.word for node in nodes for gate in _gates(node, outer) if gate.weight > 1
                )
    named = bool(NAMED.search(snake(unit.name)))
    if not (named or seen.failures or seen.half_open or seen.on_error):
        return None
    asked = _asked_words(outline) if gates else frozenset()
    asking = [gate for gate in gates.values() if gate.word in asked]
    if guards:
        # What limits rates may be a breaker as well, where it says so.
        asking = [gate for gate in asking if SPEAKS.search(gate.word)]
    return _judged(unit, seen, asking, named=named) if asking or not guards else None


# Asked for each class of a file.
@functools.lru_cache(maxsize=1)
def _asked_words(outline: Outline) -> frozenset[str]:
    return frozenset(
        word
        for function in outline.functions
        for node in walk(function.node)
        if type(node) in _ASKING
        for word in _asked(function, node)
    )


def _judged(unit: Unit, seen: _Seen, gates: list[_Gate], *, named: bool) -> Breaker | None:
    if gates:
        best = max(gates, key=lambda gate: gate.weight)
        touching = _touching(unit, {best.word, seen.counted})
        if unit.owner is None:
            touching = tuple(sorted(touching, key=_only_resets))
        if _is_breaker(seen, best, named=named, text=_text(unit, touching)):
            return Breaker(seen.failures, best.shown, unit.functions if named else touching)
    if named and _keeps_elsewhere(unit, seen):
        return Breaker(seen.failures, "", unit.functions)
    if seen.failures and seen.refused and not named:
        # The count is the state: `if self.failures >= 3: return`, under a comment that says what that is.
        touching = tuple(sorted(_touching(unit, {seen.counted}), key=_only_resets))
        if SPEAKS.search(_text(unit, touching)):
            return Breaker(seen.failures, "", touching)
    return None


def _touching(unit: Unit, words: set[str]) -> tuple[Function, ...]:
    return tuple(function for function in unit.functions if _mentions(function, words - {""}))


def _only_resets(function: Function) -> bool:
    """Whether a function neither counts nor refuses, so that a finding had better name another."""
    return not any(_refuses(node) or _counted(node) is not None for node in walk(function.node))


def _text(unit: Unit, touching: tuple[Function, ...]) -> str:
    return unit.text if unit.owner else unit.text_of(touching)


def _keeps_elsewhere(unit: Unit, seen: _Seen) -> bool:
    """Whether a class that is called a breaker leaves its state to a store, or to classes of states."""
    names = [snake(function.name) for function in unit.functions]
    records = any(RECORDS.search(name) for name in names)
    if not IS_BREAKER.search(snake(unit.name)):
        return records and seen.half_open
    words = {word for function in unit.functions for word in words_in(function.node)}
    fails = any(FAILURES.search(word) and not NO_COUNT.search(word) for word in words)
    return fails and (records or any(OPENS.search(name) for name in names))


def _is_breaker(seen: _Seen, gate: _Gate, *, named: bool, text: str) -> bool:
    counts = bool(seen.failures)
    if named or (seen.half_open and gate.weight):
        return counts or seen.limited or (named and seen.half_open)
    if gate.word in seen.on_error:
        # When to try again is what polls keep as well.
        return not RETRY_AT.search(gate.word) or bool(SPEAKS.search(text) or RESTS.search(text))
    if gate.word in seen.recorded and seen.counted in seen.begun_again:
        # Each failure in a row makes the rest longer, so that there is no limit.
        return counts
    if gate.weight == 0 and LAST_FAILURE.search(gate.word):
        return counts and seen.limited and bool(SPEAKS.search(text) or RESTS.search(text))
    return counts and seen.limited and (gate.weight > 1 or bool(SPEAKS.search(text)))


def _mentions(function: Function, words: set[str]) -> bool:
    nodes = (node for node in walk(function.node) if isinstance(node, ast.Attribute | ast.Subscript | ast.Name))
    return any(word_of(node) in words for node in nodes)


def _gates(node: ast.AST, outer: frozenset[str]) -> Iterator[_Gate]:
    """Yield what an assignment sets, where that may be what refuses calls."""
    for target, value in stores(node):
        if is_kept(target, outer) and not _is_report(target):
            word = word_of(target)
            weight = _weight(word, value)
            if weight is not None:
                yield _Gate(word, shown(target), weight)


def _given_up(node: ast.AST, outer: frozenset[str]) -> Iterator[_Gate]:
    """Yield what is set because failures have reached a limit: `if errors > 3: self.disabled = True`, or the time of it."""
    if not isinstance(node, ast.If) or not _reaches_limit(node.test):
        return
    for statement in node.body:
        for target, value in stores(statement):
            word = word_of(target)
            if not is_kept(target, outer) or _is_report(target):
                continue
            if isinstance(value, ast.Constant) and value.value is True:
                flagged = bool(GIVEN_UP.search(word))
            else:
                flagged = _is_time(value) and not TIMES_OF_OTHER.search(word)
            if flagged:
                yield _Gate(word, shown(target), 2)


def _is_time(value: ast.expr) -> bool:
    """Whether a value is the time now, or some time after it."""
    return any(NOW.search(word) for word in words_in(value))


def _begun_again(nodes: list[ast.AST]) -> Iterator[str]:
    """Yield the variables that are set to none."""
    for node in nodes:
        for target, value in stores(node):
            if isinstance(value, ast.Constant) and value.value == 0:
                yield word_of(target)


def _refuses(node: ast.AST) -> bool:
    """Whether a statement leaves because failures have reached a limit, perhaps on a further condition."""
    if not isinstance(node, ast.If) or not _reaches_limit(node.test):
        return False
    ends = [node.body[-1], *(inner.body[-1] for inner in node.body if isinstance(inner, ast.If))]
    return any(isinstance(end, ast.Return | ast.Raise | ast.Continue) for end in ends)


def _reaches_limit(test: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and isinstance(node.ops[0], _LIMITING)
        and _limits(node.left, node.comparators[0], exactly=isinstance(node.ops[0], ast.Eq))
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


def _closes_on_error(function: Function, nodes: list[ast.AST], outer: frozenset[str]) -> Iterator[str]:
    """Yield what an error handler, or a function that is called on a failure, says about until when nothing is tried."""
    roots: list[ast.AST] = [node for node in nodes if isinstance(node, ast.ExceptHandler)]
    if RECORDS_FAILURE.search(snake(function.name)):
        roots = [function.node]
    for root in roots:
        for node in walk(root):
            if type(node) in _SETTING:
                yield from (
                    gate.word
                    for gate in _gates(node, outer)
                    if OUT_UNTIL.search(gate.word) or RETRY_AT.search(gate.word)
                )


def _is_half_open(node: ast.AST) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return bool(HALF_OPEN.search(snake(name)))
        case ast.Constant(value=str(name)):
            return len(name) < _LONGEST_WORD and bool(HALF_OPEN.search(name.lower().replace("-", "_")))
        case _:
            return False


def _note_failures(seen: _Seen, node: ast.AST, outer: frozenset[str]) -> None:
    """Note a count of failures that goes up, or that is compared with a limit."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], _LIMITING):
        exactly = isinstance(node.ops[0], ast.Eq)
        seen.limited = seen.limited or _limits(node.left, node.comparators[0], exactly=exactly)
        return
    counter = None if seen.failures else _counted(node)
    if counter is not None and is_kept(counter, outer) and _is_failure(word_of(counter)):
        seen.failures, seen.counted = shown(counter), word_of(counter)


def _counted(node: ast.AST) -> ast.expr | None:
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


def _limits(left: ast.expr, right: ast.expr, *, exactly: bool) -> bool:
    """Whether a comparison sets failures against a limit; `failures > 0` and `error == "gone"` do not."""
    if any(isinstance(side, ast.Constant) and side.value in (0, None) for side in (left, right)):
        return False
    words = [*words_in(left), *words_in(right)]
    if not any(_is_failure(word) or RATE.search(word) for word in words):
        return False
    return not exactly or any(LIMIT.search(word) for word in words)


def _is_failure(word: str) -> bool:
    return bool(FAILURES.search(word)) and not NO_COUNT.search(word)


def _asked(function: Function, node: ast.AST) -> Iterator[str]:
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
