"""How the row of a task is found, and what its columns say of it in each state: pieces that statements share."""

from __future__ import annotations

from typing import Final

from golden_runtime.storage.schema import DELAYED, READY, STATES
from golden_runtime.task_ids import fresh_number, id_of, number_of

_SEQ: Final = "seq = coalesce(:seq, (SELECT seq FROM golden_runtime_tasks WHERE id = :id AND is_given = 1))"

# What statements of both stores are put together from, by the mark that stands for it.
PIECES: Final = {
    # the row of a task, by the parameters of `key`
    "{is_it}": f"{_SEQ} AND id = :id",
    # the row that stands in the way of a new one: of the same id, or of one that begins with the same number
    "{is_in_the_way}": _SEQ,
    # sets what says that a task is ready
    "{becomes_ready}": f"state = {READY}, rank = -priority, moment = enqueued_at",
    # sets what says that a task waits, by the parameter `:delay`: delayed or ready
    "{becomes_waiting}": f"""state = CASE WHEN :delay > 0 THEN {DELAYED} ELSE {READY} END,
        rank = CASE WHEN :delay > 0 THEN 0 ELSE -priority END,
        moment = CASE WHEN :delay > 0 THEN {{now}} + :delay ELSE enqueued_at END""",
    **{f"{{{name}}}": str(state) for state, name in enumerate(STATES)},
}


def key(task_id: str) -> dict[str, object]:
    """Return the parameters that find a task by its id."""
    return {"id": task_id, "seq": number_of(task_id)}


def fresh_key() -> dict[str, object]:
    """Return the columns that a new row is found by whose id nobody has given."""
    number = fresh_number()
    return {"id": id_of(number), "seq": number, "is_given": 0}


def new_key(task_id: str) -> dict[str, object]:
    """Return the columns that a new row is found by: an id that was given has a number of its own beside it."""
    number = number_of(task_id)
    if number is None:
        return {"id": task_id, "seq": fresh_number(), "is_given": 1}
    return {"id": task_id, "seq": number, "is_given": 0}


def waiting(priority: int, delay: float) -> dict[str, object]:
    """Return the columns that say that a new task waits; its moment is `{now} + :delay`, or `enqueued_at`."""
    return {
        "priority": priority,
        "state": DELAYED if delay > 0 else READY,
        "rank": 0 if delay > 0 else -priority,
        "delay": delay,
    }
