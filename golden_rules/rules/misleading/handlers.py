"""Except handlers after which a function ends as if it had succeeded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from golden_rules.rules.handbuilt.vocabulary import is_log, is_metric, is_pure
from golden_rules.rules.misleading.endings import (
    AnyTry,
    always_returns,
    completes,
    nodes_of,
    nodes_within,
    statements_after,
    statements_of,
)
from golden_rules.source.body import Body, callee, dotted, read_body

AnyHandler = cst.ExceptHandler | cst.ExceptStarHandler
_BROAD = frozenset({"Exception", "BaseException", "builtins.Exception", "builtins.BaseException"})
# What hands the error on, ends the process, or tries again.
_HANDS_ON = re.compile(
    r"(\w+_)?re_?raise(_\w+)?|raise(_\w+)?|\w+_raise|abort|retry|retry_\w+|_?exit|throw|propagate|set_exception|fail|bail|die|mark_failure"
    r"|errback|reject|reject_\w+|add_done_callback"
)
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
_SEVERE = re.compile(r"a?(error|exception|critical|fatal)|print_exc|print_exception|capture_exception")
_CLEANS = re.compile(
    r"(a|async_|_)*(roll_?back|close|cleanup|clean_up|release|cancel|unlink|remove|delete|kill|terminate|stop|disconnect|clear|pop|unlock|reset)(_\w+)?"
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


def swallows(function: cst.FunctionDef) -> tuple[Body, list[Swallow]]:
    """Return the handlers of a function that swallow every exception of its main work, in order of the source."""
    body = read_body(function)
    found = []
    for node in body.nodes:
        if not isinstance(node, AnyTry):
            continue
        after = statements_after(body, node)
        if after is None:
            continue
        handled = [_Handling(body, node, handler) for handler in node.handlers]
        # One that logs an error and returns gives the whole function up, wherever it stands.
        main = _is_main_work(body, node)
        found += [
            swallow
            for handling in handled
            if (main or (handling.returns and handling.severe)) and (swallow := handling.swallow(after))
        ]
    return body, found


def caught(handler: AnyHandler) -> str:
    """Return the name that a handler binds the exception to, or `""`."""
    return dotted(handler.name.name) if handler.name is not None else ""


def called_in(body: Body, handler: AnyHandler) -> frozenset[str]:
    """Return the last names of what a handler calls."""
    return frozenset(_last(node) for node in nodes_within(body, handler) if isinstance(node, cst.Call))


class _Handling:
    """What one handler does, read from its nodes."""

    def __init__(self, body: Body, statement: AnyTry, handler: AnyHandler) -> None:
        self.body = body
        self.statement = statement
        self.handler = handler
        self.inside = nodes_within(body, handler)
        self.calls = [node for node in self.inside if isinstance(node, cst.Call)]
        self.returns = [node for node in self.inside if isinstance(node, cst.Return)]
        self.severe = any(_SEVERE.fullmatch(_last(call)) for call in self.calls)
        self.told_of = self._names_that_tell()

    def swallow(self, after: Sequence[cst.CSTNode]) -> Swallow | None:
        """Return what is to be said of it, or `None` where the error is not swallowed."""
        if not _is_broad(self.handler) or any(isinstance(node, cst.Raise) for node in self.inside):
            return None
        statements = statements_of(self.handler.body)
        if completes(statements):
            if not all(map(self._is_trivial, after)) or self._result_stands(after):
                return None
        elif not always_returns(statements):
            return None
        if self._hands_on() or self._is_fallback():
            return None
        logs = any(map(_logs, self.calls))
        told = self.severe or any(_is(node.value, "False") or self._tells(node.value) for node in self.returns)
        return Swallow(self.handler, self._deed(logs=logs), told, not logs and not self.returns)

    def _deed(self, *, logs: bool) -> str:
        first = "logs them" if logs else "takes them"
        if self.returns:
            value = self.returns[-1].value
            shown = "" if value is None else " ".join(cst.Module([]).code_for_node(value).split())
            return f"{first} and returns" + (f" `{shown}`" if 0 < len(shown) <= 40 else "")
        if any(isinstance(node, cst.Yield) for node in self.inside):
            return f"{first} and yields"
        return f"{first} and lets the function end"

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
            _HANDS_ON.fullmatch(_last(call)) or (_MAY_RAISE.fullmatch(_last(call)) and not _logs(call))
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
                value, instead = node.value, any(self._set_in_try(dotted(target.target)) for target in node.targets)
            else:
                continue
            if value is not None and instead and self._is_another_way(value):
                return True
        speaks = any(map(_logs, self.calls)) or any(map(self._tells, statements_of(self.handler.body)))
        return not speaks and any(map(_is_work, self.calls))

    def _is_another_way(self, value: cst.BaseExpression) -> bool:
        return any(map(_is_work, nodes_of(value))) and not self._tells(value) and "False" not in _names(value)

    def _result_stands(self, after: Sequence[cst.CSTNode]) -> bool:
        """Whether what is returned in the end was there before the `try`, which then was no main work."""
        returns = [node for statement in after for node in nodes_of(statement) if isinstance(node, cst.Return)]
        for name in (dotted(node.value) for node in returns):
            made = [binding for binding in self.body.bindings.get(name, ()) if isinstance(binding, cst.Assign)]
            if any(not _is_empty(binding.value) for binding in made) and not self._set_in_try(name):
                return True
        return False

    def _set_in_try(self, name: str) -> bool:
        bindings = self.body.bindings.get(name, ())
        return any(self.statement.body in self.body.ancestors(binding) for binding in bindings)

    def _is_trivial(self, statement: cst.CSTNode) -> bool:
        """Whether a statement after the `try` does no work of its own, and cannot raise what was caught."""
        return not any(
            isinstance(node, cst.Raise | cst.For | cst.While | cst.Yield | cst.Await) or _is_work(node)
            for node in [statement, *nodes_within(self.body, statement)]
        )


def _is_main_work(body: Body, statement: AnyTry) -> bool:
    """Whether at least half of the work of a function, handlers left out, stands in a `try` block."""
    inside = outside = 0
    for node in body.nodes:
        if not _is_work(node):
            continue
        for holder in body.ancestors(node):
            if isinstance(holder, cst.ExceptHandler | cst.ExceptStarHandler | cst.Finally):
                break
            if holder is statement.body or (holder is statement.orelse and holder is not None):
                inside += 1
                break
        else:
            outside += 1
    return inside > 0 and inside >= outside


def _is_broad(handler: AnyHandler) -> bool:
    kind = handler.type
    if kind is None:
        return True
    if isinstance(kind, cst.Tuple):
        return any(dotted(element.value) in _BROAD for element in kind.elements)
    return dotted(kind) in _BROAD


def _is_work(node: cst.CSTNode) -> bool:
    """Whether a node is a call that does something: not one that logs, counts, cleans up, computes or constructs."""
    if not isinstance(node, cst.Call):
        return False
    name = callee(node)
    last = _last(node)
    if _logs(node) or is_pure(name) or is_metric(name) or _CLEANS.fullmatch(last):
        return False
    return not (last[:1].isupper() or last in _BUILTINS)


_BUILTINS = frozenset(
    {
        "len", "isinstance", "issubclass", "hasattr", "getattr", "type", "set", "sorted", "any", "all", "range", "enumerate", "zip",
        "super", "id", "callable", "format", "format_exc", "strip", "split", "replace", "get", "append", "extend", "update", "items",
        "keys", "values", "encode", "decode", "lower", "upper", "startswith", "endswith", "time", "now", "utcnow", "monotonic",
        "perf_counter", "exc_info", "jsonify", "make_response", "warn",
    }
)  # fmt: skip


def _logs(call: cst.Call) -> bool:
    return is_log(callee(call)) or bool(_SEVERE.fullmatch(_last(call)))


def _last(call: cst.Call) -> str:
    return callee(call).rpartition(".")[2]


def _speaks_of_failure(name: str) -> bool:
    return any(_TELLS_OF_FAILURE.fullmatch(word.lower()) for word in _HUMP.split(name))


def _is(value: cst.BaseExpression | None, constant: str) -> bool:
    return isinstance(value, cst.Name) and value.value == constant


def _is_empty(value: cst.BaseExpression) -> bool:
    """Whether a variable is only got ready: with `None`, a number or text, an empty container."""
    match value:
        case cst.List(elements=elements) | cst.Dict(elements=elements) | cst.Tuple(elements=elements):
            return not elements
        case cst.Call(args=args):
            return not args
        case _:
            return isinstance(value, cst.Name | cst.BaseNumber | cst.BaseString)


def _names(node: cst.CSTNode) -> set[str]:
    return {part.value for part in nodes_of(node) if isinstance(part, cst.Name)}
