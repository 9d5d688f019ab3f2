"""Metrics: declared once however often their module is loaded, exposed as `configure` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY

from golden_runtime.buckets import checked_buckets
from golden_runtime.declarations import Declaration, Kind, Merge, caller, declare
from golden_runtime.errors import ConfigurationError
from golden_runtime.exposition import Configuration, Family, new_names, publish, withdraw
from golden_runtime.local import LocalStore
from golden_runtime.names import translate
from golden_runtime.recording import gate, leftovers
from golden_runtime.reporting import report_once
from golden_runtime.series import Series
from golden_runtime.shared import SharedStore, shares_files
from golden_runtime.turns import at_fork, is_interrupt

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from golden_runtime.series import Store

__all__ = ["Declaration", "Family", "Kind", "Merge", "Series", "configuration", "configure", "declare", "families"]


class Metrics:
    """Every metric of the process, by its name without the namespace."""

    def __init__(self) -> None:
        self.configuration = Configuration()
        self._families: dict[str, Family] = {}
        self._owners: dict[str, Declaration] = {}
        self._configured_at = ""
        # what stands in files that processes share cannot be moved: it waits until nothing can move it any more
        self._is_open = False

    def declare(self, declarations: Iterable[Declaration]) -> list[Family]:
        """Return the families of these declarations, made where they are new: all of them or, on a conflict, none."""
        wanted = list(declarations)
        with leftovers, gate:
            names = new_names(wanted, self.configuration, self._owners)
            fresh = {one.name: self._family(one) for one in wanted if one.name not in self._families}
            try:
                if self.configuration.enabled:
                    publish(fresh.values(), self.configuration.registry)
                self._families.update(fresh)
                self._owners.update(names)
            except BaseException:  # an interrupt: what is imported again declares the same again
                self._withdraw(fresh)
                raise
            return [self._families[one.name] for one in wanted]

    def _withdraw(self, fresh: Mapping[str, Family]) -> None:
        withdraw(fresh.values(), self.configuration.registry)
        for name in fresh:
            self._families.pop(name, None)

    def _family(self, declaration: Declaration) -> Family:
        store: Store = SharedStore(declaration, self) if shares_files() else LocalStore(declaration)
        return Family(declaration, store, self.configuration)

    def configure(self, configuration: Configuration, place: str) -> None:
        """Expose every metric as a configuration says; on a conflict nothing changes."""
        with leftovers, gate:
            self._check_movable()
            families = list(self._families.values())
            names = new_names((family.declaration for family in families), configuration, {})
            withdraw(families, self.configuration.registry)
            try:
                self._place(families, configuration)
            except Exception:
                self._place(families, self.configuration)
                raise
            self.configuration = configuration
            self._owners = names
            self._configured_at = place
            self.open()

    def _place(self, families: list[Family], configuration: Configuration) -> None:
        for family in families:
            family.place(configuration)
        if configuration.enabled:
            publish(families, configuration.registry)

    def _check_movable(self) -> None:
        if self._configured_at:
            raise ConfigurationError(f"`configure` was called before, at {self._configured_at}: call it once")
        recorded = next((name for name, family in self._families.items() if family.recorded), None)
        if recorded is not None:
            raise ConfigurationError(
                f"`configure` came too late, `{recorded}` has recorded: call it before any measured function runs"
            )

    @property
    def is_open(self) -> bool:
        """Whether series stand in the files that processes share as soon as they are made."""
        return self._is_open and self.configuration.enabled

    def reopen(self) -> None:
        """Go on in a process that was forked from another: its series will stand in files of its own."""
        for family in self._families.values():
            family.reopen()
        was_open, self._is_open = self._is_open, False
        # a server that forks its workers has loaded, and configured, what it will ever load and configure; where the parent's
        # files show every series at zero already, a child that records nothing needs none
        if not was_open:
            self.open()

    def open(self) -> None:
        """Have all series stand in those files, where they are seen at zero. Never raises an `Exception`."""
        if self._is_open:
            return
        self._is_open = True
        try:
            self._open_families()
        except BaseException:  # an interrupt: those that are left are opened the next time
            self._is_open = False
            raise

    def _open_families(self) -> None:
        for family in list(self._families.values()) if self.is_open else ():
            try:
                family.open()
            except Exception as error:  # metrics never harm the caller
                if is_interrupt(error):
                    raise
                report_once(f"`{family.name}` cannot stand in the files that processes share")


_metrics = Metrics()

if shares_files():
    at_fork(after_in_child=_metrics.reopen)


def families(*declarations: Declaration) -> list[Family]:
    """Return the families of these declarations, the same ones whenever they are declared alike.

    Raises MetricConflictError, and declares none of them, where one differs in kind, labels, buckets or spelling from what
    has its name, or where code outside golden_runtime has registered that name.
    """
    return _metrics.declare(declarations)


def configuration() -> Configuration:
    """Return what is configured now."""
    return _metrics.configuration


def configure(
    *,
    namespace: str = "",
    registry: CollectorRegistry | None = None,
    enabled: bool = True,
    buckets: Iterable[float] | None = None,
    max_series: int | None = None,
) -> None:
    """Set how everything is measured.

    `namespace` is what every series starts with; a name that starts with it already is left as it is. `registry` exposes the
    series, prometheus_client's default one unless given. With `enabled=False` nothing is exposed and no span is opened.
    `buckets` are the upper bounds, in seconds, of histograms that have none of their own: REQUEST_BUCKETS unless given.
    `max_series` is how many combinations of computed label values each decorator may expose, 100 unless given; calls
    beyond them share one series, in which those labels are `other`.

    Call it once, before the first record. It may come after functions are decorated: their series move.

    Raises ConfigurationError when called again or after the first record, MetricNameError for an illegal namespace,
    MetricConflictError where a name is taken in that registry, and ValueError for buckets or a maximum that make no sense;
    then nothing has changed.
    """
    wanted = Configuration(
        namespace=translate(namespace) if namespace else "",
        registry=REGISTRY if registry is None else registry,
        enabled=enabled,
    )
    bounds = checked_buckets(buckets)
    wanted = wanted if bounds is None else replace(wanted, buckets=bounds)
    most = checked_maximum(max_series)
    wanted = wanted if most is None else replace(wanted, max_series=most)
    _metrics.configure(wanted, caller())


def checked_maximum(max_series: int | None) -> int | None:
    """Return a maximum of series, if there is one. Raises ValueError where it is no whole number from 1 up."""
    if max_series is None:
        return None
    if not isinstance(max_series, int) or isinstance(max_series, bool) or max_series < 1:
        raise ValueError(f"`max_series` must be a whole number from 1 up, not `{max_series!r}`")
    return max_series
