"""Where the decorator of a critical function goes and what it names its series, and which findings give way to others."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from criticals import WORK, config, findings, function, indented

from golden_rules import Config, analyse_source
from golden_rules.fixing import fix_source


class TestPlace:
    """Where the decorator goes."""

    @pytest.mark.parametrize(
        "above",
        [
            '@router.post("/orders")',
            "@shared_task",
            "@app.task(bind=True, max_retries=3)",
            '@scheduler.scheduled_job("interval", seconds=5)',
            "@asynccontextmanager",
            "@staticmethod",
            "@classmethod",
        ],
    )
    def test_under_what_registers_or_replaces_the_function(self, above: str) -> None:
        """Below routes, tasks, jobs, context managers, static and class methods, so that they get the measured one."""
        source = f"class Orders:\n    {above}\n    # golden-rules: critical\n    async def pack(number, store, packing, carrier):{indented(WORK)}"
        fixed = fix_source(source.encode(), "src/shop/orders.py", config()).content.decode()
        assert f'{above}\n    # golden-rules: critical\n    @track_request("shop.orders.pack")\n    async def' in fixed

    def test_above_what_calls_it_again(self) -> None:
        """One call, retries included, is one operation."""
        source = function('@app.route("/x")\n@tenacity.retry(stop=3)\n')
        fixed = fix_source(source.encode(), "src/shop/orders.py", config()).content.decode()
        assert '@app.route("/x")\n@track_request("shop.orders.process_order")\n@tenacity.retry(stop=3)\n' in fixed


class TestNames:
    """What fixes call the series."""

    @pytest.mark.parametrize(
        ("path", "app", "name"),
        [
            ("src/shop/orders.py", None, "shop.orders.process_order"),
            ("shop/orders/__init__.py", None, "shop.orders.process_order"),
            ("services/pay/src/pay/charge.py", "pay", "pay.charge.process_order"),
            ("charge.py", "pay", "pay.process_order"),
            ("src/shop/_internal/orders.py", None, "shop.internal.orders.process_order"),
        ],
    )
    def test_from_the_path(self, path: str, app: str | None, name: str) -> None:
        """The module path below the app's package, then the function; leading underscores go."""
        fixed = fix_source(function().encode(), path, config(app=app)).content.decode()
        assert f'@track_request("{name}")' in fixed

    def test_the_class_where_the_name_alone_would_clash(self) -> None:
        """Two functions of one name in one file have two series."""
        body = indented(WORK)
        arguments = "(self, number, store, packing, carrier)"
        source = f"class Mail:\n    async def handle{arguments}:{body}\n\nclass Push:\n    async def handle{arguments}:{body}"
        fixed = fix_source(source.encode(), "src/shop/notify.py", config()).content.decode()
        assert '@track_request("shop.notify.mail.handle")' in fixed
        assert '@track_request("shop.notify.push.handle")' in fixed


class TestOneFindingPerWrong:
    """A person thinks in paths, not in functions."""

    SERVED = """class Orders:
    async def process_order(self, number, store, packing, carrier):
        order = await store.load(number)
        await self._deliver(number, store, packing, carrier)
        await store.close(order)
        await carrier.notify(order)

    async def _deliver(self, number, store, packing, carrier):
        async with store.lock(number):
            await store.session.execute(number)
        try:
            await carrier.book(number, packing.size(number))
        except CarrierError:
            logger.exception("no carrier for %s", number)
            raise
"""

    def test_what_only_serves_a_measured_function(self) -> None:
        """Its time and its failures show in the series of the function that calls it."""
        assert findings(self.SERVED) == [("GR103", "Orders.process_order")]

    def test_what_is_started_apart_serves_nobody(self) -> None:
        """Nobody waits for a task of its own, so nobody's series shows its failure."""
        apart = self.SERVED.replace(
            "await self._deliver(number, store, packing, carrier)",
            "asyncio.create_task(self._deliver(number, store, packing, carrier))",
        )
        assert ("GR102", "Orders._deliver") in findings(apart)

    def test_timing_by_hand_goes_first(self) -> None:
        """A function that is timed by hand is not also called unmeasured."""
        source = function().replace("    order = ", "    start = time.monotonic()\n    order = ")
        source = source.replace("    return", "    logger.info('took %s', time.monotonic() - start)\n    return")
        assert findings(f"import time\n{source}") == [("GR201", "process_order")]


def test_a_timed_retry_loop_has_two_wrongs() -> None:
    """The policy that takes the loop's place leaves the clock where it is; neither is also called unmeasured."""
    source = """
        import time

        import httpx


        def fetch(url, log):
            start = time.monotonic()
            for attempt in range(3):
                try:
                    answer = httpx.get(url)
                    log.info("answered in %.1f s", time.monotonic() - start)
                    return answer
                except httpx.HTTPError:
                    time.sleep(2**attempt)
            raise TimeoutError(url)
    """
    result = analyse_source(dedent(source), "src/shop/orders.py", Config(root=Path.cwd()))
    assert sorted(finding.code for finding in result.findings) == ["GR201", "GR301"]
