"""The command `golden-rules`.

Only click is imported here: a command's module is read when it runs, and what it needs is imported when it is called, so
that `--version` and `--help` cost no more than click itself.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from golden_rules import __version__
from golden_rules.collector import collector_off, no_search_at_exit
from golden_rules.commands.base import FINDINGS, INTERRUPTED, TROUBLE
from golden_rules.commands.examples import epilog
from golden_rules.errors import UsageError, described, did_you_mean

# In the order of `--help`; `NAME` is the command of that name in `golden_rules.commands.NAME`.
COMMANDS = (
    "check",
    "init",
    "baseline",
    "coverage",
    "metrics",
    "dashboard",
    "alerts",
    "config",
    "rules",
    "explain",
    "completion",
)


class _Commands(click.Group):
    """The commands, each read from its module only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Return the names of the commands in the order of `--help`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:  # noqa: ARG002 - click's
        """Return a command by its name.

        Raises:
            UsageError: There is none of that name.
        """
        if cmd_name not in COMMANDS:
            hint = did_you_mean(cmd_name, COMMANDS) or f": the commands are {', '.join(COMMANDS)}"
            raise UsageError(f"there is no command `{cmd_name}`{hint}")
        command: click.Command = getattr(importlib.import_module(f"golden_rules.commands.{cmd_name}"), cmd_name)
        command.epilog = epilog(cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="golden-rules", message="%(prog)s %(version)s")
def commands() -> None:
    """Every critical function is measured, through the shared runtime, and nobody hand-builds what it does."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every failure that a user can cause is one sentence and exit status 2."""
    if sys.stdout is None or sys.stderr is None:
        # Closed by whoever started the program (`>&-`), who still wants the exit status.
        nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it stands in until the program ends
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # File names and source lines may hold what the terminal's encoding cannot show.
            stream.reconfigure(errors="backslashreplace")
    no_search_at_exit()
    try:
        # From the first import of a command on: a run is over before there is anything to collect.
        with collector_off():
            status = commands.main(args=arguments, standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        click.echo(f"error: {error}", err=True)
        status = TROUBLE
    except click.ClickException as error:
        error.show()
        status = TROUBLE
    except (KeyboardInterrupt, click.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        # Whoever reads the output (`| head`) has seen enough; Python must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FINDINGS
    except Exception as error:  # noqa: BLE001 - a bug ends like every other trouble, with a sentence and status 2
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT):
            click.echo(f"error: the output cannot be written: {os.strerror(error.errno).lower()}", err=True)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            click.echo(f"error: golden-rules failed ({described(error)}); please report this", err=True)
        status = TROUBLE
    sys.exit(status)
