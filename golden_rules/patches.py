"""What fixes change as unified diffs, which `git apply` and `patch` take byte for byte.

A diff holds the bytes of files, each in its own encoding, its byte order mark and line ends as they are: decoded and encoded
again, it would not match what it speaks of.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from golden_rules.paths import repository_of, shown

_NO_LINE_END = b"\n\\ No newline at end of file\n"
# What git writes between quotes; others stay as they are, so that people can read them.
_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f]')
_ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"}


@dataclass(frozen=True, slots=True)
class Diff:
    """What changes in one file.

    Attributes:
        path: The file.
        hunks: What follows the names of the file, in its encoding.
        encoding: The encoding of the file.
        is_new: Whether the file is not there yet.
    """

    path: Path
    hunks: bytes
    encoding: str
    is_new: bool = False

    def patch(self) -> bytes:
        """Return what `git apply` takes anywhere in the repository, and `patch -p1` in its root or, without one, here."""
        return os.fsencode(self._header()) + self.hunks

    def readable(self) -> str:
        """Return the same as text, for people."""
        return self._header() + self.hunks.decode(self.encoding, errors="replace")

    def _header(self) -> str:
        name = _name(self.path)
        old, new = _quoted(f"a/{name}"), _quoted(f"b/{name}")
        # Else a reader takes what follows a blank for a date.
        end = "\t" if " " in name else ""
        if self.is_new:
            return f"diff --git {old} {new}\nnew file mode 100644\n--- /dev/null\n+++ {new}{end}\n"
        return f"diff --git {old} {new}\n--- {old}{end}\n+++ {new}{end}\n"


def diff_of(path: Path, before: bytes | None, after: bytes, encoding: str) -> Diff:
    """Return the diff from a file, `None` where there is none yet, to its new form."""
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(before or b""), _lines(after))
    hunks = (line if line.endswith(b"\n") else line + _NO_LINE_END for line in list(lines)[2:])
    return Diff(path, b"".join(hunks), encoding, is_new=before is None)


def _lines(content: bytes) -> list[bytes]:
    """Return lines as `diff` and `patch` count them; `splitlines` would split at lone carriage returns as well."""
    return [line for line in re.split(rb"(?<=\n)", content) if line]


def _name(path: Path) -> str:
    """Return how git names a file: behind links, and relative to the root of the repository that we are in, if any."""
    real, here = Path(os.path.realpath(path)), Path(os.path.realpath(os.curdir))
    root = repository_of(here) or here
    return real.relative_to(root).as_posix() if real.is_relative_to(root) else shown(path)


def _quoted(name: str) -> str:
    return name if _SPECIAL.search(name) is None else '"' + _SPECIAL.sub(_escaped, name) + '"'


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    return _ESCAPES.get(character) or f"\\{ord(character):03o}"
