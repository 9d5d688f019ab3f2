"""Variables for the running event loop that fixes have left without a use: `loop = asyncio.get_running_loop()`, once its clock is not read."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from golden_rules.findings import Edit
from golden_rules.source.deletion import stands_alone, without_lines
from golden_rules.source.leftover_imports import scopes
from golden_rules.source.text import SourceText
from golden_rules.source.trees import dotted

_RUNNING = "get_running_loop"
_MAKERS = frozenset({_RUNNING, f"asyncio.{_RUNNING}"})
# What may look at any variable.
_LOOKING = frozenset({"locals", "vars", "dir", "eval", "exec"})
# What has blocks of statements that belong to the function around it.
_WITH_BLOCKS = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.ExceptHandler,
    ast.Match, ast.match_case,
)  # fmt: skip


def leftover_loops(source: SourceText, tree: ast.Module, before: ast.Module) -> list[Edit]:
    """Return the edits that take out the first such variable which nothing in its coroutine function mentions any more.

    In a coroutine, a loop runs, so that to ask for it does nothing else. Where a comment stands on the line, it stays.

    Args:
        source: The file after its fixes.
        tree: What it parses to.
        before: What the file parsed to before them.
    """
    if _RUNNING not in source.text:
        return []
    idle_before = set(_idle(before))
    for path, block, item in _idle_statements(tree):
        if (path, _name(item)) not in idle_before and len(block) > 1 and stands_alone(source, item):
            return [without_lines(source, item, is_first=item is block[0])]
    return []


def _idle(tree: ast.Module) -> Iterator[tuple[str, str]]:
    return ((path, _name(item)) for path, _, item in _idle_statements(tree))


def _idle_statements(tree: ast.Module) -> Iterator[tuple[str, list[ast.stmt], ast.Assign]]:
    """Yield the statements that set a variable to the running loop, and are all that mentions it in their function.

    With each comes the function's path, and the block that it stands in.
    """
    for path, scope in scopes(tree):
        if not isinstance(scope, ast.AsyncFunctionDef):
            continue
        made = [
            (block, item) for block in _blocks(scope) for item in block if isinstance(item, ast.Assign) and _name(item)
        ]
        nodes = list(ast.walk(scope)) if made else []
        names = [node.id for node in nodes if isinstance(node, ast.Name)]
        shared = {name for node in nodes if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
        if not _LOOKING.isdisjoint(names):
            continue
        for block, item in made:
            if names.count(_name(item)) == 1 and _name(item) not in shared:
                yield path, block, item


def _blocks(function: ast.AsyncFunctionDef) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a function, without those of functions and classes in it."""
    nodes: list[ast.AST] = [function]
    for node in nodes:
        for name in ("body", "orelse", "finalbody"):
            yield getattr(node, name, [])
        nodes += [item for item in ast.iter_child_nodes(node) if isinstance(item, _WITH_BLOCKS)]


def _name(item: ast.Assign) -> str:
    """Return the variable that a statement sets to the running event loop, `""` where it sets none."""
    match item:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=made, args=[], keywords=[])):
            return name if dotted(made) in _MAKERS else ""
        case _:
            return ""
