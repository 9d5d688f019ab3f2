"""Which functions are called unmeasured, and which never are."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from golden_rules import Config, analyse_source
from golden_rules.fixing import fix_source

WORK = """
    order = await store.load(number)
    parcel = await packing.pack(order)
    await carrier.hand_over(parcel)
    return parcel.label()
"""


def config(**settings: object) -> Config:
    """Return a configuration with these settings, and with the rules about what nothing measures, and GR201."""
    return Config(root=Path.cwd(), select=("GR1", "GR201"), **settings)  # type: ignore[arg-type]  # each test names fields of Config


def findings(source: str, path: str = "src/shop/orders.py", **settings: object) -> list[tuple[str, str]]:
    """Return the codes found in a module, each with its function."""
    result = analyse_source(dedent(source), path, config(**settings))
    return [(finding.code, finding.function) for finding in result.findings]


def function(decorators: str = "", name: str = "process_order", imports: str = "") -> str:
    """Return a module with a function that does enough to be critical."""
    return f"{imports}\n\n{decorators}async def {name}(number, store, packing, carrier):{WORK}"


class TestNever:
    """What is never called unmeasured, however much it does."""

    @pytest.mark.parametrize(
        "decorator",
        [
            "@property",
            "@cached_property",
            "@functools.cache",
            "@functools.lru_cache(maxsize=8)",
            "@typing.overload",
            "@abstractmethod",
            "@abc.abstractmethod",
            "@pytest.fixture",
            "@total.setter",
            "@validator('number')",
            "@numba.njit",
        ],
    )
    def test_under_a_decorator(self, decorator: str) -> None:
        """A decorator that makes something else than a plain function of it."""
        assert findings(function()) == [("GR103", "process_order")]
        assert findings(function(f"{decorator}\n")) == []

    @pytest.mark.parametrize("name", ["__aenter__", "__init__", "__iter__"])
    def test_dunders(self, name: str) -> None:
        """Dunders are the language's, not the program's operations."""
        assert findings(f"class Order:\n    async def {name}(self, store, carrier, packing):{indented(WORK)}") == []

    @pytest.mark.parametrize("body", ["...", "pass", '"""Load an order."""', "raise NotImplementedError"])
    def test_stubs(self, body: str) -> None:
        """A stub carries nothing out."""
        assert findings(f"class Store:\n    def process_order(self, number):\n        {body}\n") == []

    @pytest.mark.parametrize(
        "path",
        [
            "tests/test_orders.py",
            "src/shop/conftest.py",
            "src/shop/pytest_plugin.py",
            "src/shop/_tests/orders.py",
            "src/shop/orders_pb2_grpc.py",
            "src/shop/cli/orders.py",
            "src/shop/example_flows/orders.py",
            "examples/orders.py",
            "src/shop/migrations/0001_orders.py",
            "src/shop/_vendor/orders.py",
            "src/shop/metrics.py",
            "src/shop/telemetry/orders.py",
        ],
    )
    def test_where_nobody_measures(self, path: str) -> None:
        """Tests, examples, migrations, vendored and generated code, metrics modules, and the command line."""
        assert findings(function(), path) == []

    def test_what_the_configuration_names(self) -> None:
        """`not-critical` names functions by module and name, by name, or by path."""
        for pattern in ("shop.orders.process_*", "*.process_order", "src/shop/orders.py"):
            assert findings(function(), not_critical=(pattern,)) == []
        assert findings(function(), not_critical=("shop.payments.*",)) == [("GR103", "process_order")]

    def test_why_the_configuration_names_it(self) -> None:
        """The reason that it gives is shown with the function's points."""
        why = (("*.ship", "robots do it"), ("shop.orders.*", "the caller is measured"))
        named = config(not_critical=tuple(pattern for pattern, _ in why), not_critical_reasons=why)
        (found,) = analyse_source(function(), "src/shop/orders.py", named).functions
        assert "the configuration names it not critical: the caller is measured (-100)" in found.reasons

    def test_what_a_comment_names(self) -> None:
        """`not-critical` stands above the function or on its first line."""
        assert findings(function("# golden-rules: not-critical -- the caller is measured\n")) == []


def scores(source: str, path: str = "src/shop/orders.py") -> dict[str, float]:
    """Return the score of each function of a module."""
    result = analyse_source(dedent(source), path, config())
    return {function.function: function.score for function in result.functions}


class TestOrder:
    """What the ranking says where no threshold is near."""

    def test_a_path_before_its_steps(self) -> None:
        """Who leads through private steps is worth more than they are, and more than one whom nobody needs to lead."""
        source = """
            class Orders:
                def pack(self, order):
                    return {body}

                def _wrap(self, order):
                    return self.paper.take(order)
        """
        leading = scores(source.format(body="self._wrap(order)"))
        alone = scores(source.format(body="self.paper.take(order)"))
        assert leading["Orders.pack"] > alone["Orders.pack"]
        assert leading["Orders._wrap"] < alone["Orders._wrap"]

    def test_what_a_call_of_an_object_does(self) -> None:
        """`__call__` is an operation like any other, however the language names it."""
        source = """
            class Deploy:
                async def {name}(self, order, store, packing, carrier):
                    try:
                        parcel = await packing.pack(await store.load(order))
                        return await carrier.hand_over(parcel)
                    except CarrierError:
                        logger.exception("no carrier for %s", order)
                        raise
        """
        assert (
            scores(source.format(name="__call__"))["Deploy.__call__"]
            > 0
            > scores(source.format(name="__iter__"))["Deploy.__iter__"]
        )

    def test_what_is_never_critical_is_in_order_too(self) -> None:
        """A reader of the list sees the weightier of two properties first, and neither above anything else."""
        found = scores("""
            class Order:
                @property
                def parcels(self):
                    return self.carrier.load(self.number)

                @property
                def _total(self):
                    return sum(self.prices)

                def _round(self):
                    return round(self.price)
        """)
        assert found["Order._total"] < found["Order.parcels"] < found["Order._round"]

    def test_what_asks_only_the_values_at_hand(self) -> None:
        """Calls of built-in functions, strings and lists are no work of the program's own."""
        source = "def describe(order):\n    return {call}(str(order))\n"
        assert scores(source.format(call="repr"))["describe"] < scores(source.format(call="carrier.label"))["describe"]


class TestDealings:
    """Whom a function deals with decides more than its size."""

    def test_what_only_hands_a_call_on(self) -> None:
        """The series belongs to what is called: a facade's methods are worth less than one that does something with the answer."""
        source = """
            class Parcels:
                async def book(self, order, carrier, *, insured=False, note=None):
                    return await self._client.book(order, carrier, insured=insured, note=note)

                async def track(self, order, carrier, *, insured=False, note=None):
                    state = await self._client.track(order, carrier)
                    await self._store.save(order, state)
                    return state
        """
        found = scores(source)
        assert found["Parcels.book"] < found["Parcels.track"]

    def test_a_generated_client(self) -> None:
        """Methods that are all alike are not critical one by one; the same method in a class of its own ranks higher."""
        method = """
                def {name}(self, number, params, options):
                    if not number:
                        raise ValueError(number)
                    return client.request("get", number, params, options)
        """
        lone = scores("class Orders:" + method.format(name="find"))["Orders.find"]
        alike = scores(
            "class Orders:" + "".join(method.format(name=name) for name in ("find", "drop", "lend", "ship", "hold"))
        )
        assert alike["Orders.find"] < lone

    def test_parts_of_the_system(self) -> None:
        """What asks a store or a client waits for it; what asks a value at hand does not."""
        source = "class Orders:\n    def close(self, number):\n        row = {asked}.{verb}(number)\n        self.tell(row)\n"
        asking = scores(source.format(asked="self.order_store", verb="lock"))["Orders.close"]
        counting = scores(source.format(asked="self.numbers", verb="lock"))["Orders.close"]
        assert counting < asking

    @pytest.mark.parametrize(
        "call", ["print(number)", "click.echo(number)", "self.console.print(number)", "input('Which order? ')"]
    )
    def test_the_terminal(self, call: str) -> None:
        """Who sits before a terminal needs no alert."""
        source = "class Orders:\n    def ship(self, number):\n        {call}\n        self.carrier.take(number)\n"
        talking = scores(source.format(call=call))["Orders.ship"]
        assert talking < scores(source.format(call="self.paper.note(number)"))["Orders.ship"]

    def test_a_step_of_a_middleware(self) -> None:
        """Requests are measured where they are answered, not in each step on their way."""
        source = "class {name}:\n    async def dispatch(self, request, call_next):\n        return await call_next(self.sign(request))\n"
        assert (
            scores(source.format(name="SignMiddleware"))["SignMiddleware.dispatch"]
            < scores(source.format(name="Sign"))["Sign.dispatch"]
        )

    @pytest.mark.parametrize(
        "source",
        [
            "import requests\n\ndef state(number):\n    answer = requests.get(number)\n    return answer.json().get('state')\n",
            "import redis\n\ndef state(number):\n    return redis.Redis().get(number)\n",
        ],
    )
    def test_talking(self, source: str) -> None:
        """Calls of a library that talks are external calls."""
        assert [code for code, _ in findings(source, threshold=0.0)] == ["GR102"]

    @pytest.mark.parametrize(
        ("source", "path"),
        [
            (
                "import redis\n\ndef state(pipe: redis.Redis.pipeline):\n    return pipe.get('state')\n",
                "src/shop/orders.py",
            ),
            (
                "from requests import Response\n\ndef state(answer: Response):\n    data = answer.json()\n    return data.get('x')\n",
                "src/shop/orders.py",
            ),
            ("from redis.parts import Box\n\ndef state(box: Box):\n    return box.get('state')\n", "redis/orders.py"),
        ],
    )
    def test_not_talking(self, source: str, path: str) -> None:
        """What waits on a pipeline, what is plain data, and what is a library's own code talk to nobody."""
        assert "GR102" not in [code for code, _ in findings(source, path, threshold=-50.0)]


class TestHandlers:
    """What frameworks call by the class alone."""

    @pytest.mark.parametrize(
        ("base", "method"),
        [
            ("tornado.web.RequestHandler", "async def post(self, number)"),
            ("APIHandler", "async def get(self, number)"),
            ("web.View", "async def put(self)"),
            ("HTTPEndpoint", "async def delete(self, request)"),
            ("TemplateView", "def get(self, request)"),
            ("viewsets.ModelViewSet", "def create(self, request)"),
            ("viewsets.ModelViewSet", "def partial_update(self, request, pk)"),
            ("orders_pb2_grpc.OrdersServicer", "def Ship(self, request, context)"),
            ("object", "def on_post(self, req, resp)"),
            ("object", "async def on_get_parcels(self, request, response)"),
        ],
    )
    def test_handlers(self, base: str, method: str) -> None:
        """They are entry points, whatever they do."""
        source = f"class Orders({base}):\n    {method}:\n        return self.reply(self.order_store.load())\n"
        assert [code for code, _ in findings(source, threshold=0.0)] == ["GR101"]

    @pytest.mark.parametrize(
        ("base", "method"),
        [
            ("LoggingHandler", "def get(self, number)"),
            ("ExceptionHandler", "def post(self, error)"),
            ("APIHandler", "def prepare(self)"),
            ("object", "def on_post(self, letter)"),
            ("dict", "def create(self, number)"),
        ],
    )
    def test_no_handlers(self, base: str, method: str) -> None:
        """Other classes and other methods are called by the program itself."""
        source = f"class Orders({base}):\n    {method}:\n        return self.reply(self.order_store.load())\n"
        assert "GR101" not in [code for code, _ in findings(source, threshold=-50.0)]


class TestRequired:
    """What is named critical is, whatever it does."""

    def test_by_a_comment(self) -> None:
        """A comment above the function, on the line of its `def`, or between its decorators."""
        assert findings("# golden-rules: critical\ndef total(order):\n    return order.sum()\n") == [("GR105", "total")]
        assert findings("def total(order):  # golden-rules: critical\n    return order.sum()\n") == [("GR105", "total")]

    def test_by_the_configuration(self) -> None:
        """The configuration prevails over what a function looks like, and a comment in a string is none."""
        source = 'def total(order):\n    return "# golden-rules: critical"\n'
        assert findings(source) == []
        assert findings(source, critical=("shop.orders.total",)) == [("GR105", "total")]


class TestMeasured:
    """What something measures already, under whatever name it was imported."""

    @pytest.mark.parametrize(
        ("imports", "decorator"),
        [
            ("from golden_runtime import track_request", "track_request('a.b')"),
            ("from golden_runtime import counted as c", "c('a.b')"),
            ("import golden_runtime", "golden_runtime.timed('a.b')"),
            ("import golden_runtime as gr", "gr.track_errors('a.b')"),
            ("from golden_runtime import composites", "composites.track_adapter_request('db')"),
            ("import golden_runtime.decorators as d", "d.counted('a.b')"),
            ("from prometheus_client import Counter\nERRORS = Counter('a', 'b')", "ERRORS.count_exceptions()"),
            ("from prometheus_client import Summary\nSECONDS = Summary('a', 'b')", "SECONDS.time()"),
            ("from opentelemetry import trace\ntracer = trace.get_tracer('x')", "tracer.start_as_current_span('a')"),
            ("from shop.metrics import REQUEST_TIME", "REQUEST_TIME.time()"),
        ],
    )
    def test_by_a_decorator(self, imports: str, decorator: str) -> None:
        """The runtime's decorators, those of prometheus_client and of OpenTelemetry."""
        assert findings(function(f"@{decorator}\n", imports=imports)) == []

    @pytest.mark.parametrize(
        ("imports", "decorator"),
        [
            ("from shop.observability import watched", "watched"),
            ("from shop import observability as o", "o.watched('a')"),
            ("from .observability import watched as w", "w()"),
            ("import shop.observability", "shop.observability.watched"),
        ],
    )
    def test_by_a_module_of_the_project(self, imports: str, decorator: str) -> None:
        """`measured-by` names modules whose decorators measure."""
        source = function(f"@{decorator}\n", imports=imports)
        assert findings(source) == [("GR103", "process_order")]
        assert findings(source, measured_by=("shop.observability",)) == []

    def test_by_a_decorator_above_another(self) -> None:
        """Where the measuring decorator stands among others makes no difference here."""
        source = function("@track_request('a.b')\n@retry\n", imports="from golden_runtime import track_request")
        assert findings(source) == []

    def test_by_a_re_exporting_module(self) -> None:
        """`runtime-module` is the runtime under another name."""
        source = function("@track_request('a.b')\n", imports="from shop.platform import track_request")
        assert findings(source, runtime_module="shop.platform") == []


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


def test_a_cache_in_front_of_something_else() -> None:
    """A read-through function never misses, so it is measured as what it falls back to."""
    source = """
        import redis

        cache = redis.Redis()


        def get_user(session, number):
            known = cache.get(number)
            if known:
                return known
            row = session.execute("select name from users where id = ?", number).one()
            session.commit()
            cache.set(number, row.name, ex=60)
            return row.name
    """
    (finding,) = analyse_source(dedent(source), "src/shop/users.py", config(threshold=3.0)).findings
    assert finding.remedy == 'add `@track_adapter_request("database")`'


def indented(body: str) -> str:
    """Return a body one level deeper."""
    return body.replace("\n    ", "\n        ")
