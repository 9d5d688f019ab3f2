"""GR103: execution paths that nothing measures."""

from __future__ import annotations

from collections.abc import Iterator

from golden_rules.criticality import THRESHOLD, Kind
from golden_rules.rules.base import Bad, Good, Subject, UnmeasuredRule, Violation
from golden_rules.rules.unmeasured.insertion import request_decorator, violation


class UnmeasuredWorkflow(UnmeasuredRule):
    """An execution path that nothing measures: what runs, executes, processes, handles or deploys.

    ## What it does
    Finds functions that carry out the program's work, by what they call, await, handle and are named, and that
    have no measuring decorator. `golden-rules coverage` lists the reasons and their points.

    ## Why is this bad?
    A daemon that runs workflows all day and records nothing looks healthy until a customer calls. Calls, duration and
    errors of each execution path are what success rates and alerts are made of.

    ## Fix safety
    Safe. `@track_request` keeps the function's kind, signature and name.

    A function that swallows its exceptions gets `mark_failure` along with the decorator, see GR406; where only you know
    whether what it catches is a failure, that takes `--unsafe-fixes`.

    ## When not to follow it
    Where the function around it is measured and nobody needs the parts apart, mark it
    `# golden-rules: not-critical -- reason`. A project that wants fewer or more findings sets `threshold`,
    for all functions or for this rule.
    """

    code = "GR103"
    name = "unmeasured-workflow"
    kind = Kind.WORKFLOW
    options = (THRESHOLD,)
    cases = (
        Bad(
            """\
import logging

logger = logging.getLogger(__name__)


class Fulfilment:
    async def process_order(self, order):
        try:
            stock = await self.warehouse.reserve(order)
            parcel = await self.packing.pack(stock)
            await self.carrier.hand_over(parcel)
        except PackingError:
            logger.exception("order %s cannot be packed", order.number)
            raise
        logger.info("order %s is on its way", order.number)
""",
            """\
import logging

from golden_runtime import track_request

logger = logging.getLogger(__name__)


class Fulfilment:
    @track_request("shop.orders.process_order")
    async def process_order(self, order):
        try:
            stock = await self.warehouse.reserve(order)
            parcel = await self.packing.pack(stock)
            await self.carrier.hand_over(parcel)
        except PackingError:
            logger.exception("order %s cannot be packed", order.number)
            raise
        logger.info("order %s is on its way", order.number)
""",
        ),
        Good(
            """\
class Fulfilment:
    async def process_order(self, order):
        stock = await self.warehouse.reserve(order)
        parcel = await self.packing.pack(stock)
        await self.carrier.hand_over(parcel)
""",
            "a project that asks for more points here",
            settings=(("rules", {"GR103": {"threshold": 60}}),),
        ),
        Good(
            """\
class Fulfilment:
    def is_complete(self, order):
        return all(line.is_packed() for line in order.lines())

    def _parse_label(self, label):
        return label.strip().partition(":")[2]
""",
            "helpers carry out nothing",
        ),
        Good(
            """\
from golden_runtime import track_request


class Fulfilment:
    @track_request("shop.orders.process_order")
    async def process_order(self, order):
        stock = await self._reserve(order)
        await self._hand_over(stock)

    async def _reserve(self, order):
        await self.warehouse.lock(order)
        stock = await self.warehouse.reserve(order)
        await self.warehouse.unlock(order)
        return stock

    async def _hand_over(self, stock):
        parcel = await self.packing.pack(stock)
        await self.carrier.hand_over(parcel)
""",
            "what only serves a measured function shows in that function's series",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        yield violation(subject, request_decorator(subject))
