"""`golden-rules coverage`: how much of what is critical is measured."""

from __future__ import annotations

import click

from golden_rules.commands.base import CLEAN, FINDINGS, TROUBLE, files_to_check, per_cent

COVERAGE_FORMATS = ("text", "json", "markdown")


@click.command()
@click.argument("paths", nargs=-1, type=str)
@click.option("--format", "output_format", type=click.Choice(COVERAGE_FORMATS), default="text", show_default=True)
@click.option("--fail-under", callback=per_cent, metavar="PERCENT", help="Exit with status 1 if less is measured.")
@click.option(
    "--budget", callback=per_cent, metavar="PERCENT", help="Propose the threshold that makes this share critical."
)
def coverage(paths: tuple[str, ...], output_format: str, fail_under: float | None, budget: float | None) -> int:
    """Show how much of what is critical is measured, and what is not, the most critical first."""
    from golden_rules.config import Configs
    from golden_rules.coverage import coverage_of, score_files
    from golden_rules.reports.coverage import json_report, markdown_report, text_report

    run = score_files(files_to_check(paths or (".",), Configs()))
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
