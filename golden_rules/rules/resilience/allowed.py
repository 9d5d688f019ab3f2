"""Where a project builds its own breaker, queue, pool or retries on purpose: the option that GR301-GR304 share."""

from __future__ import annotations

from golden_rules.globs import function_patterns
from golden_rules.options import FunctionsOption
from golden_rules.source.outline import Class, Function, Outline

ALLOWED_IN = FunctionsOption(
    "allowed-in",
    "Where that is the code's own business: modules, files, classes and functions, such as `shop.resilience.*`, "
    "`src/shop/pool.py` or `shop.jobs.Runner`.",
)


def is_allowed(patterns: tuple[str, ...], path: str, outline: Outline, around: Class | Function) -> bool:
    """Return whether a pattern names a class or function, or what it stands in."""
    if not patterns:
        return False
    parts = around.qualname.split(".")
    matcher = function_patterns(patterns)
    inside = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return matcher.match(path, "", outline.module) or any(matcher.match(path, outline.module, name) for name in inside)
