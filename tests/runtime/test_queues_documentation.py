"""The examples about queues run as they stand in the documentation."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]


def example(page: str, word: str) -> str:
    """Return the first Python block of a page that has a word in it."""
    blocks = re.findall(r"```python\n(.*?)```", (_ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    return str(next(block for block in blocks if word in block))


@pytest.mark.parametrize(
    ("page", "entry"), [("runtime/README.md", "serve"), ("docs/queues.md", "main")], ids=["README", "queues"]
)
def test_the_examples_run(page: str, entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task is enqueued, its handler is called with its payload, and SIGTERM ends the pool."""
    monkeypatch.chdir(tmp_path)
    called: list[object] = []

    class Payments:
        async def charge(self, order: int, *, idempotency_key: str) -> None:
            await mail(order)

    async def mail(what: object) -> None:
        called.append(what)
        os.kill(os.getpid(), signal.SIGTERM)

    names: dict[str, Any] = {"mail": mail, "payments": Payments()}
    exec(example(page, "run_forever").replace("asyncio.run(main())", ""), names)  # noqa: S102 - our own documentation
    asyncio.run(names[entry]())
    assert called in (["somebody"], [17])


def test_every_series_of_the_page_is_exposed(tmp_path: Path) -> None:
    """The table names no series that is not there."""
    from golden_runtime import ExecutorPool, TaskQueue
    from prometheus_client import REGISTRY

    ExecutorPool({"n": print}, TaskQueue(tmp_path / "tasks.db"))
    exposed = {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    exposed |= {metric.name for metric in REGISTRY.collect()}
    exposed |= {f"{metric.name}_total" for metric in REGISTRY.collect() if metric.type == "counter"}
    table = (_ROOT / "docs" / "queues.md").read_text(encoding="utf-8").partition("## Series")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+)\{", table))
    assert len(named) == 13
    assert named <= exposed
