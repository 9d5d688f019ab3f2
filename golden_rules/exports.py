"""Which names a module of the project binds: what fixes may import from a `runtime-module` of its own.

Read from the file, nothing is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from golden_rules.import_circles import module_file, runs_at_import
from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.text import UndecodableSource, decode


def names_in(module: str, root: Path) -> tuple[str, ...] | None:
    """Return the names at the top level of a module, in order.

    Args:
        module: The dotted name of a module.
        root: The project's root.

    Returns:
        The names; `None` where the module is not the project's, or the file alone does not tell them.
    """
    file = module_file(module, root)
    if file is None:
        return None
    try:
        source = decode(file.read_bytes())
        tree = parse(source)
    except (OSError, UndecodableSource, Unparseable):
        return None
    names = {name for statement in runs_at_import(tree) for name in _bound(statement)}
    if not names.isdisjoint({"*", "__getattr__"}) or "globals()" in source.text:
        return None
    return tuple(sorted(names))


def _bound(statement: ast.AST) -> Iterator[str]:
    match statement:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in aliases)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case _:
            pass
