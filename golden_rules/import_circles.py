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
_IMPORTERS = frozenset({"import_module", "__import__"})
_SOURCE_FOLDERS = ("", "src", "lib", "python")


def files_below(module: str, root: Path) -> tuple[str, ...]:
    """Return the files that run when a module is imported, its own among them.

    Args:
        module: The dotted name of a module.
        root: The project's root, which the paths are relative to, with `/`.

    Returns:
        The paths in order; none where the module is not the project's; `ANY_FILE` where there are too many to read, or
        what is imported is only known when it runs.
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
    """Return the modules that run for one to run, its own among them, with their files; `None` for any of them."""
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name == ANY_FILE:
            return None
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


def module_file(module: str, root: Path) -> Path | None:
    """Return the file of a module of the project; `None` where it is not the project's."""
    source = _source_folder(module, root)
    return None if source is None else _file(source, module)


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
    for node in _nodes(file):
        for target, is_whole in _targets(source, node, package):
            yield target
            for parent in _parents(target):
                if parent not in around:
                    yield parent
            if not is_whole and (parent := target.rpartition(".")[0]):
                yield parent


def _targets(source: Path, node: ast.AST, package: str) -> Iterator[tuple[str, bool]]:
    """Yield what a statement or a call imports, and whether that is a module rather than a name in one."""
    match node:
        case ast.Import(names=aliases):
            yield from ((alias.name, True) for alias in aliases)
        case ast.ImportFrom():
            for _, target in imported_names(node, package):
                yield target, _file(source, target) is not None
        case ast.Call(func=called, args=[given, *_]) if dotted(called).rpartition(".")[2] in _IMPORTERS:
            yield _named(given, package), True
        case _:
            pass


def _named(given: ast.expr, package: str) -> str:
    """Return the module that an import by call names; any where only the run tells."""
    if not isinstance(given, ast.Constant) or not isinstance(given.value, str):
        return ANY_FILE
    name = given.value.lstrip(".")
    level = len(given.value) - len(name)
    if not level:
        return name
    kept = package.split(".")[: len(package.split(".")) - (level - 1)]
    return ".".join([*kept, name] if name else kept)


def _nodes(file: Path) -> Iterator[ast.AST]:
    try:
        tree = parse(decode(file.read_bytes()))
    except (OSError, UndecodableSource, Unparseable):
        return
    yield from runs_at_import(tree)


def runs_at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes of a module that run when it is imported, the bodies of functions left out."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and dotted(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += children(node)
