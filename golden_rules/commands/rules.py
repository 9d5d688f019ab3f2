"""`golden-rules rules`: the list of rules."""

from __future__ import annotations

import click

from golden_rules.commands.base import CLEAN


@click.command()
@click.option("--format", "output_format", type=click.Choice(("text", "json")), default="text", show_default=True)
def rules(output_format: str) -> int:
    """List the rules."""
    from golden_rules.documentation import rules_json, rules_table
    from golden_rules.registry import load_rules

    render = rules_json if output_format == "json" else rules_table
    click.echo(render(load_rules()))
    return CLEAN
