"""How `metrics` shows the catalogue and what a scrape differs in: text, JSON, Markdown, OpenMetrics metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from golden_rules.catalogue.metrics import Catalogue, Declaration, Metric
from golden_rules.catalogue.scrape import Comparison, Difference
from golden_rules.reports.words import counted

# Raised when a key changes its meaning or goes; new keys do not raise it.
FORMAT_VERSION = 1


def text_report(catalogue: Catalogue) -> Iterator[str]:
    """Yield the catalogue for a person at a terminal."""
    for metric in catalogue.metrics():
        yield f"{_signature(metric)}  {metric.series.kind}"
        yield from (f"    {_place(place)}" for place in metric.places)
    if catalogue.unnamed:
        yield ""
        yield "series whose names only the running program knows:"
        yield from (f"    {_place(place)}" for place in catalogue.unnamed)
    yield ""
    yield _sentence(catalogue)


def markdown_report(catalogue: Catalogue) -> Iterator[str]:
    """Yield the catalogue as tables, one for each app, for a wiki page or a runbook."""
    for app in catalogue.apps():
        yield f"## {app}"
        yield ""
        yield "| series | kind | unit | labels | made by |"
        yield "|---|---|---|---|---|"
        for metric in catalogue.of_app(app).metrics():
            series = metric.series
            labels = "?" if series.labels is None else ", ".join(f"`{label}`" for label in series.labels)
            places = "<br>".join(_cell(place) for place in metric.places)
            yield f"| `{series.name}` | {series.kind} | {series.unit} | {labels} | {places} |"
        yield ""
    if catalogue.unnamed:
        yield "Series whose names only the running program knows:"
        yield ""
        yield from (f"- {_cell(place)}" for place in catalogue.unnamed)
        yield ""
    yield _sentence(catalogue)


def json_report(catalogue: Catalogue) -> str:
    """Return the catalogue as one JSON document; other programs rely on its keys."""
    metrics = catalogue.metrics()
    document = {
        "version": FORMAT_VERSION,
        "series": [_series(metric) for metric in metrics],
        "unnamed": [_declared(place) for place in catalogue.unnamed],
        "summary": {
            "files": catalogue.files,
            "series": len(metrics),
            "places": len(catalogue.declarations),
            "unnamed": len(catalogue.unnamed),
        },
    }
    return json.dumps(document, indent=2)


def openmetrics_report(catalogue: Catalogue) -> Iterator[str]:
    """Yield the metadata of every series as OpenMetrics writes it, without a sample."""
    for metric in catalogue.metrics():
        series = metric.series
        name = series.name.removesuffix("_total") if series.kind == "counter" else series.name
        yield f"# TYPE {name} {series.kind}"
        if series.unit:
            yield f"# UNIT {name} {series.unit}"
        words = "; ".join(_place(place) for place in metric.places)
        escaped = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        yield f"# HELP {name} {escaped}"
    yield "# EOF"


def comparison_text(found: Comparison, source: str) -> Iterator[str]:
    """Yield how a scrape differs from the catalogue, for a person at a terminal."""
    for title, differences in _differences(found):
        if differences:
            yield f"{title}:"
            for difference in differences:
                yield f"  {difference.name}: {difference.what}"
                if difference.metric is not None:
                    yield from (f"      {_place(place)}" for place in difference.metric.places)
            yield ""
    if found.differs:
        counts = ", ".join(f"{len(differences)} {title}" for title, differences in _differences(found))
        yield f"{source} differs from the code: {counts}; {found.expected} series in the code"
    else:
        yield f"{source} exposes all {found.expected} series of the code, and no others"


def comparison_markdown(found: Comparison, source: str) -> Iterator[str]:
    """Yield how a scrape differs from the catalogue as a table."""
    if found.differs:
        yield "| series | | made by |"
        yield "|---|---|---|"
        for title, differences in _differences(found):
            for difference in differences:
                places = difference.metric.places if difference.metric is not None else ()
                yield f"| `{difference.name}` | {title}: {difference.what} | {'<br>'.join(map(_cell, places))} |"
        yield ""
    yield from list(comparison_text(found, f"`{source}`"))[-1:]


def comparison_json(found: Comparison, source: str) -> str:
    """Return how a scrape differs from the catalogue as one JSON document; other programs rely on its keys."""
    document: dict[str, object] = {"version": FORMAT_VERSION, "scrape": source, "expected": found.expected}
    for title, differences in _differences(found):
        document[title] = [
            {
                "name": difference.name,
                "message": difference.what,
                "places": [_declared(place) for place in difference.metric.places] if difference.metric else [],
            }
            for difference in differences
        ]
    return json.dumps(document, indent=2)


def _differences(found: Comparison) -> tuple[tuple[str, Sequence[Difference]], ...]:
    return (("missing", found.missing), ("extra", found.extra), ("changed", found.changed))


def _series(metric: Metric) -> dict[str, object]:
    series = metric.series
    return {
        "name": series.name,
        "kind": series.kind,
        "labels": None if series.labels is None else list(series.labels),
        "unit": series.unit,
        "places": [_declared(place) for place in metric.places],
    }


def _declared(place: Declaration) -> dict[str, object]:
    return {
        "path": place.path,
        "line": place.line,
        "function": place.function,
        "app": place.app,
        "made_by": place.maker,
        "name": place.subject,
        "code": place.written,
    }


def _signature(metric: Metric) -> str:
    labels = metric.series.labels
    shown = "?" if labels is None else ", ".join(labels)
    return f"{metric.series.name}{{{shown}}}" if shown else metric.series.name


def _place(place: Declaration) -> str:
    function = f" `{place.function}`" if place.function else ""
    return f"{place.path}:{place.line}{function} {place.written}"


def _cell(place: Declaration) -> str:
    function = f"`{place.function}` " if place.function else ""
    return f"{place.path}:{place.line} {function}`{place.written}`".replace("|", "\\|")


def _sentence(catalogue: Catalogue) -> str:
    places = len(catalogue.declarations)
    unnamed = (
        f"; {len(catalogue.unnamed)} more give{'s' if len(catalogue.unnamed) == 1 else ''} no constant name"
        if catalogue.unnamed
        else ""
    )
    return f"{len(catalogue.metrics())} series from {counted(places, 'place')} in {counted(catalogue.files, 'file')}{unnamed}"
