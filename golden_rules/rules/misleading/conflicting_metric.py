"""GR404: one metric declared twice as two different things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from golden_rules.rules.base import Bad, Good, ModuleSubject, Observation, ProjectRule, ProjectViolation
from golden_rules.rules.misleading.declarations import Declared, conflict_of, declarations
from golden_rules.rules.scope import in_runtime, out_of_scope

if TYPE_CHECKING:
    from golden_rules.findings import Fact


class ConflictingMetric(ProjectRule):
    """One metric is declared in two places as two different things.

    ## What it does

    Gathers the metrics that the runtime's decorators and timers and `prometheus_client`'s classes declare under constant names,
    in all files of the project, and finds

    - one name with two kinds, or with two sets of labels;
    - names that take up each other's series: a gauge `orders` and a counter `orders_total`, a counter `paying_count` and a
      histogram `paying`;
    - for the runtime, one name written in two ways: `shop.a.b` and `shop.a_b` are one metric to Prometheus, and so are `a` and
      `shop.a` below the `namespace` `shop`.

    Metrics that are given a registry of their own are left alone, and so are names and labels that are not constant.

    ## Why is this bad?

    When both modules are imported in one process the second declaration raises, in the runtime and in `prometheus_client`: at
    start-up, or when a rarely used module is loaded in production. When they are not, Prometheus gets one name that
    means two things, and sums over it are wrong.

    ## Fix safety

    There is no fix: which of the two is to be renamed is for you to say. Fixes of other rules write no name that would conflict.

    ## When not to follow it

    Where two programs of one repository never share a process nor a Prometheus.
    """

    code: ClassVar[str] = "GR404"
    name: ClassVar[str] = "conflicting-metric"
    triggers: ClassVar[tuple[str, ...]] = (
        "prometheus_client", "counted", "timed", "track_", "measure_memory",
    )  # fmt: skip
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
from golden_runtime import counted


@counted("shop.orders.paid")
def pay(order):
    return order.pay()


@counted("shop.orders.paid", {"by": "mail"})
def pay_by_mail(order):
    return order.pay_by_mail()
""",
        ),
        Bad(
            """\
from golden_runtime import timed, track_request


@track_request("shop.orders.pay", labels={"shop": "main"})
def pay(order):
    with timed("shop.orders.pay.duration"):
        return order.pay()
""",
        ),
        Bad(
            """\
from prometheus_client import Counter, Gauge

WAITING = Gauge("shop_orders", "Orders that wait.")
TAKEN = Counter("shop_orders", "Orders taken.", ["shop"])
""",
            path="src/shop/metrics.py",
        ),
        Bad(
            """\
from golden_runtime import counted


@counted("shop.orders.paid_late")
def pay_late(order):
    return order.pay()


@counted("shop.orders.paid.late")
def pay_later(order):
    return order.pay()
""",
        ),
        Good(
            """\
from golden_runtime import counted, track_adapter_request


@counted("shop.orders.paid", {"by": "hand"})
@track_adapter_request("bank")
def pay(order):
    return order.pay()


@counted("shop.orders.paid", {"by": "mail"})
@track_adapter_request("bank")
def pay_by_mail(order):
    return order.pay_by_mail()
""",
            "one metric with the same labels in two places",
        ),
        Good(
            """\
from prometheus_client import CollectorRegistry, Counter, Gauge

registry = CollectorRegistry()
TAKEN = Counter("shop_orders", "Orders taken.")
PUSHED = Gauge("shop_orders", "Orders taken today.", registry=registry)
""",
            "a registry of its own",
        ),
    )

    def observe(self, subject: ModuleSubject) -> Iterator[Observation]:
        if out_of_scope(subject.path) or in_runtime(subject.outline, subject.config):
            return
        for found in declarations(subject.outline, subject.config):
            yield Observation(tuple(found.metric), subject.source.span(found.call), found.function)

    def conclude(self, facts: Sequence[Fact], *, whole: bool) -> Iterator[ProjectViolation]:  # noqa: ARG002 - two places conflict whatever else there is
        taken: dict[str, list[tuple[Fact, Declared]]] = defaultdict(list)
        for fact in sorted(facts, key=_place):
            declared = Declared(*cast("tuple[str, str, tuple[str, ...] | None, str, str]", fact.data))
            earlier = [found for name in declared.series for found in taken.get(name, ())]
            conflict = next(((other, why) for other in earlier if (why := conflict_of(declared, other[1]))), None)
            if conflict is not None:
                (first, _), why = conflict
                where = "above" if first.path == fact.path else f"in {first.path}"
                line = first.place.line if first.place is not None else 0
                yield ProjectViolation(
                    fact,
                    f"`{declared.shown}` conflicts with line {line} {where}: {why}",
                    "give one of them another name",
                )
            for name in declared.series:
                taken[name].append((fact, declared))


def _place(fact: Fact) -> tuple[str, int, int]:
    return (fact.path, fact.place.line, fact.place.column) if fact.place is not None else (fact.path, 0, 0)
