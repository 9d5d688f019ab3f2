"""Coverage as text, Markdown and JSON: the shares, and which functions are worth a look first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from golden_rules.reports.trend import trend_document
from golden_rules.reports.words import counted

if TYPE_CHECKING:
    from golden_rules.coverage import Coverage, Share
    from golden_rules.findings import ScoredFunction
    from golden_rules.trend import Trend

# Raised when a key changes its meaning or goes; new keys do not raise it.
FORMAT_VERSION = 1
# A person reads a screenful; the formats for programs list every function.
_SHOWN = 20


def text_report(found: Coverage) -> Iterator[str]:
    """Yield the coverage for a person at a terminal."""
    if len(found.packages) > 1:
        yield from _table("package", found.packages)
        yield ""
    unmeasured = found.unmeasured()
    if unmeasured:
        yield "the most critical functions that nothing measures:"
        width = max(len(f"{function.score:g}") for function in unmeasured[:_SHOWN])
        for function in unmeasured[:_SHOWN]:
            yield f"  {function.score:>{width}g}  {function.path}:{function.line} `{function.function}`: {_why(function)}"
        if len(unmeasured) > _SHOWN:
            yield f"  and {len(unmeasured) - _SHOWN} more"
        yield ""
    yield _sentence(found)
    if len(found.apps) > 1:
        yield _apps(found)
    yield from _proposed(found)


def markdown_report(found: Coverage) -> Iterator[str]:
    """Yield the coverage for a pull request's comment or a wiki page."""
    yield f"**{_sentence(found)}**"
    if len(found.apps) > 1:
        yield ""
        yield _apps(found)
    for title, shares in (("app", found.apps), ("package", found.packages)):
        if len(shares) > 1:
            yield ""
            yield f"| {title} | critical | measured | per cent |"
            yield "|---|---:|---:|---:|"
            yield from (
                f"| {share.name} | {share.critical} | {share.measured} | {share.per_cent:.0f} |" for share in shares
            )
    if unmeasured := found.unmeasured():
        yield ""
        yield "| score | function that nothing measures | why |"
        yield "|---:|---|---|"
        for function in unmeasured[:_SHOWN]:
            yield f"| {function.score:g} | `{function.path}:{function.line}` `{function.function}` | {_why(function)} |"
        if len(unmeasured) > _SHOWN:
            yield ""
            yield f"And {len(unmeasured) - _SHOWN} more."
    for line in _proposed(found):
        yield ""
        yield line


def json_report(found: Coverage, trends: Sequence[Trend] = ()) -> str:
    """Return the coverage as one JSON document; other programs rely on its keys."""
    functions = [
        {
            "path": function.path,
            "function": function.function,
            "line": function.line,
            "score": function.score,
            "critical": function.critical,
            "measured": function.measured,
            "reasons": list(function.reasons),
        }
        for function in found.functions
    ]
    summary: dict[str, object] = {
        "files": found.files,
        **_numbers(found.total),
        "apps": [{"name": share.name, **_numbers(share)} for share in found.apps],
        "packages": [{"name": share.name, **_numbers(share)} for share in found.packages],
    }
    if found.proposal is not None:
        summary["proposal"] = {
            "budget": found.proposal.budget,
            "threshold": found.proposal.threshold,
            "critical": found.proposal.critical,
        }
    document: dict[str, object] = {"version": FORMAT_VERSION, "functions": functions, "summary": summary}
    if trends:
        document["trends"] = trend_document(trends)
    return json.dumps(document, indent=2)


def _numbers(share: Share) -> dict[str, object]:
    return {
        "functions": share.functions,
        "critical": share.critical,
        "measured": share.measured,
        "per_cent": round(share.per_cent, 1),
    }


def _table(title: str, shares: Sequence[Share]) -> Iterator[str]:
    width = max(len(title), *(len(share.name) for share in shares))
    yield f"{title:<{width}}  critical  measured  per cent"
    for share in shares:
        yield f"{share.name:<{width}}  {share.critical:>8}  {share.measured:>8}  {share.per_cent:>8.0f}"


def _why(function: ScoredFunction) -> str:
    return "; ".join(function.reasons[:3])


def _sentence(found: Coverage) -> str:
    total = found.total
    if not total.critical:
        return f"none of {counted(total.functions, 'function')} in {counted(found.files, 'file')} is critical"
    return (
        f"{total.measured} of {total.critical} critical functions are measured ({total.per_cent:.0f} %);"
        f" {counted(total.functions, 'function')} in {counted(found.files, 'file')}"
    )


def _apps(found: Coverage) -> str:
    complete = sum(share.measured == share.critical for share in found.apps)
    return f"{complete} of {len(found.apps)} apps measure all that is critical in them"


def _proposed(found: Coverage) -> Iterator[str]:
    if found.proposal is not None:
        proposal, functions = found.proposal, found.total.functions
        yield (
            f"`threshold = {proposal.threshold:g}` makes {proposal.critical} of {functions} functions critical"
            f" ({100 * proposal.critical / functions:.1f} %)"
        )
