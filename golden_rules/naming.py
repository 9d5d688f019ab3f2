"""Names that come from a path and a qualified name alone, modules and metrics, and how names are read.

One file can be fixed without reading another, and a second run names the same things the same way.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict

from golden_rules.source.outline import Function, Outline

DEFAULT_TEMPLATE = "{app}.{module}.{function}"

# Folders that hold packages without being one.
_SOURCE_FOLDERS = frozenset({"lib", "python"})
_LOWER_TO_UPPER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# What says nothing where there is no module below the app, with what parts it from the rest.
_NO_MODULE = re.compile(r"[._]\{module\}|^\{module\}[._]|\{module\}")
# Runs of `_` as well: in the series they are one.
_ILLEGAL = re.compile(r"[^a-z0-9]+")


def module_parts(path: str) -> list[str]:
    """Return the dotted name's parts of the module at a path below the project's root."""
    parts = [part for part in path.removesuffix(".py").removesuffix(".pyi").split("/") if part not in ("", ".", "..")]
    if "src" in (folders := parts[:-1]):
        # In a monorepo the packages of a project stand below its own `src`.
        del parts[: len(folders) - folders[::-1].index("src")]
    while len(parts) > 1 and parts[0] in _SOURCE_FOLDERS:
        del parts[0]
    if parts and parts[-1] == "__init__":
        del parts[-1]
    return parts


def package_of(path: str) -> str:
    """Return the package that relative imports in the module at a path start from."""
    parts = module_parts(path)
    return ".".join(parts if path.endswith("/__init__.py") else parts[:-1])


def metric_name(outline: Outline, function: Function, app: str | None, template: str = DEFAULT_TEMPLATE) -> str:
    """Return the dotted metric name of a function, as a template says; by default `app.module.function`.

    The module path is that below the app's package; leading underscores go; the class (or the function around) is added
    where the name alone is not unique in the file, or says little, as `__call__` does. A module that is the app's package
    itself has no name below it, and the dot or `_` beside it goes, too.
    """
    module = [_word(part) for part in outline.module.split(".") if part]
    first, *below = _below_app(module, _word(app)) if app else module or [""]
    if not first:
        template = template.replace("{app}.", "").replace("{app}_", "").replace("{app}", "")
    if not below:
        template = _NO_MODULE.sub("", template)
    name = template.format(app=first, module=".".join(below), function=".".join(_local_parts(outline, function)))
    tidy = ".".join(part for part in name.split(".") if part)
    return tidy if tidy[:1].isalpha() else f"x{tidy}"


def _below_app(module: list[str], app: str) -> list[str]:
    if app in module:
        return module[module.index(app) :]
    return [app, *module[1:]]


def _local_parts(outline: Outline, function: Function) -> list[str]:
    short = _word(function.name)
    others = [other for other in _by_word(outline)[short] if other is not function]
    if not others and not (function.name.startswith("__") and function.name.endswith("__")):
        return [short]
    full = [_word(part) for part in function.qualname.split(".")]
    private = function.name.startswith("_")
    if private and any(_public_twin(function, other) for other in others):
        full[-1] += "_inner"
    return full


# The outline at hand is asked for each of its findings.
@functools.lru_cache(maxsize=1)
def _by_word(outline: Outline) -> dict[str, list[Function]]:
    named: dict[str, list[Function]] = defaultdict(list)
    for function in outline.functions:
        named[_word(function.name)].append(function)
    return named


def _public_twin(function: Function, other: Function) -> bool:
    """Whether `other` is `execute` where `function` is `_execute` of the same class or module."""
    return not other.name.startswith("_") and other.qualname.rpartition(".")[0] == function.qualname.rpartition(".")[0]


@functools.lru_cache(maxsize=4096)
def _word(name: str) -> str:
    return _ILLEGAL.sub("_", snake_case(name)).strip("_") or "x"


def snake_case(name: str) -> str:
    """Return `get_item` for `getItem`."""
    return _CAMEL_HUMP.sub("_", name).lower()


# A file says the same few hundred names thousands of times.
@functools.lru_cache(maxsize=16384)
def snake(name: str) -> str:
    """Return the last part of a dotted name in snake case, its leading underscores gone."""
    return _LOWER_TO_UPPER.sub("_", name.rpartition(".")[2]).lstrip("_").lower()
