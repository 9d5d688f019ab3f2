"""Operations of which many that wait at the same moment are run as one, at a fraction of the cost."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from golden_runtime.queue_errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from golden_runtime.storage.session import Transaction

T = TypeVar("T")


class Joint(Generic[T]):
    """An operation that can be run together with others of its kind, with the outcomes that running one by one could give.

    kind: operations whose kinds are equal go together; one of None goes alone.
    """

    __slots__ = ()

    kind: object

    @abstractmethod
    def __call__(self, transaction: Transaction) -> T:
        """Run this one alone."""

    @abstractmethod
    def run_with(self, transaction: Transaction, others: Sequence[Self]) -> list[T | QueueError]:
        """Run this one, then others of its kind, and return what each has returned or been refused with, in order."""

    def attempt(self, transaction: Transaction) -> T | QueueError:
        """Run this one, and return what it returns or is refused with."""
        try:
            return self(transaction)
        except QueueError as refusal:
            return refusal
