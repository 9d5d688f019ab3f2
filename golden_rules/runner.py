"""Checking and fixing many files: what one run finds, changes and cannot do."""

from __future__ import annotations

import difflib
import gc
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from golden_rules.config import Config
from golden_rules.engine import analyse_source, concluded
from golden_rules.errors import described
from golden_rules.files import SourceFile, UnreadableFile, read_source
from golden_rules.findings import FileResult, Finding
from golden_rules.fixing import FixedSource, FixError, fix_source
from golden_rules.registry import load_rules
from golden_rules.source.text import decode
from golden_rules.writing import UnwritableFile, replace_file


@dataclass(slots=True)
class Run:
    """What a run has found so far; paths are as the user would type them.

    Attributes:
        files: How many files were checked.
        findings: What is wrong, after fixes where they were asked for.
        fixed: The findings whose fixes were applied.
        silenced: The findings that comments silence.
        withheld: How many fixes were left out for want of the runtime, by the file that declares the dependencies.
        diffs: The unified diffs of what fixes would change.
        failures: What went wrong with single files, a sentence each.
    """

    files: int = 0
    findings: list[Finding] = field(default_factory=list)
    fixed: list[Finding] = field(default_factory=list)
    silenced: list[Finding] = field(default_factory=list)
    withheld: Counter[str] = field(default_factory=Counter)
    diffs: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, display: str, config: Config, result: FileResult, fixed: Iterable[Finding] = ()) -> None:
        """Take in the result of one file."""
        self.files += 1
        self.findings += [replace(finding, path=display) for finding in result.findings]
        self.fixed += [replace(finding, path=display) for finding in fixed]
        self.silenced += [replace(finding, path=display) for finding in result.facts.silenced]
        if result.facts.withheld and config.declaration_file:
            self.withheld[config.declaration_file] += result.facts.withheld


@dataclass(frozen=True, slots=True)
class Fixing:
    """How fixes are applied.

    Attributes:
        unsafe: Unsafe fixes too.
        write: Files are replaced; otherwise the changes are only kept as diffs.
    """

    unsafe: bool = False
    write: bool = True


def check_files(files: Iterable[SourceFile], fixing: Fixing | None = None, *, folders: Sequence[Path] = ()) -> Run:
    """Check files, and fix them where that is asked for; trouble with one file never ends the run.

    Args:
        files: The files.
        fixing: How fixes are applied; none are without it.
        folders: The folders among what the user named. The rules about the whole project look at files below them only,
            so that what is said of a file that was named by itself hangs on no other.
    """
    run = Run()
    checked: list[tuple[SourceFile, FileResult]] = []
    with collector_off():
        for file in files:
            with trouble_noted(run.failures, file):
                source = read_source(file.path)
                result, fixed = _analysed(file, source, fixing)
                if fixing is not None and fixing.write and fixed.content != source:
                    replace_file(file.path, fixed.content)
                run.add(file.display, file.config, result, fixed.applied)
                _keep_diff(run, file, source, fixed)
                if result.facts.project:
                    checked.append((file, result))
        if checked and folders:
            _check_projects(run, checked, [folder.absolute() for folder in folders])
    return run


def _check_projects(run: Run, checked: Sequence[tuple[SourceFile, FileResult]], folders: Sequence[Path]) -> None:
    """Add what the rules about a whole project find in each of the projects that the files belong to."""
    projects: dict[Path, list[tuple[SourceFile, FileResult]]] = defaultdict(list)
    for file, result in checked:
        path = file.path.absolute()
        if any(path.is_relative_to(folder) for folder in folders):
            projects[file.config.root].append((file, result))
    for root, members in projects.items():
        whole = any(root.is_relative_to(folder) for folder in folders)
        displayed = {file.relative: file.display for file, _ in members}
        found = concluded(load_rules(), [result for _, result in members], whole=whole)
        for finding in found:
            (run.findings if finding.silence is None else run.silenced).append(
                replace(finding, path=displayed[finding.path])
            )
    run.findings.sort(key=lambda finding: (finding.path, finding.line, finding.column, finding.code))


def check_stdin(source: bytes, file: SourceFile, fixing: Fixing | None = None) -> tuple[Run, bytes]:
    """Check one file whose content came by standard input; return the run and the content after fixes."""
    run = Run()
    content = source
    with trouble_noted(run.failures, file):
        result, fixed = _analysed(file, source, fixing)
        run.add(file.display, file.config, result, fixed.applied)
        _keep_diff(run, file, source, fixed)
        content = fixed.content
    return run, content


def _analysed(file: SourceFile, source: bytes, fixing: Fixing | None) -> tuple[FileResult, FixedSource]:
    if fixing is None:
        result = analyse_source(source, file.relative, file.config)
        return result, FixedSource(source, (), result)
    fixed = fix_source(source, file.relative, file.config, unsafe=fixing.unsafe)
    return fixed.result, fixed


@contextmanager
def trouble_noted(failures: list[str], file: SourceFile) -> Iterator[None]:
    """Note what goes wrong with a file, a sentence each, and go on."""
    try:
        yield
    except (UnreadableFile, UnwritableFile) as error:
        failures.append(str(error))
    except FixError as error:
        failures.append(f"`{file.display}` was left as it was: {error}; please report this")
    except Exception as error:  # noqa: BLE001 - a bug in one rule must not hide what others find in other files
        failures.append(f"`{file.display}` could not be checked ({described(error)}); please report this")


def _keep_diff(run: Run, file: SourceFile, source: bytes, fixed: FixedSource) -> None:
    if fixed.content != source:
        run.diffs.append(diff(file.display, source, fixed))


def diff(display: str, source: bytes, fixed: FixedSource) -> str:
    """Return the unified diff from a file to its fixed form."""
    before = _lines(decode(source).text)
    after = _lines(decode(fixed.content).text)
    lines = difflib.unified_diff(before, after, display, display)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Return lines as `diff` and `patch` count them; `splitlines` would split at form feeds as well."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


@contextmanager
def collector_off() -> Iterator[None]:
    """Keep the cyclic collector from walking syntax trees again and again: a third of the time on large files."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
