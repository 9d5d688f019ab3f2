"""The upper bounds of histograms' buckets, in seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

# For what a user or another service waits for. The bounds of OpenTelemetry's `http.server.request.duration`.
REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

# For workflows and batches: from a second to a day.
WORKFLOW_BUCKETS: Final = (
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
    *(150.0, 300.0, 600.0, 1800.0, 3600.0),
    *(7200.0, 14400.0, 28800.0, 86400.0),
)


def checked_buckets(buckets: Iterable[float] | None) -> tuple[float, ...] | None:
    """Return bounds as a tuple, without the infinite one, which is there anyway.

    Raises ValueError where they are not numbers that grow, or there is none.
    """
    if buckets is None:
        return None
    bounds = tuple(float(bound) for bound in buckets)
    if bounds and bounds[-1] == math.inf:
        bounds = bounds[:-1]
    grows = all(low < high for low, high in pairwise(bounds))
    if not bounds or not grows or not all(map(math.isfinite, bounds)):
        raise ValueError(f"`buckets` must be seconds that grow, such as (0.1, 1, 10), not `{buckets!r}`")
    return bounds
