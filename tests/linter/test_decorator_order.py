"""Where inserted decorators go among those that are there, and what `decorator-order` changes about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_rules import Config, analyse_source
from golden_rules.config import Configs
from golden_rules.errors import UsageError
from golden_rules.fixing import fix_source

MEASURING = '@track_request("shop.orders.send")'


def order_after_fix(*decorators: str, order: tuple[str, ...] = (), body: str = "mail.send()") -> list[str]:
    """Return the lines of a critical function's decorators once it is fixed."""
    head = "".join(f"    {line}\n" for decorator in decorators for line in decorator.split("\n"))
    source = f"class Orders:\n{head}    def send(mail):\n        {body}\n"
    config = Config(root=Path(), critical=("*",), decorator_order=order)
    lines = fix_source(source.encode(), "src/shop/orders.py", config).content.decode().splitlines()
    start = lines.index("class Orders:") + 1
    return [line.strip() for line in lines[start : lines.index("    def send(mail):")]]


@pytest.mark.parametrize(
    "above",
    [
        "@staticmethod", "@classmethod", "@property", "@contextmanager", "@app.task(bind=True)", '@router.post("/orders")', "@app.command()",
        "@needs_role", "@scheduler.scheduled_job", "@functools.lru_cache", "@overload", "@decorators[0]", "@(lambda function: function)",
    ],
)  # fmt: skip
def test_decorators_stay_above(above: str) -> None:
    """What registers, describes or replaces a function is given the measured one."""
    assert order_after_fix(above) == [above, MEASURING]


@pytest.mark.parametrize(
    "retry",
    [
        "@retry",
        "@tenacity.retry(stop=3)",
        "@backoff.on_exception(expo, OSError)",
        "@tries.retry_async",
        "@retry_on_deadlock",
    ],
)
def test_whole_call_is_measured_by_default(retry: str) -> None:
    """One point in a series stands for a call with all its attempts."""
    assert order_after_fix(retry) == [MEASURING, retry]
    assert order_after_fix("@app.task", retry, "@needs_role") == ["@app.task", MEASURING, retry, "@needs_role"]
    assert order_after_fix(retry, "@app.task") == [retry, "@app.task", MEASURING]


def test_each_attempt_is_measured_by_choice() -> None:
    """`decorator-order` can put measuring below what calls a function again."""
    order = ("retrying", "measuring")
    assert order_after_fix("@app.task", "@retry", order=order) == ["@app.task", "@retry", MEASURING]


NAMED = [
    (
        ("shop.access.needs_role", "measuring", "session", "retrying"),
        ["@needs_role", "@session", "@retry"],
        ["@needs_role", MEASURING, "@session", "@retry"],
    ),
    (
        ("measuring", "access.needs_role"),
        ["@session", "@access.needs_role"],
        ["@session", MEASURING, "@access.needs_role"],
    ),
]


@pytest.mark.parametrize(("order", "before", "after"), NAMED, ids=["among others", "above the one that is named"])
def test_decorators_can_be_named(order: tuple[str, ...], before: list[str], after: list[str]) -> None:
    """A name of the project's own, dotted or not, stands where `decorator-order` has it."""
    assert order_after_fix(*before, order=order) == after


def test_there_is_no_place_among_decorators_in_the_wrong_order() -> None:
    """Wherever it went, it would be misplaced (GR401), so the function is left as it is."""
    order = ("access.needs_role", "measuring", "session")
    assert order_after_fix("@session", "@access.needs_role", order=order) == ["@session", "@access.needs_role"]


def test_decorators_of_several_lines_and_comments() -> None:
    """A decorator goes under whole decorators, and above the comments of nothing."""
    lines = order_after_fix('@router.post(\n    "/orders",\n)', "# at night", "@retry(\n    stop=3,\n)")
    assert lines == ["@router.post(", '"/orders",', ")", "# at night", MEASURING, "@retry(", "stop=3,", ")"]


@pytest.mark.parametrize(
    "body", ["return sys._getframe(1).f_locals", "inspect.currentframe().f_back", "return inspect.stack()[1]"]
)
def test_functions_that_look_at_their_caller_are_left(body: str) -> None:
    """Under a decorator the caller's frame would be the decorator's, so the finding has no fix."""
    assert order_after_fix(body=body) == []


@pytest.mark.parametrize(
    ("helper", "body", "left"),
    [
        ("def place(depth):\n    return sys._getframe(depth + 1)\n", "return place(1)", True),
        ("def place(depth):\n    depth += 1\n    return inspect.stack()[depth]\n", "return place(depth=1)", True),
        ("def place():\n    return sys._getframe(2).f_locals\n", "return place()", True),
        ("def place():\n    return inspect.currentframe().f_back.f_back\n", "return place()", True),
        (
            "def place(up):\n    return sys._getframe(up)\n\n\ndef names(kind, up=1):\n    return place(up + 1)\n",
            "return names(str, 1)",
            True,
        ),
        (
            "class Place:\n    def at(self, up):\n        return sys._getframe(up)\n\n    def names(self, kind, *, up=1):\n        return self.at(up + 1)\n",
            "return Place().names(str)",
            True,
        ),
        (
            "def place(up):\n    return sys._getframe(up + 1)\n\n\ndef names(kind):\n    return place(OWN + 2)\n",
            "return names(str)",
            True,
        ),
        ("def place():\n    return sys._getframe(1)\n", "return place()", False),
        ("def place(up):\n    return sys._getframe(up)\n", "return mail.place(2)", False),
        ("def place():\n    return inspect.currentframe().f_back\n", "return place()", False),
        (
            "def place(up):\n    return sys._getframe(up)\n\n\ndef names(kind):\n    return place(1)\n",
            "return names(str)",
            False,
        ),
    ],
)
def test_functions_that_have_others_look_at_their_caller_are_left(helper: str, body: str, left: bool) -> None:
    """A helper that looks at its caller's caller, or as far as it is told, would find the decorator there as well."""
    source = f"import inspect\nimport sys\n\n\n{helper}\n\ndef send(mail):  # golden-rules: critical\n    {body}\n"
    written = fix_source(source.encode(), "src/shop/orders.py", Config(root=Path())).content.decode()
    assert (MEASURING not in written) is left


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (
            "def who():\n    return sys._getframe(1)\n",
            "`sys._getframe` would find the decorator in place of the caller",
        ),
        ("@njit\ndef total(x):\n    return x.sum()\n", "`njit` can do nothing with a decorated function"),
        (
            "async def app(scope, receive, send):\n    await send(scope)\n",
            "uvicorn takes a decorated application for a factory of applications",
        ),
        (
            "class App:\n    async def __call__(self, scope, receive, send):\n        await send(scope)\n",
            "uvicorn takes a decorated application for a factory of applications",
        ),
        ("async def relay(receive, send):\n    await send(await receive())\n", ""),
        ("def total(x):\n    return x.sum()\n", ""),
    ],
)
def test_a_function_that_bears_no_decorator_says_why(function: str, why: str) -> None:
    """Nobody should put there by hand what the fix leaves out for a reason."""
    config = Config(root=Path.cwd(), critical=("*",), select=("GR105",))
    [finding] = analyse_source(
        f"import sys\nfrom numba import njit\n\n\n{function}", "src/shop/orders.py", config
    ).findings
    assert (finding.fix is None) == bool(why)
    assert (finding.remedy or "").partition(" (no fix, as ")[2].removesuffix(")") == why


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ('["retrying"]', "must say where `measuring` stands among `retrying`"),
        ('["measuring", "measuring"]', "names `measuring` more than once"),
        ('["measuring", "@retry"]', "not `@retry`"),
        ('"measuring"', "must be a list of strings, not a string"),
    ],
)  # fmt: skip
def test_wrong_order_is_refused(tmp_path: Path, value: str, reason: str) -> None:
    """A `decorator-order` that says nothing usable is an error that says what is wrong with it."""
    (tmp_path / "golden-rules.toml").write_text(f"decorator-order = {value}\n")
    with pytest.raises(UsageError, match="decorator-order") as caught:
        Configs().for_path(tmp_path)
    assert reason in str(caught.value)
