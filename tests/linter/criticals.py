"""A critical function for tests, and what is found in a module that holds one."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from golden_rules import Config, analyse_source

WORK = """
    order = await store.load(number)
    parcel = await packing.pack(order)
    await carrier.hand_over(parcel)
    return parcel.label()
"""


def config(**settings: object) -> Config:
    """Return a configuration with these settings, and with the rules about what nothing measures, and GR201."""
    return Config(root=Path.cwd(), select=("GR1", "GR201"), **settings)  # type: ignore[arg-type]  # each test names fields of Config


def findings(source: str, path: str = "src/shop/orders.py", **settings: object) -> list[tuple[str, str]]:
    """Return the codes found in a module, each with its function."""
    result = analyse_source(dedent(source), path, config(**settings))
    return [(finding.code, finding.function) for finding in result.findings]


def function(decorators: str = "", name: str = "process_order", imports: str = "") -> str:
    """Return a module with a function that does enough to be critical."""
    return f"{imports}\n\n{decorators}async def {name}(number, store, packing, carrier):{WORK}"


def indented(body: str) -> str:
    """Return a body one level deeper."""
    return body.replace("\n    ", "\n        ")
