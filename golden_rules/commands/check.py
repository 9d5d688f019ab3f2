"""`golden-rules check`: find, and fix, what breaks the golden rule."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from golden_rules.commands.base import (
    CLEAN,
    FINDINGS,
    TROUBLE,
    check_selectors,
    codes,
    complete_codes,
    complete_output,
    complete_paths,
    files_to_check,
    refuse_source,
)
from golden_rules.errors import UsageError, did_you_mean, reason_of
from golden_rules.paths import working_folder
from golden_rules.reports.formats import FORMATS
from golden_rules.reports.style import Style, harmless, style_for

if TYPE_CHECKING:
    from golden_rules.adoption.changed import Changes
    from golden_rules.adoption.scope import Scope
    from golden_rules.cache import Caches
    from golden_rules.files import SourceFile
    from golden_rules.runner import Fixing, Run


def _outputs(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[Path, str]:
    """Read `FORMAT=FILE`, any number of times."""
    outputs: dict[Path, str] = {}
    for value in values:
        name, separator, file = value.partition("=")
        if not separator or not file:
            raise UsageError(f"`--output {value}` names no file: write it as in `--output sarif=golden-rules.sarif`")
        if name not in FORMATS:
            hint = did_you_mean(name, FORMATS) or f": the formats are {', '.join(FORMATS)}"
            raise UsageError(f"there is no format `{name}`{hint}")
        path = Path(file)
        refuse_source(path, "--output")
        if path.is_dir() or not path.absolute().parent.is_dir():
            reason = "is a folder" if path.is_dir() else "is in a folder that does not exist"
            raise UsageError(f"`{file}`, which `--output` names, {reason}")
        if path in outputs:
            raise UsageError(f"`--output` names `{file}` twice: give each format a file of its own")
        outputs[path] = name
    return outputs


@click.command()
@click.argument("paths", nargs=-1, type=click.UNPROCESSED, shell_complete=complete_paths)
@click.option("--fix", is_flag=True, help="Apply safe fixes.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: apply fixes that can change behaviour too.")
@click.option("--diff", is_flag=True, help="Show what --fix would change as a unified diff, and write nothing.")
@click.option(
    "--select",
    callback=codes,
    shell_complete=complete_codes,
    metavar="CODES",
    help="Run these rules only: codes, prefixes or names.",
)
@click.option("--ignore", callback=codes, shell_complete=complete_codes, metavar="CODES", help="Leave these rules out.")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    callback=_outputs,
    shell_complete=complete_output,
    metavar="FORMAT=FILE",
    help="Write the findings in a format to a file as well; any number of times.",
)
@click.option("--statistics", is_flag=True, help="Show the number of findings by rule instead of the findings.")
@click.option(
    "--baseline", "baseline_file", type=click.Path(), metavar="FILE", help="The baseline of findings that do not count."
)
@click.option("--no-baseline", is_flag=True, help="Let every finding count, whatever a baseline holds.")
@click.option(
    "--changed",
    is_flag=False,
    flag_value="",
    metavar="[BASE]",
    help="Let only findings count in lines and functions that differ from where the branch left BASE.",
)
@click.option("--add-ignores", is_flag=True, help="Write comments that ignore the findings; goes with --reason.")
@click.option("--reason", metavar="TEXT", help="With --add-ignores: why the findings are ignored.")
@click.option("--exit-zero", is_flag=True, help="Exit with status 0 even if there are findings.")
@click.option(
    "--exit-non-zero-on-fix", is_flag=True, help="Exit with status 1 if anything was fixed, whatever is left."
)
@click.option(
    "--stdin-filename",
    type=click.Path(),
    metavar="PATH",
    help="Read one file from standard input, as if it stood at this path.",
)
@click.option("--runtime-module", metavar="NAME", help="The module that fixes import the runtime's decorators from.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Share the work among at most N processes.")
@click.option("--no-cache", is_flag=True, help="Forget what earlier runs found, and keep nothing.")
@click.option("--cache-dir", type=click.Path(), metavar="FOLDER", help="Keep what runs find in this folder.")
@click.option("--force-exclude", is_flag=True, help="Leave excluded files out even where they are named.")
def check(
    paths: tuple[str, ...],
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    select: tuple[str, ...] | None,
    ignore: tuple[str, ...] | None,
    output_format: str,
    outputs: dict[Path, str],
    statistics: bool,
    baseline_file: str | None,
    no_baseline: bool,
    changed: str | None,
    add_ignores: bool,
    reason: str | None,
    exit_zero: bool,
    exit_non_zero_on_fix: bool,
    stdin_filename: str | None,
    runtime_module: str | None,
    jobs: int | None,
    no_cache: bool,
    cache_dir: str | None,
    force_exclude: bool,
) -> int:
    """Check files and folders (by default this folder); `-` reads standard input.

    Exit status: 0 clean, 1 findings, 2 trouble.
    """
    from golden_rules.cache import Caches
    from golden_rules.config import Configs, Overrides
    from golden_rules.runner import Fixing

    _check_module(runtime_module)
    folder = None if cache_dir is None else Path(cache_dir).absolute()
    configs = Configs(overrides=Overrides(select, ignore or (), runtime_module, folder))
    caches = Caches(on=not no_cache)
    check_selectors(configs.for_path(Path(working_folder())), configs, caches)
    if no_baseline and baseline_file:
        raise UsageError("`--baseline` and `--no-baseline` exclude each other: leave one out")
    if unsafe_fixes and not (fix or diff):
        raise UsageError("`--unsafe-fixes` goes with `--fix` or `--diff`, and does nothing by itself: add one of them")
    _check_ignoring(reason, add_ignores=add_ignores, alone=not (fix or diff or stdin_filename or "-" in paths))
    fixing = Fixing(unsafe=unsafe_fixes, write=not diff) if fix or diff else None
    scoping = _Scoping(Path(baseline_file) if baseline_file else None, baselines=not no_baseline, changed=changed)
    view = _View(output_format, outputs, diff=diff, statistics=statistics, unsafe=unsafe_fixes)
    if _reads_stdin(paths, stdin_filename):
        from golden_rules.adoption.given import file_at

        file = file_at(Path(stdin_filename or "stdin.py"), configs)
        run = _stdin(file, fixing, scoping, view, force_exclude=force_exclude)
    else:
        named = paths or (".",)
        files = files_to_check(named, configs, force_exclude=force_exclude, caches=caches)
        _spare(outputs, files)
        run = _checked(files, named, fixing, scoping, caches, jobs)
        if add_ignores and not run.failures:
            return _add_ignores(run, files, reason or "")
        _warn_of_nothing(files)
        view.show(run)
    if run.failures:
        return TROUBLE
    if exit_non_zero_on_fix and run.fixed:
        return FINDINGS
    found = bool(run.errors) or (diff and bool(run.diffs))
    return FINDINGS if found and not exit_zero else CLEAN


def _reads_stdin(paths: Sequence[str], filename: str | None) -> bool:
    """Whether standard input is to be checked; raises UsageError where it is named along with paths."""
    if "-" in paths and len(paths) > 1:
        raise UsageError("`-` reads standard input and goes with no other path: leave the others out")
    if filename and paths and "-" not in paths:
        raise UsageError("`--stdin-filename` goes with standard input: leave the paths out, or give `-`")
    return "-" in paths or bool(filename)


def _checked(
    files: Sequence[SourceFile],
    named: Sequence[str],
    fixing: Fixing | None,
    scoping: _Scoping,
    caches: Caches,
    jobs: int | None,
) -> Run:
    """Check files, and fix them where that is asked for; `named` are the paths that they were found by."""
    from golden_rules.adoption.settling import settle
    from golden_rules.progress import Progress
    from golden_rules.runner import check_files

    folders = [Path(path) for path in named if os.path.isdir(path)]  # noqa: PTH112 - for thousands of files
    scope = scoping.of(files)
    fixing = fixing and fixing._replace(scope=scope)
    run = check_files(files, fixing, folders=folders, caches=caches, jobs=jobs, progress=Progress(sys.stderr))
    settle(run, files, run.today, scoping.again(scope) if run.fixed else scope)
    return run


def _check_module(name: str | None) -> None:
    if name is None:
        return
    from golden_rules.values import is_module_name

    if not is_module_name(name):
        raise UsageError(f"`--runtime-module` takes the name of a module such as `app.metrics_runtime`, not `{name}`")


def _check_ignoring(reason: str | None, *, add_ignores: bool, alone: bool) -> None:
    if add_ignores and not (reason or "").strip():
        raise UsageError('`--add-ignores` needs the reason: write `--add-ignores --reason "..."`')
    if reason is not None and not add_ignores:
        raise UsageError("`--reason` goes with `--add-ignores`: add it, or leave the reason out")
    if add_ignores and not alone:
        raise UsageError("`--add-ignores` writes files: leave `--fix`, `--diff` and standard input out")


def _add_ignores(run: Run, files: Sequence[SourceFile], reason: str) -> int:
    """Write the comments that ignore what a run has found; what none can ignore is said on standard error."""
    from golden_rules.adoption.ignoring import by_path, with_ignores
    from golden_rules.reports.words import counted
    from golden_rules.writing import UnwritableFile, replace_file

    added, changed = 0, 0
    paths = {file.display: file.path for file in files}
    for display, findings in by_path(run.findings).items():
        try:
            done = with_ignores(paths[display].read_bytes(), findings, reason)
            if done.comments:
                replace_file(paths[display], done.content)
        except (OSError, UnwritableFile, UnicodeEncodeError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else str(error)
            raise UsageError(f"`{display}` cannot be given its comments: {reason}") from error
        added, changed = added + done.comments, changed + bool(done.comments)
        for finding in done.left:
            place = f"{finding.path}:{finding.line}:{finding.column}: {finding.code}"
            click.echo(f"{place} is left: no comment there can ignore it", err=True)
    click.echo(f"Ignored {counted(added, 'finding')} in {counted(changed, 'file')}.")
    return CLEAN if added == len(run.findings) else FINDINGS


def _spare(outputs: Mapping[Path, str], files: Sequence[SourceFile]) -> None:
    """Raise UsageError where a report would be written over what is checked, a configuration or a baseline."""
    if not outputs:
        return
    dear = {file.path.resolve() for file in files}
    for config in {id(file.config): file.config for file in files}.values():
        dear |= {kept.resolve() for kept in (config.source, config.baseline) if kept is not None}
    for path in outputs:
        if path.resolve() in dear:
            raise UsageError(f"`--output` would write a report over `{path}`, which this run reads: name another file")


def _warn_of_nothing(files: Sequence[SourceFile]) -> None:
    """Say on standard error where no rule can find anything, which looks like a clean run."""
    configs = {id(file.config): file.config for file in files}.values()
    if configs and not any(config.has_rules for config in configs):
        click.echo("warning: no rule is on, as `select` is empty; leave it out for all rules", err=True)


class _Scoping(NamedTuple):
    """What the command line says of the findings that count."""

    baseline: Path | None
    baselines: bool
    changed: str | None

    def of(self, files: Sequence[SourceFile]) -> Scope:
        """Return what the findings of files are held against."""
        from golden_rules.adoption.scope import scope_of

        return scope_of(files, explicit=self.baseline, baselines=self.baselines, changes=self._changes())

    def again(self, scope: Scope) -> Scope:
        """Return the same after files were written, where changes stand elsewhere."""
        return scope._replace(changes=self._changes())

    def _changes(self) -> Changes | None:
        if self.changed is None:
            return None
        from golden_rules.adoption.changed import changes_since

        return changes_since(self.changed)


def _stdin(file: SourceFile, fixing: Fixing | None, scoping: _Scoping, view: _View, *, force_exclude: bool) -> Run:
    from golden_rules.adoption.given import check_given
    from golden_rules.files import is_excluded
    from golden_rules.runner import Run

    if scoping.changed is not None:
        raise UsageError("`--changed` looks at files on disk: leave it out where standard input is read")
    if sys.stdin is None:
        raise UsageError("standard input is closed: give it a file, or name paths")
    run, content = Run(), sys.stdin.buffer.read()
    if not (force_exclude and is_excluded(file.relative, file.config)):
        run, content = check_given(content, file, scoping.of([file]), fixing)
    if fixing is not None and fixing.write:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    view.show(run, content_on_stdout=fixing is not None and fixing.write)
    return run


def _print_diffs(run: Run) -> None:
    """Print what would change: the files' own bytes, which can be applied, or text where people look at it."""
    if sys.stdout is not None and sys.stdout.isatty():
        click.echo("".join(diff.readable() for diff in run.diffs), nl=False)
    else:
        click.echo(b"".join(diff.patch() for diff in run.diffs), nl=False)


class _View(NamedTuple):
    """How a run is shown: findings on standard output, failures on standard error."""

    output_format: str
    outputs: Mapping[Path, str]
    diff: bool
    statistics: bool
    unsafe: bool

    def show(self, run: Run, *, content_on_stdout: bool = False) -> None:
        """Print a run, and write its files; where standard output holds a diff or a file, the rest goes to standard error."""
        self._write(run)
        for failure in run.failures:
            click.echo(f"error: {harmless(failure)}", err=True)
        if self.diff:
            _print_diffs(run)
        aside = self.diff or content_on_stdout
        stream = sys.stderr if aside else sys.stdout
        for line in self._lines(run, style_for(stream), aside=aside):
            print(line, file=stream)

    def _write(self, run: Run) -> None:
        from golden_rules.reports.formats import report
        from golden_rules.writing import UnwritableFile, write_file

        for path, name in self.outputs.items():
            text = "".join(f"{line}\n" for line in report(name, run, Style()))
            try:
                write_file(path, text.encode(errors="surrogateescape"))
            except UnwritableFile as error:
                raise UsageError(str(error)) from error

    def _lines(self, run: Run, style: Style, *, aside: bool) -> Iterator[str]:
        from golden_rules.reports.formats import is_for_people, report
        from golden_rules.reports.summary import statistics, summary

        if not is_for_people(self.output_format) and not aside:
            yield from report(self.output_format, run, style)
            return
        if self.statistics:
            yield from statistics(run, style)
        elif not self.diff:
            yield from report("text" if self.output_format == "text" else "concise", run, style)
        yield from summary(run, style, unsafe=self.unsafe, pending=self.diff)
