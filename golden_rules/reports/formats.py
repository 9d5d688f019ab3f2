"""The formats of `check` by name; each one's module is read only when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golden_rules.reports.style import Style
    from golden_rules.runner import Run

_MACHINES = {
    "json": ("json", "json_report"),
    "sarif": ("sarif", "sarif_report"),
    "github": ("annotations", "github_report"),
    "gitlab": ("annotations", "gitlab_report"),
    "junit": ("junit", "junit_report"),
    "markdown": ("markdown", "markdown_report"),
}
FORMATS = ("text", "concise", *_MACHINES)


def is_for_people(name: str) -> bool:
    """Return whether a format goes with a summary under it; the others hold all there is to say."""
    return name not in _MACHINES


def report(name: str, run: Run, style: Style) -> Iterator[str]:
    """Yield the lines of a run in a format."""
    if name in _MACHINES:
        module, function = _MACHINES[name]
        render: Callable[[Run], Iterator[str]] = getattr(
            importlib.import_module(f"golden_rules.reports.{module}"), function
        )
        yield from render(run)
        return
    from golden_rules.reports.text import concise_report, text_report

    yield from (text_report if name == "text" else concise_report)(run, style)
