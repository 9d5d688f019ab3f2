"""What one round of a loop teaches the next: then the rounds try something else each time, though they are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from golden_rules.naming import snake
from golden_rules.rules.resilience.retry_rounds import Attempt, Loop
from golden_rules.rules.resilience.retry_syntax import names_of
from golden_rules.rules.resilience.retry_words import is_attempt, is_delay, is_pause, is_report
from golden_rules.source.body import Body, callee, dotted

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


def learns(body: Body, loop: Loop, own: list[cst.CSTNode], attempt: Attempt) -> bool:
    """Whether what went wrong in a round is worked into the next: a model is shown its mistake, a host that failed is avoided."""
    before = _reach(body, attempt)
    if any(_is_excluded(body, name, loop) for name in _grown(body, own, 0)):
        return True
    taught = {*_grown(body, own, before), *_told(body, own)}
    for handler in () if isinstance(attempt, cst.With) else attempt.handlers:
        inside = [node for node in own if handler in body.ancestors(node)]
        taught.update(_made_of_error(handler, inside))
        taught.update(_other_targets(inside))
        taught.update(_other_arguments(body, inside, attempt))
    return any(_is_worked_on(body, name, loop, before) for name in taught if not (is_attempt(name) or is_delay(name)))


def _reach(body: Body, attempt: Attempt) -> int:
    """Return the place of the last node in what is tried."""
    return max((body.order(node) for node in body.nodes if attempt.body in body.ancestors(node)), default=0)


def _grown(body: Body, own: list[cst.CSTNode], before: int) -> Iterator[str]:
    """Yield the collections that a round adds to behind the node that stands at the place `before`."""
    for node in own:
        match node:
            case cst.Call(func=cst.Attribute(value=grown, attr=cst.Name(value=method))) if method in _GROWS:
                if body.order(node) > before and dotted(grown):
                    yield dotted(grown)
            case _:
                pass


def _told(body: Body, own: list[cst.CSTNode]) -> Iterator[str]:
    """Yield the variables that hold what a round says to the next: they are read ahead of where a text is put into them."""
    for node in own:
        if isinstance(node, cst.Assign) and isinstance(node.value, cst.FormattedString | cst.ConcatenatedString):
            for name in (dotted(target.target) for target in node.targets):
                if _LESSON.search(snake(name)) and any(
                    body.order(load) < body.order(node) for load in body.loads[name] if load in own
                ):
                    yield name


def _is_excluded(body: Body, name: str, loop: Loop) -> bool:
    """Whether a collection says what not to try again: `router.pick(excluded=tried)`."""
    for load in body.loads[name]:
        match body.parent(load):
            case cst.Arg() as argument:
                # `exclude=frozenset(tried)` as well.
                outer = body.parent(body.parent(argument)) if argument.keyword is None else argument
                keyword = outer.keyword.value if isinstance(outer, cst.Arg) and outer.keyword else ""
                if _EXCLUDES.search(snake(keyword)) and loop in body.ancestors(load):
                    return True
            case _:
                pass
    return False


def _made_of_error(handler: cst.ExceptHandler | cst.ExceptStarHandler, inside: list[cst.CSTNode]) -> Iterator[str]:
    """Yield the variables that a handler makes of the error it caught, at once or by way of others."""
    if handler.name is None:
        return
    known = {dotted(handler.name.name)}
    for node in inside:
        match node:
            case cst.Assign(targets=targets, value=value) if _reads(value, known):
                made = [dotted(name) for target in targets for name in names_of(target.target)]
            case cst.AugAssign(target=target, value=value) if _reads(value, known):
                made = [dotted(target)]
            case _:
                continue
        known.update(made)
        yield from made


def _other_targets(inside: list[cst.CSTNode]) -> Iterator[str]:
    """Yield the hosts, providers and the like that a handler replaces: `host = self.next_host()`."""
    for node in inside:
        if isinstance(node, cst.Assign) and isinstance(node.value, cst.Call | cst.Await):
            names = [dotted(target.target) for target in node.targets]
            yield from (name for name in names if _TARGETS.search(snake(name.rpartition(".")[2])))


def _other_arguments(body: Body, inside: list[cst.CSTNode], attempt: Attempt) -> Iterator[str]:
    """Yield the arguments of what is tried that a handler changes: `params["temperature"] = 0`."""
    for node in inside:
        match node:
            case cst.AssignTarget(target=cst.Subscript(value=cst.Name(value=name))):
                if any(isinstance(body.parent(load), cst.Arg) for load in _loads_in(body, name, attempt)):
                    yield name
            case _:
                pass


def _loads_in(body: Body, name: str, attempt: Attempt) -> Iterator[cst.CSTNode]:
    return (load for load in body.loads[name] if attempt.body in body.ancestors(load))


def _reads(node: cst.CSTNode, names: set[str]) -> bool:
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, cst.Name) and current.value in names:
            return True
        stack.extend(current.children)
    return False


def _is_worked_on(body: Body, name: str, loop: Loop, before: int) -> bool:
    """Whether a variable is read in what is tried, or ahead of it in the round, for more than to decide, report or wait."""
    return any(
        loop in body.ancestors(load) and body.order(load) <= before and not _only_tells(body, load)
        for load in body.loads[name]
    )


def _only_tells(body: Body, load: cst.CSTNode) -> bool:
    """Whether a read decides, reports or waits, rather than to be part of what is tried."""
    for outer in body.ancestors(load):
        match outer:
            case cst.Comparison() | cst.Raise() | cst.If() | cst.IfExp() | cst.While():
                return True
            case cst.Call():
                name = callee(outer)
                if name in _ASKS or is_pause(name, len(outer.args)) or is_report(name):
                    return True
            case cst.Assign(targets=targets):
                return all(_is_bookkeeping(dotted(target.target)) for target in targets)
            case cst.AugAssign(target=target):
                return _is_bookkeeping(dotted(target))
            case cst.BaseStatement() | cst.BaseSmallStatement():
                return False
            case _:
                pass
    return False


def _is_bookkeeping(name: str) -> bool:
    return is_attempt(name) or is_delay(name)
