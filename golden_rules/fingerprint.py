"""What a result depends on beside the file and its settings: the interpreter, the linter, LibCST, and plugins.

It is taken without importing a rule: a run that finds all it needs in the cache imports none, which is most of what a
commit of few files would cost. Content counts, not times, so that a fresh installation of the same version is the same.
"""

# ruff: noqa: PTH110, PTH118, PTH123, PTH208 - a hundred small files at every start, where strings are several times faster
from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from golden_rules import __version__

# The group of `registry.ENTRY_POINT_GROUP`, which must not be imported here; a test holds the two together.
_GROUP = b"golden_rules.rules"
_METADATA = (".dist-info", ".egg-info")


def fingerprint() -> bytes:
    """Return a digest that changes with Python, the linter, LibCST, and any plugin or what it may be built on."""
    seen = hashlib.blake2b(repr((sys.implementation.name, sys.version_info, __version__)).encode(), digest_size=16)
    for file in _python_files(str(Path(__file__).parent)):
        _add(seen, file)
    names: list[str] = []
    plugins: list[str] = []
    for folder in dict.fromkeys(sys.path):
        for name in sorted(_distributions(folder)):
            names.append(name)
            points = os.path.join(folder, name, "entry_points.txt")
            if os.path.exists(points) and _GROUP in _content(points):
                plugins.append(points)
    # What a plugin imports is not known, so with plugins every installed distribution counts.
    counting = names if plugins else [name for name in names if name.lower().startswith("libcst-")]
    seen.update(repr(counting).encode())
    for points in plugins:
        _add(seen, points)
        for file in _plugin_files(_content(points)):
            _add(seen, file)
    return seen.digest()


def _add(seen: hashlib.blake2b, file: str) -> None:
    seen.update(file.rpartition(os.sep)[2].encode(errors="surrogateescape"))
    seen.update(_content(file))


def _content(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _python_files(folder: str) -> Iterator[str]:
    """Yield the modules below a folder, in an order that is always the same."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.endswith(".py"):
            yield entry.path
        elif entry.name != "__pycache__" and entry.is_dir():
            yield from _python_files(entry.path)


def _distributions(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder or os.curdir) if name.endswith(_METADATA)]
    except OSError:
        return []


def _plugin_files(points: bytes) -> Iterator[str]:
    """Yield the modules of the packages that entry points of our group name."""
    from importlib.util import find_spec

    group = b""
    for line in points.splitlines():
        if line.lstrip().startswith(b"["):
            group = line.strip(b"[] \t")
        elif group == _GROUP and b"=" in line:
            module = line.partition(b"=")[2].partition(b":")[0].decode(errors="replace").strip()
            spec = find_spec(module.partition(".")[0])
            if spec is None:
                continue
            if spec.submodule_search_locations is None:
                yield spec.origin or ""
            for location in spec.submodule_search_locations or ():
                yield from _python_files(location)
