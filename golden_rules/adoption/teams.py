"""Who owns which file: the names of `app`, the owners of CODEOWNERS, or else the package."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from golden_rules.config import Config
from golden_rules.errors import UsageError, reason_of
from golden_rules.naming import module_parts
from golden_rules.paths import relative_to, repository_of, shown

if TYPE_CHECKING:
    from codeowners import CodeOwners

# Where GitHub looks, in its order, and GitLab.
_PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_COMMENT = re.compile(r"(^|\s)#.*")
# Deeper packages are counted with the one that holds them.
_DEPTH = 2
_TOP = "(top level)"
_NOBODY = "(no owner)"


def grouping(config: Config, folder: Path) -> Callable[[str], str]:
    """Return what tells the team or package of a path relative to `folder`, a baseline's.

    Where `app` is a table, its names are the teams, and elsewhere the owners by CODEOWNERS. Where that has one owner for all, or
    is not there, the package tells, two steps deep.

    Raises:
        UsageError: CODEOWNERS cannot be read.
    """
    found = _codeowners(config.root)
    several = found is not None and len({tuple(owners) for _, _, owners, _, _ in found[1].paths}) > 1
    owner = _owner_by(found[1], folder, found[0]) if found is not None and several else None

    def group(path: str) -> str:
        relative = relative_to(str(folder / path), str(config.root))
        if isinstance(config.app, tuple) and (team := config.app_for(relative)):
            return team
        return owner(path) if owner is not None else ".".join(module_parts(relative)[:-1][:_DEPTH]) or _TOP

    return group


def _owner_by(owners: CodeOwners, folder: Path, root: Path) -> Callable[[str], str]:
    def owner(path: str) -> str:
        return ", ".join(name for _, name in owners.of(relative_to(str(folder / path), str(root)))) or _NOBODY

    return owner


def _codeowners(folder: Path) -> tuple[Path, CodeOwners] | None:
    """Return the root of the repository that a folder belongs to, and its CODEOWNERS; `None` where there is none."""
    root = repository_of(folder) or folder
    file = next((root / place for place in _PLACES if (root / place).is_file()), None)
    if file is None:
        return None
    from codeowners import CodeOwners

    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UsageError(f"`{shown(file)}` cannot be read: {reason_of(error)}") from error
    return root, CodeOwners("\n".join(filter(_is_valid, (_COMMENT.sub("", line) for line in lines))))


def _is_valid(line: str) -> bool:
    """Whether a line has a pattern that can be read; GitHub passes over others, too."""
    from codeowners import CodeOwners

    if line.startswith("!"):
        return False
    try:
        CodeOwners(line)
    except (ValueError, re.error):
        return False
    return True
