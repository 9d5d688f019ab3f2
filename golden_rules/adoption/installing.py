"""The texts of a project's files with golden-rules in them: its configuration and its dependency."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from golden_rules.dependencies import RUNTIME
from golden_rules.errors import UsageError

if TYPE_CHECKING:
    from tomlkit.toml_document import TOMLDocument

    from golden_rules.adoption.proposal import Proposal

_USUAL_METRICS_MODULES = ("metrics", "telemetry", "observability")


def configuration(proposal: Proposal, newline: str = "\n") -> str:
    """Return the keys of a configuration, as `golden-rules.toml` has them."""
    lines = [f'app = "{proposal.app}"  # what metric names start with']
    if proposal.metrics_modules:
        listed = ", ".join(f'"{name}"' for name in (*_USUAL_METRICS_MODULES, *proposal.metrics_modules))
        lines.append(f"metrics-modules = [{listed}]  # these may define metrics of their own")
    if proposal.threshold is not None:
        share = 100.0 * proposal.critical / proposal.functions
        lines.append(f"threshold = {proposal.threshold:g}  # makes {share:.0f} % of the functions critical")
    return "".join(f"{line}{newline}" for line in lines)


def with_configuration(pyproject: str, proposal: Proposal) -> str:
    """Return a pyproject.toml with the table `[tool.golden-rules]` at its end."""
    newline = _newline(pyproject)
    start = pyproject if not pyproject or pyproject.endswith(newline) else pyproject + newline
    return f"{start}{newline if start.strip() else ''}[tool.golden-rules]{newline}{configuration(proposal, newline)}"


def with_runtime(name: str, text: str, requirement: str) -> str:
    """Return a file that declares dependencies with golden-runtime among them, in the file's own style.

    Args:
        name: The file's name, which tells its format.
        text: Its content.
        requirement: What is added, such as `golden-runtime>=0.1`.

    Raises:
        UsageError: The file has no place for it.
    """
    if name.endswith(".txt"):
        return _appended_line(text, requirement)
    return _in_setup_cfg(text, requirement) if name == "setup.cfg" else _in_pyproject(text, requirement)


def _appended_line(text: str, requirement: str) -> str:
    newline = _newline(text)
    start = text if not text or text.endswith(("\n", "\r")) else text + newline
    return f"{start}{requirement}{newline}"


def _in_setup_cfg(text: str, requirement: str) -> str:
    lines = text.splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if re.match(r"install_requires\s*=", line)), None)
    if start is None:
        raise _no_place("setup.cfg", requirement)
    end = start + 1
    while end < len(lines) and re.match(r"\s+\S", lines[end]):
        end += 1
    indent = re.match(r"\s*", lines[end - 1])
    spaces = indent[0] if indent and end > start + 1 else "    "
    if not lines[end - 1].endswith(("\n", "\r")):
        lines[end - 1] += _newline(text)
    return "".join([*lines[:end], f"{spaces}{requirement}{_newline(text)}", *lines[end:]])


def _in_pyproject(text: str, requirement: str) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    project: Any = document.get("project")
    poetry: Any = document.get("tool", {}).get("poetry")
    if isinstance(project, dict) and "dependencies" not in project.get("dynamic", []):
        _add_to_project(document, requirement)
    elif isinstance(poetry, dict) and "dependencies" in poetry:
        poetry["dependencies"][RUNTIME] = requirement.removeprefix(RUNTIME) or "*"
    else:
        raise _no_place("pyproject.toml", requirement)
    return document.as_string()


def _add_to_project(document: TOMLDocument, requirement: str) -> None:
    import tomlkit

    project: Any = document["project"]
    if "dependencies" not in project:
        dependencies = tomlkit.array()
        dependencies.append(requirement)
        # above the tables that belong to the project, as `[project.scripts]`
        project.append("dependencies", dependencies)
        return
    listed = project["dependencies"]
    if "\n" not in listed.as_string():
        listed.append(requirement)
        return
    last = listed.as_string().rstrip().removesuffix("]").rstrip().rpartition("\n")[2]
    indent = last[: len(last) - len(last.lstrip())] or "    "
    listed.add_line(requirement, indent=indent)


def _no_place(file: str, requirement: str) -> UsageError:
    return UsageError(f"`{file}` has no list of dependencies that `{requirement}` can be added to: declare it by hand")


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
