"""What git ignores: `.gitignore` files and `.git/info/exclude`, with git's own meaning.

Our own reader, because a walk that prunes needs a verdict on single entries, and soon: pathspec answers for
whole paths (so `foo/**` prunes `foo`, and `!foo/keep.py` is lost), raises on malformed lines that git passes
over, takes twice as long to import as Python to start, and 17 microseconds an entry with sixty patterns.
"""

# ruff: noqa: PTH118, PTH120, PTH123 - a walk asks for thousands of entries, and strings are what it has
from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from golden_rules.globs import NEVER, OrderedPatterns, bracket
from golden_rules.paths import unresolved

if TYPE_CHECKING:
    from collections.abc import Container

_SPECIAL = frozenset("*?[\\")


class _Pattern(NamedTuple):
    position: int
    text: str
    negated: bool
    only_folders: bool

    @property
    def by_name(self) -> bool:
        return "/" not in self.text

    def compiled(self) -> tuple[int, str | None, str]:
        text = self.text.removeprefix("/")
        if _SPECIAL.isdisjoint(text):
            return self.position, text, ""
        try:
            return self.position, None, _translate(text, by_name=self.by_name)
        except ValueError:
            return self.position, None, NEVER


class IgnorePatterns:
    """The patterns of one file; the last one that matches an entry decides."""

    __slots__ = ("_file_names", "_file_paths", "_folder_names", "_folder_paths", "_negated")

    def __init__(self, content: bytes) -> None:
        """Read the content of a `.gitignore` file; like git, pass over lines that make no pattern."""
        patterns = _parsed(content)
        for_files = [pattern for pattern in patterns if not pattern.only_folders]
        self._negated = [pattern.negated for pattern in patterns]
        self._file_names = OrderedPatterns(pattern.compiled() for pattern in for_files if pattern.by_name)
        self._file_paths = OrderedPatterns(pattern.compiled() for pattern in for_files if not pattern.by_name)
        self._folder_names = OrderedPatterns(pattern.compiled() for pattern in patterns if pattern.by_name)
        self._folder_paths = OrderedPatterns(pattern.compiled() for pattern in patterns if not pattern.by_name)

    def verdict(self, relative: str, name: str, *, is_folder: bool) -> bool | None:
        """Tell whether an entry is ignored, or None where no pattern speaks of it.

        `relative` is its path from the folder that holds the file of patterns, `name` its last component.
        """
        if is_folder:
            last = max(self._folder_names.last(name), self._folder_paths.last(relative))
        else:
            last = max(self._file_names.last(name), self._file_paths.last(relative))
        return None if last < 0 else not self._negated[last]


def _parsed(content: bytes) -> list[_Pattern]:
    text = os.fsdecode(content.removeprefix(b"\xef\xbb\xbf"))
    patterns: list[_Pattern] = []
    for raw in text.split("\n"):
        line = _without_trailing_spaces(raw.removesuffix("\r"))
        if not line or line.startswith("#"):
            continue
        negated = line.startswith("!")
        body = line[negated:]
        only_folders = body.endswith("/")
        patterns.append(_Pattern(len(patterns), body[: -1 if only_folders else None], negated, only_folders))
    return patterns


def _without_trailing_spaces(line: str) -> str:
    stripped = line.rstrip(" ")
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    escapes_a_space = backslashes % 2 == 1 and len(stripped) < len(line)
    return stripped + " " if escapes_a_space else stripped


def _translate(text: str, *, by_name: bool) -> str:
    """Return the regular expression of a pattern; raises ValueError for one that matches nothing."""
    parts: list[str] = []
    # git compares the plain beginning by itself and matches the rest as a pattern of its own, so `**/` means
    # folders there too, though no slash stands before it
    beginning = next((at for at, character in enumerate(text) if character in _SPECIAL), len(text))
    index = 0
    while index < len(text):
        character = text[index]
        if character == "*":
            part, index = _stars(text, index, at_start=index == beginning, by_name=by_name)
        elif character == "[":
            part, index = bracket(text, index)
            part = f"(?!/){part}"
        elif character == "\\":
            if index + 1 == len(text):
                raise ValueError("it ends in a backslash")
            part, index = re.escape(text[index + 1]), index + 2
        else:
            part, index = "[^/]" if character == "?" else re.escape(character), index + 1
        parts.append(part)
    return "".join(parts)


def _stars(text: str, index: int, *, at_start: bool, by_name: bool) -> tuple[str, int]:
    end = index
    while end < len(text) and text[end] == "*":
        end += 1
    if end - index == 1 or by_name or not (at_start or text[index - 1] == "/"):
        return "[^/]*", end
    if end == len(text):
        return ".*", end
    if text.startswith("/", end):
        return "(?:.*/)?", end + 1
    return "[^/]*", end


Chain = tuple[tuple[int, IgnorePatterns], ...]
"""Files of patterns, the most telling last; each with where relative paths start in absolute ones."""


def is_ignored(chain: Chain, absolute: str, name: str, *, is_folder: bool) -> bool:
    """Tell whether git ignores the entry at `absolute`, its folders not being ignored."""
    for start, patterns in reversed(chain):
        verdict = patterns.verdict(absolute[start:].replace(os.sep, "/"), name, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False


class IgnoredByGit:
    """The patterns in force in each folder, every file read once; outside a repository nothing is ignored."""

    def __init__(self) -> None:
        """Start with no folder known."""
        self._chains: dict[str, Chain | None] = {}

    def chain(self, folder: str, names: Container[str] | None = None) -> Chain:
        """Return the patterns for `folder`, an absolute path; `names` are its entries, if known."""
        known = self._chains.get(folder)
        if known is None and folder not in self._chains:
            for missing in unresolved(folder, self._chains):
                self._chains[missing] = self._extended(missing, names if missing == folder else None)
            known = self._chains[folder]
        return known or ()

    def _extended(self, folder: str, names: Container[str] | None) -> Chain | None:
        start = len(folder.rstrip(os.sep)) + 1
        outer = self._chains.get(os.path.dirname(folder))
        if _holds(folder, ".git", names):
            # a repository inside another one is ruled by its own files alone
            outer = _entry(start, _exclude_file(folder))
        if outer is None or not _holds(folder, ".gitignore", names):
            return outer
        return outer + _entry(start, os.path.join(folder, ".gitignore"))


def _holds(folder: str, name: str, names: Container[str] | None) -> bool:
    return os.path.lexists(os.path.join(folder, name)) if names is None else name in names


def _entry(start: int, file: str) -> Chain:
    content = _read(file)
    return ((start, IgnorePatterns(content)),) if content else ()


def _exclude_file(folder: str) -> str:
    """Return the path of `info/exclude` for a working tree, also where `.git` is a file that points away."""
    git = os.path.join(folder, ".git")
    pointer = _read(git)
    if pointer.startswith(b"gitdir:"):
        git = os.path.join(folder, os.fsdecode(pointer.removeprefix(b"gitdir:").strip()))
        shared = os.fsdecode(_read(os.path.join(git, "commondir")).strip())
        git = os.path.join(git, shared)
    return os.path.join(git, "info", "exclude")


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError:
        return b""
