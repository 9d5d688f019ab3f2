"""What a series is to those who record, and what keeps the series of a metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from golden_runtime.recording import Buffer


class Series(Protocol):
    """One time series, wherever its values are kept: those of one process all in the same way.

    `record` adds to a counter, observes a value of a histogram, or sets a gauge; `count` adds one to a counter, at a tenth
    of the cost. Neither raises an `Exception`.
    """

    name: str
    record: Callable[[float], None]
    count: Callable[[], object]

    @property
    def recorded(self) -> bool:
        """Whether anything was ever recorded."""

    def counting(self, increment: float) -> Callable[[], object]:
        """Return what adds `increment` to a counter each time it is called."""

    def buffer(self, counter: Self | None = None) -> Buffer:
        """Return where values of a histogram are noted; each of them counts one on `counter` too."""

    def share(self, buffer: Buffer, other: Self) -> None:
        """Have a buffer of another series drained whenever this one is collected, since it adds to both."""

    def mark(self, value: float, exemplar: Mapping[str, str]) -> None:
        """Keep an exemplar of a histogram's value: where to look for what took that long."""


class Store(Protocol):
    """Keeps the series of one metric."""

    def place(self, name: str, bounds: tuple[float, ...]) -> None:
        """Expose the series, of which none has recorded, under a name; histograms count up to these bounds."""

    def series(self, label_values: tuple[str, ...], initial: float) -> Series:
        """Return the series with these label values, which is exposed from now on."""

    def open(self) -> None:
        """Show the series outside this process too, where others can see them; from then on they stay in place."""

    def reopen(self) -> None:
        """Be a store of this process, which was forked from another."""

    @property
    def recorded(self) -> bool:
        """Whether anything was ever recorded."""

    def collect(self) -> Iterable[Metric]:
        """Return the metric with the samples of its series."""
