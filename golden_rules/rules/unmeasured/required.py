"""GR105: functions that the configuration or a comment names critical, and that nothing measures."""

from __future__ import annotations

from collections.abc import Iterator

from golden_rules.criticality import Kind
from golden_rules.rules.base import Bad, Good, Subject, UnmeasuredRule, Violation
from golden_rules.rules.placement import is_unfinished
from golden_rules.rules.unmeasured.insertion import request_decorator, violation


class UnmeasuredRequired(UnmeasuredRule):
    """A function that is named critical, and that nothing measures.

    ## What it does
    Finds functions that `critical` in the configuration or a comment `# golden-rules: critical` names and that have no
    measuring decorator, whatever their score. A decorator or context manager that measures others, and what it returns, is left
    alone: with a series of its own, each call would be recorded twice, see GR206.

    ## Why is this bad?
    Somebody who knows the system said that this function must be measured.

    ## Fix safety
    Safe. `@track_request` keeps the function's kind, signature and name.

    A function that swallows its exceptions gets `mark_failure` along with the decorator, see GR406; where only you know
    whether what it catches is a failure, that takes `--unsafe-fixes`.

    ## When not to follow it
    When the function is no longer critical, take it out of `critical`, or remove the comment.

    ## Options
    - `critical`
    """

    code = "GR105"
    name = "unmeasured-required"
    kind = Kind.REQUIRED
    cases = (
        Bad(
            """\
# golden-rules: critical
def total(order):
    return sum(line.price() for line in order.lines)
""",
            """\
from golden_runtime import track_request


# golden-rules: critical
@track_request("shop.orders.total")
def total(order):
    return sum(line.price() for line in order.lines)
""",
        ),
        Bad(
            """\
class Prices:
    @staticmethod
    def _round(amount):
        return round(amount, 2)
""",
            """\
from golden_runtime import track_request


class Prices:
    @staticmethod
    @track_request("shop.orders.round")
    def _round(amount):
        return round(amount, 2)
""",
            settings=(("critical", ["shop.orders.Prices.*"]),),
        ),
        Bad(
            """\
import numba


@numba.njit
def total(prices):
    return prices.sum()
""",
            settings=(("critical", ["shop.orders.total"]),),
        ),
        Good(
            """\
import abc


class Prices(abc.ABC):
    # golden-rules: critical
    @abc.abstractmethod
    def price(self, item): ...
""",
            "what implements it is called in its place",
        ),
        Good(
            """\
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Prices(Protocol[Item]):
    # golden-rules: critical
    def price(self, item: Item): ...


class Sums(Protocol):
    # golden-rules: critical
    def sum(self, items): ...
""",
            "a protocol is never called",
        ),
        Good(
            """\
def total(order):
    return sum(line.price() for line in order.lines)
""",
            "nobody named it",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        # what is called in its place has the same name, and is found on its own account
        if not is_unfinished(subject.function):
            yield violation(subject, request_decorator(subject))
