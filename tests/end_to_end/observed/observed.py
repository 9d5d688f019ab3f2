"""Chimera on the runtime's queue, pool, breaker and retries: it serves its metrics and works until its input ends.

Every third document is missing, every fifth subscriber is gone, and the model has an outage at the start.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from chimera.adapters.database import Repository
from chimera.adapters.http import NotificationClient
from chimera.adapters.llm import ModelClient
from chimera.models import Document, PermanentError, Receipt, TransientError
from chimera.sandbox import GONE_SUBSCRIBER, MODEL_OUTAGE, Sandbox
from golden_runtime import (
    WORKFLOW_BUCKETS,
    CircuitBreaker,
    CircuitBreakerConfig,
    ExecutorPool,
    RetryConfig,
    RetryPolicy,
    Task,
    TaskQueue,
    configure,
    counted,
    measure_memory,
    track_adapter_request,
    track_cache_operation,
    track_errors,
    track_request,
)
from prometheus_client import start_http_server

configure(namespace="chimera")


class Work:
    """What the pool runs."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.repository = Repository(folder / "documents.db")
        self.model = ModelClient(sandbox.url, "condor-8b")
        self.webhooks = NotificationClient(rate=1000)
        self.sandbox = sandbox
        self.breaker = CircuitBreaker(
            "model", CircuitBreakerConfig(failure_threshold=2, success_threshold=1, timeout_seconds=0.3)
        )
        self.known: dict[str, str] = {}

    @counted("chimera.digests")
    @track_request("chimera.workflow", buckets=WORKFLOW_BUCKETS)
    async def digest(self, task: Task) -> None:
        """Summarise a document."""
        document = await self.document(task.payload["document"])
        if self.cached(document.id) is None:
            text = await self.breaker.call(self.ask, document.title)
            if document.id == "doc-0":
                # the others are asked for again, so that the model has something to do
                self.known[document.id] = text

    @track_request("chimera.delivery")
    async def deliver(self, task: Task) -> None:
        """Tell a subscriber about a document."""
        await self.notify(task.payload["subscriber"])

    @track_adapter_request("database")
    async def document(self, document_id: str) -> Document:
        """Return a document."""
        found = await self.repository.fetch_document(document_id)
        if found is None:
            raise PermanentError(f"there is no document `{document_id}`")
        return found

    @track_adapter_request("llm")
    async def ask(self, title: str) -> str:
        """Return what the model says."""
        return (await self.model.complete(title)).text

    @track_adapter_request("http")
    @track_errors("chimera.webhook.errors")
    @measure_memory("chimera.webhook.peak")
    async def notify(self, subscriber: str) -> Receipt:
        """Call a webhook."""
        return await self.webhooks.deliver(subscriber, f"{self.sandbox.url}/hooks/{subscriber}", {})

    @track_cache_operation("memory")
    def cached(self, document_id: str) -> str | None:
        """Look a digest up."""
        return self.known.get(document_id)


async def main(folder: Path, sandbox: Sandbox) -> None:
    """Work until the input ends."""
    work = Work(folder, sandbox)
    for number in range(3):
        if number != 2:
            work.repository.add_document(f"doc-{number}", f"Minutes, part {number}", "The committee met.")
    work.repository.add_document("outage", MODEL_OUTAGE, "The committee did not meet.")
    queue = TaskQueue(folder / "tasks.db", name="workflows", durable=False)
    retry = RetryPolicy(RetryConfig(max_retries=1, base_delay=0.01, retry_on=TransientError), name="workflow")
    pool = ExecutorPool({"digest": work.digest, "deliver": work.deliver}, queue, retry=retry, name="chimera")
    server, _ = start_http_server(0, addr="127.0.0.1")
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    stopped = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with pool:
        await queue.enqueue("digest", {"document": "outage"})
        number = 0
        while not stopped.done():
            number += 1
            await queue.enqueue("digest", {"document": f"doc-{number % 3}"})
            subscriber = GONE_SUBSCRIBER if number % 5 == 0 else "archive"
            await queue.enqueue("deliver", {"subscriber": subscriber})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(stopped), 0.03)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made, Sandbox() as sandbox:
        asyncio.run(main(Path(made), sandbox))
