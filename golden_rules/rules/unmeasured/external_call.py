"""GR102: functions that talk to other systems and that nothing measures."""

from __future__ import annotations

from collections.abc import Iterator

from golden_rules.adapters import CACHES
from golden_rules.criticality import THRESHOLD, Kind
from golden_rules.naming import snake_case
from golden_rules.rules.base import Bad, Good, Subject, UnmeasuredRule, Violation
from golden_rules.rules.unmeasured.insertion import violation

# What a function does to a cache, by the words of its name.
_OPERATIONS = {
    "get": frozenset({"get", "mget", "hget", "aget", "fetch", "load", "read", "lookup"}),
    "exists": frozenset({"exists", "contains", "has"}),
    "delete": frozenset({"delete", "remove", "invalidate", "evict", "clear"}),
    "set": frozenset(
        {"set", "mset", "hset", "aset", "setex", "store", "save", "put", "write", "cache", "remember", "update"}
    ),
}


class UnmeasuredExternalCall(UnmeasuredRule):
    """A function that itself talks to another system, and that nothing measures.

    ## What it does
    Finds critical functions whose own body calls HTTP, a database, a language model, a queue, a subprocess, object
    storage or a cache, and which have no measuring decorator.

    ## Why is this bad?
    Other systems fail and slow down on their own schedule. Latency by operation and errors by type at the point of the
    call tell a slow dependency from a slow service within a minute; without them that takes an evening.

    ## Fix safety
    Safe. `@track_adapter_request` (for what reads, writes or empties a cache, by its name, `@track_cache_operation`) keeps
    the function's kind, signature and name.

    A function that swallows its exceptions gets `mark_failure` along with the decorator, see GR406; where only you know
    whether what it catches is a failure, that takes `--unsafe-fixes`.

    ## When not to follow it
    Where the client is instrumented already (by OpenTelemetry's instrumentation packages, say), name these functions in
    `not-critical`.
    """

    code = "GR102"
    name = "unmeasured-external-call"
    kind = Kind.EXTERNAL_CALL
    options = (THRESHOLD,)
    cases = (
        Bad(
            """\
import httpx


class Carrier:
    def __init__(self):
        self.client = httpx.AsyncClient()

    async def request_pickup(self, order, when):
        answer = await self.client.post("/pickups", json=order.as_dict(when))
        answer.raise_for_status()
        return await order.confirm(answer.json()["id"])
""",
            """\
import httpx
from golden_runtime import track_adapter_request


class Carrier:
    def __init__(self):
        self.client = httpx.AsyncClient()

    @track_adapter_request("http")
    async def request_pickup(self, order, when):
        answer = await self.client.post("/pickups", json=order.as_dict(when))
        answer.raise_for_status()
        return await order.confirm(answer.json()["id"])
""",
            path="src/shop/carrier.py",
        ),
        Bad(
            """\
class Orders:
    async def save_order(self, order, lines, user, note=None):
        async with self.lock:
            await self.session.execute(order.insert())
            for line in lines:
                await self.session.execute(line.insert())
            await self.session.commit()
""",
            """\
from golden_runtime import track_adapter_request


class Orders:
    @track_adapter_request("database")
    async def save_order(self, order, lines, user, note=None):
        async with self.lock:
            await self.session.execute(order.insert())
            for line in lines:
                await self.session.execute(line.insert())
            await self.session.commit()
""",
        ),
        Bad(
            """\
import redis.asyncio


class Baskets:
    def __init__(self, client: redis.asyncio.Redis):
        self.client = client

    async def store_basket(self, customer, basket):
        await self.client.set(customer.key(), basket.dumps())
        await self.client.expire(customer.key(), basket.lifetime())
""",
            """\
import redis.asyncio
from golden_runtime import track_cache_operation


class Baskets:
    def __init__(self, client: redis.asyncio.Redis):
        self.client = client

    @track_cache_operation("redis", "set")
    async def store_basket(self, customer, basket):
        await self.client.set(customer.key(), basket.dumps())
        await self.client.expire(customer.key(), basket.lifetime())
""",
            path="src/shop/baskets.py",
        ),
        Good(
            """\
import httpx


def _client(settings):
    return httpx.Client(base_url=settings.url, timeout=httpx.Timeout(settings.timeout))
""",
            "makes a client and talks to nobody",
        ),
        Good(
            """\
import aiohttp


class Carrier:
    def __init__(self, session: aiohttp.ClientSession):
        self.session = session

    def post_order(self, path, order):
        return self.session.post(self.url + path, json=order)
""",
            "hands on what its caller awaits, and would always succeed in no time",
        ),
        Good(
            """\
class Orders:
    def fetch(self, order_id):
        return self.rows.get(order_id)
""",
            "a dictionary is no database",
        ),
    )

    def check(self, subject: Subject) -> Iterator[Violation]:
        yield violation(subject, _decorator(subject))


def _decorator(subject: Subject) -> tuple[str, str]:
    adapter = subject.verdict.adapter
    if adapter in CACHES and (operation := _cache_operation(subject.function.name)):
        return "track_cache_operation", f'"{adapter}", "{operation}"'
    return "track_adapter_request", f'"{adapter}"'


def _cache_operation(name: str) -> str:
    """Return what a function of that name does to a cache, or `""`; what is read back has hits and misses."""
    words = snake_case(name).split("_")
    return next((operation for operation, saying in _OPERATIONS.items() if not saying.isdisjoint(words)), "")
