"""The fixes of GR202 and GR203 on generated functions: whatever they are given, the series of the old name read the same."""

from __future__ import annotations

import asyncio
import enum
import itertools
from pathlib import Path
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from golden_rules import Config
from golden_rules.testing import fix_alone

NUMBERS = itertools.count()
HEAD = """\
import logging
import time
from functools import lru_cache, wraps

from prometheus_client import Counter

log = logging.getLogger("shop")
log.disabled = True
SHOP = "shop"


def twice(function):
    @wraps(function)
    def retrying(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except OSError:
            return function(*args, **kwargs)

    return retrying


retry = twice
"""
MADE = [
    'Counter("{name}", "Orders.", [{labels}])',
    'Counter("{name}_total", "Orders.", ({labels}))',
    'Counter(name="{name}", documentation="Orders.", labelnames=[{labels}])',
    'Counter("{tail}", "Orders" + " placed", [{labels}], namespace="{first}")',
    'Counter("{tail}", f"Orders of {{SHOP}}.", labelnames=[{labels}], subsystem="{first}")',
]
SIGNATURES = [
    "order, shop",
    "order, shop: str",
    "order, shop='north'",
    "order, /, shop=None",
    "order, *, shop",
    "order, shop, *rest, **options",
]
VALUES = ['"north"', "shop", "order.name", "order.kind", "order.pick()", "order.names[0]", "SHOP"]
COUNTING = [
    "{inc}\nreturn order.save()",
    "log.info('placing %s', order)\nstart = time.monotonic()\n{inc}\nreturn order.save()",
    "title = f'{{order.name}}!'\n{inc}\norder.save()\nreturn title",
    "shop = order.shop\n{inc}\nreturn order.save()",
    "order.check()\n{inc}\nreturn order.save()",
    "saved = order.save()\n{inc}\nreturn saved",
    "if order.name:\n    {inc}\nreturn order.save()",
    "for _ in range(2):\n    {inc}\nreturn order.save()",
    "with order:\n    {inc}\n    return order.save()",
    "try:\n    {inc}\nfinally:\n    order.save()",
]
TRACKING = [
    "try:\n    return order.save()\nexcept Exception as error:\n    {inc}\n    raise",
    "try:\n    return order.save()\nexcept Exception as error:\n    log.error('failed: %s', error)\n    {inc}\n    raise",
    "try:\n    order.check()\n    return order.save()\nexcept Exception as error:\n    {inc}\n    log.exception('failed')\n    raise",
    "try:\n    return order.save()\nexcept Exception as error:\n    order.check()\n    {inc}\n    raise",
    "try:\n    return order.save()\nexcept Exception as error:\n    {inc}\n    order.check()\n    raise",
    "try:\n    order.kind = 'late'\n    return order.save()\nexcept Exception as error:\n    {inc}\n    raise",
    "try:\n    return order.save()\nexcept Exception as error:\n    {inc}\n    raise ValueError('no') from error",
    "try:\n    return order.save()\nexcept Exception as error:\n    {inc}\n    return None",
    "try:\n    return order.save()\nexcept OSError as error:\n    {inc}\n    raise",
    "order.check()\ntry:\n    return order.save()\nexcept Exception as error:\n    {inc}\n    raise",
    "try:\n    return order.save()\nexcept Exception as error:\n    if order.name:\n        {inc}\n    raise",
    "try:\n    return order.save()\nexcept KeyError:\n    raise\nexcept Exception as error:\n    {inc}\n    raise",
]
KINDS = ["function", "coroutine", "method", "retried", "cached", "static"]


class Shop(enum.Enum):
    """Members are written differently by clients."""

    SOUTH = "south"


class Order:
    """What fails as it is told, and has names to label with."""

    def __init__(self, errors: list[type[BaseException] | None], name: object) -> None:
        """Take an error for each thing that is done with it, in turn; what comes after them works."""
        self.name = name
        self.names = [name]
        self.kind: object = "early"
        self.shop = "east"
        self._errors = iter(errors)

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *_: object) -> None:
        """Let errors pass."""

    def save(self) -> str:
        """Work, or fail."""
        error = next(self._errors, None)
        if error is not None:
            raise error("no")
        return "saved"

    check = save

    def pick(self) -> str:
        """Return another name each time."""
        self.names.append(self.name)
        return f"{len(self.names)}"


@st.composite
def modules(draw: st.DrawFn) -> tuple[str, str]:
    """Return the name of a series, and a module whose one function feeds it."""
    name = f"orders{next(NUMBERS)}_placed"
    first, _, tail = name.partition("_")
    tracks = draw(st.booleans())
    body = draw(st.sampled_from(TRACKING[:3]) | st.sampled_from(TRACKING) if tracks else st.sampled_from(COUNTING))
    labels = {"shop": draw(st.sampled_from(VALUES) | st.sampled_from(VALUES[:4]))} if draw(st.booleans()) else {}
    if tracks:
        labels["error_type"] = draw(st.sampled_from(["type(error).__name__", "error.__class__.__name__"]))
    given = ", ".join(f"{label}={value}" for label, value in labels.items())
    counter = f"PLACED.labels({given})" if labels else "PLACED"
    body = body.format(inc=f"{counter}.inc({draw(st.sampled_from(['', '', '1', 'amount=1', '2']))})")
    made = draw(st.sampled_from(MADE)).format(
        name=name, first=first, tail=tail, labels="".join(f'"{label}", ' for label in labels)
    )
    kind = draw(st.sampled_from(KINDS))
    above = {"retried": "@retry\n", "cached": "@lru_cache\n", "static": "@staticmethod\n"}.get(kind, "")
    head = "async def place({}):" if kind == "coroutine" else "def place({}):"
    signature = ("self, " if kind == "method" else "") + draw(st.sampled_from(SIGNATURES))
    text = above + head.format(signature) + "\n" + indented(body)
    text = "class Orders:\n" + indented(text) + "\n\nplace = Orders().place\n" if kind in ("method", "static") else text
    return f"{first}_{tail}_total", f"{HEAD}PLACED = {made}\n\n\n{text}"


def indented(text: str) -> str:
    """Return lines moved to the right."""
    return "".join(f"    {line}\n" for line in text.splitlines())


def outcomes(source: str, series: str, calls: list[tuple[object, list[type[BaseException] | None]]]) -> object:
    """Run a module's function several times; return how each call ended, and the samples of a series that count something."""
    namespace: dict[str, Any] = {"__name__": "shop.orders"}
    exec(compile(source, "orders.py", "exec"), namespace)  # noqa: S102 - the code under test
    ended: list[object] = []
    for name, errors in calls:
        try:
            # What is said to be a text is one.
            shop = str(name) if "shop: str" in source else name
            result = namespace["place"](Order(errors, name), shop=shop)
            ended.append(asyncio.run(result) if asyncio.iscoroutine(result) else result)
        except BaseException as raised:  # noqa: BLE001 - how it ended is what is compared
            ended.append(repr(raised))
    samples = {
        tuple(sorted(sample.labels.items())): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == series and sample.value
    }
    if "PLACED" in namespace:
        # The fixed function's series takes its name.
        REGISTRY.unregister(namespace["PLACED"])
    return ended, samples


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["north", "", None, True, 3, 2.0, Shop.SOUTH, ("a", 1)]),
        st.lists(st.sampled_from([None, OSError, KeyError, ValueError, asyncio.CancelledError, KeyboardInterrupt, SystemExit]), max_size=3),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(modules(), CALLS)
def test_series_read_the_same(
    module: tuple[str, str], calls: list[tuple[object, list[type[BaseException] | None]]]
) -> None:
    """Where there is a fix, each call ends as before, and the series has the same labels and counts."""
    series, source = module
    config = Config(root=Path(), select=("GR202", "GR203", "GR204"))
    after = fix_alone(source.encode(), "src/shop/orders.py", config, unsafe=True).content.decode()
    event("fixed" if after != source else "left")
    if after != source:
        before = outcomes(source, series, calls)
        assert outcomes(after, series, calls) == before, after
