"""The import statements that fixes need, and where they go.

Imports go where isort would put them: after the docstring and `__future__`, in the section of third-party packages,
sorted within it, or into an existing `from` statement of the same module.
"""

from __future__ import annotations

import ast
import itertools
import operator
import re
import sys
from collections.abc import Callable, Iterable, Sequence

from golden_rules.findings import Edit, ImportedName
from golden_rules.source.outline import Outline
from golden_rules.source.text import SourceText

_LINE_LENGTH = 88  # isort's and ruff's common default; a longer `from` line is wrapped in parentheses
_FUTURE, _STANDARD, _THIRD_PARTY, _FIRST_PARTY, _LOCAL = range(5)
_COMMENT_LINE = re.compile(r"\s*#")
# A comment at the head of a file that speaks of the file, not of the function under it.
_CODING = re.compile(r"[ \t\f]*#.*?coding[:=]")
_HEAD_COMMENT = re.compile(r"#!|#.*(coding[:=]|copyright|licen[cs]e|spdx|\(c\))|#\s*$", re.IGNORECASE)

ImportStatement = ast.Import | ast.ImportFrom


def import_edits(source: SourceText, outline: Outline, needed: Iterable[ImportedName]) -> list[Edit]:
    """Return the edits that make the names available, one statement for each module."""
    by_module: dict[str, list[str]] = {}
    edits = []
    for item in sorted(set(needed)):
        if item.name:
            by_module.setdefault(item.module, []).append(item.name)
        else:
            edits.append(_new_statement(source, outline, item.module, f"import {item.module}"))
    single = _one_name_a_statement(outline)
    for module, names in by_module.items():
        statement = _statement_from(outline, module)
        if single:
            text = source.newline.join(f"from {module} import {name}" for name in names)
            edits.append(_new_statement(source, outline, module, text, names[0]))
        elif statement is None:
            text = _from_statement(module, names, source.newline)
            edits.append(_new_statement(source, outline, module, text, names[0]))
        else:
            edits.append(_merged(source, statement, names))
    return edits


def _statement_from(outline: Outline, module: str) -> ast.ImportFrom | None:
    for statement in _leading_imports(outline.tree):
        if not isinstance(statement, ast.ImportFrom) or statement.level or statement.module != module:
            continue
        if all(alias.name != "*" for alias in statement.names):
            return statement
    return None


def _merged(source: SourceText, statement: ast.ImportFrom, names: list[str]) -> Edit:
    """Insert names into `from module import a, b` where they sort, its layout and comments kept."""
    spans = [source.span(alias) for alias in statement.names]
    pieces = [source.text[start:end] for start, end in spans]
    _, end = source.span(statement)
    parenthesised = source.text[end - 1] == ")"
    column = spans[-1][1] - source.line_start(statement.end_lineno or statement.lineno)
    if not parenthesised and column + sum(len(name) + 2 for name in names) > _LINE_LENGTH:
        return Edit(spans[0][0], end, _parenthesised(_inserted(pieces, names), source.newline))
    gaps = [source.text[left:right] for (_, left), (right, _) in itertools.pairwise(spans)]
    indent = source.line(statement.names[-1].lineno)[: statement.names[-1].col_offset]
    usual_gap = ", " if indent.strip() else f",{source.newline}{indent}"
    gap = next((gap for gap in gaps if "#" not in gap), usual_gap)
    text = source.text[spans[0][0] : spans[-1][1]]
    tail = source.text[spans[-1][1] : end]
    last = ""
    for name in reversed(names):
        index = _insertion_index([alias.name for alias in statement.names], name)
        if index < len(spans):
            at = spans[index][0] - spans[0][0]
            text = text[:at] + name + gap + text[at:]
        elif source.newline in tail and not indent.strip():
            # One name a line: the last one's trailing comma and comment stay with it.
            first, newline, rest = tail.partition(source.newline)
            comma = "" if first.lstrip().startswith(",") else ","
            tail = comma + first + newline + f"{indent}{name},{newline}" + rest
        else:
            last = gap + name + last
    return Edit(spans[0][0], end, text + last + tail)


def _inserted(pieces: list[str], names: list[str]) -> list[str]:
    merged = list(pieces)
    for name in names:
        merged.insert(_insertion_index([piece.split()[0] for piece in merged], name), name)
    return merged


def _insertion_index(existing: list[str], name: str) -> int:
    """Return where isort puts a lower-case name: after constants and classes, before the next one that sorts later."""
    for index, other in enumerate(existing):
        if other[:1].islower() and other.lower() > name.lower():
            return index
    return len(existing)


def _from_statement(module: str, names: list[str], newline: str) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _LINE_LENGTH:
        return line
    return f"from {module} import {_parenthesised(names, newline)}"


def _parenthesised(names: list[str], newline: str) -> str:
    return "(" + newline + "".join(f"    {name},{newline}" for name in names) + ")"


def _new_statement(source: SourceText, outline: Outline, module: str, text: str, name: str = "") -> Edit:
    """Insert an import statement on lines of its own, in its section and sorted there: of names, the first is `name`."""
    newline = source.newline
    root = outline.module.partition(".")[0]
    section = _section(module, root)
    imports = [node for node in _leading_imports(outline.tree) if _section(_module_of(node), root) != _FUTURE]
    alike = [node for node in imports if _section(_module_of(node), root) == section]
    order = _order_of_kinds(imports, root)
    key = (order(text.startswith("from")), module.lower(), name.lower())

    def is_later(node: ImportStatement) -> bool:
        return (order(isinstance(node, ast.ImportFrom)), _module_of(node).lower(), node.names[0].name.lower()) > key

    if earlier := [node for node in alike if not is_later(node)]:
        return _line_after(source, earlier[-1], text + newline)
    if alike:
        # Some sort their own packages among those of others.
        first = imports.index(alike[0])
        while first and _adjoin(source, imports[first - 1], imports[first]) and is_later(imports[first - 1]):
            first -= 1
        at = source.line_start(_first_line_with_comments(source, imports[first]))
        return Edit(at, at, text + newline)
    if lower := [node for node in imports if _section(_module_of(node), root) < section]:
        following = _next_line(source, lower[-1])
        gap = newline if following.strip() else ""
        return _line_after(source, lower[-1], newline + text + newline + gap)
    if imports:
        at = source.line_start(_first_line_with_comments(source, imports[0]))
        return Edit(at, at, text + newline + newline)
    return _first_import(source, outline.tree, text)


def _first_import(source: SourceText, tree: ast.Module, text: str) -> Edit:
    """Insert an import into a module that has none: after docstring and `__future__`, else before the first statement."""
    newline = source.newline
    preamble = list(itertools.takewhile(_is_above_imports, tree.body))
    first = next(iter(tree.body[len(preamble) :]), None)
    if preamble:
        last = preamble[-1].end_lineno or preamble[-1].lineno
        return _line_after(source, preamble[-1], newline + text + newline + _gap(source, last + 1, first))
    head = _head_lines(source)
    line = head + 1 if first is None else _first_line_with_comments(source, first)
    at = source.line_start(line)
    before = ""
    if head and line == head + 1:
        before = newline if source.text[:at].endswith(("\n", "\r")) else newline * 2
    return Edit(at, at, before + text + newline + _gap(source, line, first))


def _gap(source: SourceText, line: int, first: ast.stmt | None) -> str:
    """Return the blank lines that are missing from a line on, between an import and the first other statement.

    Two stand before a function or class, one before anything else.
    """
    rest = itertools.takewhile(lambda number: not source.line(number).strip(), range(line, source.line_count + 1))
    present = sum(1 for _ in rest)
    if first is None:
        return "" if line + present > source.line_count else source.newline
    wanted = 2 if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else 1
    return source.newline * (wanted - present)


def _line_after(source: SourceText, node: ast.stmt, text: str) -> Edit:
    """Insert whole lines after the line that a statement ends on."""
    last = node.end_lineno or node.lineno
    if last < source.line_count or source.text[-1:] in ("\n", "\r"):
        at = source.line_start(last + 1)
        return Edit(at, at, text)
    return Edit(len(source.text), len(source.text), source.newline + text.removesuffix(source.newline))


def _next_line(source: SourceText, node: ast.stmt) -> str:
    last = node.end_lineno or node.lineno
    return source.line(last + 1) if last < source.line_count else ""


def _first_line_with_comments(source: SourceText, node: ast.stmt) -> int:
    """Return the line a statement starts on, or that of the comment lines directly above it, the head of the file apart."""
    line = node.lineno
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        line = min([line, *(decorator.lineno for decorator in node.decorator_list)])
    head = _head_lines(source)
    while line > head + 1 and _COMMENT_LINE.match(source.line(line - 1)):
        line -= 1
    return line


def _head_lines(source: SourceText) -> int:
    """Return how many lines stay at the head of a file whatever is inserted: its comment on `#!`, coding or licence."""
    count = source.line_count
    lines = [source.line(number) for number in range(1, min(count, 2) + 1)]
    # Only there does Python look for the encoding; the first line may be blank.
    coding = next((number for number, line in enumerate(lines, 1) if _CODING.match(line)), 0)
    if not coding and not (lines and _HEAD_COMMENT.match(lines[0])):
        return 0
    last = max(coding, 1)
    while last < count and _COMMENT_LINE.match(source.line(last + 1)):
        last += 1
    return last


def _leading_imports(tree: ast.Module) -> list[ImportStatement]:
    """Return the import statements at the head of a module, up to the first statement of another kind.

    A statement that shares its line with another is left out: nothing can be put on a line between them.
    """
    found: list[ImportStatement] = []
    for index, statement in enumerate(tree.body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            following = tree.body[index + 1] if index + 1 < len(tree.body) else None
            if following is None or following.lineno != statement.end_lineno:
                found.append(statement)
        elif not _is_docstring(statement) and not _is_dunder(statement):
            break
    return found


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _is_dunder(statement: ast.stmt) -> bool:
    """Whether a statement sets `__author__` or its like, which stand above the imports."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name.startswith("__") and name.endswith("__")
        case _:
            return False


def _is_above_imports(statement: ast.stmt) -> bool:
    return _is_docstring(statement) or _is_dunder(statement) or _is_future(statement)


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _module_of(node: ImportStatement) -> str:
    if isinstance(node, ast.Import):
        return node.names[0].name
    return "." * node.level + (node.module or "")


def _section(module: str, own_root: str) -> int:
    if module == "__future__":
        return _FUTURE
    if module.startswith("."):
        return _LOCAL
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names:
        return _STANDARD
    return _FIRST_PARTY if root == own_root else _THIRD_PARTY


def _order_of_kinds(imports: Sequence[ImportStatement], own_root: str) -> Callable[[bool], int]:
    """Return what ranks `from x import y` (true) and `import x` (false) within a section, as a file has it.

    isort has `import x` first; with `from_first` last; with `force_sort_within_sections`, names alone count.
    """
    pairs = [
        (one, other)
        for one, other in itertools.pairwise(imports)
        if type(one) is not type(other) and _section(_module_of(one), own_root) == _section(_module_of(other), own_root)
    ]
    after_from = [(one, other) for one, other in pairs if isinstance(one, ast.ImportFrom)]
    if not after_from:
        return int
    against_names = any(_module_of(one).lower() > _module_of(other).lower() for one, other in after_from)
    if against_names and len(after_from) == len(pairs):
        return operator.not_
    in_names = any(_module_of(one).lower() <= _module_of(other).lower() for one, other in after_from)
    return (lambda _: 0) if in_names else int


def _one_name_a_statement(outline: Outline) -> bool:
    """Whether the file has a statement for each name, as isort's `force_single_line` has it."""
    froms = [node for node in _leading_imports(outline.tree) if isinstance(node, ast.ImportFrom)]
    repeated = any(_module_of(one) == _module_of(other) for one, other in itertools.pairwise(froms))
    return repeated and all(len(node.names) == 1 for node in froms)


def _adjoin(source: SourceText, one: ImportStatement, other: ImportStatement) -> bool:
    return _first_line_with_comments(source, other) == (one.end_lineno or one.lineno) + 1
