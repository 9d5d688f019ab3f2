"""Several findings in one function: their fixes go together, and what one brings to light another mends in the same run."""

from __future__ import annotations

from pathlib import Path

from golden_rules import Config
from golden_rules.fixing import FixedSource
from golden_rules.testing import fix_alone

ROUTE = """\
import time

from fastapi import APIRouter

router = APIRouter()


@router.post("/orders")
async def create_order(order, customer, log):
    start = time.perf_counter()
    payment = await customer.charge(order.total)
    if not payment.accepted:
        await customer.refund(payment)
    log.info("took %.1f", time.perf_counter() - start)
    return await order.save(payment)
"""


def fixed(source: str, *, unsafe: bool = False, **settings: tuple[str, ...]) -> FixedSource:
    """Return a module after its fixes."""
    config = Config(root=Path(), **settings)  # type: ignore[arg-type]  # all of them are tuples
    return fix_alone(source.encode(), "src/shop/orders.py", config, unsafe=unsafe)


def test_timed_route_is_measured_as_well() -> None:
    """A timer in a route says how long it took and not how it ended: the route is measured too, under other series."""
    done = fixed(ROUTE)
    text = done.content.decode()
    assert [finding.code for finding in done.applied] == ["GR201", "GR101"]
    assert '@router.post("/orders")\n@track_request("shop.orders.create_order")\nasync def' in text
    assert 'start = timed("shop.orders.create_order.part.duration").start()\n' in text
    assert text.startswith("from fastapi import APIRouter\nfrom golden_runtime import timed, track_request\n")
    assert not done.result.findings


def test_route_with_the_plain_timer_gets_another_name() -> None:
    """Where the timer has the series that the decorator would have, the decorator takes another one."""
    source = ROUTE.replace("time.perf_counter() - start", "start.stop()")
    source = source.replace("time.perf_counter()", 'timed("shop.orders.create_order.duration").start()')
    source = source.replace("import time\n", "from golden_runtime import timed\n")
    done = fixed(source)
    assert '@track_request("shop.orders.create_order.call")\n' in done.content.decode()
    assert not done.result.findings


def test_timer_is_enough_for_a_helper() -> None:
    """What nobody outside calls, and has a timer, counts as measured."""
    source = ROUTE.replace('@router.post("/orders")\n', "").replace("create_order", "run_order")
    assert "track_request" not in fixed(source).content.decode()


def test_halves_of_a_request_are_mended_one_after_the_other() -> None:
    """The timing of a hand-tracked request goes into a timer, its errors and calls into decorators."""
    source = """\
import time

from prometheus_client import Counter

ERRORS = Counter("sync_errors", "Failed.", ["error_type"])


def sync(supplier, log):
    try:
        start = time.monotonic()
        supplier.sync()
        log.info("took %.1f s", time.monotonic() - start)
    except Exception as error:
        ERRORS.labels(error_type=type(error).__name__).inc()
        raise
"""
    done = fixed(source, unsafe=True)
    assert [finding.code for finding in done.applied] == ["GR204", "GR203"]
    assert done.content.decode() == (
        "from golden_runtime import timed, track_errors\n\n\n"
        '@track_errors("sync_errors")\ndef sync(supplier, log):\n'
        '    start = timed("shop.orders.sync.duration").start()\n    supplier.sync()\n    log.info("took %.1f s", start.stop())\n'
    )


def test_retry_loop_of_a_task_is_measured_as_a_whole() -> None:
    """The decorator that retries goes next to the function, the one that measures above it, both below the task's."""
    source = """\
import time

from celery import shared_task


@shared_task
def send(mail, server):
    for attempt in range(3):
        try:
            connection = server.connect()
            return connection.send(mail.render(), mail.recipients())
        except OSError:
            if attempt == 2:
                raise
            time.sleep(2**attempt)
"""
    text = fixed(source, unsafe=True).content.decode()
    assert (
        '@shared_task\n@track_request("shop.orders.send")\n@retry(max_retries=2, retry_on=OSError, jitter="none")\n'
        in text
    )
    assert "import time" not in text
