"""Names: what a dotted name stands for where it is used."""

from __future__ import annotations

import pytest

from golden_rules.source.names import resolve
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import parse
from golden_rules.source.text import SourceText


def resolved(code: str, name: str) -> str | None:
    """Return what a name stands for inside the function `run`."""
    tree = outline(parse(SourceText(code)), "shop.orders", "shop")
    return resolve(tree, next(entry for entry in tree.functions if entry.name == "run"), name)


@pytest.mark.parametrize(
    ("code", "name", "target"),
    [
        ("import time\ndef run(): ...", "time.time", "time.time"),
        ("import time as t\ndef run(): ...", "t.time", "time.time"),
        ("from time import perf_counter as pc\ndef run(): ...", "pc", "time.perf_counter"),
        ("from . import db\ndef run(): ...", "db.get", "shop.db.get"),
        ("def run(): ...", "open", "open"),
        ("def help(): ...\ndef run(): ...", "help", "shop.orders.help"),
        ("def run():\n    import time as t", "t.time", "time.time"),
        ("import httpx\nclient = httpx.Client()\ndef run(): ...", "client.get", "httpx.Client.get"),
        ("import httpx\ndef run():\n    client = httpx.Client()", "client.get", "httpx.Client.get"),
        ("import httpx\ndef run():\n    with httpx.Client() as c: ...", "c.get", "httpx.Client.get"),
        ("import httpx\ndef run(c: httpx.Client | None): ...", "c.get", "httpx.Client.get"),
        ("import httpx\ndef run(c=None):\n    c = c or httpx.Client()", "c.get", "httpx.Client.get"),
        (
            "import httpx\nclass A:\n    def __init__(self, c: httpx.Client):\n        self._c = c\n    def run(self): ...",
            "self._c.get",
            "httpx.Client.get",
        ),
        ("import httpx\nclass A:\n    c: httpx.Client\n    def run(self): ...", "self.c.get", "httpx.Client.get"),
        ("import httpx\ndef outer(c: httpx.Client):\n    def run(): ...", "c.get", "httpx.Client.get"),
        ("import httpx\ndef run(): ...", "httpx.Client().get", "httpx.Client.get"),
    ],
)
def test_stands_for(code: str, name: str, target: str) -> None:
    """Imports, aliases, constructors, annotations and attributes are followed, from the inside out."""
    assert resolved(code, name) == target


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import time\ndef run(time): ...", "time.time"),
        ("import time\ntime = None\ndef run(): ...", "time.time"),
        ("import time\ndef run():\n    for time in x: ...", "time.time"),
        ("import time\ndef run():\n    global time", "time.time"),
        ("import time\ndef run(x):\n    match x:\n        case time: ...", "time.time"),
        ("import time\ndef outer(time):\n    def run(): ...", "time.time"),
        ("class A:\n    def run(self): ...", "self.client.get"),
        ("a = b\nb = a\ndef run(): ...", "a.get"),
        ("def run():\n    a = b\n    b = a", "a.get"),
        ("def run(): ...", ""),
    ],
)
def test_nothing_tells(code: str, name: str) -> None:
    """What is bound to something unknown stands for nothing, and circles end."""
    assert resolved(code, name) is None
