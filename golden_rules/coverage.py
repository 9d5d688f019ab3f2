"""How much of what is critical is measured: in all, for each app and for each package."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from golden_rules.collector import collector_off
from golden_rules.config import Config
from golden_rules.engine import analyse_source
from golden_rules.engine_rules import SYNTAX_ERROR
from golden_rules.files import SourceFile, read_source
from golden_rules.findings import FileResult, ScoredFunction
from golden_rules.naming import module_parts
from golden_rules.runner import trouble_noted

# Thresholds are proposed in half points.
_STEP = 0.5


@dataclass(frozen=True, slots=True)
class Listed:
    """A function with the app and the package that it counts for."""

    function: ScoredFunction
    app: str
    package: str


@dataclass(frozen=True, slots=True)
class Share:
    """How many functions are critical, and how many of those are measured."""

    name: str
    functions: int
    critical: int
    measured: int

    @property
    def per_cent(self) -> float:
        """The share of the critical functions that is measured, in per cent; 100 where none is critical."""
        return 100.0 * self.measured / self.critical if self.critical else 100.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """The threshold that makes a given share of the functions critical.

    Attributes:
        budget: The share asked for, in per cent.
        threshold: The lowest threshold that keeps within it, in half points.
        critical: How many functions are critical then.
    """

    budget: float
    threshold: float
    critical: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What there is to say of a run over many files."""

    files: int
    total: Share
    apps: tuple[Share, ...]
    packages: tuple[Share, ...]
    functions: tuple[ScoredFunction, ...]
    proposal: Proposal | None = None

    def unmeasured(self) -> list[ScoredFunction]:
        """Return the critical functions that nothing measures, the most critical first."""
        found = [function for function in self.functions if function.critical and not function.measured]
        return sorted(found, key=lambda function: (-function.score, function.path, function.line))


@dataclass(slots=True)
class Scores:
    """The functions of many files with their scores; paths are as the user would type them."""

    files: int = 0
    functions: list[Listed] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, file: SourceFile, result: FileResult) -> None:
        """Take in the analysis of one file; one that does not parse is a failure."""
        self.files += 1
        self.failures += [
            f"`{file.display}` (line {finding.line}): {finding.message}"
            for finding in result.findings
            if finding.code == SYNTAX_ERROR.code
        ]
        self.functions += [
            _listed(function._replace(path=file.display), file.relative, file.config) for function in result.functions
        ]


def score_files(files: Iterable[SourceFile]) -> Scores:
    """Score the functions of files, without asking any rule; trouble with one file never ends the run."""
    scores = Scores()
    with collector_off():
        for file in files:
            with trouble_noted(scores.failures, file):
                scores.add(file, analyse_source(read_source(file.path), file.relative, file.config, []))
    return scores


def _listed(function: ScoredFunction, relative: str, config: Config) -> Listed:
    """Return a function with its app (as configured, or the first part of its module) and its package.

    `relative` is the file's path relative to the root of its configuration.
    """
    parts = module_parts(relative)
    package = parts if relative.endswith("/__init__.py") else parts[:-1]
    top = parts[0] if len(parts) > 1 else "(top level)"
    return Listed(function, config.app_for(relative) or top, ".".join(package) or "(top level)")


def coverage_of(scores: Scores, budget: float | None = None) -> Coverage:
    """Count the functions of a run; `budget` is the share in per cent to propose a threshold for."""
    plain = tuple(entry.function for entry in scores.functions)
    return Coverage(
        scores.files,
        _share("all", plain),
        tuple(_shares(scores.functions, lambda entry: entry.app)),
        tuple(_shares(scores.functions, lambda entry: entry.package)),
        plain,
        None if budget is None else _proposal(plain, budget),
    )


def _shares(functions: Iterable[Listed], key: Callable[[Listed], str]) -> Iterator[Share]:
    groups: dict[str, list[ScoredFunction]] = defaultdict(list)
    for entry in functions:
        groups[key(entry)].append(entry.function)
    for name in sorted(groups):
        share = _share(name, groups[name])
        if share.critical:
            yield share


def _share(name: str, functions: Iterable[ScoredFunction]) -> Share:
    counted = list(functions)
    critical = [function for function in counted if function.critical]
    return Share(name, len(counted), len(critical), sum(function.measured for function in critical))


def _proposal(functions: Sequence[ScoredFunction], budget: float) -> Proposal | None:
    """Return the lowest threshold in half points that keeps within the budget; `None` without any function."""
    if not functions:
        return None
    scores = sorted((function.score for function in functions), reverse=True)
    allowed = int(len(scores) * budget / 100)
    # Just above the first score that no longer fits in.
    bound = scores[allowed] if allowed < len(scores) else scores[-1] - _STEP
    threshold = max((int(bound // _STEP) + 1) * _STEP, 0.0)
    return Proposal(budget, threshold, sum(score >= threshold for score in scores))
