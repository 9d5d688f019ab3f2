"""GR401: measuring decorators that stand where they measure nothing, or something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.rules.base import Bad, ClassRule, ClassSubject, FunctionRule, Good, SliceKind, Subject, Violation
from golden_rules.rules.misleading.placing import class_misplacement, misplaced, misplacement, on_class
from golden_rules.rules.scope import in_runtime, out_of_scope

if TYPE_CHECKING:
    import libcst as cst

    from golden_rules.source.slices import Slice


class MisplacedDecorator(FunctionRule, ClassRule):
    """A measuring decorator stands where it measures nothing, or something else than the function's work.

    ## What it does

    Finds decorators of the runtime, of `prometheus_client` (`@REQUESTS.time()`), of OpenTelemetry and those in `measured-by` that
    stand

    - above a decorator that registers the function: a route, a task, a command, an event handler. The framework was
      given the function underneath, so what it calls is not measured, and a task's own methods (`.delay`) are hidden;
    - above `@property` and its like, or on a class: the runtime measures functions, and raises as the module is imported;
    - above `@contextmanager` and `@asynccontextmanager`: what is measured is over before the block begins;
    - above `@lru_cache` and its like: hits and work end in one histogram, and `cache_clear` is out of reach. `@counted`, which
      may count look-ups, and `@track_cache_operation` are left alone;
    - on an abstract method or an overload without a body of its own: what implements it is not measured;
    - on another side of a decorator than `decorator-order` says, where that is set;
    - on a coroutine or generator function, where they are decorators of `prometheus_client`, which end when the function
      has made its coroutine: their durations are some microseconds and their exceptions none.

    ## Why is this bad?

    The series exists, at zero or at nonsense, and looks like a service that nobody calls or that never fails.

    ## Fix safety

    The fix moves the decorator directly below the one that it has to stand under. Above registering decorators and
    properties it is safe: the function is called as before, and measured. Below a context manager's or a cache's
    decorator other things are measured than before (the block; the calls that the cache cannot answer), and so it is on the
    other side of what `decorator-order` names (each attempt, rather than the whole): there the fix is unsafe. The other
    places have no fix.

    ## When not to follow it

    Where a decorator that looks like a registration returns a function of its own that callers use, and the whole of it is
    meant to be measured.

    ## Options

    - `decorator-order`
    """

    code: ClassVar[str] = "GR401"
    name: ClassVar[str] = "misplaced-decorator"
    slice_kind: ClassVar[SliceKind] = SliceKind.HEADER
    triggers: ClassVar[tuple[str, ...]] = ("@",)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
from fastapi import APIRouter
from golden_runtime import track_request

router = APIRouter()


@track_request("shop.orders.create_order")
@router.post("/orders")
async def create_order(order):
    return await order.save()
""",
            """\
from fastapi import APIRouter
from golden_runtime import track_request

router = APIRouter()


@router.post("/orders")
@track_request("shop.orders.create_order")
async def create_order(order):
    return await order.save()
""",
        ),
        Bad(
            """\
from celery import Celery

import golden_runtime as runtime

app = Celery("shop")


@runtime.track_request(
    "shop.orders.send",  # by post
)
# tried again by the worker
@app.task(bind=True)
@app.on_failure
def send(task, order):
    order.send()
""",
            """\
from celery import Celery

import golden_runtime as runtime

app = Celery("shop")


# tried again by the worker
@app.task(bind=True)
@runtime.track_request(
    "shop.orders.send",  # by post
)
@app.on_failure
def send(task, order):
    order.send()
""",
        ),
        Bad(
            """\
from golden_runtime import timed


class Order:
    @timed("shop.orders.total.duration")
    @property
    def total(self):
        return sum(line.price for line in self.lines)
""",
            """\
from golden_runtime import timed


class Order:
    @property
    @timed("shop.orders.total.duration")
    def total(self):
        return sum(line.price for line in self.lines)
""",
        ),
        Bad(
            """\
from contextlib import contextmanager

from golden_runtime import timed


@timed("shop.orders.packing.duration")
@contextmanager
def packing(order):
    order.open()
    yield order
    order.close()
""",
            """\
from contextlib import contextmanager

from golden_runtime import timed


@contextmanager
@timed("shop.orders.packing.duration")
def packing(order):
    order.open()
    yield order
    order.close()
""",
            unsafe=True,
        ),
        Bad(
            """\
import functools

from golden_runtime import track_request

from shop.prices import look_up


@track_request("shop.orders.price")
@functools.lru_cache(maxsize=100)
def price(product):
    return look_up(product)
""",
            """\
import functools

from golden_runtime import track_request

from shop.prices import look_up


@functools.lru_cache(maxsize=100)
@track_request("shop.orders.price")
def price(product):
    return look_up(product)
""",
            unsafe=True,
        ),
        Bad(
            """\
from abc import ABC, abstractmethod

from golden_runtime import track_adapter_request


class Gateway(ABC):
    @abstractmethod
    @track_adapter_request("gateway")
    def charge(self, customer, amount):
        \"\"\"Charge a customer.\"\"\"
""",
        ),
        Bad(
            """\
from prometheus_client import Histogram

PAYING = Histogram("shop_paying_seconds", "Seconds that payments take.")


@PAYING.time()
async def pay(order):
    await order.pay()
""",
        ),
        Bad(
            """\
from golden_runtime import counted


@counted("shop.orders.order")
class Order:
    pass
""",
        ),
        Bad(
            """\
from golden_runtime import track_request
from tenacity import retry

from shop.access import needs_role


@retry
@needs_role("clerk")
@track_request("shop.orders.drop")
def drop(order):
    order.drop()
""",
            """\
from golden_runtime import track_request
from tenacity import retry

from shop.access import needs_role


@track_request("shop.orders.drop")
@retry
@needs_role("clerk")
def drop(order):
    order.drop()
""",
            unsafe=True,
            settings=(("decorator-order", ["measuring", "retrying"]),),
        ),
        Bad(
            """\
from golden_runtime import track_request

from shop.app import task
from shop.tries import retry


@track_request("shop.orders.drop")
@task.task
@retry(attempts=3)
def drop(order):
    order.drop()
""",
            """\
from golden_runtime import track_request

from shop.app import task
from shop.tries import retry


@task.task
@retry(attempts=3)
@track_request("shop.orders.drop")
def drop(order):
    order.drop()
""",
            unsafe=True,
            settings=(("decorator-order", ["retrying", "measuring"]),),
        ),
        Good(
            """\
from celery import shared_task
from golden_runtime import track_request


@shared_task
@track_request("shop.orders.send")
def send(order):
    order.send()
""",
            "below the registration",
        ),
        Good(
            """\
from golden_runtime import track_request
from tenacity import retry


@retry
@track_request("shop.orders.drop")
def drop(order):
    order.drop()
""",
            "each attempt is measured, and `decorator-order` says nothing else",
        ),
        Good(
            """\
from golden_runtime import timed


class Order:
    @timed("shop.orders.load.duration")
    @classmethod
    def load(cls, number):
        return cls(number)
""",
            "the runtime measures what is under classmethod",
        ),
        Good(
            """\
import functools

from golden_runtime import counted


@counted("shop.orders.price")
@functools.cache
def price(product):
    return product.look_up()
""",
            "counting look-ups",
        ),
        Good(
            """\
from golden_runtime import track_request

from shop.access import needs_role


@track_request("shop.orders.drop")
@needs_role("clerk")
def drop(order):
    order.drop()
""",
            "above a decorator that only wraps",
        ),
        Good(
            """\
from prometheus_client import Histogram

PAYING = Histogram("shop_paying_seconds", "Seconds that payments take.")


@PAYING.time()
def pay(order):
    order.pay()
""",
            "a plain function",
        ),
    )

    def wants(self, subject: Subject | ClassSubject) -> bool:
        if isinstance(subject, ClassSubject):
            return bool(subject.owner.decorators) and any(on_class(subject))
        if not subject.function.decorators or out_of_scope(subject.path):
            return False
        return not in_runtime(subject.outline, subject.config) and any(misplaced(subject))

    def check(
        self, subject: Subject | ClassSubject, piece: Slice[cst.FunctionDef] | Slice[cst.ClassDef]
    ) -> Iterator[Violation]:
        if isinstance(subject, ClassSubject):
            for entry in on_class(subject):
                yield class_misplacement(subject, piece.span(piece.node.decorators[entry.index]), entry)
            return
        for found in misplaced(subject):
            yield misplacement(subject, piece.span(piece.node.decorators[found.entry.index].decorator), found)
