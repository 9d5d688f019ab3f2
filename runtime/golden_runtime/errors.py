"""The mistakes in setting metrics up. They are raised while modules load and decorators apply, never by a measured call."""

from __future__ import annotations


class MetricNameError(ValueError):
    """A metric, label or namespace name that Prometheus cannot expose, or a label the decorator sets itself."""


class MetricConflictError(ValueError):
    """One series declared twice in ways that differ, or a name that other code holds in the registry."""


class ConfigurationError(RuntimeError):
    """`configure` called twice, or after the first record."""
