"""GR402: one call of a function recorded twice under one name, or two functions under the name of one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar

from golden_rules.findings import Edit, Fix, Safety
from golden_rules.rules.applied import Applied, applied, argument
from golden_rules.rules.barriers import is_measuring
from golden_rules.rules.base import Bad, FunctionRule, Good, SliceKind, Subject, Violation
from golden_rules.rules.misleading.copied_name import copied_names, renaming
from golden_rules.rules.misleading.declared import constants, describe, own_nodes, runtime_series, text, timers
from golden_rules.rules.scope import in_runtime, out_of_scope
from golden_rules.source.trees import arguments, dotted

if TYPE_CHECKING:
    import libcst as cst

    from golden_rules.source.slices import Slice

_SPANS = frozenset({"traced", "track_request"})


class DoubleMeasured(FunctionRule):
    """One call of a function is recorded twice under one name, or two functions under the name of one.

    ## What it does

    Finds, on one function,

    - a measuring decorator that stands there twice, and decorators whose series overlap: `@timed("a.op.duration")` or
      `@track_errors("a.op.errors")` along with `@track_request("a.op")`, which has the same histogram and counter;
    - `@traced` along with a `@track_request` of the same name, which opens that span itself;
    - a decorator along with a timer of the same name inside: `timed("a.op.duration").start()`, and for `prometheus_client`
      `with PAYING.time():` or `PAYING.observe(...)` in a function under `@PAYING.time()`.

    Finds also a decorator that was copied with its name: `@track_request("shop.orders.pay")` on `refund`, where `pay` of the same
    file has it. A name that comes from a constant, and one that names neither function, is taken to be shared on purpose; so is
    that of an adapter, whose operations a label tells apart.

    ## Why is this bad?

    Every rate is twice the truth, every average mixes two measurements, and nothing looks wrong.

    ## Fix safety

    The fix takes away the decorator whose series the other one has, all of them. It is safe: the function does what it
    did, and is counted once. A copied name becomes the function's own, which is unsafe: a series appears under a new name. There
    is no fix where each has a series that the other lacks, nor for a timer inside, whose
    seconds the function may use.

    ## When not to follow it

    Where labels keep the two apart; the rule takes two decorators to be alike only if their labels are written alike.
    """

    code: ClassVar[str] = "GR402"
    name: ClassVar[str] = "double-measured"
    slice_kind: ClassVar[SliceKind] = SliceKind.HEADER
    triggers: ClassVar[tuple[str, ...]] = ("@",)
    cases: ClassVar[tuple[Bad | Good, ...]] = (
        Bad(
            """\
from golden_runtime import timed, track_request


@timed("shop.orders.pay.duration")
@track_request("shop.orders.pay")
def pay(order):
    return order.pay()
""",
            """\
from golden_runtime import track_request


@track_request("shop.orders.pay")
def pay(order):
    return order.pay()
""",
        ),
        Bad(
            """\
from golden_runtime import counted


@counted("shop.orders.paid", {"kind": "order"})
@counted(
    "shop.orders.paid",
    {"kind": "order"},
)
def pay(order):
    return order.pay()
""",
            """\
from golden_runtime import counted


@counted("shop.orders.paid", {"kind": "order"})
def pay(order):
    return order.pay()
""",
        ),
        Bad(
            """\
from golden_runtime import traced, track_request

PAY = "shop.orders.pay"


@track_request(PAY)
@traced("shop.orders.pay")
def pay(order):
    return order.pay()
""",
            """\
from golden_runtime import track_request

PAY = "shop.orders.pay"


@track_request(PAY)
def pay(order):
    return order.pay()
""",
        ),
        Bad(
            """\
from golden_runtime import timed


@timed("shop.orders.pay.duration")
def pay(order, log):
    timer = timed("shop.orders.pay.duration").start()
    order.pay()
    log.info("paid in %.1f s", timer.stop())
""",
        ),
        Bad(
            """\
from prometheus_client import Histogram

PAYING = Histogram("shop_paying_seconds", "Seconds that payments take.")


@PAYING.time()
def pay(order):
    with PAYING.time():
        return order.pay()
""",
        ),
        Bad(
            """\
from golden_runtime import track_request


@track_request("shop.orders.pay")
def pay(order):
    return order.pay()


@track_request("shop.orders.pay")
def refund(order):
    return order.pay_back()
""",
            """\
from golden_runtime import track_request


@track_request("shop.orders.pay")
def pay(order):
    return order.pay()


@track_request("shop.orders.refund")
def refund(order):
    return order.pay_back()
""",
            unsafe=True,
        ),
        Good(
            """\
from golden_runtime import counted, track_adapter_request


@counted("shop.orders.closed")
@track_adapter_request("payments")
def pay(order):
    return order.pay()


@counted("shop.orders.closed")
@track_adapter_request("payments")
def refund(order):
    return order.pay_back()
""",
            "an event and an adapter that both have to do with",
        ),
        Good(
            """\
from golden_runtime import counted, timed, track_errors, track_request


@counted("shop.orders.paid")
@timed("shop.orders.paying")
@track_errors("shop.orders.unpaid")
@track_request("shop.orders.pay")
def pay(order):
    return order.pay()
""",
            "four names",
        ),
        Good(
            """\
from golden_runtime import counted


@counted("shop.orders.paid", {"kind": "order"})
@counted("shop.orders.paid", {"kind": "any"})
def pay(order):
    return order.pay()
""",
            "labels keep them apart",
        ),
        Good(
            """\
from golden_runtime import timed, track_request


@track_request("shop.orders.pay")
def pay(order):
    with timed("shop.orders.pay.booking"):
        return order.pay()
""",
            "a part of the work under a name of its own",
        ),
    )

    def wants(self, subject: Subject) -> bool:
        if not subject.function.decorators or out_of_scope(subject.path) or in_runtime(subject.outline, subject.config):
            return False
        entries = _measuring(subject)
        return bool(entries) and (
            any(_doubles(subject, entries)) or any(copied_names(subject.outline, subject.function, subject.config))
        )

    def check(self, subject: Subject, piece: Slice[cst.FunctionDef]) -> Iterator[Violation]:
        qualname = subject.function.qualname
        for double in _doubles(subject, _measuring(subject)):
            if double.entry is not None:
                span = piece.span(piece.node.decorators[double.entry.index].decorator)
            else:
                span = _span(subject, double.node)
            fix = _removal(subject, double.entry) if double.entry is not None and double.is_whole else None
            yield Violation(
                span=span,
                message=f"each call of `{qualname}` is recorded twice as `{double.name}`: by `{double.first}` and `{double.second}`",
                remedy="drop one of them, or give it a name of its own",
                fix=fix,
            )
        for copied in copied_names(subject.outline, subject.function, subject.config):
            span = _span(subject, copied.literal)
            yield Violation(
                span=span,
                message=f"`{qualname}` is recorded as `{copied.name}`, the name of `{copied.original.qualname}`: "
                f"both stand under the same `@{copied.entry.written}`",
                remedy=f"name it for what it does, `{copied.own}`, or tell the two apart by a label",
                fix=renaming(subject.source.text, copied, span),
            )


@dataclass(frozen=True, slots=True)
class _Double:
    """A second recording of what a decorator records.

    Attributes:
        name: The series or span that both record.
        node: The second recording; `entry` is its decorator, if it is one.
        is_whole: Whether the first records all that the second does.
    """

    name: str
    first: str
    second: str
    node: ast.expr
    entry: Applied | None = None
    is_whole: bool = False


def _measuring(subject: Subject) -> list[Applied]:
    entries = applied(subject.outline, subject.function, subject.config)
    return [entry for entry in entries if entry.call is not None and is_measuring(entry, subject.config)]


def _doubles(subject: Subject, entries: list[Applied]) -> Iterator[_Double]:
    known = constants(subject.outline)
    taken: set[int] = set()
    for first, second in combinations(entries, 2):
        if first.index in taken or second.index in taken:
            continue
        pairs = _pair(subject, first, second, known), _pair(subject, second, first, known)
        # The decorator to drop is one of which the other has everything; of two alike, the inner one.
        double = next((pair for pair in pairs if pair is not None and pair.is_whole), pairs[0] or pairs[1])
        if double is not None and double.entry is not None:
            taken.add(double.entry.index)
            yield double
    for entry in entries:
        if entry.index not in taken:
            yield from _inside(subject, entry, known)


def _pair(subject: Subject, first: Applied, second: Applied, known: Mapping[str, object]) -> _Double | None:
    """Return what is wrong with two decorators of which the first has all that the second has."""
    if first.call is None or second.call is None:
        return None
    shown = describe(first, known), describe(second, known)
    if not first.name or not second.name:
        if ast.dump(first.call) != ast.dump(second.call):
            return None
        return _Double(
            first.written.removesuffix("()"), f"@{first.written}", f"@{second.written}", second.call, second, True
        )
    if second.name == "traced" and first.name in _SPANS:
        span = text(argument(second.call, 0, "span_name"), known)
        named = argument(first.call, 0, "span_name" if first.name == "traced" else "operation_name")
        if span is None or span != text(named, known):
            return None
        return _Double(span, *shown, second.call, second, arguments(second.call) == 1)
    if not _labelled_alike(first.call, second.call):
        return None
    name = subject.function.name
    one = runtime_series(first.name, first.call, name, known)
    other = runtime_series(second.name, second.call, name, known)
    shared = [series for series in other if series in one]
    if not shared:
        return None
    return _Double(shared[0].name, *shown, second.call, second, len(shared) == len(other))


def _labelled_alike(one: ast.Call, other: ast.Call) -> bool:
    """Whether two decorators of the runtime have their labels, and their operation, written alike."""
    return all(
        _written(argument(one, position, name)) == _written(argument(other, position, name))
        for position, name in ((1, "labels"), (99, "operation"))
    )


def _written(node: ast.expr | None) -> str:
    return "" if node is None else ast.dump(node)


def _inside(subject: Subject, entry: Applied, known: Mapping[str, object]) -> Iterator[_Double]:
    """Yield what the body records again of what a decorator records."""
    function = subject.function
    if entry.name:
        series = {
            found.name for found in runtime_series(entry.name, entry.call, function.name, known) if found.labels == ()
        }
        for call in timers(subject.outline, function, subject.config) if series else ():
            for found in runtime_series("timed", call, function.name, known):
                if found.name in series:
                    yield _Double(found.name, describe(entry, known), ast.unparse(call), call)
        return
    if not entry.written.endswith(".time") or entry.call is None or not isinstance(entry.call.func, ast.Attribute):
        return
    metric = ast.dump(entry.call.func.value)
    for node in own_nodes(function):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("time", "observe")
            and ast.dump(node.func.value) == metric
        ):
            yield _Double(dotted(node.func.value), f"@{entry.written}()", ast.unparse(node), node)


def _removal(subject: Subject, entry: Applied) -> Fix:
    source, node = subject.source, subject.function.node.decorator_list[entry.index]
    start = source.line_start(node.lineno)
    end = source.line_start((node.end_lineno or node.lineno) + 1)
    return Fix(Safety.SAFE, f"drop `@{entry.written}`", (Edit(start, end, ""),))


def _span(subject: Subject, node: ast.expr) -> tuple[int, int]:
    start = subject.source.offset(node.lineno, node.col_offset)
    return start, subject.source.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
