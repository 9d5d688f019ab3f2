"""Imports that a fix leaves without a use go with it; every other import stays."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from golden_rules import Config
from golden_rules.fixing import fix_source

CONFIG = Config(root=Path())
TIMED = """\
def refund(order, log):
    start = {clock}()
    order.refund()
    log.info("took %.1f s", {clock}() - start)
"""


def fixed(head: str, rest: str = "", *, clock: str = "time.time", path: str = "src/shop/orders.py") -> str:
    """Return what stands above the function of a module whose hand timing is fixed."""
    source = head + TIMED.format(clock=clock) + rest
    text = fix_source(source.encode(), path, CONFIG, import_may_go=lambda _: True).content.decode()
    assert ".start()" in text
    return text.partition("def refund")[0]


RUNTIME = "from golden_runtime import timed\n"
GONE = {
    "alone at the head": ("import time\n\n\n", "time.time", RUNTIME + "\n\n"),
    "between others": ("import os\nimport time\nfrom re import sub\n\n\n", "time.time", f"import os\nfrom re import sub\n\n{RUNTIME}\n\n"),
    "after a docstring": ('"""Orders."""\n\nimport time\n\n\n', "time.time", f'"""Orders."""\n\n{RUNTIME}\n\n'),
    "one of a line": ("import os, time\n\n\n", "time.time", f"import os\n\n{RUNTIME}\n\n"),
    "first of a line": ("import time, os\n\n\n", "time.time", f"import os\n\n{RUNTIME}\n\n"),
    "one of several lines": (
        "from time import (\n    perf_counter,\n    sleep,\n)\n\n\n", "perf_counter", f"from time import (\n    sleep,\n)\n\n{RUNTIME}\n\n"
    ),
    "under another name": ("import time as clock\n\n\n", "clock.time", RUNTIME + "\n\n"),
    "a word of prose elsewhere": ("import time\n\nKEY = 'time'  # time\n\n\n", "time.time", f"{RUNTIME}\nKEY = 'time'  # time\n\n\n"),
}  # fmt: skip


@pytest.mark.parametrize(("head", "clock", "expected"), GONE.values(), ids=GONE)
def test_unused_import_goes(head: str, clock: str, expected: str) -> None:
    """What only the fixed code used is taken out, with the blank lines that it alone needed."""
    assert fixed(head, clock=clock) == expected


STAYS = {
    "used elsewhere": ("import time\n\n\n", "\n\ndef pause():\n    time.sleep(1)\n", "time.time"),
    "exported": ("import time\n\n__all__ = ['time']\n\n\n", "", "time.time"),
    "in an annotation": ("import time\n\n\n", "\n\ndef day(at: 'time.struct_time'): ...\n", "time.time"),
    "in a type comment": ("import time\n\n\n", "\nAT = None  # type: time.struct_time\n", "time.time"),
    "in an example": (
        "import time\n\n\n",
        '\n\ndef day():\n    """\n    >>> time.sleep(day())\n    """\n',
        "time.time",
    ),
    "with a comment": ("import time  # the clock\n\n\n", "", "time.time"),
    "re-exported by its name": ("from time import time as time\n\n\n", "", "time"),
    "guarded": ("try:\n    import time\nexcept ImportError:\n    raise\n\n\n", "", "time.time"),
    "before other code on its line": ("import time; X = 1\n\n\n", "", "time.time"),
}


@pytest.mark.parametrize(("head", "rest", "clock"), STAYS.values(), ids=STAYS)
def test_import_with_another_use_stays(head: str, rest: str, clock: str) -> None:
    """An import that anything else may need stays to the letter."""
    assert fixed(head, rest, clock=clock).replace(RUNTIME, "").replace("\n", "") == head.replace("\n", "")


def test_unused_before_stays() -> None:
    """An import that nothing used before the fix is for whoever made it: it may be there for its effects."""
    assert "import os\n" in fixed("import os\nimport time\n\n\n")


def test_packages_export_what_they_import() -> None:
    """What a package's `__init__.py` imports may be imported from there."""
    assert "import time\n" in fixed("import time\n\n\n", path="src/shop/__init__.py")


def test_import_in_a_function_goes() -> None:
    """An import inside the fixed function is looked at within that function."""
    source = "def refund(order, log):\n    import time\n\n" + TIMED.format(clock="time.time").partition("\n")[2]
    source += "\n\ndef pause():\n    import time\n\n    time.sleep(1)\n"
    text = fix_source(source.encode(), "src/shop/orders.py", CONFIG).content.decode()
    assert 'def refund(order, log):\n    start = timed("shop.orders.refund.duration").start()\n' in text
    assert text.endswith("def pause():\n    import time\n\n    time.sleep(1)\n")


@pytest.mark.parametrize(
    "around", ["if order.open:", "try:", "with order:", "for _ in order:", "match order:\n        case _:"]
)
def test_import_deep_in_a_function_goes(around: str) -> None:
    """The same of one in a block, of the standard library; its neighbours stay."""
    body = "import time\nimport os\nstart = time.time()\norder.refund(os)\nlog.info('%s', time.time() - start)\n"
    end = "    finally:\n        order.close()\n" if around == "try:" else ""
    source = f"def refund(order, log):\n    {around}\n{indent(body, ' ' * 12)}{end}"
    text = fix_source(source.encode(), "src/shop/orders.py", CONFIG).content.decode()
    assert ".start()" in text
    assert "  import time" not in text
    assert "import os" in text


def test_lone_import_of_a_block_stays() -> None:
    """What would leave an empty block behind stays."""
    source = """\
def refund(order, log):
    if order.open:
        import time
    start = time.time()
    order.refund()
    log.info("took %.1f s", time.time() - start)
"""
    text = fix_source(source.encode(), "src/shop/orders.py", CONFIG).content.decode()
    assert ".start()" in text
    assert "  import time" in text


LOOP = """\
import asyncio


async def refund(order, log):
    loop = asyncio.get_running_loop()
    start = loop.time()
    await order.refund()
    log.info("took %.1f s", loop.time() - start)
"""
LOOPS = {
    "its clock alone": (LOOP, False),
    "in a block": (LOOP.replace("    ", "        ").replace("refund(order, log):\n", "refund(order, log):\n    async with order:\n"), False),
    "in a clause": (LOOP.replace("    ", "        ").replace("refund(order, log):\n", "refund(order, log):\n    try:\n        order.open()\n    except OSError:\n"), False),
    "in a plain inner function": (LOOP.replace("    ", "        ").replace("await ", "").replace("refund(order, log):\n", "refund(order, log):\n    def settle():\n"), True),
    "more than its clock": (LOOP + "    loop.call_soon(order)\n", True),
    "an inner function": (LOOP + "    return lambda: loop\n", True),
    "all variables": (LOOP + "    log.debug(dir(order))\n", True),
    "a comment": (LOOP.replace("loop()\n", "loop()  # for its clock\n"), True),
    "another statement": (LOOP.replace("loop()\n", "loop(); order.check()\n"), True),
    "no coroutine": (LOOP.replace("async ", "").replace("await ", ""), True),
    "one that may be made": (LOOP.replace("get_running_loop", "get_event_loop"), True),
    "one that was not used": (
        LOOP.replace("    start", "    other = asyncio.get_running_loop()\n    start"),
        True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "stays"), LOOPS.values(), ids=LOOPS)
def test_event_loop_goes_with_its_clock(source: str, stays: bool) -> None:
    """In a coroutine a loop runs, so that nothing is lost where no one else asks it for anything."""
    content = fix_source(source.encode(), "src/shop/orders.py", CONFIG, import_may_go=lambda _: True).content.decode()
    assert ".start()" in content
    assert ("asyncio.get_" in content) == stays
    assert ("import asyncio" in content) == stays
