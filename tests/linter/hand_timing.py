"""What GR201 says of a module in tests, and the functions that tests of it time by hand."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from golden_rules import Config, analyse_source
from golden_rules.fixing import fix_source

PATH = "src/shop/orders.py"
CONFIG = Config(root=Path.cwd(), select=("GR201",))


def messages(source: str, path: str = PATH) -> list[str]:
    """Return what GR201 says of a module."""
    return [finding.message for finding in analyse_source(dedent(source), path, CONFIG).findings]


def fixed(source: str, *, unsafe: bool = False) -> str:
    """Return a module after GR201's fixes."""
    return fix_source(dedent(source).encode(), PATH, CONFIG, unsafe=unsafe).content.decode()


def timed_function(end: str, *, clock: str = "time.monotonic()", imports: str = "import time") -> str:
    """Return a module with a function that reads a clock, works, and ends in `end`."""
    return f"{imports}\n\n\ndef f(order, log):\n    start = {clock}\n    order.pack()\n{indent(end, '    ')}\n"
