"""How a trend is shown: a sparkline, where each app was and is, and when it gets where it is to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from golden_rules.trend import Trend

_BARS = "▁▂▃▄▅▆▇█"
# More than this are thinned out, the last one kept.
_WIDTH = 24


def sparkline(shares: Sequence[float]) -> str:
    """Return a bar for each share in per cent; the lowest stands for none, the highest for all, whatever their range."""
    thinned = (
        shares
        if len(shares) <= _WIDTH
        else [shares[round(i * (len(shares) - 1) / (_WIDTH - 1))] for i in range(_WIDTH)]
    )
    return "".join(_BARS[min(int(share / 100 * len(_BARS)), len(_BARS) - 1)] for share in thinned)


def trend_sentence(trend: Trend) -> str:
    """Return where an app was, where it is, and when it gets where it is to be."""
    (first, was), (_, share) = trend.points[0], trend.points[-1]
    told = f"{was:.0f} % on {first.date()}, now {share:.0f} %"
    goal = f"{trend.objective:g} %"
    if trend.is_there:
        return f"{told}, which is the objective of {goal}" if share == trend.objective else f"{told}, above {goal}"
    if trend.reached is None:
        return f"{told}; at the present rate never {goal}"
    return f"{told}; {goal} about {trend.reached} at the present rate"


def trend_text(trends: Sequence[Trend]) -> Iterator[str]:
    """Yield the trend of each app for a person at a terminal."""
    width = max((len(trend.app) for trend in trends), default=0)
    for trend in trends:
        yield f"{trend.app:<{width}}  {sparkline([share for _, share in trend.points])}  {trend_sentence(trend)}"


def trend_markdown(trends: Sequence[Trend]) -> Iterator[str]:
    """Yield the trend of each app as a table."""
    if trends:
        yield "| app | trend | |"
        yield "|---|---|---|"
        for trend in trends:
            yield f"| {trend.app} | {sparkline([share for _, share in trend.points])} | {trend_sentence(trend)} |"


def trend_document(trends: Sequence[Trend]) -> list[dict[str, object]]:
    """Return the trend of each app as plain data for JSON."""
    return [
        {
            "app": trend.app,
            "objective": trend.objective,
            "reached": trend.reached.isoformat() if trend.reached else None,
            "points": [{"at": at.isoformat(), "per_cent": round(share, 1)} for at, share in trend.points],
        }
        for trend in trends
    ]
