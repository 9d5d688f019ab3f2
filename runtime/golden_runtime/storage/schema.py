"""The tables, and how they got there: one step for each schema version, applied once, in order, in one transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from golden_runtime.queue_errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Types:
    """How one store spells the types of columns; `unrepeated` counts up, and gives no number a second time."""

    unrepeated: str
    integer: str
    real: str


# The states of tasks as they are stored, in an order that keeps what is moved next to each other in the index: closed tasks
# first, of which the newest come last, then those under way, then those that wait. One page less in most commits.
DEAD, COMPLETED, CLAIMED, READY, DELAYED = range(5)
STATES: Final = ("dead", "completed", "claimed", "ready", "delayed")

SQLITE_TYPES = Types("INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER", "REAL")
POSTGRES_TYPES = Types("bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "bigint", "double precision")

# Each step is a list of statements, with the names of `Types` to fill in. A step that was released never changes.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        # seq: the number in the id that the queue made, or another such number beside an id that was given.
        # rank: for ready tasks the priority with its sign changed, for others nothing.
        # moment: for ready tasks since when they are in the queue, delayed until when they are, claimed until when the lease
        # lasts, closed since when they are.
        """CREATE TABLE golden_runtime_tasks (
            seq {integer} PRIMARY KEY,
            id text NOT NULL,
            is_given {integer} NOT NULL DEFAULT 0,
            queue text NOT NULL,
            name text NOT NULL,
            payload text NOT NULL,
            priority {integer} NOT NULL,
            state {integer} NOT NULL,
            rank {integer} NOT NULL,
            moment {real} NOT NULL,
            enqueued_at {real} NOT NULL,
            worker text,
            token {integer} NOT NULL DEFAULT 0,
            attempts {integer} NOT NULL DEFAULT 0,
            receives {integer} NOT NULL DEFAULT 0,
            idempotency_key text,
            last_error text,
            history text NOT NULL DEFAULT '[]'
        )""",
        # one index answers every question about states: each more is a page more to write and to sync with every task
        "CREATE INDEX golden_runtime_tasks_state ON golden_runtime_tasks (queue, state, rank, moment, seq)",
        "CREATE UNIQUE INDEX golden_runtime_tasks_given ON golden_runtime_tasks (id) WHERE is_given = 1",
        """CREATE UNIQUE INDEX golden_runtime_tasks_key ON golden_runtime_tasks (queue, idempotency_key)
            WHERE idempotency_key IS NOT NULL""",
        """CREATE TABLE golden_runtime_dead_letters (
            id {unrepeated},
            queue text NOT NULL,
            task_id text NOT NULL,
            name text NOT NULL,
            payload text NOT NULL,
            error_type text NOT NULL,
            message text NOT NULL,
            traceback text NOT NULL,
            phase text NOT NULL,
            attempts {integer} NOT NULL,
            receives {integer} NOT NULL,
            priority {integer} NOT NULL,
            token {integer} NOT NULL,
            enqueued_at {real} NOT NULL,
            failed_at {real} NOT NULL,
            worker text,
            idempotency_key text,
            history text NOT NULL,
            receipt text
        )""",
        "CREATE INDEX golden_runtime_dead_letters_queue ON golden_runtime_dead_letters (queue, id)",
        """CREATE UNIQUE INDEX golden_runtime_dead_letters_receipt ON golden_runtime_dead_letters (receipt)
            WHERE receipt IS NOT NULL""",
    ),
)


TABLES: Final = ("golden_runtime_tasks", "golden_runtime_dead_letters")


def check_unused(present: Sequence[str], where: str) -> None:
    """Raise SchemaError where tables of somebody else, without our version beside them, have the names of ours."""
    for table in present:
        raise SchemaError(
            f"`{where}` has a table `{table}` that golden-runtime did not make: rename it, or take another store"
        )


def migrate(run: Callable[[str], object], present: int, types: Types, steps: Sequence[Sequence[str]]) -> None:
    """Bring the schema from the version that is present to the newest one. The caller makes sure that it is alone.

    run: runs a statement in the transaction of the caller.
    """
    words = asdict(types)
    for step in steps[present:]:
        for statement in step:
            run(statement.format(**words))


def version_of(rows: Sequence[Sequence[object]], where: str) -> int:
    """Return the version in the rows of `golden_runtime_schema`. Raises SchemaError where there is none."""
    if len(rows) == 1 and isinstance(version := rows[0][0], int):
        return version
    raise SchemaError(
        f"`{where}` has a table `golden_runtime_schema` without a version in it: restore it from a backup, or take another store"
    )


def check_version(present: int, known: int, where: str) -> None:
    """Raise SchemaError where a newer release has written the storage."""
    if present > known:
        raise SchemaError(
            f"`{where}` has schema version {present}, and this golden-runtime knows versions up to {known}: "
            "upgrade golden-runtime here"
        )
