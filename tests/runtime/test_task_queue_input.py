"""What task queues take, and what they refuse at once."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from golden_runtime import TaskQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from golden_runtime import SyncTaskQueue, Task
    from golden_runtime.storage.session import Transaction


def test_payloads_come_back_as_they_were(queue: SyncTaskQueue) -> None:
    """Whatever JSON can say survives, odd characters included."""
    payload = {"text": "nul \0, lone \ud800, é, 🙂", "nested": [1, 2.5, None, True, {"a": []}]}
    queue.enqueue("n", payload)
    task = queue.get_next_task()
    assert task is not None
    assert task.payload == payload


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("n", object()), "payload cannot be stored"),
        (("n", float("nan")), "payload cannot be stored"),
        (("", 1), "task name"),
        (("a\0b", 1), "task name"),
    ],
)
def test_what_cannot_be_stored_is_refused_at_once(
    queue: SyncTaskQueue, arguments: tuple[str, object], said: str
) -> None:
    """A bad argument is the caller's error, in a sentence, and leaves nothing behind."""
    with pytest.raises((TypeError, ValueError), match=said):
        queue.enqueue(*arguments)
    assert queue.stats().depth == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda queue: queue.get_next_task(names="name"), "`names` must be several names"),
        (lambda queue: queue.get_next_tasks(-1), "limit `-1`"),
        (lambda queue: queue.get_next_task(lease_seconds=float("nan")), "lease_seconds"),
        (lambda queue: queue.get_next_task(lease_seconds=-5), "lease_seconds"),
        (lambda queue: queue.enqueue("n", delay=math.inf), "delay"),
        (lambda queue: queue.enqueue("n", priority=2**70), "priority"),
        (lambda queue: queue.dead_letters.get_entries(limit=-1), "limit `-1`"),
        (lambda queue: queue.dead_letters.replay("17"), "id `'1'`"),
        (lambda queue: queue.dead_letters.add_entry("n", 1, "e", attempts=2**70), "attempts"),
    ],
)
def test_arguments_that_would_hide_or_grab_tasks_are_refused(
    queue: SyncTaskQueue, wrong: Callable[[SyncTaskQueue], object], said: str
) -> None:
    """A slip such as a lease that never ends, or a string for a list of names, says so and touches no task."""
    queue.enqueue("name")
    with pytest.raises((TypeError, ValueError), match=said):
        wrong(queue)
    assert (queue.stats().ready, queue.stats().claimed) == (1, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda queue, task: queue.mark_failed(task, "e", retry_in=math.inf),
        lambda queue, task: queue.mark_failed(task, "e", attempts=2**70),
        lambda queue, task: queue.release(task, delay=math.nan),
        lambda queue, task: queue.heartbeat(task, lease_seconds=math.inf),
    ],
)
def test_reports_that_would_hide_a_task_for_ever_are_refused(
    queue: SyncTaskQueue, wrong: Callable[[SyncTaskQueue, Task], object]
) -> None:
    """A task is put off by a number of seconds that ends, and stays with its holder where it is not."""
    queue.enqueue("n")
    task = queue.get_next_task()
    assert task is not None
    with pytest.raises(ValueError, match="must be"):
        wrong(queue, task)
    queue.mark_completed(task)


@pytest.mark.parametrize("option", ["lease_seconds", "max_receives", "retention_seconds"])
def test_settings_that_make_no_sense_are_refused(sqlite_path: str, option: str) -> None:
    """A queue that would forget at once, or bury at the first claim, is not made."""
    with pytest.raises(ValueError, match=f"`{option}` must be"):
        TaskQueue(sqlite_path, **{option: -0.5})  # type: ignore[arg-type]  # the name varies


def _deep(levels: int) -> list[object]:
    nested: list[object] = []
    for _ in range(levels):
        nested = [nested]
    return nested


def test_an_interpreter_without_the_encoder_in_c_stores_the_same(sqlite_path: str) -> None:
    """That one is no public part of Python."""
    program = """
import sys
sys.modules["_json"] = None
from golden_runtime import TaskQueue
with TaskQueue(sys.argv[1]).sync as queue:
    queue.enqueue("n", {"a": [1, 2.5, None, "\\ud800", ("é",)], 3: {}})
    for refused in ({1}, float("nan")):
        try:
            queue.enqueue("n", refused)
        except (TypeError, ValueError) as error:
            print(type(error).__name__, str(error).startswith("the payload cannot be stored"))
"""
    done = subprocess.run([sys.executable, "-c", program, sqlite_path], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("TypeError True\nValueError True\n", "")
    with TaskQueue(sqlite_path).sync as queue:
        task = queue.get_next_task()
        assert task is not None
        assert task.payload == {"a": [1, 2.5, None, "\ud800", ["é"]], "3": {}}


def test_a_payload_nested_too_deep_to_be_read_back_is_refused(queue: SyncTaskQueue) -> None:
    """Whoever claims it may stand deeper in the stack than whoever wrote it: what is accepted leaves room for that."""
    with pytest.raises(ValueError, match="nested more than 100 levels"):
        queue.enqueue("n", _deep(100))
    with pytest.raises(ValueError, match="nested more than 100 levels"):
        queue.dead_letters.add_entry("n", {"deep": _deep(100)}, "broken")
    queue.enqueue("n", {"deep": _deep(98), "text": "[" * 500, "many": [[]] * 500})
    task = queue.get_next_task()
    assert task is not None
    assert task.payload["deep"] == _deep(98)


def test_a_payload_that_nobody_can_read_is_a_dead_letter_and_stops_nobody(queue: SyncTaskQueue) -> None:
    """However it got there: the others are handed out, and its text is kept for people to look at, and to put back."""
    bad, good = queue.enqueue("n", "bad", priority=9), queue.enqueue("n", "good")
    text = "[" * 20_000 + "]" * 20_000

    def spoil(transaction: Transaction) -> None:
        transaction.change("UPDATE golden_runtime_tasks SET payload = :text WHERE id = :id", {"text": text, "id": bad})

    queue._storage.write(spoil)
    assert [task.id for task in queue.get_next_tasks(1)] == [good]
    [letter] = queue.dead_letters.get_entries()
    assert (letter.task_id, letter.error_type, letter.phase, letter.payload) == (
        bad,
        "UnreadablePayload",
        "decode",
        text,
    )
    assert queue.dead_letters.replay() == [bad]
    assert queue.get_next_tasks(1) == ()
    [letter] = queue.dead_letters.get_entries()
    assert [failure.error_type for failure in letter.history] == ["UnreadablePayload"]


def test_a_number_is_no_boolean_on_either_store(queue: SyncTaskQueue) -> None:
    """Both stores give the same answer."""
    with pytest.raises(ValueError, match="priority `True` must be a whole number"):
        queue.enqueue("n", priority=True)
