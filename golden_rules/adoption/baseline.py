"""The baseline: today's findings, frozen in a file that only ever shrinks.

A finding is known by its file, its rule, the function it stands in and the text of its line; lines may move, files may be
renamed, and signatures may change, but a violation that is new is not one that was mended.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from golden_rules.errors import UsageError, reason_of
from golden_rules.findings import Finding
from golden_rules.paths import shown

_FORMAT = 1
_KEYS = ("path", "code", "function", "text")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A finding as a baseline holds it.

    Attributes:
        path: The file, relative to the folder of the baseline, with `/`.
        text: The line it starts on, spaces evened out; empty where it speaks of the function as a whole.
    """

    path: str
    code: str
    function: str
    text: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The content of a baseline.

    Attributes:
        entries: What is frozen, and how often where several are alike.
        rules: The codes that were looked for when it was made or extended.
        started: How many findings each file started with.
    """

    entries: Counter[Entry]
    rules: frozenset[str] = frozenset()
    started: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matched:
    """Findings beside a baseline.

    Attributes:
        known: For each finding that the baseline holds, by its position, the entry that stands for it.
        left: The entries that no finding stands for.
    """

    known: Mapping[int, Entry]
    left: Counter[Entry]


def entry_of(finding: Finding, path: str) -> Entry:
    """Return a finding as a baseline holds it; `path` is its file's, relative to the baseline's folder."""
    marked = finding.text[finding.column - 1 : finding.end_column - 1] if finding.line == finding.end_line else ""
    about_function = bool(finding.function) and marked == finding.function.rpartition(".")[2]
    text = "" if about_function else " ".join(finding.text.split())
    return Entry(path, finding.code, finding.function, text)


def match(entries: Counter[Entry], found: Sequence[Entry], is_gone: Callable[[str], bool]) -> Matched:
    """Set what was found beside the entries of a baseline.

    `is_gone` tells whether a file is not there any more, so that its entries may stand for a file that it has become.
    """
    left = Counter(entries)
    known: dict[int, Entry] = {}
    for position, entry in enumerate(found):
        if left[entry] > 0:
            left[entry] -= 1
            known[position] = entry
    left = +left
    if left and len(known) < len(found):
        renamed = _renamed(left, [entry for position, entry in enumerate(found) if position not in known], is_gone)
        for position, entry in enumerate(found):
            was = replace(entry, path=renamed.get(entry.path, entry.path))
            if position not in known and left[was] > 0:
                left[was] -= 1
                known[position] = was
    return Matched(known, +left)


def _renamed(left: Counter[Entry], new: Iterable[Entry], is_gone: Callable[[str], bool]) -> dict[str, str]:
    """Return for files the ones that are gone and have become them: those that have most of their findings."""
    found: dict[Entry, set[str]] = defaultdict(set)
    for entry in new:
        found[replace(entry, path="")].add(entry.path)
    shared: dict[str, Counter[str]] = defaultdict(Counter)
    total: Counter[str] = Counter()
    for entry, count in left.items():
        total[entry.path] += count
        for path in found.get(replace(entry, path=""), ()):
            shared[entry.path][path] += count
    renamed: dict[str, str] = {}
    for old, paths in sorted(shared.items()):
        name = old.rpartition("/")[2]
        best = max(paths, key=lambda path: (paths[path], path.rpartition("/")[2] == name, path))
        alike = best.rpartition("/")[2] == name or 2 * paths[best] >= total[old]
        if alike and best not in renamed and is_gone(old):
            renamed[best] = old
    return renamed


def read_baseline(file: Path) -> Baseline:
    """Return the content of a baseline; raises UsageError where it is not there or is none."""
    import json

    try:
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"the baseline `{shown(file)}` is not there: `golden-rules baseline` makes one") from error
    except OSError as error:
        raise UsageError(f"the baseline `{shown(file)}` cannot be read: {reason_of(error)}") from error
    try:
        return _parsed(json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        remedy = "take it from the last commit, or resolve its merge by keeping the lines that both sides have"
        raise UsageError(f"`{shown(file)}` is no baseline of golden-rules: {remedy}") from error


def _parsed(document: Any) -> Baseline:
    if document["version"] != _FORMAT:
        raise ValueError
    entries = [Entry(*(str(item[key]) for key in _KEYS)) for item in document["findings"]]
    started = {str(name): int(number) for name, number in document["started"].items()}
    return Baseline(Counter(entries), frozenset(map(str, document["rules"])), started)


def rendered(baseline: Baseline) -> str:
    """Return the text of a baseline: a line for each finding in a steady order, so that versions merge by line."""
    import json

    lines = [
        json.dumps(
            dict(zip(_KEYS, (entry.path, entry.code, entry.function, entry.text), strict=True)), ensure_ascii=False
        )
        for entry in sorted(baseline.entries.elements())
    ]
    head = {"version": _FORMAT, "rules": sorted(baseline.rules), "started": dict(sorted(baseline.started.items()))}
    start = json.dumps(head, indent=2, ensure_ascii=False).removesuffix("\n}")
    listed = ",\n".join(f"    {line}" for line in lines)
    return f'{start},\n  "findings": [\n{listed}\n  ]\n}}\n' if lines else f'{start},\n  "findings": []\n}}\n'
