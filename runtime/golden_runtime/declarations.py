"""Declarations: what a metric is, and where in the user's code it was first declared."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["counter", "histogram", "gauge"]

# How the values that several processes have of one gauge become one. All of them forget a process that has died.
Merge: TypeAlias = Literal["livemax", "livemin", "livesum", "livemostrecent"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one metric is: its name without the namespace, and where it was first declared.

    `spelling` is the name as the user wrote it: two spellings of one name are two metrics meant. `buckets` are the upper
    bounds of a histogram, in seconds; without any it has those that `configure` sets. `merge` is for gauges.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    place: str
    spelling: str
    buckets: tuple[float, ...] | None = None
    merge: Merge = "livemax"

    @property
    def described(self) -> str:
        """The name, kind, labels and place, as error messages show them."""
        labels = ", ".join(f"`{label}`" for label in self.labels)
        written = "" if self.spelling == self.name else f", written `{self.spelling}`"
        buckets = "" if self.buckets is None else f" and buckets up to {self.buckets[-1]:g} s"
        return (
            f"`{self.name}`{written}, a {self.kind} with {f'the labels {labels}' if labels else 'no labels'}{buckets}, "
            f"at {self.place}"
        )

    def agrees_with(self, other: Declaration) -> bool:
        """Whether both may share one series."""
        return (self.kind, self.labels, self.spelling, self.buckets) == (
            other.kind,
            other.labels,
            other.spelling,
            other.buckets,
        )


def declare(
    kind: Kind,
    name: str,
    documentation: str,
    labels: Iterable[str] = (),
    *,
    spelling: str | None = None,
    buckets: tuple[float, ...] | None = None,
    merge: Merge = "livemax",
) -> Declaration:
    """Return the declaration of a metric by the code that called into golden_runtime."""
    labels = tuple(sorted(labels))
    return Declaration(name, kind, documentation, labels, caller(), spelling or name, buckets, merge)


def caller() -> str:
    """Return `file:line` of the nearest call from outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__")):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _is_ours(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] == __name__.partition(".")[0]
