"""How a name of the runtime is written at a place of a file: as the file has it already, or with an import that takes nothing."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable

from golden_rules.findings import ImportedName
from golden_rules.source.outline import Function, Outline
from golden_rules.source.trees import children


def reference(
    outline: Outline, function: Function, module: str, name: str, *, inside: bool = False
) -> tuple[str, ImportedName | None] | None:
    """Return how `module.name` is written in a decorator of a function, and the import that takes.

    With `inside`, how it is written in the body of the function, which may have the name for something else.
    Returns `None` where no spelling is safe: the name and the module's name are both taken by something else, or the file
    runs where the module is not.
    """

    def is_hidden(local: str) -> bool:
        if inside:
            # What a class binds is nothing to the bodies of its methods.
            return local in function.bound or _is_bound_around(function, local)
        return is_shadowed(function, local)

    def is_taken(local: str) -> bool:
        return local in outline.bound or is_hidden(local)

    available = _names_before(outline, function, frozenset({f"{module}.{name}", module}), is_hidden)
    for local, target in available.items():
        if target == f"{module}.{name}":
            return local, None
    for local, target in available.items():
        if target == module:
            return f"{local}.{name}", None
    if _is_sent_elsewhere(outline):
        return None
    if not outline.star_import and not is_taken(name):
        return name, ImportedName(module, name)
    parent, _, last = module.rpartition(".")
    if is_taken(last):
        return None
    # `from app import observability` rather than `import app.observability`, which would bind `app`.
    return f"{last}.{name}", ImportedName(parent, last) if parent else ImportedName(module, "")


def why_no_reference(outline: Outline, module: str, name: str) -> str:
    """Return in words why `reference` has no spelling of `module.name`."""
    last = module.rpartition(".")[2]
    if _is_sent_elsewhere(outline):
        return f"the file runs where `{module}` is not"
    if outline.star_import and name not in outline.bound:
        return f"`import *` may bind `{name}`, and `{last}` is something else in this file"
    return f"`{name}` and `{last}` are something else in this file"


# Asked for each finding of a file, and for each use of a decorator.
@functools.lru_cache(maxsize=1)
def _is_sent_elsewhere(outline: Outline) -> bool:
    """Whether a file is one of Ansible's modules, which run on other machines, with nothing but `ansible.module_utils`."""
    froms = (entry.node for entry in outline.imports if isinstance(entry.node, ast.ImportFrom))
    return any((node.module or "").startswith("ansible.module_utils") for node in froms)


def _names_before(
    outline: Outline, function: Function, wanted: frozenset[str], is_hidden: Callable[[str], bool]
) -> dict[str, str]:
    """Return the module's imported names for what is wanted that certainly hold when the function's decorators run."""
    sure: dict[str, str] = {}
    if wanted.isdisjoint(outline.names.values()):
        return sure
    last_star = max((entry.node.lineno for entry in outline.imports if entry.node.names[0].name == "*"), default=0)
    for entry in outline.imports:
        if entry.guarded or entry.node.lineno >= function.start_line:
            continue
        if isinstance(entry.node, ast.ImportFrom) and entry.node.lineno < last_star:
            # What `*` brings may have the name, too.
            continue
        for alias in entry.node.names:
            local = alias.asname or alias.name
            target = outline.names.get(local, "")
            if target in wanted and local not in outline.rebound and not is_hidden(local):
                sure[local] = target
    return sure


def is_shadowed(function: Function, name: str) -> bool:
    """Whether a scope between the module and the function's decorators binds the name."""
    if function.owner is not None and name in _class_names(function.owner.node):
        return True
    return _is_bound_around(function, name)


def _is_bound_around(function: Function, name: str) -> bool:
    """Whether a function around binds the name."""
    return function.parent is not None and function.parent.is_local(name)


@functools.lru_cache(maxsize=8)
def _class_names(node: ast.ClassDef) -> set[str]:
    names: set[str] = set()
    stack: list[ast.AST] = list(node.body)
    while stack:
        child = stack.pop()
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(child.name)
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            names.add(child.id)
        elif isinstance(child, ast.alias):
            names.add((child.asname or child.name).partition(".")[0])
        else:
            stack += children(child)
    return names
