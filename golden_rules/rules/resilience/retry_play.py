"""What a retry loop does where each of its attempts fails, found out by playing it with numbers.

Whatever shape a loop has, this is what it comes to: after so many failures, with such pauses between them, it raises the
last error again. Where it does anything else, or where that hangs on more than numbers which are known, the play says so.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from golden_rules.rules.effects import only_logs
from golden_rules.source.trees import walk

if TYPE_CHECKING:
    from golden_rules.rules.resilience.retry_parts import Parts

_MOST_ATTEMPTS = 100
_MOST_ROUNDS = 1_000
_MORE = "between two attempts it does more than log and wait"
_UNKNOWN_COUNT = "how often it tries is not known before the function is called"
_UNKNOWN_TEST = "whether it tries again hangs on more than the number of the attempt"
_UNKNOWN_WAIT = "it waits for times that `@retry` does not have"
_OTHER_ERROR = "it ends with something else than the last error"
_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.AST], Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_LIMITS: dict[str, Callable[[float, float], float]] = {"min": min, "max": max}


class UnplayableError(Exception):
    """A loop does what the play cannot follow, or what `@retry` does not do; the text says what."""


class _UnknownError(Exception):
    """A value is not known."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """The error of an attempt."""

    attempt: int


_Value = float | _Failure | None


class _Step(Enum):
    """What comes after a statement."""

    ON = auto()
    NEXT_ROUND = auto()
    OUT_OF_LOOP = auto()
    RAISED = auto()


def waits_of(
    parts: Parts, sleeps: Callable[[ast.stmt], ast.expr | None], known: Mapping[str, float]
) -> tuple[float | None, ...]:
    """Return for how many seconds a loop waits after each failed attempt but the last, None where it does not wait.

    Args:
        parts: The function, of which the loop is all.
        sleeps: Returns what a statement waits for, if that is all it does.
        known: The values of the module's constants.

    Raises:
        UnplayableError: What the function does cannot be told, or it does not end by raising the last error again.
    """
    return _Play(parts, sleeps, known).waits()


class _Play:
    def __init__(self, parts: Parts, sleeps: Callable[[ast.stmt], ast.expr | None], known: Mapping[str, float]) -> None:
        self._parts = parts
        self._sleeps = sleeps
        self._values: dict[str, _Value] = dict(known)
        self._handling = False
        self._waited: list[list[float]] = []

    def waits(self) -> tuple[float | None, ...]:
        step = self._block(self._parts.before)
        if step is _Step.ON:
            step = self._loop(self._parts.loop)
        if step is _Step.ON:
            step = self._block(self._parts.after)
        if step is not _Step.RAISED or not self._waited:
            raise UnplayableError(_OTHER_ERROR)
        *between, last = self._waited
        if last:
            raise UnplayableError("it waits after the last attempt, too")
        if any(len(waits) > 1 for waits in between):
            raise UnplayableError("it waits more than once between two attempts")
        return tuple(waits[0] if waits else None for waits in between)

    def _loop(self, loop: ast.For | ast.While) -> _Step:
        for _ in self._rounds(loop):
            step = self._block(loop.body)
            if step is _Step.RAISED:
                return step
            if step is _Step.OUT_OF_LOOP:
                return _Step.ON
        return self._block(loop.orelse)

    def _rounds(self, loop: ast.For | ast.While) -> Iterator[None]:
        """Yield once for each round, with its number set."""
        try:
            if isinstance(loop, ast.For):
                for value in self._numbers(loop.iter):
                    self._assign(loop.target, value)
                    yield
                return
            for _ in range(_MOST_ROUNDS):
                if not self._value(loop.test):
                    return
                yield
        except _UnknownError:
            raise UnplayableError(_UNKNOWN_COUNT) from None
        raise UnplayableError(f"it does not give up within {_MOST_ATTEMPTS} attempts")

    def _numbers(self, iterated: ast.expr) -> Sequence[_Value]:
        match iterated:
            case ast.Call(func=ast.Name(id="range"), args=[_, *_] as arguments, keywords=[]) if len(arguments) <= 3:
                bounds = [self._whole(argument) for argument in arguments]
                if bounds[2:] == [0]:
                    raise _UnknownError
                return range(*bounds)[:_MOST_ROUNDS]
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return [self._value(item) for item in items]
            case _:
                raise _UnknownError

    def _block(self, statements: Sequence[ast.stmt]) -> _Step:
        for statement in statements:
            step = self._statement(statement)
            if step is not _Step.ON:
                return step
        return _Step.ON

    def _statement(self, statement: ast.stmt) -> _Step:
        match statement:
            case ast.Try() if statement is self._parts.attempt:
                return self._fail()
            case ast.If(test=test, body=body, orelse=orelse):
                try:
                    holds = self._value(test)
                except _UnknownError:
                    raise UnplayableError(_UNKNOWN_TEST) from None
                return self._block(body if holds else orelse)
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
                self._set(target, value)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                self._set(target, ast.BinOp(left=ast.Name(id=name, ctx=ast.Load()), op=op, right=value))
            case ast.Raise():
                return self._raise(statement)
            case ast.Continue():
                return _Step.NEXT_ROUND
            case ast.Break():
                return _Step.OUT_OF_LOOP
            case ast.Pass() | ast.Import() | ast.ImportFrom() | ast.AnnAssign(target=ast.Name(), value=None):
                pass
            case ast.Expr(value=ast.Call() as call) if only_logs(call):
                pass
            case ast.Return():
                raise UnplayableError(_OTHER_ERROR)
            case _:
                self._wait(statement)
        return _Step.ON

    def _fail(self) -> _Step:
        """Have the attempt fail, and go through its clause."""
        if len(self._waited) == _MOST_ATTEMPTS:
            raise UnplayableError(f"it does not give up within {_MOST_ATTEMPTS} attempts")
        self._waited.append([])
        for name in self._parts.set_by_tried:
            self._values.pop(name, None)
        handler = self._parts.handler
        if handler.name:
            self._values[handler.name] = _Failure(len(self._waited))
        self._handling = True
        step = self._block(handler.body)
        self._handling = False
        if handler.name:
            self._values.pop(handler.name, None)
        return step

    def _wait(self, statement: ast.stmt) -> None:
        seconds = self._sleeps(statement)
        if seconds is None:
            raise UnplayableError(_MORE)
        if not self._waited:
            raise UnplayableError("it waits before the first attempt, too")
        try:
            value = self._value(seconds)
        except _UnknownError:
            raise UnplayableError(_UNKNOWN_WAIT) from None
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise UnplayableError(_UNKNOWN_WAIT)
        self._waited[-1].append(value)

    def _raise(self, statement: ast.Raise) -> _Step:
        match statement:
            case ast.Raise(exc=None) if self._handling:
                return _Step.RAISED
            case ast.Raise(exc=ast.Name(id=name), cause=None | ast.Constant(value=None)) if self._values.get(
                name
            ) == _Failure(len(self._waited)):
                return _Step.RAISED
            case _:
                raise UnplayableError(_OTHER_ERROR)

    def _set(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
                # All values come first: `a, b = b, a`.
                known = [self._known(part) for part in values]
                for one, part in zip(targets, known, strict=True):
                    self._assign(one, part)
            case _:
                self._assign(target, self._known(value))

    def _known(self, value: ast.expr) -> _Value | _UnknownError:
        if any(isinstance(node, ast.Call | ast.Await | ast.NamedExpr) for node in walk(value)):
            try:
                return self._value(value)
            except _UnknownError:
                raise UnplayableError(_MORE) from None
        try:
            return self._value(value)
        except _UnknownError as unknown:
            return unknown

    def _assign(self, target: ast.expr, value: _Value | _UnknownError) -> None:
        if not isinstance(target, ast.Name):
            raise UnplayableError(_MORE)
        if isinstance(value, _UnknownError):
            self._values.pop(target.id, None)
        else:
            self._values[target.id] = value

    def _value(self, node: ast.expr) -> _Value:
        match node:
            case ast.Constant(value=None | int() | float() as value):
                return value
            case ast.Name(id=name) if name in self._values:
                return self._values[name]
            case ast.BoolOp(op=ast.And(), values=parts):
                return all(map(self._value, parts))
            case ast.BoolOp(values=parts):
                return any(map(self._value, parts))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._value(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(operand)
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
                return (self._value(left) is None) is isinstance(op, ast.Is)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                return _COMPARISONS[type(op)](self._number(left), self._number(right))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._value(body if self._value(test) else orelse)
            case ast.BinOp(left=left, op=op, right=right):
                return _computed(op, self._number(left), self._number(right))
            case ast.Call(func=ast.Name(id="min" | "max" as name), args=[left, right], keywords=[]):
                return _LIMITS[name](self._number(left), self._number(right))
            case _:
                raise _UnknownError

    def _number(self, node: ast.expr) -> float:
        value = self._value(node)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise _UnknownError
        return value

    def _whole(self, node: ast.expr) -> int:
        value = self._number(node)
        if not isinstance(value, int):
            raise _UnknownError
        return value


def _computed(op: ast.operator, one: float, other: float) -> float:
    if isinstance(op, ast.Pow) and 0 <= one <= 10 and 0 <= other <= _MOST_ATTEMPTS:
        return float(one**other) if isinstance(one, float) or isinstance(other, float) else one**other
    if type(op) not in _OPERATORS or (isinstance(op, ast.Div | ast.FloorDiv | ast.Mod) and not other):
        raise _UnknownError
    return _OPERATORS[type(op)](one, other)
