"""What import statements bind."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def imported_names(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str]]:
    """Yield each name that an import statement binds, with the dotted name it stands for."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, alias.name
            else:
                root = alias.name.partition(".")[0]
                yield root, root
        return
    base = node.module or ""
    if node.level:
        parent = package.split(".") if package else []
        kept = parent[: len(parent) - (node.level - 1)]
        base = ".".join([*kept, base] if base else kept)
    for alias in node.names:
        yield alias.asname or alias.name, f"{base}.{alias.name}" if base else alias.name
