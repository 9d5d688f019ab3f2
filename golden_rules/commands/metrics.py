"""`golden-rules metrics`: which series the code exposes, and whether a running service agrees."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from golden_rules.commands.base import CLEAN, FINDINGS, TROUBLE, files_to_check
from golden_rules.errors import UsageError

if TYPE_CHECKING:
    from golden_rules.catalogue.metrics import Catalogue

METRICS_FORMATS = ("text", "json", "markdown", "openmetrics")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--format", "output_format", type=click.Choice(METRICS_FORMATS), default="text", show_default=True)
@click.option(
    "--check",
    "scrape",
    type=click.Path(),
    metavar="SCRAPE",
    help="Compare with a live page of metrics: a URL or a file.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="PATTERN",
    help="With --check: series that may be there besides, such as `http_*`.",
)
def metrics(paths: tuple[str, ...], output_format: str, scrape: str | None, allow: tuple[str, ...]) -> int:
    """List every series that the code will expose, and what makes it.

    With --check: what a running service lacks, exposes besides, or exposes as something else; then the exit status is 1
    where it differs.
    """
    if scrape is not None and output_format == "openmetrics":
        raise UsageError("`--format openmetrics` writes metadata, not differences: leave it out with `--check`")
    if allow and scrape is None:
        raise UsageError("`--allow` goes with `--check`: say which page to compare with")
    catalogue, failures = catalogue_of(paths)
    for failure in failures:
        click.echo(f"error: {failure}", err=True)
    differs = (
        _compare(catalogue, output_format, scrape, allow) if scrape is not None else _list(catalogue, output_format)
    )
    if failures:
        return TROUBLE
    return FINDINGS if differs else CLEAN


def catalogue_of(paths: tuple[str, ...]) -> tuple[Catalogue, list[str]]:
    """Return the catalogue of what the user names, by default of this folder, and what went wrong, a sentence each."""
    from golden_rules.catalogue.reading import read_catalogue
    from golden_rules.config import Configs

    failures: list[str] = []
    return read_catalogue(files_to_check(paths or (".",), Configs()), failures), failures


def _list(catalogue: Catalogue, output_format: str) -> bool:
    from golden_rules.reports.metrics import json_report, markdown_report, openmetrics_report, text_report

    match output_format:
        case "json":
            click.echo(json_report(catalogue))
        case "markdown":
            _echo(markdown_report(catalogue))
        case "openmetrics":
            _echo(openmetrics_report(catalogue))
        case _:
            _echo(text_report(catalogue))
    return False


def _compare(catalogue: Catalogue, output_format: str, scrape: str, allow: tuple[str, ...]) -> bool:
    from golden_rules.catalogue.scrape import compare, fetch, read_page
    from golden_rules.reports.metrics import comparison_json, comparison_markdown, comparison_text

    found = compare(catalogue, read_page(fetch(scrape), scrape), allow)
    if output_format == "json":
        click.echo(comparison_json(found, scrape))
    else:
        _echo((comparison_text if output_format == "text" else comparison_markdown)(found, scrape))
    return found.differs


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
