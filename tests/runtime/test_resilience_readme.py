"""The README's examples of breakers and retries run as they stand there."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from golden_runtime import CircuitBreakerError

README = Path(__file__).parents[2] / "runtime" / "README.md"


class TryLaterError(Exception):
    """What the example raises where the breaker rejects."""


def example(heading: str) -> dict[str, Any]:
    """Return the names that the example under a heading defines."""
    section = README.read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    (code,) = re.findall(r"```python\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    names: dict[str, Any] = {"TryLater": TryLaterError, "send": _send, "charge": _charge, "charge_card": _charge}
    exec(code, names)  # noqa: S102 - the repository's own text
    return names


async def _send(receipt: str) -> None:
    assert receipt == "receipt of 7"


async def _charge(order: int) -> str:
    return f"receipt of {order}"


def test_circuit_breaker_example() -> None:
    """Calls pass while the breaker is closed, and are told when to come back while it is open."""
    names = example("Circuit breaker")
    asyncio.run(names["checkout"](7))
    for _ in range(5):
        with pytest.raises(ConnectionError), names["payments"]:
            raise ConnectionError
    with pytest.raises(TryLaterError) as raised:
        asyncio.run(names["checkout"](7))
    assert 29.0 < raised.value.args[0] <= 30.0
    assert isinstance(raised.value.__cause__, CircuitBreakerError)


def test_retry_example() -> None:
    """The policy calls what it is given, in both forms."""
    names = example("Retry")
    asyncio.run(names["checkout"](7))
    assert names["load"]("file") is None
