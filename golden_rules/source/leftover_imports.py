"""Imports that fixes have left without a use: they go with what they were for.

An import counts as used wherever its name is read or set in its scope, and by texts that are read as code: annotations,
`__all__`, examples in docstrings. Where it may have been made for another file to import, or for its effects, it stays.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from golden_rules.findings import Edit
from golden_rules.source.deletion import stands_alone, without_lines
from golden_rules.source.mentions import words
from golden_rules.source.text import SourceText

_CODE_IN_TEXT = re.compile(r"^\s*(?:>>>|\.\.\.)(.*)$|#\s*type:(.*)$", re.MULTILINE)
_TAKE_TYPES = frozenset({"cast", "TypeVar", "NewType", "ForwardRef", "TypedDict", "NamedTuple", "eval", "exec"})
Statement = ast.Import | ast.ImportFrom
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


def leftover_imports(
    source: SourceText, tree: ast.Module, before: ast.Module, may_go: Callable[[str], bool]
) -> list[Edit]:
    """Return the edits that take names out of the first import statement with names which `before` used and `tree` does not.

    Args:
        source: The file after its fixes.
        tree: What it parses to.
        before: What the file parsed to before them.
        may_go: Tells of a name that the module itself imports whether others can do without it there. Nobody takes what a
            function imports.
    """
    used_before = _uses_by_scope(before)
    texts = _names_in_texts(source.text)
    for path, scope in scopes(tree):
        was_used = used_before.get(path, frozenset())
        imports = list(_imports(scope))
        if not any(_name(alias) in was_used for _, item in imports for alias in item.names):
            continue
        used = _uses(scope) | texts
        for block, item in imports:
            if _is_for_others(item):
                continue
            left = [alias for alias in item.names if _name(alias) in was_used and _name(alias) not in used]
            if isinstance(scope, ast.Module):
                left = [alias for alias in left if may_go(_name(alias))]
            if left and (edits := list(_without(source, block, item, left))):
                return edits
    return []


def _imports(scope: Scope) -> Iterator[tuple[list[ast.stmt], Statement]]:
    """Yield the imports that may go from a scope, each with the statements that it stands among.

    Under an `if` or in a `try` an import may be there to ask whether there is such a module. In a function, nobody asks that
    of the standard library's.
    """
    yield from ((scope.body, item) for item in scope.body if isinstance(item, Statement))
    waiting: list[ast.AST] = [] if isinstance(scope, ast.Module) else list(scope.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for block in (getattr(node, name, []) for name in ("body", "orelse", "finalbody")):
            if isinstance(block, list):
                yield from ((block, item) for item in block if isinstance(item, Statement) and _is_standard(item))
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]


def _is_standard(item: Statement) -> bool:
    modules = [alias.name for alias in item.names] if isinstance(item, ast.Import) else [item.module or ""]
    return all(module.partition(".")[0] in sys.stdlib_module_names for module in modules)


def scopes(tree: ast.Module) -> Iterator[tuple[str, Scope]]:
    """Yield the module and its functions, each under the path of its name."""
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, Scope):
            yield path, node
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if named or isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                waiting.append((f"{path}.{child.name}" if named else path, child))  # type: ignore[attr-defined]  # named


def _uses_by_scope(tree: ast.Module) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = defaultdict(frozenset)
    for path, scope in scopes(tree):
        if any(_imports(scope)):
            found[path] |= _uses(scope)
    return found


def _uses(scope: Scope) -> frozenset[str]:
    """Return the names that are read or set in a scope and in those within it, and the words of texts that are code."""
    found: set[str] = set()
    for node in ast.walk(scope):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            found.update(node.names)
        for part in _quoted_code(node):
            texts = (inner.value for inner in ast.walk(part) if isinstance(inner, ast.Constant))
            found.update(word for text in texts if isinstance(text, str) for word in words(text))
    return frozenset(found)


def _quoted_code(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions directly below a node in which texts name things: annotations, casts, `__all__`."""
    match node:
        case ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation):
            yield annotation
        case ast.FunctionDef(returns=ast.expr() as returns) | ast.AsyncFunctionDef(returns=ast.expr() as returns):
            yield returns
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _TAKE_TYPES:
            yield from node.args
            yield from (keyword.value for keyword in node.keywords)
        case (
            ast.Assign(targets=[ast.Name(id="__all__")], value=value)
            | ast.AugAssign(target=ast.Name(id="__all__"), value=value)
        ):
            yield value
        case _:
            pass


def _names_in_texts(text: str) -> frozenset[str]:
    """Return the words of what is code in comments and docstrings: examples, type comments."""
    return frozenset(word for match in _CODE_IN_TEXT.finditer(text) for word in words("".join(match.groups(""))))


def _name(alias: ast.alias) -> str:
    """Return the name that an import binds; empty for `import a.b`, which does more than bind `a`."""
    return alias.asname or ("" if "." in alias.name else alias.name)


def _is_for_others(item: Statement) -> bool:
    """Whether an import is there for more than its name: `from x import *`, `__future__`, a stated re-export."""
    if isinstance(item, ast.ImportFrom) and item.module == "__future__":
        return True
    return any(alias.name == "*" or alias.asname == alias.name for alias in item.names)


def _without(source: SourceText, block: list[ast.stmt], item: Statement, left: list[ast.alias]) -> Iterator[Edit]:
    """Yield the edits that take names out of an import statement, or all of it; none where a comment speaks of it."""
    start, end = source.span(item)
    if "#" in source.text[start : source.line_end(source.position(end)[0])]:
        return
    if len(left) < len(item.names):
        yield from _without_names(source, item, left)
    elif stands_alone(source, item) and (len(block) > 1 or item.col_offset == 0):
        yield without_lines(source, item, is_first=block[0] is item)


def _without_names(source: SourceText, item: Statement, left: list[ast.alias]) -> Iterator[Edit]:
    kept = [alias for alias in item.names if alias not in left]
    for alias in left:
        start, end = source.span(alias)
        later = [other for other in kept if source.span(other)[0] > start]
        if later:
            yield Edit(start, source.span(item.names[item.names.index(alias) + 1])[0], "")
        else:
            yield Edit(source.span(item.names[item.names.index(alias) - 1])[1], end, "")
