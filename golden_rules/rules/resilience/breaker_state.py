"""The state that makes a circuit breaker: a count of failures, a limit, and something that refuses calls."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass

from golden_rules.naming import snake
from golden_rules.rules.resilience.breaker_signs import (
    LIMITING,
    SETTING,
    Gate,
    asked_words,
    asks_rest,
    begun_again,
    closes_on_error,
    counted_up,
    gates_of,
    given_up,
    is_failure,
    is_half_open,
    put_off,
    reaches_limit,
    refuses,
    rests_on_error,
    sets_limit,
    starts_rest,
)
from golden_rules.rules.resilience.breaker_words import (
    ASKS,
    COUNTS_IN_STORE,
    FAILURES,
    GUARDS,
    IS_BREAKER,
    LAST_FAILURE,
    LOCKED_UNTIL,
    NAMED,
    NO_COUNT,
    OPENS,
    OUT_UNTIL,
    POLLS,
    RECORDS,
    RECORDS_FAILURE,
    RESTS,
    SPEAKS,
    tells,
)
from golden_rules.rules.resilience.units import Unit
from golden_rules.rules.resilience.variables import declared, is_kept, shown, word_of, words_in
from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import walk

_INITIAL = frozenset({"__init__", "__post_init__", "reset"})
# The types of the nodes that each question is about, looked up before any of them is asked.
_WORDS = frozenset({ast.Name, ast.Attribute, ast.Constant})
_COUNTING = frozenset({ast.Compare, ast.AugAssign, ast.Assign, ast.Call})
_ASKING = frozenset({ast.If, ast.IfExp, ast.While, ast.Assert, ast.Compare, ast.BoolOp, ast.Match, ast.Return})


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


@dataclass(slots=True)
class _Seen:
    failures: str = ""
    counted: str = ""
    limited: bool = False
    refused: bool = False
    half_open: bool = False
    counts_in_store: bool = False
    asks_rest: str = ""
    starts_rest: bool = False
    on_error: frozenset[str] = frozenset()
    recorded: frozenset[str] = frozenset()
    begun_again: frozenset[str] = frozenset()
    put_off: frozenset[str] = frozenset()


def breaker_of(unit: Unit, outline: Outline) -> Breaker | None:
    """Return the circuit breaker that a class or the functions of a file build by hand, `None` where they build none.

    `outline` is that of the file: what one class sets, the record that it sets it on may ask.
    """
    guards = bool(GUARDS.search(snake(unit.name)))
    if guards and not SPEAKS.search(unit.text):
        return None
    seen = _Seen()
    gates: dict[str, Gate] = {}
    may_be_half_open = "half" in unit.source.text.lower()
    for function in unit.functions:
        if not tells(function.words.lowered):
            continue
        nodes = list(walk(function.node))
        settings = [node for node in nodes if type(node) in SETTING]
        outer = declared(nodes)
        for node in nodes:
            kind = type(node)
            if kind in _WORDS:
                if may_be_half_open and not seen.half_open:
                    seen.half_open = is_half_open(node)
                continue
            if kind in _COUNTING:
                _note_failures(seen, node, outer)
            elif isinstance(node, ast.If):
                seen.asks_rest = seen.asks_rest or asks_rest(node)
            elif isinstance(node, ast.ExceptHandler):
                seen.starts_rest = seen.starts_rest or rests_on_error(node)
            if function.name not in _INITIAL and (kind in SETTING or isinstance(node, ast.If)):
                found = given_up(function, node, outer, settings) if isinstance(node, ast.If) else gates_of(node, outer)
                for gate in found:
                    gates[gate.word] = max(gate, gates.get(gate.word, gate), key=lambda one: one.weight)
        seen.refused = seen.refused or _refuses_first(nodes)
        seen.put_off |= frozenset(put_off(settings))
        seen.on_error |= frozenset(closes_on_error(function, nodes, outer))
        if function.name not in _INITIAL:
            seen.begun_again |= frozenset(begun_again(settings))
            if RECORDS_FAILURE.search(snake(function.name)):
                seen.recorded |= frozenset(
                    gate.word for node in settings for gate in gates_of(node, outer) if gate.weight > 1
                )
    named = bool(NAMED.search(snake(unit.name)))
    if not (named or seen.failures or seen.half_open or seen.on_error or seen.starts_rest):
        return None
    asked = _asked_words(outline) if gates else frozenset()
    asking = [gate for gate in gates.values() if gate.word in asked - seen.put_off]
    if not SPEAKS.search(unit.text):
        asking = [gate for gate in asking if not LOCKED_UNTIL.search(gate.word)]
    if guards:
        # What limits rates may be a breaker as well, where it says so.
        asking = [gate for gate in asking if SPEAKS.search(gate.word)]
    return _judged(unit, seen, asking, named=named) if asking or not guards else None


def _refuses_first(nodes: list[ast.AST]) -> bool:
    """Whether a function leaves because of failures before it counts one itself; what counts and then leaves gives up."""
    refusing = [node.lineno for node in nodes if isinstance(node, ast.If) and refuses(node)]
    if not refusing:
        return False
    counting = [node.lineno for node in nodes if isinstance(node, ast.stmt) and _counts_failure(node)]
    return not counting or min(refusing) < min(counting)


def _counts_failure(node: ast.stmt) -> bool:
    counter = counted_up(node)
    return counter is not None and is_failure(word_of(counter))


# Asked for each class of a file.
@functools.lru_cache(maxsize=1)
def _asked_words(outline: Outline) -> frozenset[str]:
    return frozenset(
        word
        for function in outline.functions
        if not POLLS.search(snake(function.name))
        for node in walk(function.node)
        if type(node) in _ASKING
        for word in asked_words(function, node)
    )


def _judged(unit: Unit, seen: _Seen, gates: list[Gate], *, named: bool) -> Breaker | None:
    if gates:
        best = max(gates, key=lambda gate: gate.weight)
        touching = tuple(sorted(_touching(unit, {best.word, seen.counted}), key=_only_resets))
        if _is_breaker(seen, best, named=named, text=_text(unit, touching)):
            return Breaker(seen.failures, best.shown, unit.functions if named else touching)
    counts = bool(seen.failures) or seen.counts_in_store
    if named and (_keeps_elsewhere(unit, seen) or (counts and _tells_by_count(unit))):
        return Breaker(seen.failures, "", unit.functions)
    if seen.asks_rest and seen.starts_rest:
        return Breaker("", seen.asks_rest, _resting(unit))
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
    return not any(refuses(node) or counted_up(node) is not None for node in walk(function.node))


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


def _resting(unit: Unit) -> tuple[Function, ...]:
    return tuple(function for function in unit.functions if any(map(starts_rest, walk(function.node))))


def _tells_by_count(unit: Unit) -> bool:
    """Whether a method that is asked for leave compares failures with a limit: `is_available` returns `failures <= most`."""
    asked = [function for function in unit.functions if ASKS.search(snake(function.name))]
    return any(
        reaches_limit(node) for function in asked for node in walk(function.node) if isinstance(node, ast.Compare)
    )


def _is_breaker(seen: _Seen, gate: Gate, *, named: bool, text: str) -> bool:
    counts = bool(seen.failures)
    if named or (seen.half_open and gate.weight):
        return counts or seen.limited or (named and seen.half_open)
    # When to try again is what polls keep as well, and who asks too often is blocked.
    if gate.word in seen.on_error and (OUT_UNTIL.search(gate.word) or SPEAKS.search(text) or RESTS.search(text)):
        return True
    if gate.word in seen.recorded and seen.counted in seen.begun_again:
        # Each failure in a row makes the rest longer, so that there is no limit.
        return counts
    if gate.weight == 0 and LAST_FAILURE.search(gate.word):
        return counts and seen.limited and bool(SPEAKS.search(text) or RESTS.search(text))
    return counts and seen.limited and (gate.weight > 1 or bool(SPEAKS.search(text)))


def _mentions(function: Function, words: set[str]) -> bool:
    nodes = (node for node in walk(function.node) if isinstance(node, ast.Attribute | ast.Subscript | ast.Name))
    return any(word_of(node) in words for node in nodes)


def _note_failures(seen: _Seen, node: ast.AST, outer: frozenset[str]) -> None:
    """Note a count of failures that goes up, or that is compared with a limit."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], LIMITING):
        exactly = isinstance(node.ops[0], ast.Eq)
        seen.limited = seen.limited or sets_limit(node.left, node.comparators[0], exactly=exactly)
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in COUNTS_IN_STORE:
        seen.counts_in_store = True
    counter = None if seen.failures else counted_up(node)
    if counter is not None and is_kept(counter, outer) and is_failure(word_of(counter)):
        seen.failures, seen.counted = shown(counter), word_of(counter)
