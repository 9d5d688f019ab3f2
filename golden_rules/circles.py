"""Which files of a project run when one of its modules is imported: none of them can import that module in turn.

Read from the files, nothing is imported: statements of the modules themselves and of their classes, not of their functions.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

from golden_rules.settings import ANY_FILE
from golden_rules.source.importing import imported_names
from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.text import UndecodableSource, decode
from golden_rules.source.trees import children, dotted

# What imports more than this is on top of the project, and to read on would cost every run seconds.
_MOST_FILES = 1000
_SOURCE_FOLDERS = ("", "src", "lib", "python")


def files_below(module: str, root: Path) -> tuple[str, ...]:
    """Return the files that run when a module is imported, its own among them.

    Args:
        module: The dotted name of a module.
        root: The project's root, which the paths are relative to, with `/`.

    Returns:
        The paths in order; none where the module is not the project's; `ANY_FILE` where there are too many to read.
    """
    source = _source_folder(module, root)
    if source is None:
        return ()
    # They run, or have run, before the module does: only who reads a name from them waits for their end.
    around = set(_parents(module))
    found = _run_by(module, source, around)
    # What a package around it imports from elsewhere may be what comes first, and then waits for itself. Not so below the package,
    # where it has begun to run by then; of the outermost package nearly everything is below.
    for parent in around:
        if found is not None and "." in parent and (needed := _run_by(parent, source, around)) is not None:
            found |= {name: file for name, file in needed.items() if not f"{name}.".startswith(f"{parent}.")}
    if found is None:
        return (ANY_FILE,)
    return tuple(sorted(file.relative_to(root).as_posix() for file in found.values()))


def _run_by(module: str, source: Path, around: Collection[str]) -> dict[str, Path] | None:
    """Return the modules that run for one to run, its own among them, with their files; `None` for too many to read."""
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = None if name in found else _file(source, name)
        if file is None:
            continue
        if len(found) == _MOST_FILES:
            return None
        found[name] = file
        waiting += _needed(source, name, file, around)
    return found


def _source_folder(module: str, root: Path) -> Path | None:
    """Return the folder that holds the package of a module, in the usual places below the root."""
    folders = [root / name for name in _SOURCE_FOLDERS]
    try:
        folders += sorted(path for pattern in ("*/src", "*") for path in root.glob(pattern) if path.is_dir())
    except OSError:
        return None
    return next((folder for folder in folders if _file(folder, module) is not None), None)


def _file(source: Path, module: str) -> Path | None:
    path = source.joinpath(*module.split("."))
    files = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((file for file in files if file.is_file()), None)


def _parents(module: str) -> Iterator[str]:
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


def _needed(source: Path, module: str, file: Path, around: Collection[str]) -> Iterator[str]:
    """Yield the modules that must have run for a module to run."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for statement in _imports(file):
        for target, is_whole in _targets(source, statement, package):
            yield target
            for parent in _parents(target):
                if parent not in around:
                    yield parent
            if not is_whole and (parent := target.rpartition(".")[0]):
                yield parent


def _targets(source: Path, statement: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, bool]]:
    """Yield what a statement imports, and whether that is a module rather than a name in one."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield alias.name, True
        return
    for _, target in imported_names(statement, package):
        yield target, _file(source, target) is not None


def _imports(file: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    try:
        waiting: list[ast.AST] = [parse(decode(file.read_bytes()))]
    except (OSError, UndecodableSource, Unparseable):
        return
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and dotted(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.expr):
            waiting += children(node)
