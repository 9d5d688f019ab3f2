"""Whatever a module looks like, fixes change nothing but what they are for."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from golden_rules import Config
from golden_rules.engine import analyse_source
from golden_rules.fixing import FixedSource, fix_source
from golden_rules.testing import fix_alone

CONFIG = Config(root=Path(), critical=("*",))
PATH = "src/shop/orders.py"

# What stands at the head of files, and what may stand in the way of an import or a name.
HEADS = st.lists(
    st.sampled_from(
        [
            "import time\n", "import os, time\n", "from time import (\n    perf_counter,\n    time as now,\n)\n", "from x import *\n", "timed = None\n",
            "try:\n    import golden_runtime\nexcept ImportError:\n    golden_runtime = None\n", "import golden_runtime as runtime\n", "from golden_runtime import counted\n",
            "if TYPE_CHECKING:\n    from golden_runtime import track_request\n", "__all__ = ['run', 'time']\n", "def track_request(x): ...\n",
            "from golden_runtime import (  # all of it\n    timed,  # seconds\n)\n", "x = 1; import time\n", "from prometheus_client import Counter\n",
            "CALLS = Counter('orders_calls', 'Calls.')\n", "import asyncio\n", "LIMIT = 3\n", "\n", "# a comment\n", "\x0c\n",
        ]
    ),
    max_size=7,
)  # fmt: skip
BEGINNINGS = st.sampled_from(
    ["", '"""Orders."""\n', "#!/usr/bin/env python\n", "# coding: utf-8\n", "from __future__ import annotations\n"]
)
DECORATORS = st.lists(
    st.sampled_from(["@app.task\n", "@staticmethod\n", "@retry\n", "@retry(\n    stop=3,\n)\n", "# why\n", "@property\n", "@counted('a.b')\n", "@lru_cache\n"]),
    max_size=3,
)  # fmt: skip
LINES = st.lists(
    st.sampled_from(
        [
            "pass\n", "save( order )  # as it is\n", "start = time.time()\n", "log.info('%s', time.time() - start)\n", "elapsed = time.time() - start\n",
            "print(f'took {time.time() - start:.1f}')\n", "CALLS.inc()\n", "return order\n", "import time\n", 'text = """a\n  b"""\n',
            "try:\n    save()\nexcept Exception:\n    log.exception('no')\n", "try:\n    return save()\nexcept Exception:\n    return None\n", "try:\n    save()\nexcept Exception as error:\n    CALLS.inc()\n    raise\n",
            "for attempt in range(3):\n    try:\n        return save()\n    except OSError:\n        if attempt == 2:\n            raise\n        time.sleep(2**attempt)\n",
            "with suppress(Exception):\n    save()\n", "from contextlib import suppress\n", "try:\n    save()\nfinally:\n    return order\n",
            "try:\n    save()\nexcept requests.RequestException:\n    return None\n", "import requests\n",
            "try:\n    save()\nexcept Exception:\n    if order.strict:\n        raise\n    log.error('no')\n    return False\n",
            "def inner():\n    return save()\n", "x = sys._getframe(1)\n", "track_request = 1\n", "await save()\n", "\n",
        ]
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip
LAYOUTS = st.tuples(
    st.sampled_from(["    ", "\t", "  "]), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans()
)


@st.composite
def functions(draw: st.DrawFn, depth: int = 0) -> str:
    """Make a function, or a class with one in it."""
    if depth < 2 and draw(st.booleans()):
        return f"class {draw(st.sampled_from('AB'))}:\n{indented(draw(functions(depth + 1)))}"
    kind = draw(st.sampled_from(["async def", "async def", "def"]))
    name = draw(st.sampled_from(["run", "_run", "execute_order", "timed"]))
    body = "".join(draw(LINES))
    return "".join(draw(DECORATORS)) + f"{kind} {name}(order, log):\n{indented(body)}"


def indented(code: str) -> str:
    """Return code one step further to the right; lines inside of texts stay."""
    lines = code.splitlines(keepends=True)
    return "".join(f"    {line}" if line.strip() and not line.startswith("  b") else line for line in lines)


@st.composite
def modules(draw: st.DrawFn) -> bytes:
    """Make a module that parses, with any indent, line ends, byte order mark and end."""
    code = draw(BEGINNINGS) + "".join(draw(HEADS)) + "\n".join(draw(st.lists(functions(), min_size=1, max_size=3)))
    indent, newline, mark, ends = draw(LAYOUTS)
    code = code.replace("    ", indent)
    code = code if ends else code.rstrip()
    try:
        ast.parse(code)
    except SyntaxError:  # `return await` in a plain function, a decorator that a comment ends, ...
        code = "# golden-rules: critical\ndef run(order):\n    return order.save()\n"
    return (b"\xef\xbb\xbf" if mark else b"") + code.replace("\n", newline).encode()


def fixed(source: bytes) -> FixedSource:
    """Return a module after all fixes, safe and unsafe."""
    return fix_alone(source, PATH, CONFIG, unsafe=True)


@settings(max_examples=80, deadline=None)
@given(modules())
def test_fixed_module_is_sound(source: bytes) -> None:
    """It parses, a second run changes nothing, and nothing is found that was not there before or follows from a fix."""
    done = fixed(source)
    assert ast.parse(done.content)
    again = fixed(done.content)
    assert (again.content, again.applied) == (done.content, ())
    assert (done.content == source) == (not done.applied)


@settings(max_examples=80, deadline=None)
@given(modules(), st.booleans())
def test_no_fix_brings_a_finding(source: bytes, unsafe: bool) -> None:
    """What is found in the end was found at the start, by the same rule in the same function."""
    done = fix_source(source, PATH, CONFIG, unsafe=unsafe)
    new = told(done.content) - told(source)
    assert not new, new


def told(source: bytes) -> Counter[tuple[str, str]]:
    """Count what all rules find in a module, by code and function."""
    findings = analyse_source(source, PATH, CONFIG).findings
    return Counter((finding.code, finding.function) for finding in findings)


@settings(max_examples=80, deadline=None)
@given(modules())
def test_only_whole_lines_of_fixes_change(source: bytes) -> None:
    """Line ends and the byte order mark stay, and so does every line that no fix speaks of, in its order."""
    done = fix_source(source, PATH, CONFIG)
    assert done.content.startswith(b"\xef\xbb\xbf") == source.startswith(b"\xef\xbb\xbf")
    assert (b"\r\n" in done.content) == (b"\r\n" in source)
    assert b"\n" not in done.content.replace(b"\r\n", b"") or b"\r\n" not in source
    kept = [
        line
        for line in done.content.removeprefix(b"\xef\xbb\xbf").splitlines()
        if b"golden_runtime" not in line and b"import" not in line
    ]
    added = Counter(kept) - Counter(source.removeprefix(b"\xef\xbb\xbf").splitlines())
    words = (
        b"@",
        b"timed(",
        b".stop()",
        b".elapsed",
        b"mark_failure",
        b"except Exception as",
        b"perf_counter,",
        b"track_request,",
    )
    assert all(not line.strip() or any(word in line for word in words) for line in added), added


@settings(max_examples=60, deadline=None)
@given(modules())
def test_safe_fixes_keep_what_is_said_and_done(source: bytes) -> None:
    """No call of the program's own goes: log lines, stored values and work stay in their number."""
    before, after = (Counter(_calls(content)) for content in (source, fix_source(source, PATH, CONFIG).content))
    # One reading of a clock becomes the timer's, and of two equal decorators one goes.
    for measuring in ("time.time", "counted"):
        before.pop(measuring, None)
    assert not before - after


def _calls(content: bytes) -> list[str]:
    calls = [node.func for node in ast.walk(ast.parse(content)) if isinstance(node, ast.Call)]
    return [ast.unparse(function) for function in calls]
