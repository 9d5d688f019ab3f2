"""What a service exposes, read from its `/metrics` page, and how it differs from the catalogue.

The page is read in Prometheus' text format and in OpenMetrics, as far as names, kinds and labels go.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from golden_rules.catalogue.metrics import Catalogue, Metric
from golden_rules.errors import UsageError, reason_of
from golden_rules.paths import shown

# What an exposition of each kind puts behind a family's name.
_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("_sum", "_count", "_created"),
    "counter": ("_created",),
}
# What prometheus_client exposes of every process, and how its other kinds of metrics are typed.
_OF_EVERY_PROCESS = ("process_*", "python_*")
_SAME = {"info": "gauge", "stateset": "gauge", "unknown": "untyped"}
_OF_KIND = frozenset({"le", "quantile"})
_TYPE = re.compile(r"#\s*TYPE\s+(\S+)\s+(\w+)")
_SAMPLE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)\s*(\{.*\})?\s+(?:[-+]?(?:\d|\.\d|inf\b)|nan\b)", re.IGNORECASE)
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"(?:[^"\\]|\\.)*"')
_TIMEOUT = 10.0


@dataclass(slots=True)
class Exposed:
    """A metric as a page shows it: its kind, and the names of its labels, None before the first sample."""

    kind: str
    labels: set[str] | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric that the page and the catalogue do not agree on; `what` is a sentence without its subject."""

    name: str
    what: str
    metric: Metric | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a page differs from the catalogue, each list in the order of names."""

    expected: int
    missing: list[Difference] = field(default_factory=list)
    extra: list[Difference] = field(default_factory=list)
    changed: list[Difference] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether anything differs."""
        return bool(self.missing or self.extra or self.changed)


def fetch(scrape: str) -> str:
    """Return the page at a URL, or the content of a file. Raises UsageError."""
    if scrape.startswith(("http://", "https://")):
        return _fetched(scrape)
    path = Path(scrape)
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        reason = reason_of(error)
        raise UsageError(f"`{shown(path)}` cannot be read: {reason}; `--check` takes a file or a URL") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"`{shown(path)}` is no page of metrics: it is not UTF-8") from error


def _fetched(url: str) -> str:
    import http.client
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    try:
        request = Request(url, headers={"Accept": "text/plain; version=0.0.4"})  # noqa: S310 - http and https only, see `fetch`
        with urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310 - as above
            content: bytes = response.read()
    except HTTPError as error:
        raise UsageError(f"`{url}` cannot be read: it answers {error.code} ({error.reason})") from error
    except (URLError, OSError, ValueError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        reason = reason_of(cause) if isinstance(cause, OSError) else cause
        raise UsageError(f"`{url}` cannot be read: {reason}; is the service up?") from error
    return content.decode(errors="replace")


def read_page(text: str, source: str) -> dict[str, Exposed]:
    """Return the metrics of a page by name, counters with `_total`; raises UsageError where there are none at all."""
    found: dict[str, Exposed] = {}
    families: dict[str, str] = {}
    for line in text.splitlines():
        if match := _TYPE.match(line):
            name, kind = match[1], _SAME.get(match[2], match[2])
            if kind == "counter":
                name = name.removesuffix("_total") + "_total"
            elif match[2] == "info":
                name = name.removesuffix("_info") + "_info"
            families[name] = kind
            found.setdefault(name, Exposed(kind))
        elif not line.startswith("#") and (match := _SAMPLE.match(line)):
            name = _family(match[1], families)
            exposed = found.setdefault(name, Exposed(families.get(name, "untyped")))
            labels = {label for label in _LABEL.findall(match[2] or "") if label not in _OF_KIND}
            exposed.labels = labels if exposed.labels is None else exposed.labels | labels
    if not found:
        raise UsageError(f"`{source}` is no page of metrics: it has not one sample nor a line `# TYPE`")
    return found


def _family(sample: str, families: Mapping[str, str]) -> str:
    if sample in families:
        return sample
    for kind, suffixes in _SUFFIXES.items():
        for suffix in suffixes:
            base = sample.removesuffix(suffix)
            if base != sample and families.get(base) == kind:
                return base
            if base != sample and kind == "counter" and f"{base}_total" in families:
                return f"{base}_total"
    return sample


def compare(catalogue: Catalogue, page: Mapping[str, Exposed], allowed: Iterable[str] = ()) -> Comparison:
    """Return how a page differs from the catalogue; `allowed` are patterns of names that may be there besides."""
    patterns = (*_OF_EVERY_PROCESS, *allowed)
    expected = catalogue.metrics()
    names = {metric.series.name for metric in expected}
    found = Comparison(len(expected))
    for metric in expected:
        exposed = page.get(metric.series.name)
        if exposed is None:
            found.missing.append(Difference(metric.series.name, _absent(metric), metric))
        elif change := _change(metric, exposed):
            found.changed.append(Difference(metric.series.name, change, metric))
    for name in sorted(page.keys() - names):
        # prometheus_client also exposes when a counter or histogram began, as a gauge of its own
        base = name.removesuffix("_created")
        began = base != name and (base in page or f"{base}_total" in page)
        if not began and not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            found.extra.append(Difference(name, f"a {page[name].kind} that no code here makes"))
    return found


def _absent(metric: Metric) -> str:
    what = f"a {metric.series.kind} that is not there"
    if all(place.made_late for place in metric.places):
        return f"{what}; it comes when `{metric.places[0].function}` first runs"
    return what


def _change(metric: Metric, exposed: Exposed) -> str:
    series = metric.series
    if exposed.kind not in (series.kind, "untyped"):
        return f"a {series.kind} in the code, a {exposed.kind} on the page"
    if series.labels is None or exposed.labels is None or set(series.labels) == exposed.labels:
        return ""
    return f"{_listed(series.labels)} in the code, {_listed(sorted(exposed.labels))} on the page"


def _listed(labels: Iterable[str]) -> str:
    names = ", ".join(f"`{label}`" for label in labels)
    return f"labels {names}" if names else "no labels"
