"""Tables of settings in TOML files, and the lines that their keys stand on."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Any

from golden_rules.errors import UsageError

# Patterns are compiled when they are first used: a run that has nothing to say of the settings never does.
_HEADER = r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?$"
_PART = r"""(?:"[^"]*"|'[^']*'|[\w-]+)"""
_KEY = rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*="


@dataclass(frozen=True, slots=True)
class SettingsPlace:
    """A table of settings in a file: what messages say of it, and where in the text its keys are."""

    file: str
    """The file as messages name it."""
    header: tuple[str, ...]
    """The names that lead to the table: `("tool", "golden-rules")`, or none for the top level."""
    text: str

    def of(self, *keys: str) -> str:
        """Return where a key stands: `[tool.golden-rules] of pyproject.toml (line 12)`."""
        table = f"[{'.'.join(self.header)}] of " if self.header else ""
        # what stands in an inline table has the line of that
        prefixes = (keys[:length] for length in range(len(keys), min(len(keys), 1) - 1, -1))
        line = next((found for prefix in prefixes if (found := self.line(*prefix))), None)
        return f"{table}{self.file}" + (f" (line {line})" if line else "")

    def line(self, *keys: str) -> int | None:
        """Return the line of a key, from 1, or of the table's first key without one; `None` where it cannot be told."""
        return self._line((*self.header, *keys))

    def line_of(self, key: str, entry: str) -> int | None:
        """Return the line that a string stands on, at or below a key such as `rules.GR304.allowed-in`; `None` where none can be told."""
        start = self.line(*key.split("."))
        if start is None:
            return None
        for number, line in enumerate(self.text.split("\n")[start - 1 :], start=start):
            if f'"{entry}"' in line or f"'{entry}'" in line or line.lstrip().startswith(entry):
                return number
        return None

    def table(self) -> dict[str, Any]:
        """Return the table; of one of an array, that one alone. An empty one where it cannot be told."""
        import tomllib

        table: Any = tomllib.loads(self.text)
        for name in self.header:
            table = table.get(name, {})
            table = table[-1] if isinstance(table, list) else table
        return dict(table)

    def count(self, key: str) -> int:
        """Return how many tables an array of tables has."""
        header = (*self.header, key)
        headers = (re.match(_HEADER, line) for line in self.text.split("\n"))
        return sum(match is not None and _parts(match[1]) == header for match in headers)

    def item(self, key: str, number: int) -> SettingsPlace:
        """Return the place of one of the tables of an array (`[[overrides]]`), counted from 1."""
        header = (*self.header, key)
        lines = self.text.split("\n")
        starts = [
            at for at, line in enumerate(lines) if (match := re.match(_HEADER, line)) and _parts(match[1]) == header
        ]
        if number > len(starts):
            return SettingsPlace(self.file, header, "")
        start, end = starts[number - 1], [*starts, len(lines)][number]
        return SettingsPlace(self.file, header, "\n".join([""] * start + lines[start:end]))

    def _line(self, path: tuple[str, ...]) -> int | None:
        # tomllib keeps no positions; text in a string of several lines that looks like this key is rare
        header: tuple[str, ...] = ()
        for number, line in enumerate(self.text.split("\n"), start=1):
            if match := re.match(_HEADER, line):
                header = found = _parts(match[1])
            elif match := re.match(_KEY, line):
                found = (*header, *_parts(match[1]))
            else:
                continue
            if found[: len(path)] == path:
                return number
        return None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def parse_toml(data: bytes, file: str) -> dict[str, Any]:
    """Return the content of a TOML file; raises UsageError, with the line, where it is broken."""
    import tomllib

    if data.startswith(codecs.BOM_UTF8):
        raise UsageError(
            f"`{file}` starts with a byte order mark, which TOML does not have: save it as UTF-8 without one"
        )
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"`{file}` (line {line}) is not valid TOML: it is not UTF-8") from error
    except RecursionError as error:
        raise UsageError(f"`{file}` is not valid TOML: it is nested too deeply") from error
    except ValueError as error:
        reason, _, position = str(error).partition(" (at ")
        last_line = data.count(b"\n") + 1
        place = position.removesuffix(")").replace("end of document", f"line {last_line}, the end")
        where = f" ({place})" if place else ""
        raise UsageError(f"`{file}`{where} is not valid TOML: {reason[:1].lower()}{reason[1:]}") from error
