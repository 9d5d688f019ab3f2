"""Except handlers after which a function ends as if it had succeeded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import libcst as cst

from golden_rules.rules.misleading.endings import (
    AnyTry,
    always_returns,
    completes,
    nodes_of,
    nodes_within,
    statements_after,
    statements_of,
)
from golden_rules.rules.misleading.library_errors import STAND_FOR_ALL
from golden_rules.rules.misleading.work import (
    is_main,
    is_set_in,
    is_work,
    last_name,
    logs_something,
    nothing_comes,
    result_stands,
    share,
)
from golden_rules.rules.misleading.work_words import HANDS_ON, SEVERE
from golden_rules.source.body import Body, dotted, read_body

AnyHandler = cst.ExceptHandler | cst.ExceptStarHandler
_BROAD = frozenset({"Exception", "BaseException", "builtins.Exception", "builtins.BaseException"})
# What may raise the error again, for all that its name tells.
_MAY_RAISE = re.compile(
    r"_*(async_)?(handle|on|process|raise|wrap|convert|translate|map|maybe|check|deal)_(\w+_)?(error|exception|exc|failure)s?(_\w+)?"
    r"|(\w+_)?(error|exception|exc)_handler"
)
_TELLS_OF_FAILURE = re.compile(
    r"err(or)?s?|exceptions?|exc|fail(ed|ure|ures|s)?|fault|invalid|unhealthy|internal|bad|problem"
)
_FAILURE_TEXT = re.compile(
    r"error|fail|exception|went wrong|could ?n[o']t|unable|can ?n?[o']?t\b|invalid|unavailable|not (be|found|available)|problem|sorry",
    re.IGNORECASE,
)
# What asks of an error whether it is one.
_STATUS = re.compile(r"status|code|errno|reason|exc_info|[45]\d\d")
# Statements after which a function may not end well, or which find out that something failed.
_DECIDING = (
    cst.Assert,
    cst.BooleanOperation,
    cst.For,
    cst.If,
    cst.IfExp,
    cst.Match,
    cst.Raise,
    cst.While,
    cst.Yield,
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True, eq=False)
class Swallow:
    """A handler after which the function ends as if nothing had happened.

    Attributes:
        handler: The handler.
        deed: What it does with the failures, in words: `logs them and returns `None``.
        told: Whether it calls them failures itself: it logs an error, or returns one.
        silent: Whether it neither logs them nor returns anything.
    """

    handler: AnyHandler
    deed: str
    told: bool
    silent: bool


def swallows(function: cst.FunctionDef, meaning: Callable[[str], str]) -> tuple[Body, list[Swallow]]:
    """Return the handlers of a function that swallow every exception of its main work, in order of the source.

    Args:
        function: The function.
        meaning: Tells what a dotted name stands for in it.
    """
    body = read_body(function)
    found = []
    for node in body.nodes:
        if not isinstance(node, AnyTry):
            continue
        after = statements_after(body, node)
        if after is None:
            continue
        for handler in node.handlers:
            swallow = _Handling(body, node, handler).swallow(after, meaning)
            if swallow is not None:
                found.append(swallow)
    return body, found


def caught(handler: AnyHandler) -> str:
    """Return the name that a handler binds the exception to, or `""`."""
    return dotted(handler.name.name) if handler.name is not None else ""


def called_in(body: Body, handler: AnyHandler) -> frozenset[str]:
    """Return the last names of what a handler calls."""
    return frozenset(last_name(node) for node in nodes_within(body, handler) if isinstance(node, cst.Call))


class _Handling:
    """What one handler does, read from its nodes."""

    def __init__(self, body: Body, statement: AnyTry, handler: AnyHandler) -> None:
        self.body = body
        self.statement = statement
        self.handler = handler
        self.inside = nodes_within(body, handler)
        self.calls = [node for node in self.inside if isinstance(node, cst.Call)]
        self.returns = [node for node in self.inside if isinstance(node, cst.Return)]
        self.severe = any(SEVERE.fullmatch(last_name(call)) for call in self.calls)
        self.told_of = self._names_that_tell()

    def swallow(self, after: Sequence[cst.CSTNode], meaning: Callable[[str], str]) -> Swallow | None:
        """Return what is to be said of it, or `None` where the error is not swallowed."""
        if not self._is_of_all_work(meaning) or not self._ends_well(after):
            return None
        if self._hands_on() or self._is_fallback():
            return None
        logs = any(map(logs_something, self.calls))
        deed = self._deed(logs=logs, goes_on=not nothing_comes(self.body, self.statement.body, after))
        return Swallow(self.handler, deed, self._tells_itself(), not logs and not self.returns)

    def _is_of_all_work(self, meaning: Callable[[str], str]) -> bool:
        """Whether it catches whatever may go wrong with the main work."""
        found = share(self.body, self.statement.body, self.statement.orelse)
        caught_kinds = list(kinds(self.handler))
        if not any(map(is_broad, caught_kinds)):
            return (
                any(stands_for_all(kind, meaning) for kind in caught_kinds) and found.inside > 0 and not found.outside
            )
        if is_main(self.body, self.statement.body, found):
            return True
        # One that logs an error and returns gives the whole function up, wherever it stands.
        even = 0 < found.inside == found.outside
        return bool(self.returns) and (self.severe or (even and self._tells_itself()))

    def _ends_well(self, after: Sequence[cst.CSTNode]) -> bool:
        """Whether the function ends after it as if nothing had happened."""
        statements = statements_of(self.handler.body)
        raises = [node for node in self.inside if isinstance(node, cst.Raise)]
        if raises and not (self._tells_itself() and all(map(self._is_raised_on_demand, raises))):
            return False
        if not completes(statements):
            return always_returns(statements) and not isinstance(statements[-1], cst.Raise)
        return nothing_comes(self.body, self.statement.body, after) or self._goes_on_regardless(after)

    def _tells_itself(self) -> bool:
        """Whether it calls the error a failure: it logs one, or returns one."""
        return self.severe or any(_is(node.value, "False") or self._tells(node.value) for node in self.returns)

    def _is_raised_on_demand(self, node: cst.Raise) -> bool:
        """Whether a condition that asks nothing of the error decides if it is raised."""
        on_demand, below = False, cast("cst.CSTNode", node)
        for holder in self.body.ancestors(node):
            if holder is self.handler:
                return on_demand
            if isinstance(holder, cst.If):
                if _names(holder.test) & self.told_of or _STATUS.search(cst.Module([]).code_for_node(holder.test)):
                    return False
                on_demand = on_demand or holder.body is below
            below = holder
        return False

    def _goes_on_regardless(self, after: Sequence[cst.CSTNode]) -> bool:
        """Whether the function, its main work failed and logged as an error, does the rest in either case, and ends."""
        found = share(self.body, self.statement.body, self.statement.orelse)
        if not self.severe or found.inside < 2 * found.outside or result_stands(self.body, self.statement.body, after):
            return False
        tried = nodes_within(self.body, self.statement)
        if any(isinstance(node, cst.Return) for node in tried):
            return False
        made = {name for name, bindings in self.body.bindings.items() if any(node in tried for node in bindings)}
        return not any(
            isinstance(node, _DECIDING)
            or (isinstance(node, cst.Call) and (HANDS_ON.fullmatch(last_name(node)) or _names(node) & made))
            for statement in after
            for node in [statement, *nodes_within(self.body, statement)]
        )

    def _deed(self, *, logs: bool, goes_on: bool) -> str:
        first = "logs them" if logs else "takes them"
        if self.returns:
            value = self.returns[-1].value
            shown = "" if value is None else " ".join(cst.Module([]).code_for_node(value).split())
            return f"{first} and returns" + (f" `{shown}`" if 0 < len(shown) <= 40 else "")
        if any(isinstance(node, cst.Yield) for node in self.inside):
            return f"{first} and yields"
        return f"{first} and {'goes on' if goes_on else 'lets the function end'}"

    def _names_that_tell(self) -> frozenset[str]:
        """Return the variables that hold the exception, or what the handler makes of it."""
        names = {caught(self.handler)} - {""}
        for node in self.inside:
            if isinstance(node, cst.Assign) and _names(node.value) & names:
                names |= {dotted(target.target) for target in node.targets} - {""}
        return frozenset(names)

    def _tells(self, node: cst.CSTNode | None) -> bool:
        """Whether an expression speaks of a failure: of the exception, of an error by name or text, of a status."""
        for part in nodes_of(node) if node is not None else ():
            match part:
                case cst.Name(value=name) if name in self.told_of or _speaks_of_failure(name):
                    return True
                case cst.SimpleString() | cst.FormattedStringText() if _FAILURE_TEXT.search(part.value):
                    return True
                case cst.Integer(value=number) if re.fullmatch(r"[45]\d\d", number):
                    return True
                case _:
                    pass
        return False

    def _hands_on(self) -> bool:
        """Whether somebody else gets the error: by being told, or by having it returned to them as it is."""
        if caught(self.handler) and any(dotted(node.value) == caught(self.handler) for node in self.returns):
            return True
        return any(
            HANDS_ON.fullmatch(last_name(call)) or (_MAY_RAISE.fullmatch(last_name(call)) and not logs_something(call))
            for call in self.calls
        )

    def _is_fallback(self) -> bool:
        """Whether the handler does the work in another way, so that the call succeeds after all."""
        if any(_is(node.value, "True") for node in self.returns):
            return True
        for node in self.inside:
            if isinstance(node, cst.Return):
                value, instead = node.value, True
            elif isinstance(node, cst.Assign):
                value, instead = (
                    node.value,
                    any(is_set_in(self.body, self.statement.body, dotted(target.target)) for target in node.targets),
                )
            else:
                continue
            if value is not None and instead and self._is_another_way(value):
                return True
        speaks = any(map(logs_something, self.calls)) or any(map(self._tells, statements_of(self.handler.body)))
        return not speaks and any(map(is_work, self.calls))

    def _is_another_way(self, value: cst.BaseExpression) -> bool:
        return any(map(is_work, nodes_of(value))) and not self._tells(value) and "False" not in _names(value)


def is_broad(kind: str) -> bool:
    """Whether an exception, as written, is any; `""` is that of a bare `except`."""
    return not kind or kind in _BROAD


def stands_for_all(kind: str, meaning: Callable[[str], str]) -> bool:
    """Whether an exception is the one from which all those of a library derive."""
    return meaning(kind) in STAND_FOR_ALL


def kinds(handler: AnyHandler) -> Iterator[str]:
    """Yield what a handler catches, as written; a bare one `""`."""
    match handler.type:
        case None:
            yield ""
        case cst.Tuple(elements=elements):
            yield from (dotted(element.value) or "?" for element in elements)
        case kind:
            yield dotted(kind) or "?"


def _speaks_of_failure(name: str) -> bool:
    return any(_TELLS_OF_FAILURE.fullmatch(word.lower()) for word in _HUMP.split(name))


def _is(value: cst.BaseExpression | None, constant: str) -> bool:
    return isinstance(value, cst.Name) and value.value == constant


def _names(node: cst.CSTNode) -> set[str]:
    return {part.value for part in nodes_of(node) if isinstance(part, cst.Name)}
