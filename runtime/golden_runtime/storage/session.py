"""What a store must offer: one connection, transactions on it, and errors in plain words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

T = TypeVar("T")

Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = dict[str, object]


class Transaction(Protocol):
    """A transaction that is open: statements see the ones before, and count only once it commits."""

    def execute(self, statement: str, parameters: Parameters) -> list[Row]:
        """Run a statement with `:name` parameters and return its rows.

        `{now}` stands for the time in seconds since 1970, which a store may put into `parameters`, `{next_token}` for a
        fencing token above the row's, `{skip_locked}` for the clause that passes over rows which others hold,
        `{among_names}` for the condition that `name` is in the JSON array `:names`,
        and the marks in `rows.PIECES` for what they say there.
        """

    def change(self, statement: str, parameters: Parameters) -> int:
        """Run a statement that writes, with marks as in `execute`, and return how many rows it has written."""

    def change_all(self, statement: str, parameters: Sequence[Parameters]) -> int:
        """Run a statement that writes for each of several parameters, and return how many rows it has written in all."""

    def enclose(self) -> None:
        """Open a transaction for what comes now, where the operation is a single one whose first statement was on its own."""


# Runs again when the transaction it was part of failed. It may refuse with a QueueError only before it has written.
Operation: TypeAlias = Callable[[Transaction], T]


class Session(Transaction, Protocol):
    """One connection, used by one thread. It opens at the first `begin`, and again after it was lost."""

    def begin(self, *, is_synced: bool = True, is_single: bool = False) -> None:
        """Open a transaction, and before that the connection, with the schema brought up to date.

        is_synced: whether the commit must be on the disk. Without it a store whose clients all die in a power cut may let the
        power cut undo the commit.
        is_single: there will be one statement that writes, at most, unless the operation calls `enclose`. It commits itself,
        which saves two more statements.
        """

    def commit(self) -> None:
        """Make the transaction durable, unless its single statement has done so."""

    def rollback(self) -> None:
        """Undo the transaction, if one is open. Never raises."""

    def is_lost(self, error: Exception) -> bool:
        """Whether the error says that the connection is gone, so that a new one may succeed."""

    def is_held_up(self, error: Exception) -> bool:
        """Whether the error says that a lock on some rows was waited for in vain, so that operations on others may succeed."""

    def explain(self, error: Exception) -> Exception:
        """Return the error to show to the caller: a StorageError where the storage is at fault."""

    def close(self) -> None:
        """Close the connection. Never raises."""
