"""All texts in a project's folder that may name what its modules hold, whichever files a run looks at.

They are read when something is about to be taken out of a file, and not before: also what `exclude` leaves out, what git
ignores of Python, notebooks, documentation, and settings that name things by their path.
"""

# ruff: noqa: PTH114, PTH118 - strings, as a walk joins thousands of paths
from __future__ import annotations

import functools
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from golden_rules.gitignore import IgnoredByGit, is_ignored
from golden_rules.globs import path_globs
from golden_rules.naming import module_parts
from golden_rules.paths import relative_to
from golden_rules.settings import DEFAULT_EXCLUDE
from golden_rules.source.clock_patches import (
    asks_for_old_freezegun,
    is_shared_by_tests,
    may_replace,
    may_replace_for_all,
    moving_libraries,
    replaces,
    replaces_for_all,
)
from golden_rules.source.outside_reading import OutsideReading, read_outside
from golden_rules.source.outside_uses import fills_in_module, is_python, may_take, mentions_word, takes
from golden_rules.source.text import UndecodableSource, decode

if TYPE_CHECKING:
    from golden_rules.findings import Clock

_PYTHON = (".py", ".pyi", ".pyw", ".pyx", ".pxd", ".pxi", ".ipynb")
_OTHER = (
    *(".toml", ".cfg", ".ini", ".yaml", ".yml", ".json", ".conf", ".env", ".sh", ".txt", ".md", ".rst", ".adoc"),
    *(".html", ".jinja", ".jinja2", ".j2", ".mako", ".tmpl", ".tpl"),
)
# Data and lock files; nobody writes that much by hand.
_LARGEST = 1_000_000
# What is larger than this altogether would take minutes and gigabytes: then anything may be named.
_MOST_BYTES = 300_000_000
_TOO_MANY = "one of too many files to read"


class ProjectTexts:
    """The texts in the folder of a project, as they were at the start of a run."""

    def __init__(self, root: Path) -> None:
        """Take the folder; nothing is read before it is asked for."""
        self._root = str(root)
        self._known: dict[str, str] = {}
        self._size = 0
        self._holders: dict[str, frozenset[str]] = {}
        self._fillers: dict[str, tuple[str, ...]] = {}
        self._readings: dict[str, OutsideReading | None] = {}
        self._replacers_for_all: dict[Clock, tuple[tuple[str, frozenset[str]], ...]] = {}
        self._is_read = False

    def mention(self, name: str, besides: Collection[str]) -> str:
        """Return a text that mentions a name as a word, `""` where none does; files in `besides` are not asked."""
        for path in self._paths:
            if path in besides:
                continue
            text = self._text(path, {})
            if self._size > _MOST_BYTES:
                return _TOO_MANY
            if name in text and mentions_word(text, path, name) and not self._is_link_between(path, besides):
                return path
        return ""

    def taker(self, path: str, name: str, at_start: Callable[[], Mapping[str, bytes]]) -> str:
        """Return a text that may take a name from the module at a path, `""` where none does.

        Args:
            path: The module's file, relative to the project's root, with `/`.
            name: A name at its top level.
            at_start: Returns what files held that are another by now; asked once, when all texts are read.
        """
        module = _last_part(path)
        if not module:
            return ""
        if not self._has_read_all(at_start):
            return _TOO_MANY
        knowing = self._holding(module)
        others = [other for other in self._filling_in(name) if other != path]
        others += sorted(knowing & (self._holding(name) | self._holding("*")) - {path})
        return next((other for other in others if self._takes(other, module, name)), "")

    def replacer(self, path: str, clock: Clock, at_start: Callable[[], Mapping[str, bytes]]) -> str:
        """Return a file that may replace a clock of the module at a path, `""` where none does; `at_start` is as above."""
        module = _last_part(path)
        if not module:
            return ""
        if not self._has_read_all(at_start):
            return _TOO_MANY
        name = clock.written.partition(".")[0]
        others = [other for other in self._filling_in(name) if other != path]
        others += [other for other in sorted(self._holding(module) - {path}) if self._replaces(other, module, clock)]
        return next(iter(others), "") or self._replacer_for_all(path, clock)

    def modules(self, besides: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield the path and the text of each module, those in `besides` and links to others left out."""
        for path in self._paths:
            if path.endswith(".py") and path not in besides and not os.path.islink(os.path.join(self._root, path)):
                yield path, self._text(path, {})

    def _replaces(self, path: str, module: str, clock: Clock) -> bool:
        if not is_python(path) or not may_replace(self._known[path], clock, self._moving(clock)):
            return False
        reading = self._reading(path)
        if reading is None:
            return clock.written in self._known[path]
        return replaces(reading, module, clock, self._moving(clock))

    def _replacer_for_all(self, path: str, clock: Clock) -> str:
        """Return a file that replaces the clock of all modules, and that tests of the one at a path may be or use."""
        if clock not in self._replacers_for_all:
            moving = self._moving(clock)
            texts = ((other, text) for other, text in sorted(self._known.items()) if is_python(other))
            likely = (other for other, text in texts if may_replace_for_all(text, clock, moving))
            known = ((other, self._reading(other)) for other in likely)
            self._replacers_for_all[clock] = tuple(
                (other, reading.packages)
                for other, reading in known
                if reading is not None and replaces_for_all(reading, clock, moving)
            )
        packages = module_parts(path)[:-1]
        replacers = ((other, names) for other, names in self._replacers_for_all[clock] if other != path)
        return next(
            (other for other, names in replacers if is_shared_by_tests(other) or not names.isdisjoint(packages)), ""
        )

    def _moving(self, clock: Clock) -> frozenset[str]:
        return moving_libraries(clock.target, is_freezegun_old=self._is_freezegun_old)

    @functools.cached_property
    def _is_freezegun_old(self) -> bool:
        return any(asks_for_old_freezegun(self._known[path]) for path in self._holding("freezegun"))

    def _reading(self, path: str) -> OutsideReading | None:
        """Return what a Python file says of others: read when it is first asked for, and once."""
        if path not in self._readings:
            self._readings[path] = read_outside(self._known[path], self._own)
        return self._readings[path]

    def _has_read_all(self, at_start: Callable[[], Mapping[str, bytes]]) -> bool:
        """Read all texts, once; whether they were few enough."""
        if not self._is_read:
            held = at_start()
            for path in self._paths:
                self._text(path, held)
            self._is_read = True
        return self._size <= _MOST_BYTES

    def _is_link_between(self, path: str, others: Collection[str]) -> bool:
        """Whether a text is one of some others under another name."""
        real = os.path.realpath(os.path.join(self._root, path))
        return any(os.path.realpath(os.path.join(self._root, other)) == real for other in others)

    def _takes(self, path: str, module: str, name: str) -> bool:
        text = self._known[path]
        if path in self._filling_in(name):
            return True
        if not is_python(path):
            return may_take(text, path, module, name)
        reading = self._reading(path)
        return may_take(text, path, module, name) if reading is None else takes(reading, module, name)

    def _holding(self, word: str) -> frozenset[str]:
        if word not in self._holders:
            self._holders[word] = frozenset(path for path, text in self._known.items() if word in text)
        return self._holders[word]

    def _filling_in(self, name: str) -> tuple[str, ...]:
        if name not in self._fillers:
            python = (path for path in sorted(self._holding(name)) if is_python(path))
            self._fillers[name] = tuple(path for path in python if fills_in_module(self._known[path], name))
        return self._fillers[name]

    def _text(self, path: str, at_start: Mapping[str, bytes]) -> str:
        if path not in self._known and self._size <= _MOST_BYTES:
            content = at_start[path] if path in at_start else _content(os.path.join(self._root, path))
            self._size += len(content)
            self._known[path] = _text(content)
        return self._known.get(path, "")

    @functools.cached_property
    def _own(self) -> frozenset[str]:
        modules = (module_parts(path) for path in self._paths if path.endswith(".py"))
        return frozenset(parts[0] for parts in modules if parts)

    @functools.cached_property
    def _paths(self) -> tuple[str, ...]:
        return tuple(self._found())

    def _found(self) -> Iterator[str]:
        """Yield the paths of the texts, relative to the root, with `/`."""
        ignored = IgnoredByGit()
        pruned = path_globs(DEFAULT_EXCLUDE)
        out: set[str] = set()
        for folder, folders, files in os.walk(self._root):
            if "pyvenv.cfg" in files:
                folders.clear()
                continue
            chain = ignored.chain(folder)
            below = relative_to(folder, self._root)
            prefix = "" if below == "." else f"{below}/"
            folders[:] = sorted(name for name in folders if not pruned.match_entry(prefix + name, name))
            out.update(
                path
                for name in folders
                if is_ignored(chain, path := os.path.join(folder, name), name, is_folder=True) or folder in out
            )
            for name in sorted(files):
                path = os.path.join(folder, name)
                if name.endswith(_PYTHON) or (
                    name.endswith(_OTHER) and folder not in out and not is_ignored(chain, path, name, is_folder=False)
                ):
                    yield prefix + name


def _last_part(path: str) -> str:
    """Return a module's own name, without its packages; `""` for a path that no module can have."""
    return next(iter(module_parts(path)[-1:]), "")


def _content(path: str) -> bytes:
    """Return what a file holds; nothing where it cannot be read, or is too large to be written by hand.

    Pipes and devices are never opened: reading one may not end.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - as above
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            return b""
        with open(path, "rb") as stream:  # noqa: PTH123 - as above
            return stream.read()
    except OSError:
        return b""


def _text(content: bytes) -> str:
    try:
        return decode(content).text
    except UndecodableSource:
        return content.decode("latin-1")
