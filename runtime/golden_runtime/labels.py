"""The labels a user gives a decorator: constants, and functions of the call's arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from golden_runtime.names import check_labels
from golden_runtime.reporting import report_once

LabelValue: TypeAlias = str | int | float | Callable[..., object]
LabelValues: TypeAlias = Mapping[str, LabelValue]

# What a label says when its function raised: the call still counts.
UNKNOWN = "unknown"


class Observer(Protocol):
    """Records one kind of call; neither method ever raises an `Exception`."""

    @property
    def begin(self) -> Callable[[], Any]:
        """Called before the measured function; what it returns is handed to `end`."""

    def end(self, state: Any, error: BaseException | None, result: object) -> None:
        """Called once the function returned (`error` is None) or raised."""


class Silent:
    """Observes nothing: it stands in where an observer could not be made."""

    __slots__ = ()

    def begin(self) -> None:
        """Do nothing."""

    def end(self, state: None, error: BaseException | None, result: object) -> None:
        """Do nothing."""

    def record(self, value: float) -> None:
        """Do nothing."""


_SILENT = Silent()

O_co = TypeVar("O_co", bound=Observer, covariant=True)


class Observers(Generic[O_co]):
    """Gives each call its observer.

    Where every label is constant, `fixed` is the observer of all calls, bound once. Otherwise `fixed` is None and
    `choose` finds the observer for the label values of a call.
    """

    __slots__ = ("_bind", "_chosen", "_constants", "_functions", "_metric", "fixed")

    def __init__(self, metric: str, labels: LabelValues, bind: Callable[[Mapping[str, str]], O_co]) -> None:
        self._metric = metric
        self._constants = {name: str(value) for name, value in labels.items() if not callable(value)}
        self._functions = [(name, value) for name, value in labels.items() if callable(value)]
        self._bind = bind
        self._chosen: dict[tuple[str, ...], O_co] = {}
        self.fixed: O_co | None = None if self._functions else bind(self._constants)

    def choose(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> O_co | Silent:
        """Return the observer of a call with these arguments. Never raises an `Exception`."""
        values = tuple(self._value(name, function, args, kwargs) for name, function in self._functions)
        observer = self._chosen.get(values)
        if observer is None:
            return self._add(values)
        return observer

    def _value(
        self, name: str, function: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> str:
        try:
            return str(function(*args, **kwargs))
        except Exception:  # noqa: BLE001 - whatever a user's function raises, the measured call goes on
            report_once(f"the function of label `{name}` of `{self._metric}` failed, so the label says `{UNKNOWN}`")
            return UNKNOWN

    def _add(self, values: tuple[str, ...]) -> O_co | Silent:
        names = (name for name, _ in self._functions)
        try:
            observer = self._bind({**self._constants, **dict(zip(names, values, strict=True))})
        except Exception:  # noqa: BLE001 - a registry may refuse a child; the measured call goes on
            report_once(f"`{self._metric}` cannot be recorded")
            return _SILENT
        return self._chosen.setdefault(values, observer)


def checked_labels(labels: LabelValues | None, *, taken: tuple[str, ...] = ()) -> LabelValues:
    """Return a copy of a decorator's labels, or none.

    Raises MetricNameError where a name is illegal or among `taken`, the labels that the decorator sets itself.
    """
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        raise TypeError(f"labels must be a mapping of names to values, not `{labels!r}`")
    check_labels(labels, taken=taken)
    return dict(labels)
