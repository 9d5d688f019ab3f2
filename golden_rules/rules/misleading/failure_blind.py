"""GR406: functions that swallow their exceptions under a decorator that records outcomes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from golden_rules.findings import without_fix_as
from golden_rules.rules.base import Bad, Good, OutlineRule, Subject, Violation
from golden_rules.rules.misleading.blindness import CODE, MARKING, NAME, blind_blankets, blind_handlers
from golden_rules.rules.misleading.outcomes import is_span, recorder
from golden_rules.rules.misleading.swallow_hints import may_swallow
from golden_rules.rules.scope import in_runtime, out_of_scope

if TYPE_CHECKING:
    import ast

    from golden_rules.source.text import SourceText

_SPAN_TOLD = re.compile(r"\.(record_exception|set_status)\(")
_NOT_REACHED = "`mark_failure` does not reach a decorator that is not the runtime's"


class FailureBlind(OutlineRule):
    """A measured function swallows its exceptions, so that its failures count as successes.

    ## What it does

    Finds functions under a decorator that records how calls end (`@track_request`, `@track_adapter_request`,
    `@track_cache_operation`, `@track_errors`, `@traced`, a counter's `@FAILURES.count_exceptions()`, a tracer's
    `@tracer.start_as_current_span(...)`, and decorators in `measured-by` that are named for errors) whose main work stands in
    a `try` with an `except Exception`, `except BaseException` or bare `except` after which the function simply ends. So do

    - a handler for the exception from which all those of a library derive (`requests.RequestException`), where the `try` holds
      all the work;
    - a handler that logs an error, after which the function does the rest as ever; and one that raises only if a flag says so;
    - `with suppress(Exception)` around the work;
    - a `return` in `finally`, which drops the exception on its way.

    Left alone are handlers that raise, hand the error on (`future.set_exception`, `context.abort`), retry, do the work in
    another way, or go on with more work; handlers in a loop that goes on with the next item; functions that ask a question
    (`is_alive`, `has_access`), and those that close something and keep quiet about it.

    ## Why is this bad?

    The decorator sees a function that returned. The error rate reads zero while every call fails, and the alert that
    was built on it never rings.

    ## Fix safety

    The fix makes `mark_failure(error)` the first statement of the handler. The function goes on as before, returns
    the same and logs the same; the call counts as failed. It is safe where the handler says itself that something failed:
    it logs an error, or returns the error, `False` or an error's status. Elsewhere (a warning, a default value, silence)
    a handled exception may be an ordinary outcome to you, so the fix is unsafe. There is no fix under decorators of other
    libraries, which `mark_failure` does not reach, nor where the name is taken. Nor is there one for `suppress`, which has no place
    for a statement, nor for a `return` in `finally`: outside of it the exceptions would be raised, which changes what callers see.

    ## When not to follow it

    Where what the handler returns is as good as any other answer. Catching the exceptions that mean so, rather than all,
    says it best. Where the result tells success from failure, `success_when=` on the decorator says so for all paths, and
    silences the rule.
    """

    code: ClassVar[str] = CODE
    name: ClassVar[str] = NAME
    triggers: ClassVar[tuple[str, ...]] = ("except", "suppress", "finally")
    options = (MARKING,)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
import logging

from golden_runtime import track_request

from shop.gateway import charge

logger = logging.getLogger(__name__)


@track_request("shop.orders.pay")
async def pay(order):
    try:
        receipt = await charge(order.customer, order.total)
        await order.save(receipt)
        return {"paid": True, "receipt": receipt.number}
    except Exception as e:
        logger.exception("cannot pay %s", order.number)
        return {"paid": False, "reason": str(e)}
""",
            """\
import logging

from golden_runtime import mark_failure, track_request

from shop.gateway import charge

logger = logging.getLogger(__name__)


@track_request("shop.orders.pay")
async def pay(order):
    try:
        receipt = await charge(order.customer, order.total)
        await order.save(receipt)
        return {"paid": True, "receipt": receipt.number}
    except Exception as e:
        mark_failure(e)
        logger.exception("cannot pay %s", order.number)
        return {"paid": False, "reason": str(e)}
""",
        ),
        Bad(
            """\
import golden_runtime

from shop.stock import recount


class Shelf:
    @golden_runtime.track_errors("shop.orders.restock.errors")
    def restock(self, error):
        try:
            self.items = recount(self.number)
        except:  # whatever it is
            # the next delivery brings it right
            self.items = []
""",
            """\
import golden_runtime

from shop.stock import recount


class Shelf:
    @golden_runtime.track_errors("shop.orders.restock.errors")
    def restock(self, error):
        try:
            self.items = recount(self.number)
        except BaseException as caught:  # whatever it is
            golden_runtime.mark_failure(caught)
            # the next delivery brings it right
            self.items = []
""",
            unsafe=True,
        ),
        Bad(
            """\
from golden_runtime import track_adapter_request


@track_adapter_request("stock")
def reserve(stock, item):
    try: stock.reserve(item)
    except (ValueError, Exception): pass
""",
            """\
from golden_runtime import mark_failure, track_adapter_request


@track_adapter_request("stock")
def reserve(stock, item):
    try: stock.reserve(item)
    except (ValueError, Exception) as error: mark_failure(error)
""",
            unsafe=True,
        ),
        Bad(
            """\
from prometheus_client import Counter

FAILURES = Counter("shop_export_failures_total", "Exports that failed.")


@FAILURES.count_exceptions()
def export(orders, target):
    try:
        target.write(orders.dump())
    except Exception as error:
        target.log.error("export failed: %s", error)
""",
        ),
        Bad(
            """\
import requests
from golden_runtime import track_adapter_request


@track_adapter_request("stock")
def reserve(item):
    try:
        return requests.post("https://stock.example", json={"item": item}, timeout=3).json()
    except requests.RequestException:
        return None
""",
            """\
import requests
from golden_runtime import mark_failure, track_adapter_request


@track_adapter_request("stock")
def reserve(item):
    try:
        return requests.post("https://stock.example", json={"item": item}, timeout=3).json()
    except requests.RequestException as error:
        mark_failure(error)
        return None
""",
            unsafe=True,
        ),
        Bad(
            """\
from contextlib import suppress

from golden_runtime import track_request


@track_request("shop.orders.export")
def export(orders, target):
    with suppress(Exception):
        target.write(orders.dump())
""",
        ),
        Bad(
            """\
from golden_runtime import track_request


@track_request("shop.orders.pay_all")
def pay_all(orders):
    paid = []
    try:
        for order in orders:
            paid.append(order.pay())
    finally:
        return paid
""",
        ),
        Good(
            """\
from golden_runtime import mark_failure, track_request

from shop.gateway import charge


@track_request("shop.orders.pay")
def pay(order):
    try:
        return charge(order.customer, order.total)
    except Exception as error:
        mark_failure(error)
        return None
""",
            "the runtime is told",
        ),
        Good(
            """\
from golden_runtime import track_request

from shop.gateway import Declined, charge


@track_request("shop.orders.pay")
def pay(order):
    try:
        return charge(order.customer, order.total)
    except Declined:
        return None
    except Exception as error:
        raise RuntimeError("no payment today") from error
""",
            "a narrow exception is an outcome and the rest is raised",
        ),
        Good(
            """\
from golden_runtime import track_request

from shop.gateway import charge, charge_by_mail


@track_request("shop.orders.pay")
def pay(order, logger):
    try:
        return charge(order.customer, order.total)
    except Exception:
        logger.warning("the gateway is down")
        return charge_by_mail(order)
""",
            "it does the work in another way",
        ),
        Good(
            """\
from golden_runtime import track_request

from shop.gateway import charge, thank


@track_request("shop.orders.pay")
def pay(order, logger):
    receipt = charge(order.customer, order.total)
    order.save(receipt)
    try:
        thank(order.customer)
    except Exception:
        logger.exception("no thanks for %s", order.number)
    return receipt
""",
            "what fails is not the main work",
        ),
        Good(
            """\
from golden_runtime import track_request


@track_request("shop.orders.pay_all")
def pay_all(orders, logger):
    for order in orders:
        try:
            order.pay()
        except Exception:
            logger.exception("cannot pay %s", order.number)
""",
            "one item of many",
        ),
        Good(
            """\
from golden_runtime import track_request

from shop.gateway import charge


@track_request("shop.orders.pay", success_when=lambda receipt: receipt is not None)
def pay(order):
    try:
        return charge(order.customer, order.total)
    except Exception:
        return None
""",
            "the result tells",
        ),
        Good(
            """\
from golden_runtime import track_request


@track_request("shop.orders.is_open")
def is_open(gateway):
    try:
        gateway.ping()
        return True
    except Exception:
        return False
""",
            "the exception is the answer to a question",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        if not subject.function.decorators or not may_swallow(subject.function):
            return
        if out_of_scope(subject.path) or in_runtime(subject.outline, subject.config):
            return
        entry = recorder(subject)
        if entry is None:
            return
        from golden_rules.rules.misleading.failure_marks import caught_kinds, handler_head, marking_fix
        from golden_rules.source.own_code import OwnCode

        function, source = subject.function, subject.source
        code = OwnCode(function.node)
        blind = f"failures of `{function.qualname}` count as successes for `@{entry.written}`"
        for swallow in blind_handlers(subject, code):
            handler = swallow.handler
            if is_span(entry) and _tells_span(source, handler):
                continue
            tell = f"begin the handler with `mark_failure({handler.name or 'error'})`, or raise"
            told = f"{tell if entry.name else 'raise it'}, or catch only what is an ordinary outcome"
            fix = marking_fix(subject, code, swallow) if entry.name else _NOT_REACHED
            yield Violation(
                span=handler_head(source, handler),
                message=f"{blind}: `{caught_kinds(source, handler)}` {swallow.deed}",
                remedy=without_fix_as(told, fix) if isinstance(fix, str) else told,
                fix=None if isinstance(fix, str) else fix,
            )
        for blanket in blind_blankets(subject, code):
            tell = ", or catch the rest and call `mark_failure(error)`" if entry.name and blanket.is_told else ""
            yield Violation(
                span=source.span(blanket.node),
                message=f"{blind}: {blanket.shown}",
                remedy=without_fix_as(blanket.remedy + tell, blanket.no_fix),
            )


def _tells_span(source: SourceText, handler: ast.ExceptHandler) -> bool:
    start = source.offset(handler.lineno, handler.col_offset)
    return _SPAN_TOLD.search(source.text, start, source.span(handler.body[-1])[1]) is not None
