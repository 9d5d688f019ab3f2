"""GR104 beyond its own cases: which methods of queues and retry policies are steps that want measuring."""

from __future__ import annotations

import pytest
from criticals import findings

WRAPS = """\
    def __call__(self, function):
        def again(*args):
            return self.policy.run(function, *args)
        self.log.info('wrapped')
        return again
"""


def is_step(owner: str, method: str) -> bool:
    """Whether GR104 finds the one method of a class, however few points it has."""
    return "GR104" in [code for code, _ in findings(f"class {owner}:\n{method}\n", threshold=0.0)]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("    def dequeue(self):\n        return self._orders.popleft() if len(self._orders) else None", False),
        ("    def dequeue(self):\n        return heapq.heappop(self._orders)", False),
        ("    def dequeue(self):\n        return self._redis.lpop('orders')", True),
        (
            "    async def dequeue(self):\n        async with self._lock:\n            return self._orders.popleft()",
            True,
        ),
    ],
    ids=["deque", "heap", "another process", "waits for a lock"],
)
def test_to_take_from_a_container_in_memory_is_no_poll(method: str, *, expected: bool) -> None:
    """There is nothing to wait for, and whoever polls calls it."""
    assert is_step("OrderQueue", method) is expected


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (
            "    def lease_one(self):\n        orders = self.lease(1)\n        return orders[0] if orders else None",
            False,
        ),
        ("    def lease_one(self):\n        return self._take(1)", True),
        ("    def lease_one(self):\n        return self._store.lease(1)", True),
    ],
    ids=["another step", "a helper", "another object"],
)
def test_what_hands_on_to_another_step_is_none(method: str, *, expected: bool) -> None:
    """The other one is measured, and one poll would be counted twice."""
    assert is_step("OrderQueue", method) is expected


@pytest.mark.parametrize(("answer", "expected"), [("", False), ("                return order\n", True)])
def test_a_loop_as_long_as_the_service_is_no_poll(answer: str, *, expected: bool) -> None:
    """What never comes back has no duration that anybody sees."""
    method = (
        "    async def poll(self):\n        while not self.stopped:\n            order = await self.next()\n"
        f"            if await order.place():\n                await order.ship()\n{answer}"
    )
    assert is_step("OrderQueue", method) is expected


@pytest.mark.parametrize(("owner", "expected"), [("LeaseTable", True), ("OrderQueue", True), ("PressReleases", False)])
def test_a_release_is_no_lease(owner: str, *, expected: bool) -> None:
    """`Release` only ends like one."""
    assert is_step(owner, "    def poll(self):\n        return self.client.get(self.url)") is expected


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (
            WRAPS,
            False,
        ),
        ("    def __call__(self, error) -> bool:\n        return not self._same.ask(error)", False),
        ("    def _retry_delay(self, error) -> float | None:\n        return self.headers.seconds(error)", False),
        ("    def call(self, function) -> bool:\n        return self._again.ask(function)", True),
    ],
    ids=["decorator", "predicate", "delay", "call"],
)
def test_what_makes_or_asks_is_no_retry(method: str, *, expected: bool) -> None:
    """A decorator runs at its import, and a predicate tries nothing."""
    assert is_step("RetryTimeouts", method) is expected
