"""`golden-rules config`: the settings in force for a file, and where each came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from golden_rules.commands.base import CLEAN, FINDINGS, check_selectors, files_to_check
from golden_rules.errors import UsageError

if TYPE_CHECKING:
    from golden_rules.adoption.in_force import Setting
    from golden_rules.config import Config, Configs

# A longer line keeps its origin to itself.
_WIDE = 70


@click.command()
@click.argument("path", default=".", type=click.Path())
@click.option("--format", "output_format", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option(
    "--check", "only_check", is_flag=True, help="Report entries that match nothing; exit with status 1 if any."
)
@click.option("--schema", "as_schema", is_flag=True, help="Print the JSON schema of the configuration, for editors.")
def config(path: str, output_format: str, only_check: bool, as_schema: bool) -> int:
    """Show the settings in force for PATH (by default this folder), and where each came from."""
    from golden_rules.config import Configs

    if only_check and (as_schema or output_format != "text"):
        raise UsageError(
            f"`--check` goes with no `{'--schema' if as_schema else '--format'}`: it says in sentences what matches nothing"
        )
    if as_schema:
        import json

        from golden_rules.schema import schema

        click.echo(json.dumps(schema(), indent=2))
        return CLEAN
    if not Path(path).exists():
        raise UsageError(f"`{path}` does not exist")
    configs = Configs()
    found = configs.for_path(Path(path))
    check_selectors(found, configs)
    if only_check:
        return _check(Path(path), configs)
    from golden_rules.adoption.in_force import settings_for

    settings = settings_for(Path(path), configs)
    click.echo(_as_json(settings) if output_format == "json" else "\n".join(_as_text(settings)))
    return CLEAN


def _check(path: Path, configs: Configs) -> int:
    from golden_rules.adoption.stale import reasonless, stale_entries
    from golden_rules.paths import shown

    found = configs.for_path(path)
    files = [file for file in files_to_check([shown(found.root)], configs) if file.config.source == found.source]
    origins = dict(configs.origins(str(found.root)))
    stale = list(stale_entries(found, files, origins))
    for entry in stale:
        click.echo(str(entry))
    if not stale:
        click.echo("Every entry of the configuration matches something.")
    unfounded = _unfounded(found, list(reasonless(found, origins)))
    return FINDINGS if stale or unfounded else CLEAN


def _unfounded(config: Config, sentences: list[str]) -> bool:
    """Say which entries give no reason, where GR902 is on, and return whether that is an error."""
    from golden_rules.engine_rules import IGNORE_WITHOUT_REASON
    from golden_rules.registry import codes_and_names

    rule = IGNORE_WITHOUT_REASON
    if not sentences or rule.code not in config.enabled_codes(codes_and_names(), ""):
        return False
    is_error = config.severity_of(rule.code, rule.name) == "error"
    for sentence in sentences:
        click.echo(sentence if is_error else f"warning: {sentence}", err=not is_error)
    return is_error


def _as_text(settings: list[Setting]) -> list[str]:
    lines = [f"{setting.key} = {setting.toml}" for setting in settings if setting.value is not None]
    width = max((len(line) for line in lines if len(line) <= _WIDE), default=0)
    set_here = [setting for setting in settings if setting.value is not None]
    shown = [f"{line:<{width}}  # {setting.origin}" for line, setting in zip(lines, set_here, strict=True)]
    return shown + [f"# {setting.key} is not set" for setting in settings if setting.value is None]


def _as_json(settings: list[Setting]) -> str:
    import json

    return json.dumps({entry.key: {"value": entry.value, "from": entry.origin} for entry in settings}, indent=2)
