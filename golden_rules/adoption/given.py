"""A file whose content is given, by standard input or an editor, and checked as if it stood at its path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from golden_rules.adoption.settling import settle
from golden_rules.files import SourceFile
from golden_rules.paths import relative_to
from golden_rules.runner import Fixing, Run, check_stdin

if TYPE_CHECKING:
    from golden_rules.adoption.scope import Scope
    from golden_rules.config import Configs


def file_at(path: Path, configs: Configs) -> SourceFile:
    """Return a file that need not exist; raises UsageError for a configuration that cannot be used."""
    config = configs.for_path(path)
    relative = relative_to(str(path.absolute()), str(config.root))
    return SourceFile(path, path.as_posix(), relative, config.for_file(relative))


def check_given(content: bytes, file: SourceFile, scope: Scope, fixing: Fixing | None = None) -> tuple[Run, bytes]:
    """Check a content, and fix it where that is asked for; return what counts of what is found, and the content then."""
    run, content = check_stdin(content, file, fixing and fixing._replace(scope=scope))
    settle(run, [file], run.today, scope)
    return run, content
