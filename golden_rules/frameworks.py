"""What frameworks call: decorators and base classes that make a function an entry point, or leave it none of our business."""

from __future__ import annotations

import re

# Registering decorators, by the last part of their name, and what a function under them is.
_ROUTE_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
_ROUTES = frozenset(
    {
        "route", "api_route", "websocket", "websocket_route", "endpoint", "expose", "api_view", "view_config", "action",
        "get_route", "post_route", "http_route",
    }
)  # fmt: skip
_TASKS = frozenset(
    {
        "task", "shared_task", "periodic_task", "actor", "dramatiq_actor", "job", "on_demand", "db_task", "background_task",
        "activity", "defn", "durable_task", "flow",
    }
)  # fmt: skip
_SCHEDULED = frozenset(
    {
        "scheduled_job",
        "cron",
        "crontab",
        "repeat_every",
        "periodic",
        "schedule",
        "on_schedule",
        "looping_call",
        "timer_trigger",
    }
)
_CONSUMERS = frozenset(
    {
        "consumer", "subscriber", "subscribe", "listener", "on_message", "consume", "message_handler", "event_handler",
        "agent", "queue_trigger", "kafka_listener", "receiver",
    }
)  # fmt: skip
BOT_COMMAND = "a bot's command handler"
_BOTS = frozenset({"slash_command", "callback_query_handler", "on_command", "bot_command", "hybrid_command"})
# What makes a command of a bot only where the framework or the class says so: a command line has these too.
_COMMANDS_OF_BOTS = frozenset({"command", "group", "hybrid_group", "context_menu"})
_BOT_FRAMEWORKS = frozenset({"discord", "nextcord", "disnake", "redbot", "twitchio"})
_BOT_CLASSES = frozenset({"Cog", "GroupCog"})
MODEL_TOOL = "what a model calls"
# What a server of the Model Context Protocol registers. The words are everybody's, so the server has to be told.
_MODEL_TOOLS = frozenset({"tool", "resource", "prompt", "call_tool", "read_resource", "get_prompt"})
_MODEL_SERVERS = frozenset({"mcp", "fastmcp"})
_RPC = frozenset(
    {"rpc", "rpc_method", "procedure", "jsonrpc_method", "grpc_method", "websocket_command", "method_handler"}
)
_WORDS = {
    **dict.fromkeys(_ROUTES, "a route"),
    **dict.fromkeys(_TASKS, "a task"),
    **dict.fromkeys(_SCHEDULED, "a scheduled job"),
    **dict.fromkeys(_CONSUMERS, "a message consumer"),
    **dict.fromkeys(_BOTS, BOT_COMMAND),
    **dict.fromkeys(_RPC, "an RPC handler"),
}
# What works for its own ends: a failed task has no caller who would tell.
UNATTENDED = ("a task", "a scheduled job", "a message consumer")
# Where these words name other things than entry points.
_NOT_ENTRY_ROOTS = frozenset({"click", "typer", "pytest", "mock", "unittest", "fixture", "hybrid_property", "property"})

# A module's own `_Endpoint` is what a client calls at least as often as what a service answers at.
_HANDLER_BASES = re.compile(
    r"(View|ViewSet|APIView|(?<!List)(?<!Instance)(?<!Context)(?<!API)(?<!Api)Resource|RequestHandler|HTTPEndpoint|HTTPRequestHandler|Servicer|Servlet|(?<!^_)Endpoint|Consumer|RestApi)$"
)
_HTTP_METHODS = re.compile(r"^(async_)?(on_|do_)?(get|post|put|patch|delete|handle|dispatch|receive)$", re.IGNORECASE)
# A base class of the project's own, such as `APIHandler`: only verbs of HTTP tell that a request is what it handles.
_OWN_HANDLER_BASES = re.compile(r"(?<!Exception)(?<!Error)(?<!Log)(?<!Logging)(?<!Signal)(?<!Stream)(?<!File)Handler$")
_VIEW_SET_ACTIONS = frozenset({"list", "create", "retrieve", "update", "partial_update", "destroy"})
# What Falcon calls of a resource, which has no base class: `on_post(self, req, resp)`.
_RESPONDER = re.compile(r"^on_(get|post|put|patch|delete)(_\w+)?$")
_RESPONDER_PARAMETERS = (("req", "resp"), ("request", "response"))

# What finds the function that answers a request, and answers none itself.
DISPATCHERS = frozenset({"_lookup", "_route", "_default"})

# Decorators that make a command of the command line.
COMMANDS = frozenset({"command", "group", "option", "argument", "pass_context"})

# Decorators under or over which a measuring decorator measures nothing, breaks, or costs too much.
NEVER = frozenset(
    {
        "overload", "abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod", "property",
        "cached_property", "cache", "lru_cache", "cached", "memoize", "memoized", "setter", "getter", "deleter", "njit", "jit",
        "guvectorize", "vectorize", "kernel", "triton_op", "custom_op", "script", "compile", "fixture", "hybrid_property",
        "validator", "field_validator", "model_validator", "root_validator", "field_serializer", "model_serializer",
        "no_type_check", "singledispatch", "singledispatchmethod", "hookimpl", "hookspec", "register_fake", "expression",
        "comparator", "callback", "declared_attr", "compiles", "listens_for", "wraps", "template_filter", "simple_tag",
        "under_cached_property", "reify", "cachedproperty", "lazy_property", "lazyproperty", "async_cached_property",
        "deprecated_property", "typecheck_property",
    }
)  # fmt: skip


def registering_decorator(decorator: str, target: str | None, bases: tuple[str, ...] = ()) -> str:
    """Return what a decorator makes of a function (`a route`, `a task`, ...), or `""`.

    Args:
        decorator: The decorator as written, without arguments.
        target: What its name stands for, where known.
        bases: The base classes of the class around the function, as written.
    """
    root, _, _ = (target or decorator).partition(".")
    if root in _NOT_ENTRY_ROOTS:
        return ""
    base, _, last = decorator.rpartition(".")
    if last == "agent" and not base:
        # Faust's is `@app.agent(topic)`; a plain `@agent` marks what makes a language model's agent.
        return ""
    if last in _COMMANDS_OF_BOTS:
        of_bot = root in _BOT_FRAMEWORKS or any(name.rpartition(".")[2] in _BOT_CLASSES for name in bases)
        return BOT_COMMAND if of_bot else ""
    if last in _MODEL_TOOLS:
        return MODEL_TOOL if root in _MODEL_SERVERS or base.rpartition(".")[2] in _MODEL_SERVERS else ""
    if last in _ROUTE_VERBS:
        return "a route" if base or root == "litestar" else ""
    return _WORDS.get(last, "")


def handler_method(bases: tuple[str, ...], name: str, parameters: tuple[str, ...]) -> str:
    """Return what a method is by its class's bases, its name and its parameters, or `""`.

    For instance `a handler of `RequestHandler``, or `a responder`.

    Args:
        bases: The base classes as written.
        name: The method's name.
        parameters: The names of its first positional parameters, `self` left out.
    """
    for base in bases:
        last = base.rpartition(".")[2]
        if _is_handler(last, name):
            return f"a handler of `{base}`"
    if _RESPONDER.match(name) and parameters[:2] in _RESPONDER_PARAMETERS:
        return "a responder"
    return ""


def _is_handler(base: str, name: str) -> bool:
    match = _HANDLER_BASES.search(base)
    if match is None:
        return name in _ROUTE_VERBS and bool(_OWN_HANDLER_BASES.search(base))
    if match[1] == "Servicer" and name[:1].isupper():
        return True
    if match[1] == "Consumer" and name in _ROUTE_VERBS:
        # It gets what it consumes; only a view is named after what the request asks for.
        return False
    return bool(_HTTP_METHODS.match(name)) or (base.endswith("ViewSet") and name in _VIEW_SET_ACTIONS)
