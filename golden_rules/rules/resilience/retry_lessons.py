"""What one round of a loop teaches the next: then the rounds try something else each time, though they are counted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from golden_rules.naming import snake
from golden_rules.rules.resilience.retry_rounds import Attempt, Loop, handlers_of
from golden_rules.rules.resilience.retry_syntax import names_of
from golden_rules.rules.resilience.retry_words import is_attempt, is_delay, is_pause, is_report
from golden_rules.source.own_code import OwnCode, names_in
from golden_rules.source.trees import arguments, callee, dotted, is_text

# What one try says to the next in words.
_LESSON = re.compile(r"(^|_)(feedback|hint|correction|critique|complaint|instructions?|prompt|messages?)(_|$)")
_GROWS = frozenset({"append", "extend", "insert", "add", "update"})
_ASKS = frozenset({"len", "bool", "isinstance"})
# What a failed round is not sent to again.
_TARGETS = re.compile(
    r"(^|_)(host|server|node|endpoint|mirror|proxy|provider|broker|candidate|account|model)(_?(index|idx|id|name|url))?$"
)
# What has been tried, for whoever chooses what to try next.
_EXCLUDES = re.compile(r"^(excluded?|excluding|avoid|skip|ignore|tried|visited|used|exclude_\w+|excluded_\w+)$")


def learns(code: OwnCode, loop: Loop, own: list[ast.AST], attempt: Attempt) -> bool:
    """Whether what went wrong in a round is worked into the next: a model is shown its mistake, a host that failed is avoided."""
    before = _reach(code, attempt)
    if any(_is_excluded(code, name, loop) for name in _grown(code, own, 0)):
        return True
    taught = {*_grown(code, own, before), *_told(code, own)}
    for handler in handlers_of(attempt):
        inside = [node for node in own if handler in code.holders(node)]
        taught.update(_made_of_error(handler, inside))
        taught.update(_other_targets(inside))
        taught.update(_other_arguments(code, inside, attempt))
    return any(_is_worked_on(code, name, loop, before) for name in taught if not (is_attempt(name) or is_delay(name)))


def _reach(code: OwnCode, attempt: Attempt) -> int:
    """Return the place of the last node in what is tried."""
    return max((code.order(node) for node in code.nodes if code.is_in(node, attempt.body)), default=0)


def _grown(code: OwnCode, own: list[ast.AST], before: int) -> Iterator[str]:
    """Yield the collections that a round adds to behind the node that stands at the place `before`."""
    for node in own:
        match node:
            case ast.Call(func=ast.Attribute(value=grown, attr=method)) if method in _GROWS:
                if code.order(node) > before and dotted(grown):
                    yield dotted(grown)
            case _:
                pass


def _told(code: OwnCode, own: list[ast.AST]) -> Iterator[str]:
    """Yield the variables that hold what a round says to the next: they are read ahead of where a text is put into them."""
    for node in own:
        if not isinstance(node, ast.Assign) or not _is_long_text(node.value):
            continue
        for name in map(dotted, node.targets):
            if _LESSON.search(snake(name)) and any(
                code.order(load) < code.order(node) for load in code.loads[name] if load in own
            ):
                yield name


def _is_long_text(value: ast.expr) -> bool:
    """Whether a value is a text with something filled in, or one that takes more than a line."""
    return isinstance(value, ast.JoinedStr) or (is_text(value) and value.lineno != value.end_lineno)


def _is_excluded(code: OwnCode, name: str, loop: Loop) -> bool:
    """Whether a collection says what not to try again: `router.pick(excluded=tried)`."""
    return any(
        _EXCLUDES.search(snake(_keyword_of(code, load))) and loop in code.holders(load) for load in code.loads[name]
    )


def _keyword_of(code: OwnCode, load: ast.AST) -> str:
    """Return the keyword that a variable is handed on by, also as `exclude=frozenset(tried)`; `""` for none."""
    parent = code.parent(load)
    if isinstance(parent, ast.Call) and load in parent.args:
        parent = code.parent(parent)
    return parent.arg or "" if isinstance(parent, ast.keyword) else ""


def _made_of_error(handler: ast.ExceptHandler, inside: list[ast.AST]) -> Iterator[str]:
    """Yield the variables that a handler makes of the error it caught, at once or by way of others."""
    if handler.name is None:
        return
    known = {handler.name}
    for node in inside:
        match node:
            case ast.Assign(targets=targets, value=value) if _reads(value, known):
                made = [name for target in targets for name in names_of(target)]
            case ast.AugAssign(target=target, value=value) if _reads(value, known):
                made = [dotted(target)]
            case _:
                continue
        known.update(made)
        yield from made


def _other_targets(inside: list[ast.AST]) -> Iterator[str]:
    """Yield the hosts, providers and the like that a handler replaces: `host = self.next_host()`."""
    for node in inside:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call | ast.Await):
            names = list(map(dotted, node.targets))
            yield from (name for name in names if _TARGETS.search(snake(name.rpartition(".")[2])))


def _other_arguments(code: OwnCode, inside: list[ast.AST], attempt: Attempt) -> Iterator[str]:
    """Yield the arguments of what is tried that a handler changes: `params["temperature"] = 0`."""
    for node in inside:
        for target in node.targets if isinstance(node, ast.Assign) else ():
            match target:
                case ast.Subscript(value=ast.Name(id=name)):
                    if any(_is_argument(code, load) for load in _loads_in(code, name, attempt)):
                        yield name
                case _:
                    pass


def _loads_in(code: OwnCode, name: str, attempt: Attempt) -> Iterator[ast.AST]:
    return (load for load in code.loads[name] if code.is_in(load, attempt.body))


def _is_argument(code: OwnCode, load: ast.AST) -> bool:
    """Whether a variable is handed to a call as it is, or by its items: `send(params)`, `send(**params)`."""
    parent = code.parent(load)
    if isinstance(parent, ast.Starred):
        load, parent = parent, code.parent(parent)
    return isinstance(parent, ast.keyword) or (isinstance(parent, ast.Call) and load in parent.args)


def _reads(node: ast.AST, names: set[str]) -> bool:
    return not names.isdisjoint(names_in(node))


def _is_worked_on(code: OwnCode, name: str, loop: Loop, before: int) -> bool:
    """Whether a variable is read in what is tried, or ahead of it in the round, for more than to decide, report or wait."""
    return any(
        loop in code.holders(load) and code.order(load) <= before and not _only_tells(code, load)
        for load in code.loads[name]
    )


def _only_tells(code: OwnCode, load: ast.AST) -> bool:
    """Whether a read decides, reports or waits, rather than to be part of what is tried."""
    for outer in code.holders(load):
        match outer:
            case ast.Compare() | ast.Raise() | ast.If() | ast.IfExp() | ast.While():
                return True
            case ast.Call():
                name = callee(outer)
                if name in _ASKS or is_pause(name, arguments(outer)) or is_report(name):
                    return True
            case ast.Assign(targets=targets):
                return all(map(_is_bookkeeping, map(dotted, targets)))
            case ast.AugAssign(target=target):
                return _is_bookkeeping(dotted(target))
            case ast.stmt():
                return False
            case _:
                pass
    return False


def _is_bookkeeping(name: str) -> bool:
    return is_attempt(name) or is_delay(name)
