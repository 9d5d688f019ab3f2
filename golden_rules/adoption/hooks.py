"""A .pre-commit-config.yaml with golden-rules among its hooks: one more entry, written as the others are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

HOOK = "golden-rules"
REPOSITORY = "https://github.com/golden-rules/golden-rules"
# Also as `{id: golden-rules}`; `golden-rules-fix` is one of ours, too.
_THERE = re.compile(rf"^[^#\n]*\bid:\s*['\"]?{HOOK}(-fix)?['\"]?\s*([,}}#]|$)", re.MULTILINE)
_REPOS = re.compile(r"(?P<key>(['\"]?)repos\2\s*:)(?P<value>[^#]*?)(?P<comment>\s*#.*)?\s*$")
_EMPTY = frozenset({"", "[]", "~", "null"})
_ITEM = re.compile(r"(?P<indent>\s*)-(?P<gap>\s+)\S")


class NoPlaceForHook(Exception):
    """A file in which only a person can tell where the hook goes; the text says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class _Style:
    """How entries are written: the spaces before and after a dash, and those before the dash of a hook."""

    indent: str = "  "
    gap: str = " "
    hooks: str = "      "


def entry(version: str, only: str = "") -> list[str]:
    """Return the lines of the entry, to be pasted under `repos:`; with `only`, for the files in that folder of the repository."""
    lines = _entry(version, _Style())
    # in single quotes YAML has no escapes but a quote's own
    return [*lines, f"        files: '^{re.escape(only)}/'".replace(r"\-", "-")] if only else lines


def _entry(version: str, style: _Style) -> list[str]:
    inner = f"{style.indent} {style.gap}"
    return [
        f"{style.indent}-{style.gap}repo: {REPOSITORY}",
        f"{inner}rev: v{version}",
        f"{inner}hooks:",
        f"{style.hooks}-{style.gap}id: {HOOK}",
    ]


def has_hook(text: str) -> bool:
    """Return whether one of our hooks is there."""
    return bool(_THERE.search(text))


def with_hook(text: str, version: str) -> str:
    """Return a .pre-commit-config.yaml with the hook, or as it is where it has it; all other lines stay as they are.

    Raises:
        NoPlaceForHook: It is not written in lines that another can be put between.
    """
    if has_hook(text):
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if _REPOS.match(line)), None)
    if start is None:
        return _appended(text, ["repos:", *entry(version)], newline)
    match = _REPOS.match(lines[start])
    value = match["value"].strip() if match else ""
    if match is None or value not in _EMPTY:
        raise NoPlaceForHook("its `repos:` is no list with a line for each entry")
    items, end = _list_under(lines, start + 1)
    if not items:
        under = next((line for line in lines[start + 1 :] if line.strip() and not line.lstrip().startswith("#")), "")
        if under[:1].isspace():
            raise NoPlaceForHook("what stands under its `repos:` is no list with a line for each entry")
        lines[start] = f"{match['key']}{match['comment'] or ''}{newline}"
        return "".join([*lines[: start + 1], *_ended(entry(version), newline), *lines[start + 1 :]])
    if value:
        raise NoPlaceForHook("its `repos:` is empty and has entries under it, which pre-commit cannot read")
    if not lines[end - 1].endswith(("\n", "\r")):
        lines[end - 1] += newline
    added = _entry(version, _style(lines[start + 1 : end]))
    return "".join([*lines[:end], *_ended(added, newline), *lines[end:]])


def _ended(lines: Sequence[str], newline: str) -> list[str]:
    return [f"{line}{newline}" for line in lines]


def _appended(text: str, added: Sequence[str], newline: str) -> str:
    content = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", "---", "%"))]
    if any(not re.match(r"[\w'\"-]+\s*:|\s|-\s", line) for line in content) or any(
        line.startswith("- ") for line in content[:1]
    ):
        raise NoPlaceForHook("it has no `repos:`, and is no table with a line for each key")
    start = text if not text or text.endswith(("\n", "\r")) else text + newline
    return start + "".join(_ended(added, newline))


def _list_under(lines: Sequence[str], start: int) -> tuple[bool, int]:
    """Return whether there is a list under a key, and where it ends.

    Blank lines and comments after it are left out, but for comments that stand deeper than its entries and so belong to one.
    """
    end, indent = start, -1
    for at in range(start, len(lines)):
        line = lines[at]
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        if line.lstrip().startswith("#"):
            if 0 <= indent < depth:
                end = at + 1
            continue
        is_item = bool(re.match(r"\s*-(\s|$)", line))
        if indent < 0 and is_item:
            indent = depth
        if indent < 0 or depth < indent or (depth == indent and not is_item):
            break
        end = at + 1
    return indent >= 0, end


def _style(lines: Sequence[str]) -> _Style:
    """Return how the entries of a list are written."""
    items = [match for line in lines if (match := _ITEM.match(line.rstrip("\r\n")))]
    if not items:
        return _Style()
    indent, gap = items[0]["indent"], items[0]["gap"]
    inner = next((item["indent"] for item in items if len(item["indent"]) > len(indent)), None)
    return _Style(indent, gap, f"{indent} {gap}  " if inner is None else inner)
