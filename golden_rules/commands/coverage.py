"""`golden-rules coverage`: how much of what is critical is measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from golden_rules.commands.base import CLEAN, FINDINGS, TROUBLE, files_to_check, per_cent, refuse_source

if TYPE_CHECKING:
    from golden_rules.coverage import Coverage
    from golden_rules.trend import Trend

COVERAGE_FORMATS = ("text", "json", "markdown", "html")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--format", "output_format", type=click.Choice(COVERAGE_FORMATS), default="text", show_default=True)
@click.option("--fail-under", callback=per_cent, metavar="PERCENT", help="Exit with status 1 if less is measured.")
@click.option(
    "--budget", callback=per_cent, metavar="PERCENT", help="Propose the threshold that makes this share critical."
)
@click.option(
    "--append",
    type=click.Path(),
    metavar="FILE",
    help="Add this run to a history (JSON lines), and show where it goes by --fail-under.",
)
def coverage(
    paths: tuple[str, ...], output_format: str, fail_under: float | None, budget: float | None, append: str | None
) -> int:
    """Show how much of what is critical is measured, and what is not, the most critical first.

    `--format html` writes one page with a map and every source, which needs no network: `coverage --format html > page.html`.
    """
    from golden_rules.config import Configs
    from golden_rules.coverage import coverage_of, score_files

    files = files_to_check(paths or (".",), Configs())
    marked = None
    if output_format == "html":
        from golden_rules.marking import mark_files

        marked = mark_files(files)
    run = score_files(files) if marked is None else marked.scores
    for failure in run.failures:
        click.echo(f"error: {failure}", err=True)
    found = coverage_of(run, budget)
    trends = _trends(found, append, 100.0 if fail_under is None else fail_under, complete=not run.failures)
    if marked is not None:
        from golden_rules.reports.page import page

        click.echo(page(found, marked.files, trends), nl=False)
    else:
        _show(found, trends, output_format)
    if run.failures:
        return TROUBLE
    return FINDINGS if fail_under is not None and found.total.per_cent < fail_under else CLEAN


def _trends(found: Coverage, append: str | None, objective: float, *, complete: bool) -> list[Trend]:
    """Add a run to its history, unless files are missing in it, and return how each app moves."""
    if append is None:
        return []
    from golden_rules.trend import append as append_to
    from golden_rules.trend import entry_of, now, read_history, trends

    file = Path(append)
    refuse_source(file, "--append")
    entries = read_history(file)
    entry = entry_of(found, now())
    if complete:
        append_to(file, entry)
    else:
        click.echo("note: the history is left as it is, for some files could not be read", err=True)
    return trends([*entries, entry], objective)


def _show(found: Coverage, trends: list[Trend], output_format: str) -> None:
    from golden_rules.reports.coverage import json_report, markdown_report, text_report
    from golden_rules.reports.trend import trend_markdown, trend_text

    if output_format == "json":
        click.echo(json_report(found, trends))
        return
    report, moves = (text_report, trend_text) if output_format == "text" else (markdown_report, trend_markdown)
    for line in report(found):
        click.echo(line)
    if trends:
        click.echo()
        for line in moves(trends):
            click.echo(line)
