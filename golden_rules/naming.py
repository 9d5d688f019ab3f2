"""Names that come from a path and a qualified name alone, modules and metrics, and how names are read.

One file can be fixed without reading another, and a second run names the same things the same way.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, eq=False)
class Crowded:
    """Functions of a file whose names are those of others in the project, so that they need other names.

    Attributes:
        functions: Their qualified names.
        taken: What series of the project begin with, up to an `_` or the end.
    """

    functions: frozenset[str]
    taken: Collection[str]


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


def metric_name(
    outline: Outline,
    function: Function,
    app: str | None,
    template: str = DEFAULT_TEMPLATE,
    crowded: Crowded | None = None,
) -> str:
    """Return the dotted metric name of a function, as a template says; by default `app.module.function`.

    The module path is that below the app's package; leading underscores go; the class (or the function around) is added
    where the name alone is not unique in the file, or says little, as `__call__` does, and a number where that is one name to
    Prometheus with another function's. A module that is the app's package itself has no name below it, and the dot or `_`
    beside it goes, too. A crowded function has its class, or a number, that sets it apart from what is taken.
    """
    if crowded is None or function.qualname not in crowded.functions:
        return _dotted(outline, _local_names(outline)[function], app, template)
    return _set_apart(outline, crowded, app, template)[function]


def _dotted(outline: Outline, local: list[str], app: str | None, template: str) -> str:
    """Return a name from its parts below the module."""
    module = [_word(part) for part in outline.module.split(".") if part]
    first, *below = _below_app(module, _word(app)) if app else module or [""]
    if not first:
        template = template.replace("{app}.", "").replace("{app}_", "").replace("{app}", "")
    if not below:
        template = _NO_MODULE.sub("", template)
    name = template.format(app=first, module=".".join(below), function=".".join(local))
    tidy = ".".join(part for part in name.split(".") if part)
    return tidy if tidy[:1].isalpha() else f"x{tidy}"


@functools.lru_cache(maxsize=1)
def _set_apart(outline: Outline, crowded: Crowded, app: str | None, template: str) -> dict[Function, str]:
    """Return the names of the crowded functions, which keep apart from what is taken, and from each other."""
    owners: dict[str, str] = {}
    found = {}
    for function, full in _full_names(outline).items():
        if function.qualname not in crowded.functions:
            continue
        names = (_dotted(outline, parts, app, template) for parts in _choices(full, alone=False))
        found[function] = next(name for name in names if _is_free(as_series(name), function, crowded, owners))
        owners[as_series(found[function])] = function.qualname
    return found


def _is_free(series: str, function: Function, crowded: Crowded, owners: Mapping[str, str]) -> bool:
    others = (other for other, owner in owners.items() if owner != function.qualname)
    return series not in crowded.taken and not any(
        f"{other}_".startswith(f"{series}_") or f"{series}_".startswith(f"{other}_") for other in others
    )


def as_series(name: str) -> str:
    """Return a metric's dotted name as Prometheus spells it."""
    return _ILLEGAL.sub("_", name)


def _below_app(module: list[str], app: str) -> list[str]:
    if app in module:
        return module[module.index(app) :]
    return [app, *module[1:]]


# The outline at hand is asked for each of its findings.
@functools.lru_cache(maxsize=1)
def _local_names(outline: Outline) -> dict[Function, list[str]]:
    """Return the parts of each function's name below its module.

    Dots and `_` are one to Prometheus, and the runtime refuses one series that is written in two ways. So what would be
    `group.type` beside `group_type` gets another name, and `getItem` beside `get_item`, which would share a series.
    """
    named = Counter(_word(function.name) for function in outline.functions)
    owners: dict[str, str] = {}
    found = {}
    for function, full in _full_names(outline).items():
        says_little = function.name.startswith("__") and function.name.endswith("__")
        alone = named[_word(function.name)] == 1 and not says_little
        choices = _choices(full, alone=alone)
        name = function.qualname
        found[function] = next(parts for parts in choices if owners.setdefault("_".join(parts), name) == name)
    return found


def _full_names(outline: Outline) -> dict[Function, list[str]]:
    """Return the parts of each function's qualified name; what is private is told from the public function that it serves."""
    public = {_where(function) for function in outline.functions if not function.name.startswith("_")}
    found = {}
    for function in outline.functions:
        found[function] = [_word(part) for part in function.qualname.split(".")]
        if function.name.startswith("_") and _where(function) in public:
            found[function][-1] += "_inner"
    return found


def _where(function: Function) -> tuple[str, str]:
    """Return what `_execute` has in common with the `execute` of the same class or module."""
    return function.qualname.rpartition(".")[0], _word(function.name)


def _choices(full: list[str], *, alone: bool) -> Iterator[list[str]]:
    """Yield the names that a function may have, best first."""
    if alone:
        yield full[-1:]
    yield full
    for number in itertools.count(2):
        yield [*full[:-1], f"{full[-1]}_{number}"]


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
