"""The labels a user gives a decorator: constants, and functions of the call's arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from golden_runtime.errors import MetricNameError
from golden_runtime.hooks import is_own_failure
from golden_runtime.metrics import configuration
from golden_runtime.names import check_labels
from golden_runtime.reporting import report_once
from golden_runtime.turns import is_interrupt

LabelValue: TypeAlias = str | int | float | Enum | Callable[..., object] | None
LabelValues: TypeAlias = Mapping[str, LabelValue]

# What a label says when its function raised, or returned what is no label: the call still counts.
UNKNOWN = "unknown"

# What the computed labels say in the one series that takes the calls beyond the maximum.
OTHER = "other"

# Beyond that a value is a text, not a label.
_LONGEST = 128


class Observer(Protocol):
    """Records one kind of call; neither method ever raises an `Exception`."""

    @property
    def begin(self) -> Callable[[], Any]:
        """Called before the measured function; what it returns is handed to `end`."""

    def end(self, state: Any, error: BaseException | None, result: object) -> None:
        """Called once the function returned (`error` is None), failed, or was cancelled."""


class Silent:
    """Observes nothing: it stands in where an observer could not be made."""

    __slots__ = ()

    def begin(self) -> None:
        """Do nothing."""

    def end(self, state: None, error: BaseException | None, result: object) -> None:
        """Do nothing."""

    def record(self, value: float) -> None:
        """Do nothing."""


SILENT = Silent()

O_co = TypeVar("O_co", bound=Observer, covariant=True)


# The computed values that each metric has, by its name and constant labels: a module that is loaded again, or a decorator
# that is made anew for each call, fills no cap of its own.
_seen: dict[tuple[str, tuple[tuple[str, str], ...]], set[tuple[str, ...]]] = {}


class Observers(Generic[O_co]):
    """Gives each call its observer.

    Where every label is constant, `fixed` is the observer of all calls, bound once. Otherwise `fixed` is None and
    `choose` finds the observer for the label values of a call; beyond `most` of them, by default
    as many as `configure` says, all share one.
    """

    __slots__ = ("_bind", "_chosen", "_constants", "_functions", "_metric", "_most", "fixed")

    def __init__(
        self, metric: str, labels: LabelValues, bind: Callable[[Mapping[str, str]], O_co], *, most: int | None = None
    ) -> None:
        self._metric = metric
        self._constants = {name: label_text(value) for name, value in labels.items() if not callable(value)}
        self._functions = [(name, value) for name, value in labels.items() if callable(value)]
        self._bind = bind
        self._most = most
        self._chosen: dict[tuple[str, ...], O_co] = {}
        self.fixed: O_co | None = None if self._functions else bind(self._constants)

    def choose(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> O_co | Silent:
        """Return the observer of a call with these arguments. Raises no `Exception` but what a signal handler raises."""
        try:
            raw = tuple([function(*args, **kwargs) for _, function in self._functions])
            # texts that were seen before are there as they are
            observer = self._chosen.get(raw)  # type: ignore[arg-type]  # what is no text is not found
            if observer is not None:
                return observer
            values = tuple(map(label_text, raw))
        except Exception as error:  # whatever a user's function raises, the measured call goes on
            if not is_own_failure(error):
                raise
            values = tuple([self._value(name, function, args, kwargs) for name, function in self._functions])
        observer = self._chosen.get(values)
        return self._add(values) if observer is None else observer

    def _value(
        self, name: str, function: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> str:
        try:
            return label_text(function(*args, **kwargs))
        except Exception as error:  # whatever a user's function raises, the measured call goes on
            if not is_own_failure(error):
                raise
            report_once(f"the function of label `{name}` of `{self._metric}` failed, so the label says `{UNKNOWN}`")
            return UNKNOWN

    def _add(self, values: tuple[str, ...]) -> O_co | Silent:
        most = configuration().max_series if self._most is None else self._most
        seen = _seen.setdefault((self._metric, tuple(self._constants.items())), set())
        if values not in seen and len(seen) >= most:
            report_once(
                f"the labels of `{self._metric}` took more than {most} values, so new ones say `{OTHER}`: "
                "compute them from a bounded set, or raise `max_series`"
            )
            values = (OTHER,) * len(values)
            if values in self._chosen:
                return self._chosen[values]
        else:
            seen.add(values)
        names = (name for name, _ in self._functions)
        try:
            observer = self._bind({**self._constants, **dict(zip(names, values, strict=True))})
        except Exception as error:  # a metric may refuse a series; the measured call goes on
            if is_interrupt(error):
                raise
            report_once(f"`{self._metric}` cannot be recorded")
            return SILENT
        return self._chosen.setdefault(values, observer)


def label_text(value: object) -> str:
    """Return a label's value as text. Raises MetricNameError for what cannot come from a bounded set."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        if len(value) > _LONGEST:
            raise MetricNameError(
                f"a label's value has at most {_LONGEST} characters, not {len(value)}: label with a class of values"
            )
        if not _is_exposable(value):
            raise MetricNameError(
                f"a label's value is text that UTF-8 can encode, not `{value!a}`: label with what it is"
            )
        return str(value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    raise MetricNameError(
        f"a label's value is a text, a number, a truth value, an enum's member or None, not a `{type(value).__name__}`: "
        "label with what it is, not with the object"
    )


def _is_exposable(text: str) -> bool:
    """Whether a scrape can show a text. One lone surrogate, as in names of files, would break it for all series."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def checked_labels(labels: LabelValues | None, *, taken: tuple[str, ...] = ()) -> LabelValues:
    """Return a copy of a decorator's labels, or none.

    Raises MetricNameError where a name is illegal or among `taken`, the labels that the decorator sets itself, or where a
    constant is no value of a label.
    """
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        raise TypeError(f"labels must be a mapping of names to values, not `{labels!r}`")
    check_labels(labels, taken=taken)
    for value in labels.values():
        if not callable(value):
            label_text(value)
    return dict(labels)
