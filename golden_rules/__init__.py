"""golden-rules: every critical function is measured, and nobody hand-builds what the runtime does.

For authors of rules: `FunctionRule`, `OutlineRule`, `ClassRule`, `ModuleRule`, `ProjectRule` and what they take and give,
and `StringsOption` and its sisters for what projects may say to them. For editors and engines: `analyse_source`,
`check_source`, `Config`. They are imported when first used, so that the command line starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golden_rules.config import Config
    from golden_rules.engine import analyse_source, check_source
    from golden_rules.findings import Edit, Fact, FileResult, Finding, Fix, ImportedName, Safety
    from golden_rules.options import (
        FlagOption,
        FunctionsOption,
        NumberOption,
        Option,
        PatternOption,
        StringsOption,
    )
    from golden_rules.rules.base import (
        Bad,
        ClassRule,
        ClassSubject,
        FunctionRule,
        Good,
        ModuleRule,
        ModuleSubject,
        Observation,
        OutlineRule,
        ProjectRule,
        ProjectViolation,
        Rule,
        SliceKind,
        Subject,
        Violation,
    )

__version__ = "0.1.0"

__all__ = [
    "Bad",
    "ClassRule",
    "ClassSubject",
    "Config",
    "Edit",
    "Fact",
    "FileResult",
    "Finding",
    "Fix",
    "FlagOption",
    "FunctionRule",
    "FunctionsOption",
    "Good",
    "ImportedName",
    "ModuleRule",
    "ModuleSubject",
    "NumberOption",
    "Observation",
    "Option",
    "OutlineRule",
    "PatternOption",
    "ProjectRule",
    "ProjectViolation",
    "Rule",
    "Safety",
    "SliceKind",
    "StringsOption",
    "Subject",
    "Violation",
    "analyse_source",
    "check_source",
]

_HOMES = {
    "golden_rules.config": ("Config",),
    "golden_rules.engine": ("analyse_source", "check_source"),
    "golden_rules.findings": ("Edit", "Fact", "FileResult", "Finding", "Fix", "ImportedName", "Safety"),
    "golden_rules.options": (
        "FlagOption",
        "FunctionsOption",
        "NumberOption",
        "Option",
        "PatternOption",
        "StringsOption",
    ),
    "golden_rules.rules.base": (
        "Bad",
        "ClassRule",
        "ClassSubject",
        "FunctionRule",
        "Good",
        "ModuleRule",
        "ModuleSubject",
        "Observation",
        "OutlineRule",
        "ProjectRule",
        "ProjectViolation",
        "Rule",
        "SliceKind",
        "Subject",
        "Violation",
    ),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
