"""GR101: entry points that nothing measures."""

from __future__ import annotations

from collections.abc import Iterator

from golden_rules.criticality import THRESHOLD, Kind
from golden_rules.rules.base import Bad, Good, Subject, UnmeasuredRule, Violation
from golden_rules.rules.unmeasured.insertion import request_decorator, violation


class UnmeasuredEntryPoint(UnmeasuredRule):
    """A route, task, consumer, scheduled job, bot or RPC handler that nothing measures.

    ## What it does
    Finds functions that a framework calls from outside the program (by their decorator, or by the class they are a
    handler of) which do enough to be critical and have no measuring decorator.

    ## Why is this bad?
    Where requests come in is where users feel failures. Without a series for each entry point, nobody can say how often
    it is called, how long it takes and how often it fails, and no alert can be built on it.

    ## Fix safety
    Safe. The decorator goes under the one that registers the function, so the framework registers the measured
    function; it keeps the function's kind, signature and name.

    A function that swallows its exceptions gets `mark_failure` along with the decorator, see GR406; where only you know
    whether what it catches is a failure, that takes `--unsafe-fixes`.

    ## When not to follow it
    Health checks and the like are not worth a series: mark them `# golden-rules: not-critical -- reason`. Where a
    middleware measures every request by route already, name these functions in `not-critical`, or ignore the rule.
    The same holds for commands of a bot whose framework reports all of them; of these, only those that do more than
    answer are found.
    """

    code = "GR101"
    name = "unmeasured-entry-point"
    kind = Kind.ENTRY_POINT
    options = (THRESHOLD,)
    cases = (
        Bad(
            """\
from fastapi import APIRouter

from shop.payments import charge, refund

router = APIRouter()


@router.post("/orders")
async def create_order(order, customer):
    payment = await charge(customer, order.total)
    if not payment.accepted:
        await refund(payment)
    return await order.save(payment)
""",
            """\
from fastapi import APIRouter
from golden_runtime import track_request

from shop.payments import charge, refund

router = APIRouter()


@router.post("/orders")
@track_request("shop.orders.create_order")
async def create_order(order, customer):
    payment = await charge(customer, order.total)
    if not payment.accepted:
        await refund(payment)
    return await order.save(payment)
""",
        ),
        Bad(
            """\
from celery import shared_task
from tenacity import retry

from shop import mail


@shared_task
@retry
def send_receipts(day, sender):
    for order in sender.orders(day):
        mail.deliver(order.receipt(), sender.address())
        order.mark_sent()
""",
            """\
from celery import shared_task
from golden_runtime import track_request
from tenacity import retry

from shop import mail


@shared_task
@track_request("shop.orders.send_receipts")
@retry
def send_receipts(day, sender):
    for order in sender.orders(day):
        mail.deliver(order.receipt(), sender.address())
        order.mark_sent()
""",
        ),
        Good(
            """\
from fastapi import FastAPI
from golden_runtime import track_request as measured

app = FastAPI()


@app.post("/orders")
@measured("shop.orders.create")
async def create_order(order, customer):
    await customer.charge(order.total)
    return await order.save()
""",
            "measured under another name",
        ),
        Good(
            """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
def health():
    return {"ok": True}
""",
            "a route that calls nothing",
        ),
        Good(
            """\
from prometheus_client import Histogram
from fastapi import FastAPI

app = FastAPI()
REQUESTS = Histogram("orders_seconds", "Time to create an order.")


@app.post("/orders")
@REQUESTS.time()
async def create_order(order, customer):
    await customer.charge(order.total)
    return await order.save()
""",
            "measured by prometheus_client's own decorator",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        yield violation(subject, request_decorator(subject))
