"""`golden-rules explain`: one rule's page."""

from __future__ import annotations

import click

from golden_rules.commands.base import CLEAN, complete_codes
from golden_rules.errors import UsageError


@click.command()
@click.argument("code", shell_complete=complete_codes)
def explain(code: str) -> int:
    """Explain a rule: what it does, why, an example, when not to follow it."""
    from golden_rules.documentation import page
    from golden_rules.engine_rules import ENGINE_RULES
    from golden_rules.registry import codes_and_names, load_rules
    from golden_rules.selection import nearest_rule

    wanted = code.strip()
    for rule in load_rules():
        if wanted.upper() == rule.code or wanted.lower() == rule.name:
            click.echo(page(type(rule)), nl=False)
            return CLEAN
    for engine_rule in ENGINE_RULES:
        if wanted.upper() == engine_rule.code or wanted.lower() == engine_rule.name:
            click.echo(engine_rule.page, nl=False)
            return CLEAN
    known = codes_and_names()
    hint = nearest_rule(wanted, {*known, *known.values()}) or ": `golden-rules rules` lists them"
    raise UsageError(f"there is no rule `{code}`{hint}")
