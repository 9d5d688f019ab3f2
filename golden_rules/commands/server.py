"""`golden-rules server`: findings and fixes in an editor, by the Language Server Protocol."""

from __future__ import annotations

import gc
import signal
import sys

import click

from golden_rules.commands.base import CLEAN, FINDINGS
from golden_rules.errors import UsageError


@click.command()
@click.option("--stdio", is_flag=True, expose_value=False, help="What editors say for what it always does.")
def server() -> int:
    """Speak the Language Server Protocol over standard input and output.

    Exit status: 0 after the editor's `shutdown`, 1 without it.
    """
    try:
        from golden_rules.commands.language_server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"pygls", "lsprotocol"}:
            raise
        raise UsageError(
            "`server` needs the library pygls: install it with `pip install 'golden-rules[server]'`"
        ) from error
    if sys.stdin is None:
        raise UsageError("standard input is closed: an editor starts `server`, and speaks to it there")
    # The command line switches the collector off, as a run is over before there is anything to collect; this one is not.
    gc.enable()
    # Nothing is to be tidied up, and a thread that waits for input would keep Ctrl-C from ending the program.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return CLEAN if serve() else FINDINGS
