"""GR206: which decorators and context managers only measure, and which do other work."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from golden_rules import Config, Finding, analyse_source


def found(source: str, path: str = "src/shop/helpers.py", select: str = "GR206") -> tuple[Finding, ...]:
    """Return what the rule finds in a module."""
    config = Config(root=Path.cwd(), select=(select,), measured_by=("shop.helpers.house",))
    return analyse_source(dedent(source), path, config).findings


def decorator(body: str, name: str = "decorate", kind: str = "def", nested: str = "wrapper") -> str:
    """Return a module with a decorator whose wrapper has this body."""
    return (
        "import time\nfrom functools import wraps\nfrom shop import log, metrics, tracer\n\n\n"
        f"def {name}(function):\n    @wraps(function)\n    {kind} {nested}(*args):\n{indent(dedent(body), ' ' * 8)}\n"
        f"    return {nested}\n"
    )


TIMED = """\
start = time.monotonic()
result = function(*args)
metrics.record(time.monotonic() - start)
return result
"""
WRAPPERS = {
    "timing": (TIMED, "def"),
    "timing a coroutine": (TIMED.replace("function(*args)", "await function(*args)"), "async def"),
    "span": ("with tracer.start_as_current_span(function.__name__):\n    return function(*args)\n", "def"),
    "counter": ("metrics.calls.labels(function.__name__).inc()\nreturn function(*args)\n", "def"),
    "histogram": ("result = function(*args)\nmetrics.sizes.observe(len(result))\nreturn result\n", "def"),
}


@pytest.mark.parametrize(("body", "kind"), WRAPPERS.values(), ids=WRAPPERS)
def test_decorator_that_measures_is_found_once(body: str, kind: str) -> None:
    """The finding is about the decorator; no other rule speaks of its wrapper."""
    (finding,) = found(decorator(body, kind=kind), select="GR2")
    assert (finding.code, finding.function) == ("GR206", "decorate")


OTHERS = {
    "rate limit": "elapsed = time.monotonic() - function.last\nif elapsed < 1:\n    time.sleep(1 - elapsed)\nreturn function(*args)\n",
    "deadline": "start = time.monotonic()\nreturn function(timeout=9 - (time.monotonic() - start))\n",
    "nothing": "log.info('called')\nreturn function(*args)\n",
}


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
def test_wrapper_that_acts_on_the_clock_is_left_alone(body: str) -> None:
    """A difference that decides is no measurement."""
    assert not found(decorator(body))


def test_wrapper_that_does_other_work_is_left_alone() -> None:
    """A cache that logs how long a miss took stays a cache; a long wrapper has more to do than measure."""
    assert not found(decorator(TIMED, name="cached"))
    assert not found(decorator("log.check(1)\n" * 20 + TIMED))
    assert found(decorator("log.check(1)\n" * 20 + TIMED, name="track_duration"))


def test_house_standard_is_left_alone() -> None:
    """What `measured-by` names, and what stands in a metrics module, is for the project to say."""
    assert not found(decorator(TIMED, name="house"))
    assert not found(decorator(TIMED), "src/shop/telemetry.py")
    assert not found(decorator(TIMED), "tests/helpers.py")


def test_class_with_a_clock_at_both_ends_is_found() -> None:
    """A stopwatch is one; a lock that notes when it was taken is none."""
    source = """\
        import time

        class {name}:
            async def __aenter__(self):
                self.start = time.monotonic()

            async def __aexit__(self, *error):
                {end}
        """
    (finding,) = found(source.format(name="Stopwatch", end="self.seconds = time.monotonic() - self.start"))
    assert finding.function == "Stopwatch"
    assert not found(source.format(name="Lock", end="self.released = time.monotonic()"))


@pytest.mark.parametrize(("name", "count"), [("Timer", 1), ("RateLimit", 0), ("_TimeLimit", 0)])
def test_limit_that_reads_a_clock_is_no_timer(name: str, count: int) -> None:
    """A class that lets its block take so long, or run so often, acts on what it reads."""
    source = f"""\
        import time

        class {name}:
            def __enter__(self):
                self.start = time.monotonic()

            def __exit__(self, *exc_info):
                self.used += time.monotonic() - self.start
        """
    assert len(found(source)) == count
