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
from golden_rules.collector import collector_off
from golden_rules.commands.base import FINDINGS, INTERRUPTED, TROUBLE
from golden_rules.commands.examples import epilog
from golden_rules.errors import UsageError, described, did_you_mean
from golden_rules.paths import shown
from golden_rules.reports.style import harmless

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
    "server",
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


@click.group(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="golden-rules", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Every critical function is measured, through the shared runtime, and nobody hand-builds what it does."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(TROUBLE)


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
    sys.exit(_status(arguments))


def _status(arguments: Sequence[str] | None) -> int:
    """Run the command line and return its exit status."""
    try:
        # From the first import of a command on: a run is over before there is anything to collect.
        with collector_off():
            status: int = commands.main(args=arguments, standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        return _trouble(str(error))
    except click.ClickException as error:
        return _trouble(_one_sentence(error))
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads the output (`| head`) has seen enough.
        _drop_output()
        return FINDINGS
    except OSError as error:
        return _trouble(_of_system(error))
    except Exception as error:  # noqa: BLE001 - a bug ends like every other trouble, with a sentence and status 2
        return _trouble(_of_bug(error))
    return status


def _trouble(sentence: str) -> int:
    click.echo(f"error: {harmless(sentence)}", err=True)
    return TROUBLE


def _one_sentence(error: click.ClickException) -> str:
    """Return what click has to say of the command line: its words, without the lines of usage that it puts before them."""
    message = " ".join(error.format_message().split()).removesuffix(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    where = f"; see `{context.command_path} --help`" if context is not None else ""
    return f"{message[:1].lower()}{message[1:]}{where}"


def _of_system(error: OSError) -> str:
    """Return what the system refused; what no user can have caused is a bug like any other."""
    if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT):
        _drop_output()
        return f"the output cannot be written: {os.strerror(error.errno).lower()}"
    if isinstance(error, PermissionError) and error.filename is not None:
        return f"`{shown(error.filename)}` cannot be read: permission denied"
    return _of_bug(error)


def _of_bug(error: Exception) -> str:
    return f"golden-rules failed ({described(error)}); please report this"


def _drop_output() -> None:
    """Have what is still to be written go nowhere: Python must not complain at exit either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
