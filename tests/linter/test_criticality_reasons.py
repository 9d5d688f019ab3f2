"""What a score is made of, and how its reasons are worded."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from golden_rules import Config, analyse_source

ALL = Config(root=Path.cwd(), threshold=0.0)


def reasons(source: str) -> dict[str, tuple[str, ...]]:
    """Return the reasons of each function's score, in words, without their points."""
    result = analyse_source(dedent(source), "src/shop/orders.py", ALL)
    return {entry.function: tuple(reason.rpartition(" (")[0] for reason in entry.reasons) for entry in result.functions}


def scores(source: str) -> dict[str, float]:
    """Return each function's score."""
    result = analyse_source(dedent(source), "src/shop/orders.py", ALL)
    return {entry.function: entry.score for entry in result.functions}


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        ("import sqlite3\n\nconn = sqlite3.connect(PATH)", "conn.execute(DAY)", "it calls `conn.execute` of `sqlite3`"),
        ("import sqlite3", "sqlite3.connect(PATH).execute(DAY)", "it calls `sqlite3.connect().execute`"),
        ("import psycopg2 as pg\n\nbook = pg.connect(URL)", "book.commit()", "it calls `book.commit` of `psycopg2`"),
        ("import requests", "requests.Session().get(URL)", "it calls `requests.Session().get`"),
        ("import httpx", "client = httpx.Client()\n    client.post(URL)", "it calls `httpx.Client.post`"),
        ("import requests as r", "r.post(URL)", "it calls `requests.post`"),
        ("from urllib import request", "request.urlopen(URL)", "it calls `urllib.request.urlopen`"),
    ],
)
def test_a_call_is_named_as_a_reader_would(head: str, body: str, words: str) -> None:
    """By its class where that is known; else as written, with the library that it comes from."""
    assert words in reasons(f"{head}\n\ndef close_day():\n    {body}\n")["close_day"]


def test_documentation_is_no_code() -> None:
    """A function is not long for what is written about it."""
    documented = 'def close_day(book):\n    """Close the day.\n' + "\n" * 60 + '    """\n    book.close()\n'
    long = "def close_day(book):\n" + "    book.close()\n" * 60
    assert not any("lines" in words for words in reasons(documented)["close_day"])
    assert "it has 60 lines of code" in reasons(long)["close_day"]


def test_what_several_functions_call_serves_more() -> None:
    """A step of one path may be a path of its own; what several share is a helper."""
    step = "class Orders:\n    def total(self, order):\n        return self.book.total(order)\n"
    call = "    def {name}(self, order):\n        return self.total(order)\n"
    one = scores(step + call.format(name="bill"))["Orders.total"]
    several = scores(step + call.format(name="bill") + call.format(name="remind"))["Orders.total"]
    assert several < one < scores(step)["Orders.total"]


@pytest.mark.parametrize(
    ("name", "probe"),
    [
        ("health", True),
        ("health_check", True),
        ("ready", True),
        ("healthz", True),
        ("metrics", True),
        ("live_migrate", False),
        ("metrics_query", False),
        ("health_monitor_create", False),
    ],
)
def test_what_only_says_how_the_service_is(name: str, probe: bool) -> None:
    """Words that other things are named after as well must stand alone."""
    said = reasons(f"def {name}(client, server):\n    return client.ask(server)\n")[name]
    assert ("it only says how the service is" in said) is probe


@pytest.mark.parametrize(
    ("call", "asks"),
    [
        ("self.channels.append(order)", False),
        ("self.sessions.items()", False),
        ("request.session.get(order)", False),
        ("self.channel.open(order)", True),
        ("self.session.get(order)", True),
    ],
)
def test_a_list_is_no_other_system(call: str, asks: bool) -> None:
    """What only lists, mappings and texts can do asks no one, whatever they are named after."""
    said = reasons(f"class Desk:\n    def note(self, order, request):\n        return {call}\n")["Desk.note"]
    assert any(words.startswith("it asks") for words in said) is asks


@pytest.mark.parametrize(
    ("head", "owner", "decorator", "of_bot"),
    [
        ("from discord import app_commands", "class Desk(commands.Cog):", "app_commands.command", True),
        ("from shop.bot import desk", "class Desk(commands.Cog):", "desk.command", True),
        ("from discord.ext import commands", "class Desk:", "commands.group", True),
        ("import click", "class Desk:", "click.command", False),
    ],
)
def test_commands_of_bots(head: str, owner: str, decorator: str, of_bot: bool) -> None:
    """A bot's command is an entry point; one of the command line, under the same word, is none."""
    said = reasons(
        f"{head}\n\n{owner}\n    @{decorator}()\n    async def order(self, ctx):\n        await ctx.place()\n"
    )
    assert (f"it is a bot's command handler (`@{decorator}`)" in said["Desk.order"]) is of_bot


@pytest.mark.parametrize(
    ("head", "decorator", "of_server"),
    [
        ("from mcp.server.fastmcp import FastMCP\n\nserver = FastMCP('shop')", "server.tool()", True),
        ("from fastmcp import FastMCP\n\napp = FastMCP('shop')", "app.tool", True),
        ("from mcp.server import Server\n\nserver = Server('shop')", "server.call_tool()", True),
        ("from shop.server import mcp", "mcp.resource('orders://{number}')", True),
        ("from langchain_core.tools import tool", "tool", False),
        ("from shop.cad import bench", "bench.tool()", False),
    ],
)
def test_tools_of_model_servers(head: str, decorator: str, of_server: bool) -> None:
    """What a server of the Model Context Protocol registers is called from outside; a plain `tool` need not be."""
    said = reasons(f"{head}\n\n\n@{decorator}\nasync def order(number):\n    return await place(number)\n")
    assert any(words.startswith("it is what a model calls") for words in said["order"]) is of_server
