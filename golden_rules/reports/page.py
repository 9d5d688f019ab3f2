"""The coverage page: one file that needs nothing else, not even a network.

What it shows is packed with deflate, which browsers unpack themselves: the index when the page opens, sources in blocks when one
is looked at. Five thousand files make a page of some megabytes that opens at once.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files as resources

from golden_rules.coverage import Coverage, Share
from golden_rules.marking import Mark, MarkedFile
from golden_rules.reports.trend import sparkline, trend_sentence
from golden_rules.trend import Trend

# Sources are packed together up to so many characters: larger blocks pack better, smaller ones open faster.
_BLOCK = 400_000
# A generated file of this size is nothing to read.
_LARGEST = 1_000_000


def page(found: Coverage, files: Sequence[MarkedFile], trends: Sequence[Trend] = ()) -> str:
    """Return the page as HTML, plain ASCII whatever the sources hold."""
    blocks = list(_blocks(files))
    places = {position: (number, index) for number, block in enumerate(blocks) for index, position in enumerate(block)}
    reasons: dict[str, int] = {}
    document = {
        "total": _share(found.total),
        "scanned": found.files,
        "apps": [_share(share) for share in found.apps],
        "packages": [_share(share) for share in found.packages],
        "trends": [_trend(trend) for trend in trends],
        "files": [
            [
                file.path,
                file.app,
                file.package,
                file.lines,
                *places.get(position, (-1, -1)),
                _marks(file.marks, reasons),
            ]
            for position, file in enumerate(files)
        ],
        "reasons": list(reasons),
    }
    # `reasons` is filled while the files are listed
    packed = [_packed([files[position].text for position in block]) for block in blocks]
    scripts = [
        f'<script type="application/octet-stream" id="index">{_packed(document)}</script>',
        *(
            f'<script type="application/octet-stream" id="block{number}">{block}</script>'
            for number, block in enumerate(packed)
        ),
    ]
    template = _resource("page.html")
    for name, text in (
        ("/* style */", _resource("page.css")),
        ("/* program */", _resource("page.js")),
        ("<!-- data -->", "\n".join(scripts)),
    ):
        template = template.replace(name, text)
    return template


def _resource(name: str) -> str:
    return (resources("golden_rules.reports") / name).read_text(encoding="utf-8")


def _packed(document: object) -> str:
    text = json.dumps(document, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _blocks(files: Sequence[MarkedFile]) -> Iterator[list[int]]:
    """Yield the positions of files whose sources are packed together."""
    block: list[int] = []
    size = 0
    for position, file in enumerate(files):
        if len(file.text) > _LARGEST:
            continue
        block.append(position)
        size += len(file.text)
        if size >= _BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _share(share: Share) -> list[object]:
    return [share.name, share.functions, share.critical, share.measured]


def _trend(trend: Trend) -> list[object]:
    first = trend.points[0][0]
    points = [[round((at - first).total_seconds()), round(share, 1)] for at, share in trend.points]
    return [trend.app, sparkline([share for _, share in trend.points]), trend_sentence(trend), points, trend.objective]


def _marks(marks: Iterable[Mark], reasons: dict[str, int]) -> list[list[object]]:
    """Return what the page knows of functions; the same reasons come again and again, so that they are listed once."""
    return [
        [
            mark.name,
            mark.line,
            mark.start,
            mark.end,
            mark.score,
            int(mark.critical),
            int(mark.measured),
            [reasons.setdefault(reason, len(reasons)) for reason in mark.reasons],
            list(mark.hand_built),
        ]
        for mark in marks
    ]
