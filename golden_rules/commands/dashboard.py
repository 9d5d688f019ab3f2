"""`golden-rules dashboard`: a Grafana dashboard of what the code measures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from golden_rules.commands.base import CLEAN, TROUBLE, refuse_source
from golden_rules.commands.metrics import catalogue_of
from golden_rules.errors import UsageError, did_you_mean, reason_of
from golden_rules.paths import shown

if TYPE_CHECKING:
    from golden_rules.catalogue.metrics import Catalogue


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--app", metavar="NAME", help="Show one app; by default one dashboard shows all of them.")
@click.option(
    "--output", type=click.Path(), metavar="FILE", help="Write the dashboard there instead of to standard output."
)
@click.option(
    "--output-dir", type=click.Path(), metavar="FOLDER", help="Write a dashboard for each app there, `APP.json`."
)
@click.option(
    "--source-url",
    metavar="URL",
    help="Where the source is, with `{path}` and `{line}`; by default the repository that pyproject.toml names.",
)
def dashboard(
    paths: tuple[str, ...], app: str | None, output: str | None, output_dir: str | None, source_url: str | None
) -> int:
    """Make a Grafana dashboard from the code, as JSON to import or provision.

    It shows an overview, the workflows, the adapters, the resilience parts, and what else is measured.
    """
    if output_dir is not None and (app is not None or output is not None):
        raise UsageError("`--output-dir` writes a dashboard for each app: leave `--app` and `--output` out")
    catalogue, failures = catalogue_of(paths)
    for failure in failures:
        click.echo(f"error: {failure}", err=True)
    if output_dir is not None:
        folder = Path(output_dir)
        for name in catalogue.apps():
            if (text := _dashboard(catalogue.of_app(name), name, source_url)) is not None:
                write_output(folder / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name).strip('-')}.json", text)
        return TROUBLE if failures else CLEAN
    chosen = catalogue if app is None else of_app(catalogue, app)
    apps = chosen.apps()
    text = _dashboard(chosen, apps[0] if len(apps) == 1 else "all apps", source_url)
    if text is None:
        raise UsageError(
            "nothing here is measured with the runtime, so there is nothing to show: `check --fix` adds decorators"
        )
    if output is None:
        click.echo(text, nl=False)
    else:
        write_output(Path(output), text)
    return TROUBLE if failures else CLEAN


def of_app(catalogue: Catalogue, app: str) -> Catalogue:
    """Return what one app exposes; raises UsageError where there is none of that name."""
    apps = catalogue.apps()
    if app not in apps:
        hint = did_you_mean(app, apps) or (f": the apps are {', '.join(apps)}" if apps else "")
        raise UsageError(f"there is no app `{app}` that exposes anything{hint}")
    return catalogue.of_app(app)


def _dashboard(catalogue: Catalogue, title: str, source_url: str | None) -> str | None:
    from golden_rules.catalogue.panels import rows_of
    from golden_rules.config import load_config
    from golden_rules.reports.dashboard import dashboard_json
    from golden_rules.reports.links import links_for

    links = links_for(load_config(Path.cwd()).root, source_url)
    rows = rows_of(catalogue)
    return dashboard_json(title, rows, links) if rows else None


def write_output(file: Path, text: str) -> None:
    """Write a file, in a folder that is made where it is not there; raises UsageError."""
    from golden_rules.writing import UnwritableFile, write_file

    refuse_source(file, "--output")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, text.encode())
    except (UnwritableFile, OSError) as error:
        raise UsageError(
            f"{error}"
            if isinstance(error, UnwritableFile)
            else f"`{shown(file)}` cannot be written: {reason_of(error)}"
        ) from error
    click.echo(f"wrote {shown(file)}", err=True)
