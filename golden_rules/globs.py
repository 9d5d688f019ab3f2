"""Patterns over paths: the configuration's globs as regular expressions, and sets of them that match at once.

The configuration's globs have ruff's meaning: a pattern without a slash is compared with single names, one
with a slash with the path from the configuration's folder; `*` and `?` match slashes too, `**` as a whole
component matches any number of folders, `[...]` one character and `{a,b}` alternatives.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NEVER = "(?!)"
CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r" \t\n\r\f\v",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_SPECIAL = frozenset("*?[]{}\\")


class OrderedPatterns:
    """Finds the last of several patterns that matches a text in full.

    Plain patterns are looked up in a dictionary and the others are one expression, because a walk asks this
    of every entry: some sixty patterns one by one take 17 microseconds, together they take one.
    """

    __slots__ = ("_expression", "_globs", "_plain")

    def __init__(self, patterns: Iterable[tuple[int, str | None, str]]) -> None:
        """Take for each pattern its position, its text where that is plain, and its regular expression."""
        self._plain: dict[str, int] = {}
        globs: list[tuple[int, str]] = []
        for position, plain, expression in patterns:
            if plain is None:
                globs.append((position, expression))
            else:
                self._plain[plain] = position
        globs.reverse()
        self._globs = [position for position, _ in globs]
        self._expression = re.compile("|".join(f"({glob})" for _, glob in globs), re.DOTALL) if globs else None

    def last(self, text: str) -> int:
        """Return the position of the last pattern that matches `text`, or -1."""
        plain = self._plain.get(text, -1)
        match = self._expression.fullmatch(text) if self._expression else None
        if match is None or match.lastindex is None:
            return plain
        return max(plain, self._globs[match.lastindex - 1])


class PathGlobs:
    """Several globs of the configuration, asked about one entry or about a path with its folders."""

    __slots__ = ("_names", "_paths")

    def __init__(self, globs: Iterable[str]) -> None:
        """Compile `globs`; raises ValueError, with the reason, for one that is malformed."""
        named = [_prepared(position, glob) for position, glob in enumerate(globs)]
        self._names = OrderedPatterns(pattern for anchored, pattern in named if not anchored)
        self._paths = OrderedPatterns(pattern for anchored, pattern in named if anchored)

    def match_entry(self, relative: str, name: str) -> bool:
        """Tell whether a pattern matches this entry itself; `name` is the last component of `relative`."""
        return self._names.last(name) >= 0 or self._paths.last(relative) >= 0

    def cover(self, relative: str) -> bool:
        """Tell whether a pattern matches this path or a folder it lies in."""
        start = end = 0
        while end < len(relative):
            end = relative.find("/", start)
            end = len(relative) if end < 0 else end
            if self.match_entry(relative[:end], relative[start:end]):
                return True
            start = end + 1
        return False


@functools.lru_cache(maxsize=256)
def path_globs(globs: tuple[str, ...]) -> PathGlobs:
    """Return `globs` compiled, once for each distinct tuple."""
    return PathGlobs(globs)


def _prepared(position: int, glob: str) -> tuple[bool, tuple[int, str | None, str]]:
    anchored = "/" in glob
    glob = glob.removeprefix("./").strip("/") if anchored else glob
    if _SPECIAL.isdisjoint(glob):
        return anchored, (position, glob, "")
    return anchored, (position, None, translate(glob))


def translate(glob: str) -> str:
    """Return the regular expression of a glob; raises ValueError, with the reason, where it is malformed."""
    parts: list[str] = []
    depth = index = 0
    while index < len(glob):
        character = glob[index]
        if character == "*":
            part, index = _stars(glob, index)
            parts.append(part)
            continue
        if character == "[":
            part, index = bracket(glob, index)
            parts.append(part)
            continue
        if character == "\\":
            index += 1
            if index == len(glob):
                raise ValueError("it ends in a backslash")
            parts.append(re.escape(glob[index]))
        elif character == "{":
            depth += 1
            parts.append("(?:")
        elif character == "}" and depth:
            depth -= 1
            parts.append(")")
        elif character == "," and depth:
            parts.append("|")
        else:
            parts.append("." if character == "?" else re.escape(character))
        index += 1
    if depth:
        raise ValueError("its `{` is never closed")
    return "".join(parts)


def _stars(glob: str, index: int) -> tuple[str, int]:
    end = index
    while end < len(glob) and glob[end] == "*":
        end += 1
    whole_component = end - index > 1 and (index == 0 or glob[index - 1] == "/")
    if whole_component and glob.startswith("/", end):
        return "(?:.*/)?", end + 1
    return ".*", end


def bracket(glob: str, index: int) -> tuple[str, int]:
    """Return the expression of the `[...]` that starts at `index`, and the index after it.

    Raises ValueError, with the reason, where it is never closed or names an unknown class of characters.
    """
    start = index + 1
    negated = glob[start : start + 1] in {"!", "^"}
    position = first = start + negated
    items: list[str] = []
    previous = ""
    while position == first or glob[position : position + 1] != "]":
        if glob.startswith("[:", position) and (named := _class(glob, position)) is not None:
            item, position = named
            items.append(item)
            previous = ""
            continue
        if previous and glob[position : position + 1] == "-" and glob[position + 1 : position + 2] not in {"", "]"}:
            high, position = _member(glob, position + 1)
            if previous <= high:
                items.append(f"{_in_set(previous)}-{_in_set(high)}")
            previous = ""
            continue
        previous, position = _member(glob, position)
        items.append(_in_set(previous))
    if not items:
        return (".", position + 1) if negated else (NEVER, position + 1)
    return f"[{'^' if negated else ''}{''.join(items)}]", position + 1


def _member(glob: str, position: int) -> tuple[str, int]:
    if glob.startswith("\\", position):
        position += 1
    if position >= len(glob):
        raise ValueError("its `[` is never closed")
    return glob[position], position + 1


def _class(glob: str, position: int) -> tuple[str, int] | None:
    end = glob.find("]", position + 2)
    if end < 0:
        raise ValueError("its `[` is never closed")
    if end - position < 3 or glob[end - 1] != ":":
        return None
    name = glob[position + 2 : end - 1]
    if name not in CLASSES:
        raise ValueError(f"there is no class of characters `[:{name}:]`")
    return CLASSES[name], end + 1


def _in_set(character: str) -> str:
    return f"\\{character}" if character in "\\]^[-&~|" else character


class FunctionPatterns:
    """Patterns that name functions: by dotted name, by the file's path, or `path::name`."""

    __slots__ = ("_in_files", "_names")

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile `patterns`; raises ValueError, with the reason, for one that is malformed."""
        self._names: list[Callable[[str], object]] = []
        self._in_files: list[tuple[PathGlobs, Callable[[str], object] | None]] = []
        for pattern in patterns:
            path, separator, name = pattern.partition("::")
            if separator:
                self._in_files.append((PathGlobs([path]), _dotted(name)))
            elif "/" in pattern or pattern.endswith(".py"):
                self._in_files.append((PathGlobs([pattern]), None))
            else:
                self._names.append(_dotted(pattern))

    def match(self, relative: str, module: str, qualname: str) -> bool:
        """Tell whether a pattern names this function; a dotted name may leave out leading components."""
        full_name = f"{module}.{qualname}" if module else qualname
        if any(matches(full_name) for matches in self._names):
            return True
        return any(
            (matches is None or matches(qualname)) and globs.cover(relative) for globs, matches in self._in_files
        )


def _dotted(pattern: str) -> Callable[[str], object]:
    return re.compile(rf"(?:.*\.)?(?:{translate(pattern)})", re.DOTALL).fullmatch


@functools.lru_cache(maxsize=64)
def function_patterns(patterns: tuple[str, ...]) -> FunctionPatterns:
    """Return `patterns` compiled, once for each distinct tuple."""
    return FunctionPatterns(patterns)
