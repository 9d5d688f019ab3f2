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
from golden_rules.rules.resilience.carried_state import carried
from golden_rules.rules.resilience.retry_words import is_report
from golden_rules.source.dedent import dedent_edits
from golden_rules.source.imports import reference
from golden_rules.source.names import resolve
from golden_rules.source.trees import dotted, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from golden_rules.rules.base import Subject
    from golden_rules.source.outline import Outline

_SLEEPS = {True: "asyncio.sleep", False: "time.sleep"}
_LONGEST_BY_DEFAULT = 60.0
_COMMENTED = "its lines hold comments or something else, too"
_MOST_ATTEMPTS = 100
_ENDS = frozenset({"BaseException", "KeyboardInterrupt", "SystemExit", "GeneratorExit", "asyncio.CancelledError"})
# What a constant may say: a condition that holds for these holds for all.
_SAMPLES = (3, 5, 8)


@dataclass(frozen=True, slots=True)
class _Plain:
    """A retry loop of the plain shape.

    Attributes:
        tried: The statements that are tried.
        caught: The exceptions that are tried again, as written; `""` for `Exception`.
        retries: How many retries there are, as written.
        delays: The keywords that give the delays.
        needs_strategy: Whether these name the runtime's `RetryStrategy`.
    """

    loop: ast.For
    tried: list[ast.stmt]
    caught: str
    retries: str
    delays: tuple[str, ...]
    needs_strategy: bool


def retry_fix(subject: Subject, line: int) -> Fix | str:
    """Return the fix of the retry loop at a line, or in words why there is none: it is not of the plain shape."""
    function, source = subject.function, subject.source
    if function.parent is not None or function.yields or not can_be_decorated(subject.outline, function):
        return "`@retry` may not stand on the function"
    plain = _plain(subject, line)
    if isinstance(plain, str):
        return plain
    names = ("retry", "RetryStrategy") if plain.needs_strategy else ("retry",)
    spelled = [reference(subject.outline, function, subject.config.runtime_module, name) for name in names]
    if None in spelled:
        return "`retry` cannot be imported in this file"
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
        return _COMMENTED
    last = plain.tried[-1]
    above = Edit(source.line_start(plain.loop.lineno), source.line_start(head + 1), "")
    below = Edit(
        source.line_start((last.end_lineno or 0) + 1), source.line_start((function.node.end_lineno or 0) + 1), ""
    )
    if any("#" in source.text[edit.start : edit.end] for edit in (above, below)):
        return _COMMENTED
    edits = (Edit(at, at, f"{indent}{decorator}{source.newline}"), above, *inner, below)
    return Fix(Safety.UNSAFE, f"decorate with `{decorator}` in place of the loop", edits, imports)


def _plain(subject: Subject, line: int) -> _Plain | str:
    node = subject.function.node
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    match body:
        case [ast.For(target=ast.Name(id=attempt), orelse=[], lineno=at) as loop, *rest] if at == line:
            pass
        case _:
            return _why_not_whole(body, line)
    match loop.body:
        case [
            ast.Try(
                body=tried, handlers=[ast.ExceptHandler(type=ast.expr() as kind) as handler], orelse=[], finalbody=[]
            )
        ]:
            pass
        case _:
            return "a `try` with one clause is not all that is in the loop"
    rounds = _counted(subject, loop.iter)
    if rounds is None:
        return "how often it tries is not known before the function is called"
    if not all(map(_is_unreachable_end, rest)) or len(rest) > 1:
        return "it does something else after the last attempt"
    if not _leaves(tried, attempt):
        return "what is tried does not end by returning, or looks at the number of the attempt"
    if name := carried(node, tried):
        return f"an attempt sets `{name}` for the next one"
    if not _is_known_before(subject, kind):
        return "which errors it catches is not known before the function is called"
    if _catches_ends(subject, kind):
        return "it catches what ends a program or a task, which `@retry` lets through"
    waits = _waits(subject, handler, attempt, rounds)
    if waits is None:
        return "the clause does more than log, wait, and raise the last error again"
    delays = _delays(subject, waits, attempt, rounds)
    if delays is None:
        return "it waits for times that `@retry` does not have"
    caught = "" if dotted(kind) == "Exception" else ast.get_source_segment(subject.source.parseable, kind) or ""
    retries = str(rounds.count - 1) if rounds.count else f"{rounds.constant} - 1"
    return _Plain(loop, tried, caught, retries, delays, any("RetryStrategy" in item for item in delays))


def _why_not_whole(body: list[ast.stmt], line: int) -> str:
    """Return in words why the loop at a line is not what a function is made of."""
    loop = next((statement for statement in body if statement.lineno == line), None)
    if loop is None:
        return "the loop stands within another statement"
    if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name) or loop.orelse:
        return "the loop is no plain `for` that counts its rounds"
    return f"line {body[0].lineno} would be done again for each attempt"


@dataclass(frozen=True, slots=True)
class _Rounds:
    """The rounds of a loop.

    Attributes:
        first: The number of the first.
        count: How many there are; 0 where a constant says it.
        constant: The name of that constant, or `""`.
    """

    first: int
    count: int
    constant: str = ""

    def numbers(self, count: int) -> range:
        """Return the numbers of so many rounds."""
        return range(self.first, self.first + count)


def _counted(subject: Subject, iterated: ast.expr) -> _Rounds | None:
    """Return the rounds of `range(3)`, `range(1, 4)`, `range(LIMIT)` or `range(1, LIMIT + 1)`."""
    match iterated:
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(count))], keywords=[]):
            rounds = _Rounds(0, count)
        case ast.Call(
            func=ast.Name(id="range"), args=[ast.Constant(value=1), ast.Constant(value=int(end))], keywords=[]
        ):
            rounds = _Rounds(1, end - 1)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Name(id=name) as bound], keywords=[]):
            return _Rounds(0, 0, name) if name.isupper() and _is_known_before(subject, bound) else None
        case ast.Call(
            func=ast.Name(id="range"),
            args=[
                ast.Constant(value=1),
                ast.BinOp(left=ast.Name(id=name) as bound, op=ast.Add(), right=ast.Constant(value=1)),
            ],
            keywords=[],
        ):
            return _Rounds(1, 0, name) if name.isupper() and _is_known_before(subject, bound) else None
        case _:
            return None
    return rounds if 1 < rounds.count <= _MOST_ATTEMPTS else None


def _leaves(tried: list[ast.stmt], attempt: str) -> bool:
    """Whether what is tried ends by leaving the function, and does not look at the number of the attempt."""
    if not isinstance(tried[-1], ast.Return):
        return False
    nodes = [node for statement in tried for node in walk(statement)]
    if any(isinstance(node, ast.Name) and node.id == attempt for node in nodes):
        return False
    return not any(isinstance(node, ast.Break | ast.Continue) for node in nodes)


def _catches_ends(subject: Subject, kind: ast.expr) -> bool:
    """Whether exceptions are caught that no policy tries again: interrupts, exits, cancellation."""
    for item in kind.elts if isinstance(kind, ast.Tuple) else [kind]:
        name = resolve(subject.outline, subject.function, dotted(item)) or dotted(item)
        if name in _ENDS:
            return True
    return False


def _is_unreachable_end(statement: ast.stmt) -> bool:
    """Whether a statement behind the loop only says that it is never reached, as the last attempt raises."""
    match statement:
        case (
            ast.Raise() | ast.Return(value=None | ast.Constant(value=None)) | ast.Assert(test=ast.Constant(value=False))
        ):
            return True
        case _:
            return False


def _waits(subject: Subject, handler: ast.ExceptHandler, attempt: str, rounds: _Rounds) -> list[ast.expr] | None:
    """Return the expression that says how long the handler waits, if it does; `None` where it does anything else.

    It must raise the error of the last attempt again, and of no other, and then not wait.
    """
    body = [statement for statement in handler.body if not _is_report(statement)]
    match body:
        case [ast.If(test=test, body=ending, orelse=[]), *waiting] if _ends(ending, handler.name):
            is_last = True
        case [ast.If(test=test, body=waiting, orelse=ending)] if _ends(ending, handler.name):
            is_last = False
        case [ast.If(test=test, body=[*waiting, ast.Continue()], orelse=[]), *ending] if _ends(ending, handler.name):
            is_last = False
        case _:
            return None
    if not _tells_last(test, attempt, rounds, is_last=is_last):
        return None
    waits = []
    for statement in waiting:
        match statement:
            case ast.Expr(value=ast.Await(value=ast.Call(args=[wait], keywords=[]) as call)) if (
                subject.function.is_async
            ):
                pass
            case ast.Expr(value=ast.Call(args=[wait], keywords=[]) as call) if not subject.function.is_async:
                pass
            case _:
                if _is_report(statement):
                    continue
                return None
        if _sleeps(subject, call):
            waits.append(wait)
        elif not _is_report(statement):
            return None
    return waits if len(waits) <= 1 else None


def _ends(statements: list[ast.stmt], error: str | None) -> bool:
    """Whether statements do nothing but raise the error again that was caught, and tell of it."""
    match [statement for statement in statements if not _is_report(statement)]:
        case [ast.Raise(exc=None)]:
            return True
        case [ast.Raise(exc=ast.Name(id=name), cause=None | ast.Constant(value=None))]:
            return name == error
        case _:
            return False


def _is_report(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Call() as call):
            return is_report(dotted(call.func)) and not any(isinstance(node, ast.Await) for node in walk(call))
        case ast.Pass() | ast.Continue():
            return True
        case _:
            return False


def _sleeps(subject: Subject, call: ast.Call) -> bool:
    return resolve(subject.outline, subject.function, dotted(call.func)) == _SLEEPS[subject.function.is_async]


def _tells_last(test: ast.expr, attempt: str, rounds: _Rounds, *, is_last: bool) -> bool:
    """Whether a condition tells the last attempt from all others, for whatever number of them a constant says."""
    for count in [rounds.count] if rounds.count else _SAMPLES:
        wanted = [not is_last] * (count - 1) + [is_last]
        try:
            held = [bool(_value(test, {attempt: number, rounds.constant: count})) for number in rounds.numbers(count)]
        except ValueError:
            return False
        if held != wanted:
            return False
    return True


def _value(node: ast.expr, known: dict[str, int]) -> float:
    """Return what a simple expression of known names gives; raises ValueError for any other expression."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.BinOp(left=left, op=operator, right=right):
            one, other = _value(left, known), _value(right, known)
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
            one, other = _value(left, known), _value(right, known)
            match operator:
                case ast.Eq():
                    return one == other
                case ast.GtE():
                    return one >= other
                case ast.Gt():
                    return one > other
                case ast.Lt():
                    return one < other
                case ast.LtE():
                    return one <= other
                case ast.NotEq():
                    return one != other
        case ast.Call(func=ast.Name(id="min"), args=[left, right], keywords=[]):
            return min(_value(left, known), _value(right, known))
    raise ValueError(ast.unparse(node))


def _delays(subject: Subject, waits: list[ast.expr], attempt: str, rounds: _Rounds) -> tuple[str, ...] | None:
    """Return the keywords of `retry` that give the delays of the loop; `None` where it cannot give them."""
    if not waits:
        return ("base_delay=0",)
    (wait,) = waits
    if isinstance(wait, ast.Name) and wait.id.isupper() and _is_known_before(subject, wait):
        return (f"base_delay={wait.id}", f"max_delay={wait.id}", 'jitter="none"')
    try:
        # A constant is the same for however many attempts there are.
        numbers = rounds.numbers(rounds.count or _SAMPLES[0])[:-1]
        waited = [float(_value(wait, {attempt: number})) for number in numbers]
    except ValueError:
        return None
    if min(waited) < 0 or (not rounds.count and len(set(waited)) > 1):
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
