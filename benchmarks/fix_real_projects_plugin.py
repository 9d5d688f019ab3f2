"""A pytest plugin that keeps, at the end of a run, what the inserted decorators recorded and which functions ran.

Which functions ran is only asked where GOLDEN_TRACED is set: it takes a trace function, which slows a suite down.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from _pytest.unittest import TestCaseFunction
from prometheus_client import REGISTRY

_COUNTING = ("_total", "_count")
_ran: set[CodeType] = set()


def _trace(frame: FrameType, _event: str, _argument: Any) -> None:
    _ran.add(frame.f_code)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Begin before any code of the project runs."""
    if os.environ.get("GOLDEN_TRACED"):
        threading.settrace(_trace)
        sys.settrace(_trace)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let test cases clear their own attributes when they end, as OpenStack's do: pytest takes one away behind them."""
    for item in items:
        if isinstance(item, TestCaseFunction) and isinstance(item.cls, type):
            item.cls.__delattr__ = _take_away  # type: ignore[method-assign]  # what is gone already is no error


def _take_away(case: object, name: str) -> None:
    vars(case).pop(name, None)


def pytest_unconfigure() -> None:
    """Write each series that counted calls, and the place of each function that ran."""
    sys.settrace(None)
    series = [
        (sample.name, sample.labels, sample.value)
        for family in REGISTRY.collect()
        if not family.name.startswith(("python_", "process_"))
        for sample in family.samples
        if sample.name.endswith(_COUNTING) and sample.value
    ]
    ran = [(os.path.realpath(code.co_filename), code.co_firstlineno) for code in _ran]
    Path(os.environ["GOLDEN_RECORDED"]).write_text(json.dumps({"series": series, "ran": ran}))
