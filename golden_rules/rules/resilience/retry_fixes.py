"""The fix of a plain retry loop: what is tried becomes the function, under `@retry(...)`.

The loop must be all that the function does, count to a number that is known, catch one kind of error, raise the last one
again, and wait for a constant or a doubling or evenly growing time. Attempts, errors and delays are then those of the loop;
what it logged between them goes, since the policy counts attempts and notes them on the error.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden_rules.findings import Edit, Fix, ImportedName, Safety
from golden_rules.rules.placement import can_be_decorated, insertion_point
from golden_rules.rules.resilience.retry_words import is_report
from golden_rules.source.dedent import dedent_edits
from golden_rules.source.imports import reference
from golden_rules.source.outline import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from golden_rules.rules.base import Subject
    from golden_rules.source.outline import Outline

_SLEEPS = {True: "asyncio.sleep", False: "time.sleep"}
_LONGEST_BY_DEFAULT = 60.0
_MOST_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class _Plain:
    """A retry loop of the plain shape.

    Attributes:
        tried: The statements that are tried.
        caught: The exceptions that are tried again, as written; `""` for `Exception`.
        retries: How many retries there are, as written.
        attempts: How many attempts there are, where that is known.
        delays: The keywords that give the delays, and the names that they need from the runtime.
    """

    loop: ast.For
    tried: list[ast.stmt]
    caught: str
    retries: str
    delays: tuple[str, ...]
    needs_strategy: bool


def retry_fix(subject: Subject, line: int) -> Fix | None:
    """Return the fix of the retry loop at a line, or `None` where it is not of the plain shape."""
    function, source = subject.function, subject.source
    if function.parent is not None or function.yields or not can_be_decorated(function):
        return None
    plain = _plain(subject, line)
    if plain is None:
        return None
    names = ("retry", "RetryStrategy") if plain.needs_strategy else ("retry",)
    spelled = [reference(subject.outline, function, subject.config.runtime_module, name) for name in names]
    if None in spelled:
        return None
    found = [item for item in spelled if item is not None]
    imports: tuple[ImportedName, ...] = tuple(needed for _, needed in found if needed is not None)
    arguments = [f"max_retries={plain.retries}", *([f"retry_on={plain.caught}"] if plain.caught else [])]
    arguments += [item.replace("RetryStrategy", found[-1][0]) for item in plain.delays]
    decorator = f"@{found[0][0]}({', '.join(arguments)})"
    at, indent = insertion_point(subject, len(function.decorators))
    body = source.line(plain.loop.lineno)
    head = plain.loop.body[0].lineno
    inner = dedent_edits(source, head, plain.tried, body[: len(body) - len(body.lstrip())])
    if inner is None:
        return None
    last = plain.tried[-1]
    above = Edit(source.line_start(plain.loop.lineno), source.line_start(head + 1), "")
    below = Edit(
        source.line_start((last.end_lineno or 0) + 1), source.line_start((function.node.end_lineno or 0) + 1), ""
    )
    if any("#" in source.text[edit.start : edit.end] for edit in (above, below)):
        return None
    edits = (Edit(at, at, f"{indent}{decorator}{source.newline}"), above, *inner, below)
    return Fix(Safety.UNSAFE, f"decorate with `{decorator}` in place of the loop", edits, imports)


def _plain(subject: Subject, line: int) -> _Plain | None:
    node = subject.function.node
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    match body:
        case [ast.For(target=ast.Name(id=attempt), orelse=[], lineno=at) as loop, *rest] if at == line:
            pass
        case _:
            return None
    match loop.body:
        case [
            ast.Try(
                body=tried, handlers=[ast.ExceptHandler(type=ast.expr() as kind) as handler], orelse=[], finalbody=[]
            )
        ]:
            pass
        case _:
            return None
    counted = _counted(subject, loop.iter)
    if counted is None or not all(map(_is_unreachable_end, rest)) or len(rest) > 1 or not _leaves(tried, attempt):
        return None
    first, count, written = counted
    if not _is_known_before(subject, kind):
        return None
    waits = _handled(subject, handler, attempt, first, count, written)
    if waits is None:
        return None
    delays = _delays(subject, waits[0] if waits else None, attempt, first, count)
    if delays is None:
        return None
    caught = "" if dotted(kind) == "Exception" else ast.get_source_segment(subject.source.parseable, kind) or ""
    if not caught and dotted(kind) != "Exception":
        return None
    retries = str(count - 1) if count else f"{written} - 1"
    return _Plain(loop, tried, caught, retries, delays, any("RetryStrategy" in item for item in delays))


def _counted(subject: Subject, iterated: ast.expr) -> tuple[int, int, str] | None:
    """Return where `range(...)` starts, how many numbers it has (0 where a constant says it), and the constant's name."""
    match iterated:
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(count))], keywords=[]):
            return (0, count, "") if 1 < count <= _MOST_ATTEMPTS else None
        case ast.Call(
            func=ast.Name(id="range"), args=[ast.Constant(value=1), ast.Constant(value=int(end))], keywords=[]
        ):
            return (1, end - 1, "") if 1 < end - 1 <= _MOST_ATTEMPTS else None
        case ast.Call(func=ast.Name(id="range"), args=[ast.Name(id=name) as bound], keywords=[]) if name.isupper():
            return (0, 0, name) if _is_known_before(subject, bound) else None
        case _:
            return None


def _leaves(tried: list[ast.stmt], attempt: str) -> bool:
    """Whether what is tried ends by leaving the function, and does not look at the number of the attempt."""
    if not isinstance(tried[-1], ast.Return):
        return False
    nodes = [node for statement in tried for node in ast.walk(statement)]
    if any(isinstance(node, ast.Name) and node.id == attempt for node in nodes):
        return False
    return not any(isinstance(node, ast.Break | ast.Continue) for node in nodes)


def _is_unreachable_end(statement: ast.stmt) -> bool:
    """Whether a statement behind the loop only says that it is never reached, as the last attempt raises."""
    match statement:
        case (
            ast.Raise() | ast.Return(value=None | ast.Constant(value=None)) | ast.Assert(test=ast.Constant(value=False))
        ):
            return True
        case _:
            return False


def _handled(
    subject: Subject, handler: ast.ExceptHandler, attempt: str, first: int, count: int, written: str
) -> list[ast.expr] | None:
    """Return the expression that says how long the handler waits, if it does; `None` where it does anything else.

    It must raise the error of the last attempt again, before it waits.
    """
    raised = False
    waits: list[ast.expr] = []
    for statement in handler.body:
        match statement:
            case ast.If(test=test, body=[*reports, ast.Raise(exc=None)], orelse=[]) if not raised and not waits:
                if not all(map(_is_report, reports)) or not _is_last(test, attempt, first, count, written):
                    return None
                raised = True
            case ast.Expr(value=ast.Await(value=ast.Call(args=[wait], keywords=[]) as call)) if raised and not waits:
                if not subject.function.is_async or not _sleeps(subject, call):
                    return None
                waits.append(wait)
            case ast.Expr(value=ast.Call(args=[wait], keywords=[]) as call) if _sleeps(subject, call):
                if subject.function.is_async or not raised or waits:
                    return None
                waits.append(wait)
            case _ if _is_report(statement):
                pass
            case _:
                return None
    return waits if raised else None


def _is_report(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Call() as call):
            return is_report(dotted(call.func)) and not any(isinstance(node, ast.Await) for node in ast.walk(call))
        case ast.Pass() | ast.Continue():
            return True
        case _:
            return False


def _sleeps(subject: Subject, call: ast.Call) -> bool:
    from golden_rules.source.names import resolve

    return resolve(subject.outline, subject.function, dotted(call.func)) == _SLEEPS[subject.function.is_async]


def _is_last(test: ast.expr, attempt: str, first: int, count: int, written: str) -> bool:
    """Whether a condition holds for the last attempt and for no other."""
    if not count:
        return ast.unparse(test) in (
            f"{attempt} == {written} - 1",
            f"{attempt} >= {written} - 1",
            f"{attempt} + 1 == {written}",
        )
    try:
        held = [bool(_value(test, attempt, number)) for number in range(first, first + count)]
    except ValueError:
        return False
    return held == [False] * (count - 1) + [True]


def _value(node: ast.expr, attempt: str, number: int) -> float:
    """Return what a simple expression of the attempt's number gives; raises ValueError for any other expression."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name) if name == attempt:
            return number
        case ast.BinOp(left=left, op=operator, right=right):
            one, other = _value(left, attempt, number), _value(right, attempt, number)
            match operator:
                case ast.Add():
                    return one + other
                case ast.Sub():
                    return one - other
                case ast.Mult():
                    return one * other
                case ast.Pow() if 0 <= one <= 10 and 0 <= other <= _MOST_ATTEMPTS:
                    return float(one**other)
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            one, other = _value(left, attempt, number), _value(right, attempt, number)
            match operator:
                case ast.Eq():
                    return one == other
                case ast.GtE():
                    return one >= other
                case ast.Gt():
                    return one > other
        case ast.Call(func=ast.Name(id="min"), args=[left, right], keywords=[]):
            return min(_value(left, attempt, number), _value(right, attempt, number))
    raise ValueError(ast.unparse(node))


def _delays(subject: Subject, wait: ast.expr | None, attempt: str, first: int, count: int) -> tuple[str, ...] | None:
    """Return the keywords of `retry` that give the delays of the loop; `None` where it cannot give them."""
    if wait is None:
        return ("base_delay=0",)
    if isinstance(wait, ast.Name) and wait.id.isupper() and _is_known_before(subject, wait):
        return (f"base_delay={wait.id}", f"max_delay={wait.id}", 'jitter="none"')
    try:
        # a constant is the same for however many attempts there are
        waited = [float(_value(wait, attempt, number)) for number in range(first, first + (count or 3) - 1)]
    except ValueError:
        return None
    if min(waited) < 0 or (not count and len(set(waited)) > 1):
        return None
    base, longest = waited[0], max(waited)
    for keyword, shape in (
        ("", [2.0**number for number in range(len(waited))]),
        ("strategy=RetryStrategy.LINEAR", range(1, len(waited) + 1)),
    ):
        if [min(base * factor, longest) for factor in shape] == waited:
            capped = base * list(shape)[-1] > longest or longest > _LONGEST_BY_DEFAULT or len(set(waited)) == 1
            single = [f"base_delay={base:g}"] if base != 1 else []
            cap = [f"max_delay={longest:g}"] if capped and (len(waited) > 1 or longest > _LONGEST_BY_DEFAULT) else []
            return (*single, *cap, *([keyword] if keyword else []), *(['jitter="none"'] if base else []))
    return None


def _is_known_before(subject: Subject, node: ast.expr) -> bool:
    """Whether what an expression names certainly exists when the function is decorated."""
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    for item in items:
        root = dotted(item).partition(".")[0]
        if not root or root in subject.function.bound:
            return False
        if root not in _bound_above(subject.outline, subject.function.start_line) and not hasattr(builtins, root):
            return False
    return True


def _bound_above(outline: Outline, line: int) -> set[str]:
    return {name for statement in outline.tree.body if statement.lineno < line for name in _binds(statement)}


def _binds(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in names)
        case ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            yield name
        case _:
            pass
