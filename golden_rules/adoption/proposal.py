"""What `init` proposes for a project, from what it finds there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden_rules.coverage import coverage_of, score_files
from golden_rules.files import SourceFile
from golden_rules.findings import Finding
from golden_rules.naming import module_parts

_METRICS_CODE = "GR205"
# A module with so many metrics, and no more functions, is where metrics live, not where one was added in passing.
_METRICS_OF_A_MODULE = 3
# In per cent of all functions: where more are critical, the threshold is raised, or nobody looks at the list.
_MOST_CRITICAL = 20.0
# A list that is read to its end, whatever share of a small project it is.
_SHORT = 50
_TEST_FOLDERS = frozenset({"tests", "test", "docs", "examples", "benchmarks", "scripts"})


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration for a project that has none.

    Attributes:
        app: What metric names start with.
        metrics_modules: Modules that define metrics of their own, beside those of the usual names.
        threshold: The threshold, where the profile's would make too many functions critical.
        critical: How many functions are critical with it.
        functions: How many there are.
    """

    app: str
    metrics_modules: tuple[str, ...]
    threshold: float | None
    critical: int
    functions: int


def proposal(
    root: Path, files: Sequence[SourceFile], findings: Iterable[Finding], document: dict[str, Any]
) -> Proposal:
    """Return what suits a project.

    Args:
        root: Its root.
        files: Its files.
        findings: What is found in them with the defaults; paths as in `files`.
        document: The content of its pyproject.toml.
    """
    scores = coverage_of(score_files(files), _MOST_CRITICAL)
    critical, functions = scores.total.critical, scores.total.functions
    threshold = None
    if scores.proposal is not None and critical > max(_SHORT, _MOST_CRITICAL / 100.0 * functions):
        threshold, critical = scores.proposal.threshold, scores.proposal.critical
    relative = {file.display: file.relative for file in files}
    metrics = Counter(relative[finding.path] for finding in findings if finding.code == _METRICS_CODE)
    others = Counter(relative[function.path] for function in scores.functions)
    modules = sorted(path for path, count in metrics.items() if count >= _METRICS_OF_A_MODULE and count >= others[path])
    return Proposal(
        app_name(root, [file.relative for file in files], document), tuple(modules), threshold, critical, functions
    )


def app_name(root: Path, paths: Iterable[str], document: dict[str, Any]) -> str:
    """Return the name of the only package, or else of the project, or else of its folder, as metric names can have it."""
    packages = Counter(parts[0] for path in paths if len(parts := module_parts(path)) > 1)
    packages = Counter({name: count for name, count in packages.items() if name not in _TEST_FOLDERS})
    if len(packages) == 1:
        return _as_name(next(iter(packages)))
    project, tool = document.get("project", {}), document.get("tool", {})
    poetry = tool.get("poetry", {}) if isinstance(tool, dict) else {}
    named = [table.get("name") for table in (project, poetry) if isinstance(table, dict)]
    name = next((name for name in named if isinstance(name, str) and name.strip()), root.name)
    return _as_name(name)


def _as_name(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower() or "app"
