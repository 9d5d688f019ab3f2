"""The command `golden-rules`.

Only click is imported here: what a command needs is imported when it runs, so that `--version` and `--help` cost no more
than click itself.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from golden_rules import __version__
from golden_rules.errors import UsageError, described, did_you_mean
from golden_rules.reports.style import Style, style_for

if TYPE_CHECKING:
    from golden_rules.config import Configs
    from golden_rules.files import SourceFile
    from golden_rules.runner import Fixing, Run

CLEAN, FINDINGS, TROUBLE, INTERRUPTED = 0, 1, 2, 130
FORMATS = ("text", "concise", "json")
COVERAGE_FORMATS = ("text", "json", "markdown")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="golden-rules", message="%(prog)s %(version)s")
def commands() -> None:
    """Every critical function is measured, through the shared runtime, and nobody hand-builds what it does."""


def _codes(_context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    codes = tuple(code.strip() for code in value.split(",") if code.strip())
    if not codes:
        raise UsageError(f"`--{parameter.name}` names no rule: give codes, prefixes or names, with commas between them")
    return codes


@commands.command()
@click.argument("paths", nargs=-1, type=str)
@click.option("--fix", is_flag=True, help="Apply safe fixes.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: apply fixes that can change behaviour too.")
@click.option("--diff", is_flag=True, help="Show what --fix would change as a unified diff, and write nothing.")
@click.option("--select", callback=_codes, metavar="CODES", help="Run these rules only: codes, prefixes or names.")
@click.option("--ignore", callback=_codes, metavar="CODES", help="Leave these rules out.")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--statistics", is_flag=True, help="Show the number of findings by rule instead of the findings.")
@click.option("--exit-zero", is_flag=True, help="Exit with status 0 even if there are findings.")
@click.option(
    "--stdin-filename", metavar="PATH", help="Read one file from standard input, as if it stood at this path."
)
@click.option("--runtime-module", metavar="NAME", help="The module that fixes import the runtime's decorators from.")
@click.option("--force-exclude", is_flag=True, help="Leave excluded files out even where they are named.")
def check(
    paths: tuple[str, ...],
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    select: tuple[str, ...] | None,
    ignore: tuple[str, ...] | None,
    output_format: str,
    statistics: bool,
    exit_zero: bool,
    stdin_filename: str | None,
    runtime_module: str | None,
    force_exclude: bool,
) -> int:
    """Check files and folders (by default this folder); `-` reads standard input.

    Exit status: 0 clean, 1 findings, 2 trouble.
    """
    from golden_rules.config import Configs, Overrides
    from golden_rules.registry import codes_and_names
    from golden_rules.runner import Fixing, check_files

    configs = Configs(overrides=Overrides(select, ignore or (), runtime_module))
    configs.for_path(Path.cwd()).check_selectors(codes_and_names())
    fixing = Fixing(unsafe=unsafe_fixes, write=not diff) if fix or diff else None
    view = _View(output_format, diff=diff, statistics=statistics, unsafe=unsafe_fixes)
    if "-" in paths or (stdin_filename and not paths):
        if len(paths) > 1:
            raise UsageError("`-` reads standard input and goes with no other path: leave the others out")
        run = _stdin(configs, stdin_filename or "stdin.py", fixing, view)
    elif stdin_filename:
        raise UsageError("`--stdin-filename` goes with standard input: leave the paths out, or give `-`")
    else:
        named = paths or (".",)
        folders = [Path(path) for path in named if Path(path).is_dir()]
        run = check_files(_files(named, configs, force_exclude=force_exclude), fixing, folders=folders)
        view.show(run)
    if run.failures:
        return TROUBLE
    found = bool(run.findings) or (diff and bool(run.diffs))
    return FINDINGS if found and not exit_zero else CLEAN


def _files(paths: Sequence[str], configs: Configs, *, force_exclude: bool = False) -> list[SourceFile]:
    """Return the files to check; each configuration among them must name rules that exist."""
    from golden_rules.files import discover
    from golden_rules.registry import codes_and_names

    files = discover(paths, configs, force_exclude=force_exclude)
    for config in {file.config for file in files}:
        config.check_selectors(codes_and_names())
    return files


def _stdin(configs: Configs, filename: str, fixing: Fixing | None, view: _View) -> Run:
    from golden_rules.files import SourceFile
    from golden_rules.paths import relative_to
    from golden_rules.runner import check_stdin

    path = Path(filename)
    config = configs.for_path(path)
    relative = relative_to(str(path.absolute()), str(config.root))
    file = SourceFile(path, path.as_posix(), relative, config)
    if sys.stdin is None:
        raise UsageError("standard input is closed: give it a file, or name paths")
    run, content = check_stdin(sys.stdin.buffer.read(), file, fixing)
    if fixing is not None and fixing.write:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    view.show(run, content_on_stdout=fixing is not None and fixing.write)
    return run


@dataclass(frozen=True, slots=True)
class _View:
    """How a run is shown: findings on standard output, failures on standard error."""

    output_format: str
    diff: bool
    statistics: bool
    unsafe: bool

    def show(self, run: Run, *, content_on_stdout: bool = False) -> None:
        """Print a run; where standard output holds a diff or a file, the rest goes to standard error."""
        for failure in run.failures:
            click.echo(f"error: {failure}", err=True)
        if self.diff:
            click.echo("".join(run.diffs), nl=False)
        aside = self.diff or content_on_stdout
        stream = sys.stderr if aside else sys.stdout
        for line in self._lines(run, style_for(stream), aside=aside):
            print(line, file=stream)

    def _lines(self, run: Run, style: Style, *, aside: bool) -> Iterator[str]:
        from golden_rules.reports.json import json_report
        from golden_rules.reports.summary import statistics, summary
        from golden_rules.reports.text import concise_report, text_report

        if self.output_format == "json" and not aside:
            yield from json_report(run)
            return
        if self.statistics:
            yield from statistics(run, style)
        elif not self.diff:
            yield from (text_report if self.output_format == "text" else concise_report)(run, style)
        yield from summary(run, style, unsafe=self.unsafe, pending=self.diff)


def _per_cent(_context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read `5%`, `5` or `2.5 %`."""
    if value is None:
        return None
    try:
        number = float(value.strip().removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise UsageError(f"`{value}` is no share for `{parameter.opts[0]}`: give per cent from 0 to 100, such as `5%`")
    return number


@commands.command()
@click.argument("paths", nargs=-1, type=str)
@click.option("--format", "output_format", type=click.Choice(COVERAGE_FORMATS), default="text", show_default=True)
@click.option("--fail-under", callback=_per_cent, metavar="PERCENT", help="Exit with status 1 if less is measured.")
@click.option(
    "--budget", callback=_per_cent, metavar="PERCENT", help="Propose the threshold that makes this share critical."
)
def coverage(paths: tuple[str, ...], output_format: str, fail_under: float | None, budget: float | None) -> int:
    """Show how much of what is critical is measured, and what is not, the most critical first."""
    from golden_rules.config import Configs
    from golden_rules.coverage import coverage_of, score_files
    from golden_rules.reports.coverage import json_report, markdown_report, text_report

    run = score_files(_files(paths or (".",), Configs()))
    for failure in run.failures:
        click.echo(f"error: {failure}", err=True)
    found = coverage_of(run, budget)
    if output_format == "json":
        click.echo(json_report(found))
    else:
        for line in (text_report if output_format == "text" else markdown_report)(found):
            click.echo(line)
    if run.failures:
        return TROUBLE
    return FINDINGS if fail_under is not None and found.total.per_cent < fail_under else CLEAN


@commands.command()
@click.argument("code")
def explain(code: str) -> int:
    """Explain a rule: what it does, why, an example, when not to follow it."""
    from golden_rules.documentation import page
    from golden_rules.registry import ENGINE_CODES, load_rules

    wanted = code.strip()
    for rule in load_rules():
        if wanted.upper() == rule.code or wanted.lower() == rule.name:
            click.echo(page(type(rule)), nl=False)
            return CLEAN
    for engine_code, name in ENGINE_CODES.items():
        if wanted.upper() == engine_code or wanted.lower() == name:
            click.echo(
                f"# {name} ({engine_code})\n\nA file or function cannot be parsed, so that no rule can look at it."
            )
            return CLEAN
    known = {text for rule in load_rules() for text in (rule.code, rule.name)}.union(ENGINE_CODES)
    hint = did_you_mean(wanted, known) or ": `golden-rules rules` lists them"
    raise UsageError(f"there is no rule `{code}`{hint}")


@commands.command()
@click.option("--format", "output_format", type=click.Choice(("text", "json")), default="text", show_default=True)
def rules(output_format: str) -> int:
    """List the rules."""
    from golden_rules.documentation import rules_json, rules_table
    from golden_rules.registry import load_rules

    render = rules_json if output_format == "json" else rules_table
    click.echo(render(load_rules()))
    return CLEAN


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every failure that a user can cause is one sentence and exit status 2."""
    if sys.stdout is None or sys.stderr is None:
        # Closed by whoever started the program (`>&-`), who still wants the exit status.
        nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it stands in until the program ends
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # File names and source lines may hold what the terminal's encoding cannot show.
            stream.reconfigure(errors="backslashreplace")
    try:
        status = commands.main(args=arguments, standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        click.echo(f"error: {error}", err=True)
        status = TROUBLE
    except click.ClickException as error:
        error.show()
        status = TROUBLE
    except (KeyboardInterrupt, click.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        # Whoever reads the output (`| head`) has seen enough; Python must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FINDINGS
    except Exception as error:  # noqa: BLE001 - a bug ends like every other trouble, with a sentence and status 2
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT):
            click.echo(f"error: the output cannot be written: {os.strerror(error.errno).lower()}", err=True)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            click.echo(f"error: golden-rules failed ({described(error)}); please report this", err=True)
        status = TROUBLE
    sys.exit(status)
