"""Failures of the metrics code itself: logged once each, never raised into a measured call."""

from __future__ import annotations

import sys

from golden_runtime.turns import is_interrupt

_reported: set[str] = set()


def report_once(problem: str) -> None:
    """Log a problem, with the exception being handled if there is one, the first time it is reported in this process.

    Raises nothing but what a signal handler raises meanwhile.
    """
    if problem in _reported:
        return
    _reported.add(problem)
    try:
        # a program that does not log, and has nothing to be told, is not made to load it
        import logging

        logging.getLogger("golden_runtime").warning(
            "%s; this is logged once", problem, exc_info=sys.exception() is not None
        )
    except Exception as failed:  # an application's own logging handler must not break the measured call either
        if is_interrupt(failed):
            raise
