"""Files with their functions marked, as the coverage page shows them: measured, unmeasured, built by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from golden_rules.collector import collector_off
from golden_rules.coverage import Scores
from golden_rules.engine import analyse_source
from golden_rules.files import SourceFile, read_source
from golden_rules.findings import FileResult
from golden_rules.naming import package_of
from golden_rules.registry import load_rules
from golden_rules.runner import trouble_noted
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import parse
from golden_rules.source.text import decode

# The families of what is built by hand: metric code, and resilience code.
_HAND_BUILT = ("GR2", "GR3")


@dataclass(frozen=True, slots=True)
class Mark:
    """A function and what is to be seen of it.

    Attributes:
        start: The line of its first decorator or `def`; `end` is its last line.
        hand_built: What is built by hand in it, a sentence each, with its code.
    """

    name: str
    line: int
    start: int
    end: int
    score: float
    critical: bool
    measured: bool
    reasons: tuple[str, ...]
    hand_built: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkedFile:
    """A file with those of its functions that are critical or built by hand, in the order of their lines."""

    path: str
    app: str
    package: str
    text: str
    lines: int
    marks: tuple[Mark, ...]


@dataclass(slots=True)
class Marked:
    """What has been marked so far, and the scores that come with it."""

    scores: Scores = field(default_factory=Scores)
    files: list[MarkedFile] = field(default_factory=list)


def mark_files(files: Iterable[SourceFile]) -> Marked:
    """Score and mark the functions of files; trouble with one file never ends the run."""
    rules = [rule for rule in load_rules() if rule.code.startswith(_HAND_BUILT)]
    marked = Marked()
    with collector_off():
        for file in files:
            with trouble_noted(marked.scores.failures, file):
                source = read_source(file.path)
                result = analyse_source(source, file.relative, file.config, rules)
                marked.scores.add(file, result)
                if result.functions:
                    marked.files.append(_marked(file, source, result, marked.scores))
    return marked


def _marked(file: SourceFile, source: bytes, result: FileResult, scores: Scores) -> MarkedFile:
    listed = scores.functions[-1]
    hand_built: dict[str, list[str]] = defaultdict(list)
    for finding in result.findings:
        if finding.code.startswith(_HAND_BUILT):
            hand_built[finding.function].append(f"{finding.code} {finding.message}")
    shown = [function for function in result.functions if function.critical or function.function in hand_built]
    # few files have anything to mark, and a second look at the others would cost a third of the run
    extents = _extents(source, file.relative) if shown else {}
    marks = tuple(
        Mark(
            function.function,
            function.line,
            *extents.get(function.line, (function.line, function.line)),
            function.score,
            function.critical,
            function.measured,
            function.reasons,
            tuple(hand_built.get(function.function, ())),
        )
        for function in sorted(shown, key=lambda function: function.line)
    )
    return MarkedFile(file.display, listed.app, listed.package, decode(source).text, result.facts.lines, marks)


def _extents(source: bytes, path: str) -> dict[int, tuple[int, int]]:
    """Return the first and last line of each function by the line of its `def`."""
    module = outline(parse(decode(source)), "", package_of(path))
    return {function.line: (function.start_line, function.end_line) for function in module.functions}
