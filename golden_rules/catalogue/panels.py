"""What a dashboard shows of the catalogue, from what matters to everyone to what explains it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from golden_rules.catalogue.metrics import Catalogue, Declaration
from golden_rules.catalogue.panel import RATE, Panel, Query, Row
from golden_rules.catalogue.promql import Operation, selected, union
from golden_rules.catalogue.resilience import resilience_panels

# The order in which people look for what is at fault; others follow by name.
_ADAPTERS = ("database", "llm", "http")


def rows_of(catalogue: Catalogue) -> list[Row]:
    """Return the rows for a catalogue; panels and rows without series are left out."""
    rows = [
        Row("Overview", tuple(_overview(catalogue))),
        Row("Workflows", tuple(_workflows(catalogue))),
        Row("Adapters", (*_adapters(catalogue), *_caches(catalogue))),
        Row("Resilience", tuple(resilience_panels(catalogue))),
        Row("More measures", tuple(_measures(catalogue))),
    ]
    return [row for row in rows if row.panels]


def base_of(declaration: Declaration, ending: str) -> str:
    """Return what the series of a declaration start with, by the one that ends so."""
    names = (series.name for series in declaration.series)
    return next((name.removesuffix(ending) for name in names if name.endswith(ending)), "")


def operations(declarations: Iterable[Declaration], ending: str = "_calls_total") -> list[Operation]:
    """Return what declarations expose, each name once."""
    found = {base_of(declaration, ending): declaration for declaration in declarations}
    return [Operation(declaration.subject, base) for base, declaration in sorted(found.items()) if base]


def _overview(catalogue: Catalogue) -> Iterator[Panel]:
    """Yield the golden signals of all requests, or of the adapters where there are no requests."""
    places = catalogue.made_by("track_request") or catalogue.made_by("track_adapter_request")
    every = operations(places)
    if not every:
        return

    def calls(function: str, status: str) -> str:
        window = "[1h]" if function == "increase" else "[$__range]"
        return union(every, lambda base: f"sum({function}({selected(f'{base}_calls_total', status)}{window}))")

    succeeded, failed, ended = 'status="success"', 'status="failure"', 'status=~"success|failure"'
    buckets = union(every, lambda base: f"sum by (le) (rate({selected(f'{base}_duration_seconds_bucket')}[$__range]))")
    shown = tuple(places)
    yield Panel(
        "Success rate", "stat", "percentunit",
        "The share of calls that succeeded, of all that succeeded or failed in the time shown; cancelled ones are left out.",
        (Query(f"sum({calls('rate', succeeded)}) / sum({calls('rate', ended)})"),), shown,
    )  # fmt: skip
    yield Panel(
        "Throughput", "stat", "reqps", "Calls that ended, a second, over the time shown.",
        (Query(f"sum({calls('rate', '')})"),), shown,
    )  # fmt: skip
    yield Panel(
        "P95", "stat", "s", "The duration that 95 of 100 calls stay below.",
        (Query(f"histogram_quantile(0.95, sum by (le) ({buckets}))"),), shown,
    )  # fmt: skip
    yield Panel(
        "Errors in the last hour", "stat", "short", "Calls that failed within the last hour.",
        (Query(f"sum({calls('increase', failed)})"),), shown,
    )  # fmt: skip
    by_status = union(every, lambda base: f"sum by (status) (rate({selected(f'{base}_calls_total')}{RATE}))")
    yield Panel(
        "Calls by outcome", "lines", "reqps", "Calls a second: `success`, `failure` and `cancelled`.",
        (Query(f"sum by (status) ({by_status})", "{{status}}"),), shown,
    )  # fmt: skip


def _workflows(catalogue: Catalogue) -> Iterator[Panel]:
    places = tuple(catalogue.made_by("track_request"))
    every = operations(places)
    if not every:
        return

    def calls(status: str) -> str:
        return union(every, lambda base: f"sum(rate({selected(f'{base}_calls_total', status)}{RATE}))")

    ended = 'status=~"success|failure"'
    failed = 'status="failure"'
    buckets = union(every, lambda base: f"sum by (le) (rate({selected(f'{base}_duration_seconds_bucket')}{RATE}))")
    yield Panel(
        "Throughput by operation", "lines", "reqps", "Calls a second.", (Query(calls(""), "{{operation}}"),), places
    )
    yield Panel(
        "Failures by operation", "lines", "percentunit", "The share of calls that failed; cancelled ones are left out.",
        (Query(f"({calls(failed)}) / ({calls(ended)})", "{{operation}}"),), places,
    )  # fmt: skip
    yield Panel(
        "P95 by operation", "lines", "s", "The duration that 95 of 100 calls stay below.",
        (Query(f"histogram_quantile(0.95, {buckets})", "{{operation}}"),), places,
    )  # fmt: skip
    errors = operations(places, "_errors_total")
    if errors:
        by_type = union(errors, lambda base: f"sum by (error_type) (rate({selected(f'{base}_errors_total')}{RATE}))")
        yield Panel(
            "Errors by type", "lines", "reqps", "Failures a second, by operation and type of error.",
            (Query(by_type, "{{operation}} {{error_type}}"),), places,
        )  # fmt: skip


def _adapters(catalogue: Catalogue) -> Iterator[Panel]:
    by_base: dict[str, list[Declaration]] = defaultdict(list)
    for declaration in catalogue.made_by("track_adapter_request"):
        by_base[base_of(declaration, "_calls_total")].append(declaration)
    for base, places in sorted(by_base.items(), key=lambda entry: (_rank(entry[1][0].subject), entry[0])):
        adapter, shown = places[0].subject, tuple(places)
        buckets = f"sum by (le, operation) (rate({selected(f'{base}_duration_seconds_bucket')}{RATE}))"
        yield Panel(
            f"{adapter}: calls by operation", "lines", "reqps", f"Calls to `{adapter}` a second.",
            (Query(f"sum by (operation) (rate({selected(f'{base}_calls_total')}{RATE}))", "{{operation}}"),), shown,
        )  # fmt: skip
        yield Panel(
            f"{adapter}: P95 by operation", "lines", "s",
            f"The duration that 95 of 100 calls to `{adapter}` stay below.",
            (Query(f"histogram_quantile(0.95, {buckets})", "{{operation}}"),), shown,
        )  # fmt: skip
        errors = f"sum by (operation, error_type) (rate({selected(f'{base}_errors_total')}{RATE}))"
        yield Panel(
            f"{adapter}: errors by type", "lines", "reqps", f"Calls to `{adapter}` that failed, a second.",
            (Query(errors, "{{operation}} {{error_type}}"),), shown,
        )  # fmt: skip


def _rank(adapter: str) -> int:
    return _ADAPTERS.index(adapter) if adapter in _ADAPTERS else len(_ADAPTERS)


def _caches(catalogue: Catalogue) -> Iterator[Panel]:
    places = tuple(catalogue.made_by("track_cache_operation"))
    lookups = [place for place in places if base_of(place, "_hits_total")]
    if lookups:
        levels = operations(lookups, "_hits_total")
        hits = union(levels, lambda base: f"sum(rate({selected(f'{base}_hits_total')}{RATE}))")
        every = union(
            levels,
            lambda base: (
                f"sum(rate({selected(f'{base}_hits_total')}{RATE}) + rate({selected(f'{base}_misses_total')}{RATE}))"
            ),
        )
        yield Panel(
            "Cache: hits", "lines", "percentunit", "The share of lookups that found something.",
            (Query(f"({hits}) / ({every})", "{{operation}}"),), tuple(lookups),
        )  # fmt: skip
    if places:
        timed = [Operation(base, base) for base in sorted({base_of(place, "_duration_seconds") for place in places})]
        buckets = union(timed, lambda base: f"sum by (le) (rate({selected(f'{base}_duration_seconds_bucket')}{RATE}))")
        yield Panel(
            "Cache: P95 by operation", "lines", "s", "The duration that 95 of 100 operations stay below.",
            (Query(f"histogram_quantile(0.95, {buckets})", "{{operation}}"),), places,
        )  # fmt: skip


def _measures(catalogue: Catalogue) -> Iterator[Panel]:
    """Yield what the simple decorators measure."""
    timers = tuple(catalogue.made_by("timed"))
    if timers:
        every = operations(timers, "_seconds")
        buckets = union(every, lambda base: f"sum by (le) (rate({selected(f'{base}_seconds_bucket')}{RATE}))")
        yield Panel(
            "Durations: P95", "lines", "s", "The duration that 95 of 100 stay below.",
            (Query(f"histogram_quantile(0.95, {buckets})", "{{operation}}"),), timers,
        )  # fmt: skip
    for title, maker in (("Counts", "counted"), ("Errors", "track_errors")):
        places = tuple(catalogue.made_by(maker))
        if places:
            yield Panel(
                title,
                "lines",
                "reqps",
                "Counted a second.",
                (Query(_counts(operations(places, "_total")), "{{operation}}"),),
                places,
            )
    peaks = tuple(catalogue.made_by("measure_memory"))
    if peaks:
        largest = union(operations(peaks, "_bytes"), lambda base: f"max({selected(f'{base}_bytes')})")
        yield Panel(
            "Peak memory",
            "lines",
            "bytes",
            "Bytes, the largest of all processes.",
            (Query(largest, "{{operation}}"),),
            peaks,
        )


def _counts(counters: Sequence[Operation]) -> str:
    return union(counters, lambda base: f"sum(rate({selected(f'{base}_total')}{RATE}))")
