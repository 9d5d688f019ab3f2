"""`golden-rules completion`: what a shell needs to complete commands, options and rules."""

from __future__ import annotations

import click

from golden_rules.commands.base import CLEAN

# `golden-rules` asks itself for completions where this variable is set; click derives its name from the program's.
_VARIABLE = "_GOLDEN_RULES_COMPLETE"
_REGISTER = "    compdef _golden_rules_completion golden-rules"
# What click's scripts do not think of: a zsh that has not started its completion yet, and a comma in a word.
_MENDED = {
    "zsh": (_REGISTER, f"    (( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}\n{_REGISTER}"),
    "fish": ('string split ","', 'string split --max 1 ","'),
}


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> int:
    """Print the script that completes golden-rules in a shell."""
    from click.shell_completion import get_completion_class

    group = click.get_current_context().find_root().command
    kind = get_completion_class(shell)
    if kind is not None:
        # made from the template, as click's own way asks the shell for its version first
        made = kind(group, {}, "golden-rules", _VARIABLE)
        script = made.source_template % made.source_vars()
        click.echo(script.replace(*_MENDED[shell]) if shell in _MENDED else script)
    return CLEAN
