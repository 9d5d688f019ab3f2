"""Decorators below which a measuring decorator has to stand, and which decorators measure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from golden_rules.config import Config
from golden_rules.rules.applied import Applied
from golden_rules.source.names import resolve
from golden_rules.source.outline import Outline


class Loss(Enum):
    """What goes wrong above a decorator."""

    TAKEN = "it hands the function to somebody else"
    NO_FUNCTION = "what it makes is no function"
    CREATION = "the work begins after the call"
    CACHED = "not every call does the work"


@dataclass(frozen=True, slots=True)
class Barrier:
    """A decorator below which measuring decorators have to stand.

    Attributes:
        index: Its place among the decorators, the outermost first.
        written: Its name as written, without arguments.
    """

    index: int
    written: str
    loss: Loss

    def lets_pass(self, entry: Applied) -> bool:
        """Whether this measuring decorator is right above it all the same."""
        return self.loss is Loss.CACHED and entry.name in ("counted", "track_cache_operation")


_MAKES_NO_FUNCTION = frozenset(
    {
        "property", "cached_property", "setter", "getter", "deleter", "hybrid_property", "reify", "cachedproperty", "lazy_property",
        "lazyproperty", "under_cached_property", "async_cached_property", "abstractproperty", "partialmethod",
    }
)  # fmt: skip
_MAKES_LATER = frozenset({"contextmanager", "asynccontextmanager"})
_CACHES = frozenset({"lru_cache", "cache", "alru_cache", "cached", "memoize", "memoized"})
# Decorators, mostly methods of an application, a router or a registry, that keep the function they are given.
_TAKING_METHODS = frozenset(
    {
        "get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket", "websocket_route", "task",
        "periodic_task", "actor", "scheduled_job", "subscriber", "agent", "command", "group", "slash_command", "hybrid_command", "event",
        "message_handler", "callback_query_handler", "before_request", "after_request", "teardown_request", "teardown_appcontext",
        "errorhandler", "app_errorhandler", "exception_handler", "middleware", "on_event", "register", "connect", "listens_for", "defn",
        "tool", "flow",
    }
)  # fmt: skip
_TAKING_FUNCTIONS = frozenset({"shared_task", "db_task", "db_periodic_task", "receiver", "listens_for"})
_TAKING_TARGETS = (
    "celery.", "dramatiq.", "prefect.", "airflow.", "click.", "typer.", "atexit.", "huey.", "invoke.", "dagster.", "temporalio.",
)  # fmt: skip
_CLIENT_DECORATORS = frozenset({"time", "count_exceptions", "track_inprogress"})


def barrier(entry: Applied) -> Barrier | None:
    """Return what a decorator is to measuring decorators above it, or `None` where it only wraps."""
    base, _, last = entry.written.rpartition(".")
    if last in _MAKES_NO_FUNCTION:
        return Barrier(entry.index, entry.written, Loss.NO_FUNCTION)
    if last in _MAKES_LATER:
        return Barrier(entry.index, entry.written, Loss.CREATION)
    if last in _CACHES:
        return Barrier(entry.index, entry.written, Loss.CACHED)
    taken = last in _TAKING_FUNCTIONS or (
        last in _TAKING_METHODS and (base or entry.target.startswith(_TAKING_TARGETS))
    )
    return Barrier(entry.index, entry.written, Loss.TAKEN) if taken else None


def is_measuring(entry: Applied, config: Config) -> bool:
    """Whether a decorator measures for sure: the runtime's, a metrics client's, or one that the configuration names."""
    if entry.name:
        return True
    last = entry.written.rpartition(".")[2]
    if _is_client_decorator(entry):
        return True
    if last == "start_as_current_span" and entry.call is not None:
        return True
    return entry.target.startswith("prometheus_async.") or any(
        entry.target == name or entry.target.startswith(name + ".") for name in config.measured_by
    )


def is_prometheus(entry: Applied, outline: Outline) -> bool:
    """Whether a decorator is a method of a metric of `prometheus_client`, as far as names tell: `@REQUESTS.time()`."""
    if not _is_client_decorator(entry):
        return False
    metric = entry.written.rpartition(".")[0].removesuffix("()").removesuffix(".labels")
    target = resolve(outline, None, metric) or ""
    return target.startswith("prometheus_client.") or metric.rpartition(".")[2].isupper()


def _is_client_decorator(entry: Applied) -> bool:
    """Whether a decorator is called as those of metrics are: `X.time()`, `X.count_exceptions(KeyError)`."""
    base, _, last = entry.written.rpartition(".")
    if not base or entry.call is None or last not in _CLIENT_DECORATORS:
        return False
    return last == "count_exceptions" or not entry.call.args
