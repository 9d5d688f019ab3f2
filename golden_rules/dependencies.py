"""Where a project declares its dependencies, and whether golden-runtime is among them.

Reading never fails: a file that is odd or broken declares nothing.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

RUNTIME = "golden-runtime"
# Patterns are compiled when they are first used: by most runs over few files, never.
_NAME = r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[|[<>=!~;@(,#]|$|\s)"
# Of several files of requirements, the one that says what the program needs at run time.
_RUN_TIME = ("requirements", "base", "default", "common", "main", "prod", "production")
_ANYWHERE = r"(?i)(?<![A-Za-z0-9])golden[-_.]+runtime(?![A-Za-z0-9])"


class Declaration(NamedTuple):
    """What the files of one folder say of the project's dependencies."""

    file: str
    """The path of the file that declares them."""
    has_runtime: bool


def read_declaration(folder: Path, names: Collection[str], pyproject: Mapping[str, Any]) -> Declaration | None:
    """Return what `folder` declares, or None; `names` are its entries, `pyproject` its pyproject.toml."""
    declared: list[tuple[str, set[str]]] = []
    if pyproject:
        declared += _labelled("pyproject.toml", _pyproject(pyproject))
    if "setup.cfg" in names:
        declared += _labelled("setup.cfg", _setup_cfg(folder / "setup.cfg"))
    for file in _requirements_files(folder, names):
        declared += _labelled(file, _requirements(folder / file))
    if not declared:
        return None
    found = next((file for file, packages in declared if RUNTIME in packages), None)
    return Declaration(str(folder / (found or declared[0][0])), has_runtime=found is not None)


def _labelled(file: str, packages: set[str] | None) -> list[tuple[str, set[str]]]:
    return [] if packages is None else [(file, packages)]


def _pyproject(document: Mapping[str, Any]) -> set[str] | None:
    """Return the packages that pyproject.toml declares, or None where it leaves that to other files."""
    project = _table(document, "project")
    tools = _table(document, "tool")
    poetry = _table(tools, "poetry")
    lists = [
        project.get("dependencies"),
        *_table(project, "optional-dependencies").values(),
        *_table(document, "dependency-groups").values(),
        *_table(tools, "pdm", "dev-dependencies").values(),
        _table(tools, "uv").get("dev-dependencies"),
    ]
    tables = [
        poetry.get("dependencies"),
        poetry.get("dev-dependencies"),
        *(_table(poetry, "group", group).get("dependencies") for group in _table(poetry, "group")),
    ]
    packages = {name for entries in lists if isinstance(entries, list) for name in _names(entries)}
    packages |= {name for table in tables if isinstance(table, dict) for name in _names(table)}
    own_name = project.get("name", poetry.get("name"))
    if RUNTIME in packages or (isinstance(own_name, str) and _normalised(own_name) == RUNTIME):
        return {RUNTIME}
    dynamic = project.get("dynamic")
    if isinstance(dynamic, list) and "dependencies" in dynamic:
        return None
    return packages if any(isinstance(entries, list | dict) for entries in (*lists, *tables)) else None


def _table(document: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        document = document.get(key, {})
        if not isinstance(document, dict):
            return {}
    return document


def _setup_cfg(file: Path) -> set[str] | None:
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(_text(file))
    except configparser.Error:
        return None
    if _normalised(parser.get("metadata", "name", fallback="")) == RUNTIME:
        return {RUNTIME}
    required = parser.get("options", "install_requires", fallback=None)
    extras = dict(parser["options.extras_require"]) if parser.has_section("options.extras_require") else {}
    values = [value for value in (required, *extras.values()) if value and not value.startswith("file:")]
    return set(_names("\n".join(values).splitlines())) if values else None


def _requirements_files(folder: Path, names: Collection[str]) -> list[str]:
    """Return the files of requirements, the one that a dependency of the program itself belongs into first."""
    files = [name for name in names if name.startswith("requirements") and name.endswith(".txt")]
    if "requirements" in names:
        with contextlib.suppress(OSError):
            files += [f"requirements/{file.name}" for file in (folder / "requirements").glob("*.txt")]
    return sorted(files, key=_by_purpose)


def _by_purpose(file: str) -> tuple[int, str]:
    """Return what sorts files of requirements: those of the program before those of tests, of tools and of constraints."""
    stem = file.rpartition("/")[2].removesuffix(".txt")
    purpose = stem.removeprefix("requirements").strip("-_.") or "requirements"
    return _RUN_TIME.index(purpose) if purpose in _RUN_TIME else len(_RUN_TIME), file


def _requirements(file: Path, *, follow: bool = True) -> set[str] | None:
    text = _text(file)
    if not text.strip():
        return None
    packages = set(_names(text.splitlines()))
    for line in text.splitlines() if follow else ():
        words = line.replace("=", " ").split()
        if len(words) > 1 and words[0] in {"-r", "--requirement"}:
            packages |= _requirements(file.parent / words[1], follow=False) or set()
    return packages


def _names(entries: Iterable[object]) -> Iterator[str]:
    """Yield the normalised names of requirements; other entries of a group, such as inclusions, name none."""
    for entry in entries:
        if not isinstance(entry, str) or entry.lstrip().startswith("#"):
            continue
        if match := re.match(_NAME, entry):
            yield _normalised(match[1])
        elif re.search(_ANYWHERE, entry):
            # a path or an address: `-e ./golden-runtime`, `git+https://...#egg=golden-runtime`
            yield RUNTIME


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode(errors="replace")
    except (OSError, ValueError):
        return ""
