"""The functions that people read, against which `benchmarks/handbuilt.py` scores the rules: all files speak one language."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "handbuilt.py"
FILES = sorted((BENCHMARK.parent / "handbuilt").glob("*.jsonl"))


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    """Yield the script as a module."""
    spec = importlib.util.spec_from_file_location("handbuilt_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_row_says_all_that_the_script_reads_and_nothing_else(benchmark: ModuleType, path: Path) -> None:
    """A key that only one file has would be scored for one half of the rules."""
    keys = {field.name for field in fields(benchmark.Label)}
    assert {frozenset(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()} == {frozenset(keys)}


def test_a_kind_is_there_or_undecided_and_never_both(benchmark: ModuleType) -> None:
    """What was found is decided, and every kind and source is one that the script knows."""
    for label in benchmark.labels():
        assert not {*label.kinds} & {*label.undecided}, label
        assert {*label.kinds, *label.undecided} <= set(benchmark.CODES), label
        assert label.drawn in ("search", "findings"), label
        assert label.lines[0] <= label.lines[1], label
        assert "<locals>" not in label.qualname, label


def test_no_function_is_labelled_twice_for_one_kind(benchmark: ModuleType) -> None:
    """One function would count twice, and two rows could contradict each other."""
    seen = set()
    for label in benchmark.labels():
        for kind in set(benchmark.CODES) - set(label.undecided):
            place = (label.project, label.version, label.path, label.lines, label.qualname, kind)
            assert place not in seen, place
            seen.add(place)
