"""Except handlers after which a function ends as if it had succeeded."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from golden_rules.rules.misleading.endings import always_returns, completes, statements_after
from golden_rules.rules.misleading.library_errors import STAND_FOR_ALL
from golden_rules.rules.misleading.work import (
    is_main,
    is_set_in,
    is_work,
    logs_something,
    nothing_comes,
    result_stands,
    share,
)
from golden_rules.rules.misleading.work_words import HANDS_ON, SEVERE
from golden_rules.source.own_code import OwnCode, below, names_in
from golden_rules.source.text import SourceText
from golden_rules.source.trees import AnyTry, dotted, last_called, walk

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
    ast.Assert,
    ast.BoolOp,
    ast.For,
    ast.AsyncFor,
    ast.If,
    ast.IfExp,
    ast.Match,
    ast.Raise,
    ast.While,
    ast.Yield,
    ast.YieldFrom,
)
_RETURN = re.compile(r"return(?:\s|\\\r?\n)*")
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

    handler: ast.ExceptHandler
    deed: str
    told: bool
    silent: bool


def swallows(source: SourceText, code: OwnCode, meaning: Callable[[str], str]) -> Iterator[Swallow]:
    """Yield the handlers of a function that swallow every exception of its main work, in order of the source.

    Args:
        source: The text of the file.
        code: The function's own code.
        meaning: Tells what a dotted name stands for in it.
    """
    for node in code.nodes:
        if not isinstance(node, AnyTry):
            continue
        after = statements_after(code, node)
        if after is None:
            continue
        for handler in node.handlers:
            swallow = _Handling(source, code, node, handler).swallow(after, meaning)
            if swallow is not None:
                yield swallow


def called_in(handler: ast.ExceptHandler) -> frozenset[str]:
    """Return the last names of what a handler calls."""
    return frozenset(last_called(node) for node in _below(handler) if isinstance(node, ast.Call))


def _below(node: ast.AST) -> list[ast.AST]:
    return [*below([node])][1:]


class _Handling:
    """What one handler does, read from its nodes."""

    def __init__(self, source: SourceText, code: OwnCode, statement: AnyTry, handler: ast.ExceptHandler) -> None:
        self.source = source
        self.code = code
        self.statement = statement
        self.handler = handler
        self.inside = _below(handler)
        self.calls = [node for node in self.inside if isinstance(node, ast.Call)]
        self.returns = [node for node in self.inside if isinstance(node, ast.Return)]
        self.severe = any(SEVERE.fullmatch(last_called(call)) for call in self.calls)
        self.told_of = self._names_that_tell()

    def swallow(self, after: Sequence[ast.stmt], meaning: Callable[[str], str]) -> Swallow | None:
        """Return what is to be said of it, or `None` where the error is not swallowed."""
        if not self._is_of_all_work(meaning) or not self._ends_well(after):
            return None
        if self._hands_on() or self._is_fallback():
            return None
        # `return _error("cannot pay")` makes an answer; what is called on a logger has written a line.
        answers = [node.value for node in self.returns if "." not in dotted(node.value)]
        logs = any(logs_something(call) for call in self.calls if call not in answers)
        deed = self._deed(logs=logs, goes_on=not nothing_comes(self.code, self.statement.body, after))
        return Swallow(self.handler, deed, self._tells_itself(), not logs and not self.returns)

    def _is_of_all_work(self, meaning: Callable[[str], str]) -> bool:
        """Whether it catches whatever may go wrong with the main work."""
        found = share(self.code, self.statement, self.statement.body, self.statement.orelse)
        caught_kinds = list(kinds(self.handler))
        if not any(map(is_broad, caught_kinds)):
            return (
                any(stands_for_all(kind, meaning) for kind in caught_kinds) and found.inside > 0 and not found.outside
            )
        if is_main(self.statement.body, found):
            return True
        # One that logs an error and returns gives the whole function up, wherever it stands.
        even = 0 < found.inside == found.outside
        return bool(self.returns) and (self.severe or (even and self._tells_itself()))

    def _ends_well(self, after: Sequence[ast.stmt]) -> bool:
        """Whether the function ends after it as if nothing had happened."""
        statements = self.handler.body
        raises = [node for node in self.inside if isinstance(node, ast.Raise)]
        if raises and not (self._tells_itself() and all(map(self._is_raised_on_demand, raises))):
            return False
        if not completes(statements):
            return always_returns(statements) and not isinstance(statements[-1], ast.Raise)
        return nothing_comes(self.code, self.statement.body, after) or self._goes_on_regardless(after)

    def _tells_itself(self) -> bool:
        """Whether it calls the error a failure: it logs one, or returns one."""
        return self.severe or any(_is(node.value, constant=False) or self._tells(node.value) for node in self.returns)

    def _is_raised_on_demand(self, node: ast.Raise) -> bool:
        """Whether a condition that asks nothing of the error decides if it is raised."""
        on_demand = False
        current: ast.AST = node
        for holder in self.code.holders(node):
            if holder is self.handler:
                return on_demand
            if isinstance(holder, ast.If):
                if _names(holder.test) & self.told_of or _STATUS.search(self._text(holder.test)):
                    return False
                on_demand = on_demand or current in holder.body
            current = holder
        return False

    def _goes_on_regardless(self, after: Sequence[ast.stmt]) -> bool:
        """Whether the function, its main work failed and logged as an error, does the rest in either case, and ends."""
        found = share(self.code, self.statement, self.statement.body, self.statement.orelse)
        if not self.severe or found.inside < 2 * found.outside or result_stands(self.code, self.statement.body, after):
            return False
        tried = set(_below(self.statement))
        if any(isinstance(node, ast.Return) for node in tried):
            return False
        made = {name for name, bindings in self.code.bindings.items() if not tried.isdisjoint(bindings)}
        return not any(
            isinstance(node, _DECIDING)
            or (isinstance(node, ast.Call) and (HANDS_ON.fullmatch(last_called(node)) or _names(node) & made))
            for node in below(after)
        )

    def _deed(self, *, logs: bool, goes_on: bool) -> str:
        first = "logs them" if logs else "takes them"
        if self.returns:
            shown = " ".join(_RETURN.sub("", self._text(self.returns[-1]), count=1).split())
            return f"{first} and returns" + (f" `{shown}`" if 0 < len(shown) <= 40 else "")
        if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in self.inside):
            return f"{first} and yields"
        return f"{first} and {'goes on' if goes_on else 'lets the function end'}"

    def _names_that_tell(self) -> frozenset[str]:
        """Return the variables that hold the exception, or what the handler makes of it."""
        names = {self.handler.name} if self.handler.name else set()
        for node in self.inside:
            if isinstance(node, ast.Assign) and _names(node.value) & names:
                names |= set(map(dotted, node.targets)) - {""}
        return frozenset(names)

    def _tells(self, node: ast.AST | None) -> bool:
        """Whether some code speaks of a failure: of the exception, of an error by name or text, of a status."""
        if node is None:
            return False
        if any(name in self.told_of or _speaks_of_failure(name) for name in names_in(node)):
            return True
        return any(map(_FAILURE_TEXT.search, self._texts(node))) or any(
            isinstance(part, ast.Constant) and type(part.value) is int and 400 <= part.value < 600
            for part in walk(node)
        )

    def _texts(self, node: ast.AST) -> Iterator[str]:
        """Yield the texts in some code, as written; of f-strings, what stands between their expressions."""
        pieces: set[ast.AST] = set()
        for part in walk(node):
            if isinstance(part, ast.JoinedStr):
                pieces.update(part.values)
            elif isinstance(part, ast.Constant) and isinstance(part.value, str | bytes):
                yield str(part.value) if part in pieces else self._text(part)

    def _hands_on(self) -> bool:
        """Whether somebody else gets the error: by being told, or by having it returned to them as it is."""
        if self.handler.name and any(dotted(node.value) == self.handler.name for node in self.returns):
            return True
        return any(
            HANDS_ON.fullmatch(last_called(call))
            or (_MAY_RAISE.fullmatch(last_called(call)) and not logs_something(call))
            for call in self.calls
        )

    def _is_fallback(self) -> bool:
        """Whether the handler does the work in another way, so that the call succeeds after all."""
        if any(_is(node.value, constant=True) for node in self.returns):
            return True
        for node in self.inside:
            if isinstance(node, ast.Return):
                value, instead = node.value, True
            elif isinstance(node, ast.Assign):
                value = node.value
                instead = any(is_set_in(self.code, self.statement.body, dotted(target)) for target in node.targets)
            else:
                continue
            if value is not None and instead and self._is_another_way(value):
                return True
        speaks = any(map(logs_something, self.calls)) or any(map(self._tells, self.handler.body))
        return not speaks and any(map(is_work, self.calls))

    def _is_another_way(self, value: ast.expr) -> bool:
        parts = list(walk(value))
        says_no = any(isinstance(part, ast.Constant) and part.value is False for part in parts)
        return any(map(is_work, parts)) and not self._tells(value) and not says_no

    def _text(self, node: ast.expr | ast.stmt) -> str:
        return self.source.text[slice(*self.source.span(node))]


def is_broad(kind: str) -> bool:
    """Whether an exception, as written, is any; `""` is that of a bare `except`."""
    return not kind or kind in _BROAD


def stands_for_all(kind: str, meaning: Callable[[str], str]) -> bool:
    """Whether an exception is the one from which all those of a library derive."""
    return meaning(kind) in STAND_FOR_ALL


def kinds(handler: ast.ExceptHandler) -> Iterator[str]:
    """Yield what a handler catches, as written; a bare one `""`."""
    match handler.type:
        case None:
            yield ""
        case ast.Tuple(elts=elements):
            yield from (dotted(element) or "?" for element in elements)
        case kind:
            yield dotted(kind) or "?"


def _speaks_of_failure(name: str) -> bool:
    return any(_TELLS_OF_FAILURE.fullmatch(word.lower()) for word in _HUMP.split(name))


def _is(value: ast.expr | None, *, constant: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is constant


def _names(node: ast.AST) -> set[str]:
    return set(names_in(node))
