"""`golden-rules explain`: one rule's page."""

from __future__ import annotations

import click

from golden_rules.commands.base import CLEAN
from golden_rules.errors import UsageError, did_you_mean


@click.command()
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
