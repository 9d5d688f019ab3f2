"""GR401: where measuring decorators measure nothing, checked against what really happens there."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from prometheus_client import REGISTRY

from golden_rules import Config, analyse_source
from golden_rules.fixing import fix_source

PATH = "src/shop/orders.py"
CONFIG = Config(root=Path.cwd(), select=("GR401",), measured_by=("shop.watch",))
HEAD = "import functools\nfrom contextlib import *\nfrom golden_runtime import counted, timed, track_request\n"


def findings(source: str, path: str = PATH) -> list[str]:
    """Return what GR401 says of a module."""
    return [finding.message for finding in analyse_source(HEAD + dedent(source), path, CONFIG).findings]


def fixed(source: str) -> str:
    """Return a module after GR401's fixes, the unsafe ones among them."""
    return fix_source((HEAD + dedent(source)).encode(), PATH, CONFIG, unsafe=True).content.decode()


TAKING = [
    "@app.get('/')", "@blueprint.route('/', methods=['POST'])", "@celery.task", "@app.task(bind=True)", "@cli.command()",
    "@scheduler.scheduled_job('cron')", "@app.before_request", "@app.errorhandler(404)", "@client.event", "@price.register",
    "@broker.subscriber('orders')",
]  # fmt: skip
WRAPPING = [
    "@needs_role('clerk')",
    "@retry",
    "@functools.wraps(g)",
    "@action(detail=True)",
    "@expose('/')",
    "@app.needs('x')",
]


@pytest.mark.parametrize("decorator", TAKING)
def test_above_what_takes_the_function_nothing_is_measured(decorator: str) -> None:
    """What a framework was given is the function underneath; below, the decorator is left alone."""
    measuring = '@track_request("a.b")'
    assert len(findings(f"{measuring}\n{decorator}\ndef f(x): return x.y()\n")) == 1
    assert findings(f"{decorator}\n{measuring}\ndef f(x): return x.y()\n") == []


@pytest.mark.parametrize("decorator", WRAPPING)
def test_above_what_wraps_all_is_measured(decorator: str) -> None:
    """A decorator that wraps, or marks the function with attributes, is measured along with it."""
    assert findings(f'@track_request("a.b")\n{decorator}\ndef f(x): return x.y()\n') == []


@pytest.mark.parametrize(
    "measuring", ["@REQUESTS.time()", "@tracer.start_as_current_span('f')", "@watch", "@aio.time(T)"]
)
def test_other_measuring_decorators_are_known(measuring: str) -> None:
    """Prometheus' own decorators, spans and what `measured-by` names measure too; a homemade one may do anything."""
    imports = "from prometheus_async import aio\nfrom shop.watch import watch\n"
    assert len(findings(f"{imports}{measuring}\n@app.get('/')\ndef f(x): return x.y()\n")) == 1
    assert findings("@my_timer\n@app.get('/')\ndef f(x): return x.y()\n") == []


@pytest.mark.parametrize("measuring", ["PAID.time()", "PAID.labels('a').time()", "PAID.count_exceptions(KeyError)"])
@pytest.mark.parametrize(
    ("function", "count"),
    [("async def f(x): await x", 1), ("def f(x): yield x", 1), ("async def f(x): yield x", 1), ("def f(x): x()", 0)],
)
def test_prometheus_decorators_measure_plain_functions_only(measuring: str, function: str, count: int) -> None:
    """Of a coroutine or generator they see the making."""
    assert len(findings(f"@{measuring}\n{function}\n")) == count


def test_several_decorators_end_below_the_lowest_in_their_way() -> None:
    """Two measuring decorators above two routes both go below the second, and the rest keeps its order."""
    source = '@counted("a.b")\n@timed("a.c")\n@app.get("/a")\n@app.get("/b")\n@needs\ndef f(x): return x.y()\n'
    lines = [line for line in fixed(source).splitlines() if line.startswith("@")]
    assert [lines[0], lines[1], lines[4]] == ['@app.get("/a")', '@app.get("/b")', "@needs"]
    assert set(lines[2:4]) == {'@counted("a.b")', '@timed("a.c")'}


def test_what_is_registered_is_measured_after_the_fix() -> None:
    """Before the fix the registered function records nothing, after it each call."""
    source = """
        taken = []
        class app:
            @staticmethod
            def route(function):
                taken.append(function)
                return function

        @track_request("shop.misplaced.f")
        @app.route
        def f():
            return 1
    """
    counts = []
    for code in (HEAD + dedent(source), fixed(source)):
        before = sample("shop_misplaced_f_calls_total", status="success")
        space = run(code)
        assert space["taken"][0]() == 1  # type: ignore[index]  # the list just filled
        counts.append(sample("shop_misplaced_f_calls_total", status="success") - before)
    assert counts == [0, 1]


def test_a_block_is_measured_after_the_fix() -> None:
    """Above `@contextmanager` a failing block is a success; below it is a failure."""
    source = '@track_request("shop.misplaced.block")\n@contextmanager\ndef block():\n    yield 1\n'
    counts = []
    for code in (HEAD + source, fixed(source)):
        before = sample("shop_misplaced_block_calls_total", status="failure")
        with pytest.raises(KeyError), run(code)["block"]():  # type: ignore[operator]  # the function just defined
            raise KeyError
        counts.append(sample("shop_misplaced_block_calls_total", status="failure") - before)
    assert counts == [0, 1]


def test_a_property_can_be_imported_after_the_fix() -> None:
    """Above `@property` the runtime raises, below it measures."""
    source = 'class A:\n    @timed("shop.misplaced.p")\n    @property\n    def p(self):\n        return 1\n'
    with pytest.raises(TypeError, match="below `@property`"):
        run(HEAD + source)
    assert run(fixed(source))["A"]().p == 1  # type: ignore[operator]  # the class just defined


def test_abstract_methods_with_a_body_are_left_alone() -> None:
    """A body may be called through `super`."""
    method = "class A:\n    @abstractmethod\n    @timed('a.b')\n    def f(self):\n        {}\n"
    assert len(findings(method.format("..."))) == 1
    assert findings(method.format("return self.g()")) == []


def test_tests_are_left_alone() -> None:
    """Tests may try what they like."""
    assert findings('@timed("a.b")\n@property\ndef f(x): return x.y()\n', "tests/test_f.py") == []


def run(code: str) -> dict[str, object]:
    """Run a module and return its names."""
    space: dict[str, object] = {"__name__": "shop.misplaced"}
    exec(compile(code, PATH, "exec"), space)  # noqa: S102 - the code under test
    return space


def sample(name: str, **labels: str) -> float:
    """Return the value of a series, or zero."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
