"""How coverage moves: a history of runs, a line of JSON each, and when it gets where it is to be.

The rate is the slope of the least-squares line through the entries of the last 90 days, so that one good or bad day does not
decide.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from golden_rules.coverage import Coverage
from golden_rules.errors import UsageError, reason_of
from golden_rules.paths import shown

# Raised when a key changes its meaning or goes; new keys do not raise it.
FORMAT_VERSION = 1
_RECENT = timedelta(days=90)
_DAY = 86_400.0
# What is further away than this is no plan.
_FURTHEST = timedelta(days=3_650)


@dataclass(frozen=True, slots=True)
class Entry:
    """One run: how many functions were critical and how many of those measured, by app."""

    at: datetime
    apps: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Trend:
    """Where one app was, is, and when it gets where it is to be; shares in per cent.

    Attributes:
        points: When and where it was, the oldest first.
        objective: Where it is to be.
        reached: The day it gets there at the present rate; None where it does not, or is there already.
    """

    app: str
    points: tuple[tuple[datetime, float], ...]
    objective: float
    reached: date | None

    @property
    def is_there(self) -> bool:
        """Whether the objective is met."""
        return self.points[-1][1] >= self.objective


def now() -> datetime:
    """Return the time of this run; `SOURCE_DATE_EPOCH` sets it, as for other tools whose output is to be reproducible.

    Raises UsageError where it holds no time.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not given:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(given), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"`SOURCE_DATE_EPOCH` must be a time in whole seconds since 1970, not `{given}`: mend it, or unset it"
        ) from error


def entry_of(found: Coverage, at: datetime) -> Entry:
    """Return the entry for a run."""
    return Entry(at, {share.name: (share.critical, share.measured) for share in found.apps})


def read_history(file: Path) -> list[Entry]:
    """Return the entries of a history, the oldest first; none where it is not there yet. Raises UsageError."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else reason_of(error)
        raise UsageError(f"the history `{shown(file)}` cannot be read: {reason}") from error
    entries = [
        _entry(line, f"line {number} of the history `{shown(file)}`")
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    return sorted(entries, key=lambda entry: entry.at)


def append(file: Path, entry: Entry) -> None:
    """Add an entry to a history, which is made where it is not there.

    Raises UsageError where that cannot be written; the history is as it was then.
    """
    line = json.dumps(
        {
            "version": FORMAT_VERSION,
            "at": entry.at.isoformat(),
            "apps": {app: {"critical": counts[0], "measured": counts[1]} for app, counts in sorted(entry.apps.items())},
        }
    )
    size = None
    try:
        before = file.read_bytes() if file.is_file() else b""
        size = len(before) if file.exists() else None
        unfinished = bool(before) and not before.endswith(b"\n")
        with file.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(f"\n{line}\n" if unfinished else f"{line}\n")
    except OSError as error:
        _take_back(file, size)
        raise UsageError(f"the history `{shown(file)}` cannot be written: {reason_of(error)}") from error


def _take_back(file: Path, size: int | None) -> None:
    """Leave a file as long as it was, or none where there was none: half a line would be no entry."""
    with contextlib.suppress(OSError):
        if size is None:
            file.unlink()
        elif file.is_file():
            os.truncate(file, size)


def trends(entries: Sequence[Entry], objective: float) -> list[Trend]:
    """Return the trend of each app of the last entry, where there is more than one entry for it."""
    found: list[Trend] = []
    for app in entries[-1].apps if entries else ():
        points = tuple((entry.at, _share(*entry.apps[app])) for entry in entries if app in entry.apps)
        if len(points) > 1:
            found.append(Trend(app, points, objective, _reached(points, objective)))
    return found


def _share(critical: int, measured: int) -> float:
    return 100.0 * measured / critical if critical else 100.0


def _reached(points: Sequence[tuple[datetime, float]], objective: float) -> date | None:
    last, share = points[-1]
    rate = _rate([(at, value) for at, value in points if last - at <= _RECENT])
    if share >= objective or rate <= 0:
        return None
    days = (objective - share) / rate
    return (last + timedelta(days=days)).date() if days <= _FURTHEST.days else None


def _rate(points: Sequence[tuple[datetime, float]]) -> float:
    """Return by how many per cent a day the share grows; zero where all points are of one moment."""
    days = [(at - points[0][0]).total_seconds() / _DAY for at, _ in points]
    shares = [share for _, share in points]
    middle, level = _mean(days), _mean(shares)
    spread = sum((day - middle) ** 2 for day in days)
    if not spread:
        return 0.0
    return sum((day - middle) * (share - level) for day, share in zip(days, shares, strict=True)) / spread


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def _entry(line: str, where: str) -> Entry:
    try:
        document = json.loads(line)
        at = datetime.fromisoformat(document["at"])
        apps = {
            str(app): (int(counts["critical"]), int(counts["measured"])) for app, counts in document["apps"].items()
        }
        version = int(document["version"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{where} is none of `coverage --append`: mend or delete the line") from error
    if version > FORMAT_VERSION:
        raise UsageError(f"{where} is of a later golden-rules: update this one")
    return Entry(at if at.tzinfo else at.replace(tzinfo=UTC), apps)
