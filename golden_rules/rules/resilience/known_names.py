"""Names that a decorator of a function can use: they exist when it runs, and mean what they mean in the function's body."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from golden_rules.source.references import is_shadowed
from golden_rules.source.trees import bound_by, children, dotted, walk

if TYPE_CHECKING:
    from golden_rules.rules.base import Subject
    from golden_rules.source.outline import Outline

# Modules that their package imports by itself.
_LOADED = frozenset(
    {"asyncio.exceptions", "concurrent.futures", "json.decoder", "redis.exceptions", "requests.exceptions", "sqlalchemy.exc", "urllib3.exceptions"}
)  # fmt: skip
_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def is_known_before(subject: Subject, node: ast.expr) -> bool:
    """Whether what an expression names certainly exists, and is the same, when the function is decorated."""
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    names = [dotted(item) for item in items]
    return all(
        name
        and "(" not in name
        and _is_root_known(subject, name.partition(".")[0])
        and ("." not in name or _is_loaded(subject.outline, name))
        for name in names
    )


def constants(subject: Subject, nodes: Iterable[ast.AST]) -> dict[str, float | None]:
    """Return the module's constants among the names that nodes read, with their values; None for an imported one."""
    found: dict[str, float | None] = {}
    for name in dict.fromkeys(node.id for node in nodes if isinstance(node, ast.Name)):
        if not _is_root_known(subject, name):
            continue
        value = next(filter(None, (_value(statement, name) for statement in subject.outline.tree.body)), None)
        if value is not None:
            found[name] = value.value  # type: ignore[assignment]  # `_value` gives numbers only
        elif name.isupper() and name in subject.outline.names:
            found[name] = None
    return found


def _is_loaded(outline: Outline, name: str) -> bool:
    """Whether an attribute is there as soon as the file has been imported.

    A module of one's own may still be half made, where imports go in a circle; `import urllib` alone gives no `urllib.error`.
    """
    root, _, rest = name.partition(".")
    target = outline.names.get(root)
    if target is None:
        # A class of this file, which stands above.
        return "." not in rest
    if target.partition(".")[0] == outline.module.partition(".")[0]:
        return False
    holder = f"{target}.{rest}".rpartition(".")[0]
    plain = (entry.node for entry in outline.imports if isinstance(entry.node, ast.Import) and not entry.guarded)
    imported = {alias.name for node in plain for alias in node.names}
    return holder == target or holder in imported | _LOADED


def _value(statement: ast.stmt, name: str) -> ast.Constant | None:
    match statement:
        case (
            ast.Assign(targets=[ast.Name(id=target)], value=ast.Constant(value=int() | float()) as value)
            | ast.AnnAssign(target=ast.Name(id=target), value=ast.Constant(value=int() | float()) as value)
        ) if target == name and not isinstance(value.value, bool):
            return value
        case _:
            return None


def _is_root_known(subject: Subject, root: str) -> bool:
    function, outline = subject.function, subject.outline
    if root in function.bound or is_shadowed(function, root):
        return False
    if root not in outline.bound:
        return hasattr(builtins, root) and not outline.star_import
    if _is_global_elsewhere(outline, root) or root not in _bound_above(outline, function.start_line):
        return False
    if root in outline.names:
        return root not in outline.rebound
    return sum(root in bound_by(node) for node in _at_module_level(outline.tree)) == 1


def _is_global_elsewhere(outline: Outline, name: str) -> bool:
    """Whether a function sets a module's name."""
    return any(
        isinstance(node, ast.Global) and name in node.names
        for function in outline.functions
        if function.declares_scope
        for node in walk(function.node)
    )


def _at_module_level(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes of a module, those in its functions and classes left out."""
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _DEFINITIONS | ast.Lambda):
            stack += children(node)


def _bound_above(outline: Outline, line: int) -> set[str]:
    return {name for statement in outline.tree.body if statement.lineno < line for name in _binds(statement)}


def _binds(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.ClassDef():
            yield from bound_by(statement)
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            yield name
        case _:
            pass
