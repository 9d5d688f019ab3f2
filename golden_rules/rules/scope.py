"""Which files the rules about hand-built code leave alone."""

from __future__ import annotations

import functools
import re

from golden_rules.config import Config
from golden_rules.source.outline import Outline

# Tests, code whose purpose is to measure, code that runs once, and code of others.
_OUT_OF_SCOPE = re.compile(
    r"(^|/)(_?tests?|testing|test_?utils?|benchmarks?|bench|profiling|profilers?|migrations|alembic|_?vendor(ed)?|third_?party\w*)(/|$)"
    r"|(^|/)(conftest|test_[^/]*|([^/]*_)?tests?|testing|[^/]*_?test_utils?|[^/]*benchmark[^/]*|bench_[^/]*|_?testbase)\.py$"
)
_BENCHMARK = re.compile(
    r"(^|[._])(bench(mark)?(s|ed|ing|er)?|test_(\w+_)?(perf|performance|speed)|(perf|performance|speed|load)_tests?)([._]|$)"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_RUNTIME = "golden_runtime"


# Every rule asks for every function of a file.
@functools.lru_cache(maxsize=8)
def out_of_scope(path: str) -> bool:
    """Whether a file holds tests, benchmarks, migrations or vendored code."""
    return bool(_OUT_OF_SCOPE.search(path))


def is_benchmark(qualname: str) -> bool:
    """Whether a function, or what is around it, is a benchmark by its name: `run_benchmark`, `test_torch_performance`."""
    return bool(_BENCHMARK.search(_HUMP.sub("_", qualname).lower()))


def in_runtime(outline: Outline, config: Config) -> bool:
    """Whether a module is the runtime itself, which builds by hand what others import."""
    return f"{outline.module}.".startswith((f"{_RUNTIME}.", f"{config.runtime_module}."))
