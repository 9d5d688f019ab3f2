"""What the file around a function says of it: tests, generated code and the runtime are nobody's to measure."""

from __future__ import annotations

import re

from golden_rules.config import Config
from golden_rules.measured import RUNTIME
from golden_rules.source.outline import Outline
from golden_rules.traits import Reason

_TEST_PATH = re.compile(
    r"(^|/)(_?tests?|\w+_tests?|tests?_\w+|testing|testutils?|e2e|mocks?|fixtures?|examples?|example_\w+|samples|demos?|tutorials?"
    r"|cookbooks?|quickstarts?|docs|benchmarks?|migrations|alembic|_?vendor(ed)?|third_party)(/|$)"
    r"|(^|/)(conftest|pytest_plugin|setup|test_[^/]*|([^/]*_)?tests?|testing)\.py$"
)
_GENERATED_PATH = re.compile(r"_pb2(_grpc)?\.py$")
# What generators write at the top of a file; what is written into it by hand is gone with their next run.
_GENERATED_NOTE = re.compile(
    r"\b(code|file|class|module|this) (was |is |has been )?(auto-?|automatically )?generated (by|from)\b"
    r"|\b(code|file|module|this) (was |is |has been )(auto-?|automatically )generated\b"
    r"|\bauto-?generated (by|from|code|file)\b|^[#\"' ]*auto-?generated\b|\bdo not edit\b|@generated\b",
    re.IGNORECASE | re.MULTILINE,
)
_TOP = 1000
# What only clients import that a generator wrote, whatever stands at the top of their files.
_GENERATED_IMPORT = "google.api_core.gapic_v1"
# Where the functions of a command line stand; `commands` alone may as well hold a service's operations.
_COMMAND_LINE_PATH = re.compile(r"(^|/)(_?cli|\w+_cli|cmds?|scripts?|bin|(\w+_)?manage|management/commands)(/|\.py$)")
_COMMAND_LINE_LIBRARIES = frozenset({"argparse", "click", "typer", "optparse", "fire", "docopt"})


def why_outside(outline: Outline, path: str, config: Config, *, generated: bool) -> str:
    """Return why no function of a file is critical by itself, or `""`.

    Args:
        outline: The file's outline.
        path: The file's path relative to the project's root.
        config: The settings in force for it.
        generated: Whether its text says that a generator wrote it.
    """
    module = outline.module
    if module == config.runtime_module or module.startswith((RUNTIME + ".", config.runtime_module + ".")):
        return "it stands in the runtime"
    if config.is_metrics_module(path):
        return "it stands in a metrics module"
    if _TEST_PATH.search(path):
        return "it stands in tests, examples, migrations or vendored code"
    if generated or _GENERATED_PATH.search(path) or _imports_generated(outline):
        return "it stands in generated code"
    return ""


def _imports_generated(outline: Outline) -> bool:
    return any(target.startswith(_GENERATED_IMPORT) for target in outline.names.values())


def is_generated(text: str) -> bool:
    """Return whether the top of a file says that a generator wrote it."""
    top = text[:_TOP].lower()
    return ("generated" in top or "do not edit" in top) and _GENERATED_NOTE.search(top) is not None


def command_line(module: Outline, path: str) -> Reason | None:
    """Return what it says of a function that its file belongs to a command line, if it does."""
    # A command is gone before anybody scrapes it.
    if _COMMAND_LINE_PATH.search(path):
        return Reason(-3.0, "it stands in the command line")
    if any(target.partition(".")[0] in _COMMAND_LINE_LIBRARIES for target in module.names.values()):
        return Reason(-3.0, "its module reads a command line")
    return None
