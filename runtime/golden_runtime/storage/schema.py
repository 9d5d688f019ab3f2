"""The tables, and how they got there: one step for each schema version, applied once, in order, in one transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from golden_runtime.queue_errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from golden_runtime.storage.session import Transaction


@dataclass(frozen=True, slots=True)
class Types:
    """How one store spells the types of columns: `serial` grows, `unrepeated` also gives no number a second time."""

    serial: str
    unrepeated: str
    integer: str
    real: str


# AUTOINCREMENT costs a page more in each commit, which is worth it only where people remember the number
SQLITE_TYPES = Types("INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER", "REAL")
_IDENTITY = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
POSTGRES_TYPES = Types(_IDENTITY, _IDENTITY, "bigint", "double precision")

# Each step is a list of statements, with the names of `Types` to fill in. A step that was released never changes.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE golden_runtime_tasks (
            seq {serial},
            id text NOT NULL UNIQUE,
            queue text NOT NULL,
            name text NOT NULL,
            payload text NOT NULL,
            priority {integer} NOT NULL,
            state text NOT NULL CHECK (state IN ('ready', 'delayed', 'claimed', 'completed', 'dead')),
            available_at {real} NOT NULL,
            enqueued_at {real} NOT NULL,
            lease_until {real},
            worker text,
            token {integer} NOT NULL DEFAULT 0,
            attempts {integer} NOT NULL DEFAULT 0,
            receives {integer} NOT NULL DEFAULT 0,
            idempotency_key text,
            last_error text,
            finished_at {real},
            history text NOT NULL DEFAULT '[]'
        )""",
        # one index for each question, over the rows it is asked about alone, so that closed tasks cost nothing
        """CREATE INDEX golden_runtime_tasks_ready ON golden_runtime_tasks (queue, priority DESC, seq)
            WHERE state = 'ready'""",
        """CREATE INDEX golden_runtime_tasks_delayed ON golden_runtime_tasks (queue, available_at)
            WHERE state = 'delayed'""",
        """CREATE INDEX golden_runtime_tasks_claimed ON golden_runtime_tasks (queue, lease_until)
            WHERE state = 'claimed'""",
        """CREATE INDEX golden_runtime_tasks_finished ON golden_runtime_tasks (queue, finished_at)
            WHERE finished_at IS NOT NULL""",
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
            history text NOT NULL
        )""",
        "CREATE INDEX golden_runtime_dead_letters_queue ON golden_runtime_dead_letters (queue, id)",
    ),
)


def migrate(transaction: Transaction, present: int, types: Types, steps: Sequence[Sequence[str]]) -> None:
    """Bring the schema from the version that is present to the newest one. The caller makes sure that it is alone."""
    words = asdict(types)
    for step in steps[present:]:
        for statement in step:
            transaction.execute(statement.format(**words), {})


def check_version(present: int, known: int, where: str) -> None:
    """Raise SchemaError where a newer release has written the storage."""
    if present > known:
        raise SchemaError(
            f"`{where}` has schema version {present}, and this golden-runtime knows versions up to {known}: "
            "upgrade golden-runtime here"
        )
