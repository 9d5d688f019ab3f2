"""Deleting whole statements from a file, with the blank lines that they alone needed and the comments that speak of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from golden_rules.findings import Edit
from golden_rules.source.text import SourceText
from golden_rules.source.trees import dotted

# Comments that speak to a tool, or of all that follows, stay when the statement under them goes.
_FOR_MORE = re.compile(r"#\s*(fmt|ruff|isort|black|mypy|pyright|pylint|flake8|yapf|type|region|endregion|%%)\b|#.*[-=#*~]{4}", re.IGNORECASE)  # fmt: skip
# What makes a value and does nothing else.
_GATHERING = frozenset(
    {"tuple", "list", "set", "frozenset", "dict", "sorted", "range", "len", "str", "int", "float", "bool"}
)
# Classes that take no notice of those that inherit from them.
_QUIET_BASES = frozenset({"object", "ContextDecorator", "AsyncContextDecorator", "AbstractContextManager", "AbstractAsyncContextManager"})  # fmt: skip


def is_private(name: str) -> bool:
    """Whether no other file ought to import a name from the file that defines it."""
    return name.startswith("_")


def stands_alone(source: SourceText, item: ast.stmt) -> bool:
    """Whether no other statement, and no comment, shares a line with this one."""
    start, end = source.span(item)
    first, last = item.lineno, item.end_lineno or item.lineno
    return not (source.text[source.line_start(first) : start] + source.text[end : source.line_end(last)]).strip()


def does_more(item: ast.stmt) -> bool:
    """Whether a definition does more than define when it runs: calls besides the one that makes the value, a base class's say.

    What it calls may register something, or count; a class may be known to its base by being there.
    """
    match item:
        case ast.Assign(value=ast.Call() as made) | ast.AnnAssign(value=ast.Call() as made):
            return _acts(*made.args, *made.keywords)
        case ast.FunctionDef(args=given) | ast.AsyncFunctionDef(args=given):
            return _acts(*given.defaults, *given.kw_defaults) or any(
                _acts(*ast.iter_child_nodes(entry)) for entry in item.decorator_list
            )
        case ast.ClassDef():
            bases = {dotted(base).rpartition(".")[2] for base in item.bases}
            return bool(item.keywords) or not bases <= _QUIET_BASES or any(map(_acts_in_class, item.body))
        case _:
            return _acts(item)


def _acts_in_class(statement: ast.stmt) -> bool:
    defines = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return does_more(statement) if defines else _acts(statement)


def _acts(*nodes: ast.AST | None) -> bool:
    """Whether expressions do more than name, combine and gather values."""
    return any(
        isinstance(part, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr)
        or (isinstance(part, ast.Call) and dotted(part.func) not in _GATHERING)
        for node in nodes
        if node is not None
        for part in ast.walk(node)
    )


def without_lines(source: SourceText, item: ast.stmt, *, is_first: bool = False) -> Edit:
    """Return the edit that takes out the lines of a statement; where that joins two runs of blank lines, the shorter goes too."""
    return _without(source, item.lineno, item.end_lineno or item.lineno, is_first=is_first)


def without_body_lines(
    source: SourceText, lines: Iterable[tuple[int, int]], about: re.Pattern[str], *, is_first: bool, is_last: bool
) -> list[Edit]:
    """Return the edits that take lines out of the body of a function, with the blank lines that they alone needed.

    Args:
        source: The file.
        lines: The first and last lines of statements, in order.
        about: What a comment right above one of them speaks of that goes with it.
        is_first: Whether nothing of the body stands above the first of them.
        is_last: Whether nothing of it stands below the last of them.
    """
    runs: list[tuple[int, int]] = []
    for first, last in lines:
        top = _below_comments(source, first, about)
        if runs and not any(source.line(line).strip() for line in range(runs[-1][1] + 1, top)):
            top = runs.pop()[0]
        runs.append((top, last))
    return [
        _without(
            source,
            first,
            last,
            is_first=is_first and at == 0 and not source.line(first - 1).lstrip().startswith("#"),
            is_last=is_last and at == len(runs) - 1,
        )
        for at, (first, last) in enumerate(runs)
    ]


def _below_comments(source: SourceText, line: int, about: re.Pattern[str]) -> int:
    """Return where the comment right above a line starts, or the line where there is none that goes with it."""
    top = line
    while source.line(top - 1).lstrip().startswith("#"):
        top -= 1
    comments = [source.line(other).strip() for other in range(top, line)]
    goes = any(map(about.search, comments)) and not any(map(_FOR_MORE.match, comments))
    return top if goes else line


def without_definitions(source: SourceText, tree: ast.Module, items: Iterable[ast.stmt]) -> list[Edit] | None:
    """Return the edits that take statements out of the top level of a file, or `None` where one shares a line with another.

    Their decorators go with them, the text that documents an assignment, comments in and behind them, and the comment right
    above unless that speaks of more.
    """
    runs: list[_Extent] = []
    for item in sorted(items, key=lambda item: item.lineno):
        extent = _extent(source, tree, item)
        if extent is None:
            return None
        if runs and not any(source.line(line).strip() for line in range(runs[-1].last + 1, extent.first)):
            extent = replace(runs.pop(), last=extent.last)
        runs.append(extent)
    edits = []
    for run in runs:
        first = _with_comment_above(source, run)
        edits.append(_without(source, first, run.last, is_first=first == 1))
    return edits


@dataclass(frozen=True, slots=True)
class _Extent:
    """The lines of statements at the top level, and the last line of what stands above them."""

    first: int
    last: int
    above: int


def _extent(source: SourceText, tree: ast.Module, item: ast.stmt) -> _Extent | None:
    at = tree.body.index(item)
    first, last = _start(item), _end(item)
    above = _end(tree.body[at - 1]) if at else 0
    rest = tree.body[at + 1 :]
    if rest and isinstance(item, ast.Assign | ast.AnnAssign) and _documents(rest[0], last):
        last = _end(rest.pop(0))
    below = _start(rest[0]) if rest else source.line_count + 1
    if above >= first or below <= last:
        return None
    return _Extent(first, _with_comments_behind(source, last, below), above)


def _without(source: SourceText, first: int, last: int, *, is_first: bool, is_last: bool = False) -> Edit:
    above = below = 0
    while first - above > 1 and not source.line(first - above - 1).strip():
        above += 1
    while last + below < source.line_count and not source.line(last + below + 1).strip():
        below += 1
    if (is_last or last + below >= source.line_count) and not is_first:
        first -= above
    elif below and (is_first or (above and below <= above)):
        last += below
    elif below and above:
        first -= above
    return Edit(source.line_start(first), source.line_start(last + 1), "")


def _start(item: ast.stmt) -> int:
    if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and item.decorator_list:
        return item.decorator_list[0].lineno
    return item.lineno


def _end(item: ast.stmt) -> int:
    return item.end_lineno or item.lineno


def _documents(item: ast.stmt, line: int) -> bool:
    """Whether a statement is a text on the line after another, as tools read the documentation of a variable."""
    match item:
        case ast.Expr(value=ast.Constant(value=str())):
            return item.lineno == line + 1
        case _:
            return False


def _with_comments_behind(source: SourceText, last: int, below: int) -> int:
    """Return the last line of a definition, comments after its last statement and still indented included."""
    for line in range(last + 1, below):
        text = source.line(line)
        if not text.strip():
            continue
        if not text[0].isspace():
            break
        last = line
    return last


def _with_comment_above(source: SourceText, run: _Extent) -> int:
    """Return the line where the comment right above statements starts, or theirs where the comment is for others too."""
    top = run.first
    while top - 1 > run.above and source.line(top - 1).startswith("#"):
        top -= 1
    lines = [source.line(line) for line in range(top, run.first)]
    below = source.line(run.last + 1) if run.last < source.line_count else ""
    shared = bool(below.strip()) and not below.startswith("#")
    if top == 1 or shared or any(_FOR_MORE.match(line) for line in lines):
        return run.first
    return top
