"""What can go wrong with queues, dead letters and their storage: each message is one sentence that says what to do."""

from __future__ import annotations


class QueueError(Exception):
    """A queue refused an operation; nothing was written."""


class StaleLeaseError(QueueError):
    """A task is no longer held: its lease ran out and others have it, or it is closed already."""


class DuplicateTaskError(QueueError):
    """A task id that is taken."""


class StorageError(QueueError):
    """The storage cannot be opened, read or written; what the operation would have written is not stored.

    The one exception is a PostgreSQL server that went away, or fell silent, while it was committing, and that did not come back
    within `retry_for`: nobody can know then. What is done once more, with the task's id or idempotency key, is done once.
    """


class StorageUnavailableError(StorageError):
    """The storage does not answer now, and may later: a locked file, a full disk, a database that restarts."""


class SchemaError(StorageError):
    """The storage was written by a newer release, or cannot be brought up to this one."""
