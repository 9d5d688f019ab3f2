"""`golden-rules alerts`: recording and alerting rules for Prometheus from the code and its objectives."""

from __future__ import annotations

from pathlib import Path

import click

from golden_rules.commands.base import CLEAN, TROUBLE
from golden_rules.commands.dashboard import of_app, write_output
from golden_rules.commands.metrics import catalogue_of
from golden_rules.errors import UsageError


def _span(_context: click.Context, parameter: click.Parameter, value: str) -> float:
    """Read `30d`, `6h30m` or `90s`, in seconds."""
    from golden_rules.objectives import seconds

    try:
        return seconds(value)
    except ValueError as error:
        raise UsageError(
            f"`{value}` is no time for `{parameter.opts[0]}`: write it as Prometheus does, such as `30d` or `5m`"
        ) from error


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--app", metavar="NAME", help="Watch one app only.")
@click.option(
    "--output", type=click.Path(), metavar="FILE", help="Write the rules there instead of to standard output."
)
@click.option(
    "--period",
    default="30d",
    show_default=True,
    callback=_span,
    metavar="TIME",
    help="How long an objective's error budget is to last; the windows of its alerts are parts of that.",
)
@click.option(
    "--queue-age", default="5m", show_default=True, callback=_span, metavar="TIME", help="How long a task may wait."
)
@click.option(
    "--source-url",
    metavar="URL",
    help="Where the source is, with `{path}` and `{line}`; by default the repository that pyproject.toml names.",
)
def alerts(
    paths: tuple[str, ...], app: str | None, output: str | None, period: float, queue_age: float, source_url: str | None
) -> int:
    """Make Prometheus rules from the code: burn-rate alerts for `objectives`, and alerts for breakers and queues.

    `objectives = { "shop.buy" = { success = 0.99, latency = "1s" } }` in the configuration is an objective for what
    `@track_request("shop.buy")` measures. Alerts carry `severity`, which is `page` or `ticket`.
    """
    from golden_rules.catalogue.alerting import SHORTEST_PERIOD, check_objectives, duration, groups_of
    from golden_rules.config import load_config
    from golden_rules.reports.alerts import rules_file
    from golden_rules.reports.links import links_for

    if period < SHORTEST_PERIOD:
        raise UsageError(
            f"`--period {duration(period)}` is too short for rates: give {duration(SHORTEST_PERIOD)} or more"
        )
    catalogue, failures = catalogue_of(paths)
    for failure in failures:
        click.echo(f"error: {failure}", err=True)
    check_objectives(catalogue)
    links = links_for(load_config(Path.cwd()).root, source_url)
    groups = groups_of(catalogue if app is None else of_app(catalogue, app), period, queue_age)
    if not groups:
        raise UsageError(
            "there is nothing to alert on: set `objectives` in the configuration, for what `track_request` measures"
        )
    if not catalogue.objectives:
        click.echo("note: the configuration sets no `objectives`, so no operation is watched", err=True)
    text = "\n".join(rules_file(groups, links)) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        write_output(Path(output), text)
    return TROUBLE if failures else CLEAN
