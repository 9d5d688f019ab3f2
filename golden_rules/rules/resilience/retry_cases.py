"""What GR301 finds and leaves alone, as its page shows and its test checks."""

from __future__ import annotations

from golden_rules.rules.base import Bad, Good

RETRY_CASES: tuple[Bad | Good, ...] = (
    Bad(
        """\
import asyncio

from shop.gateway import GatewayError, send


async def charge(order):
    for attempt in range(3):
        try:
            return await send(order)
        except GatewayError:
            if attempt == 2:
                raise
            await asyncio.sleep(2**attempt)
""",
        """\
from golden_runtime import retry

from shop.gateway import GatewayError, send


@retry(max_retries=2, retry_on=GatewayError, jitter="none")
async def charge(order):
    return await send(order)
""",
        unsafe=True,
    ),
    Bad(
        """\
import time

from shop.stock import StockError


def reserve(stock, items, log):
    retries, delay = 0, 0.5
    while True:
        try:
            reservation = stock.reserve(items)
        except StockError as error:
            retries += 1
            if retries > 5:
                raise
            log.warning("no reservation yet: %s", error)
            time.sleep(delay)
            delay *= 2
        else:
            break
    return reservation.number
""",
        """\
from golden_runtime import RetryConfig, RetryPolicy

from shop.stock import StockError


def reserve(stock, items, log):
    for attempt in RetryPolicy(RetryConfig(max_retries=5, retry_on=StockError, base_delay=0.5, jitter="none"), name="shop.orders.reserve").attempts():
        with attempt:
            reservation = stock.reserve(items)
    return reservation.number
""",
        unsafe=True,
    ),
    Bad(
        """\
from shop.mail import MailServerBusy


def notify(mailer, letter, backoff):
    for delay in (1, 5, 30):
        try:
            mailer.send(letter)
            break
        except MailServerBusy:
            backoff.sleep(delay)
"""
    ),
    Bad(
        """\
import time


def close_account(gateway, log):
    closed = False
    while not closed:
        try:
            gateway.close()
            closed = True
        except OSError:
            log.error("the account does not close")
            time.sleep(2)
"""
    ),
    Bad(
        """\
import time

import requests


def prices(url):
    for attempt in range(4):
        response = requests.get(url, timeout=5)
        if response.status_code == 200:
            return response.json()
        time.sleep(attempt)
    return None
"""
    ),
    Good(
        """\
from shop.gateway import GatewayError


def charge_anywhere(gateways, order):
    for gateway in gateways:
        try:
            return gateway.send(order)
        except GatewayError:
            continue
    raise GatewayError("no gateway takes the order")
""",
        "the next candidate is no retry",
    ),
    Good(
        """\
import time


def wait_for_parcel(carrier, parcel):
    while True:
        try:
            state = carrier.state(parcel)
        except ConnectionError:
            state = None
        if state == "delivered":
            return state
        time.sleep(60)
""",
        "polling waits for something to come about",
    ),
    Good(
        """\
import time


def sweep_for_ever(shelves, log):
    while True:
        try:
            shelves.sweep()
        except OSError:
            log.exception("swept badly, will try again")
        time.sleep(300)
""",
        "a periodic job goes on after success",
    ),
    Good(
        """\
import queue


def consume(orders, handle, stop):
    while not stop.is_set():
        try:
            order = orders.get(timeout=1)
        except queue.Empty:
            continue
        handle(order)
""",
        "a consumer waits for its next message",
    ),
    Good(
        """\
import socket


def first_free_port(start):
    for number in range(100):
        try:
            return socket.create_server(("", start + number))
        except OSError:
            continue
    raise OSError("no port is free")
""",
        "the next port is something else",
    ),
    Good(
        """\
from shop.carriers import Refused


def send(parcel, carriers):
    attempts = 0
    while attempts < 3:
        attempts += 1
        carrier = carriers.select(parcel)
        try:
            return carrier.take(parcel)
        except Refused:
            continue
    return None
""",
        "each round chooses another carrier",
    ),
    Good(
        """\
from shop.reports import NotThere


def latest_report(store, day, step):
    tries = 5
    while tries > 0:
        try:
            return store.report(day)
        except NotThere:
            tries -= 1
            day = day - step
    return None
""",
        "each round asks for another day",
    ),
    Good(
        """\
from shop.gateway import Unauthorized


def orders(client):
    for attempt in range(2):
        try:
            return client.get("/orders")
        except Unauthorized:
            if attempt:
                raise
            client.refresh_token()
""",
        "the cause is made good once",
    ),
    Good(
        """\
from redis.exceptions import WatchError


def take(pipe, key, log):
    while True:
        try:
            pipe.watch(key)
            left = int(pipe.get(key))
            pipe.multi()
            pipe.set(key, left - 1)
            pipe.execute()
            return left
        except WatchError:
            log.debug("taken by somebody else, will try again")
""",
        "somebody else was first, and one of them always wins",
    ),
    Good(
        """\
def ask_for_amount():
    while True:
        try:
            return int(input("How many? "))
        except ValueError:
            print("That is no number, try again.")
""",
        "a question is put to a person",
    ),
    Good(
        """\
from botocore.exceptions import ClientError


def log_in(client):
    try_again = True
    while try_again:
        try:
            return client.authenticate()
        except ClientError as error:
            print(error)
            try_again = input("Do you want to try again? ") == "yes"
""",
        "a person says whether to try again",
    ),
    Good(
        """\
from botocore.exceptions import ClientError


def pools(client, log):
    response = None
    while response is None or "NextToken" in response:
        token = response["NextToken"] if response else ""
        try:
            response = client.list_pools(NextToken=token)
        except ClientError:
            log.warning("this page failed, retry by hand")
            continue
        yield from response["Pools"]
""",
        "a loop through the pages of a listing",
    ),
    Good(
        """\
import asyncio


async def keep_listening(connect, handle, log):
    while True:
        try:
            async with connect() as channel:
                async for message in channel:
                    await handle(message)
        except ConnectionError:
            log.warning("connection lost, will try again")
            await asyncio.sleep(5)
""",
        "the loop is the service itself",
    ),
    Good(
        """\
import os


def remove_tree(folder):
    for attempt in range(5):
        try:
            os.rmdir(folder)
            return
        except OSError:
            for name in os.listdir(folder):
                os.unlink(os.path.join(folder, name))
""",
        "tries are counted, but nothing waits, and nothing leaves the process",
    ),
    Good(
        """\
from golden_runtime import RetryConfig, RetryPolicy

from shop.gateway import send

policy = RetryPolicy(RetryConfig(max_retries=2), name="gateway")


async def charge(order):
    return await policy.execute(send, order)
""",
        "a retry policy of the runtime",
    ),
)
