"""How tasks are claimed, and what a claim does for the queue in passing: leases that ran out, tasks that come due."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from golden_runtime.payloads import UNREADABLE
from golden_runtime.storage.burying import Burial, bury_expired, bury_unreadable
from golden_runtime.storage.joint import Joint
from golden_runtime.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from golden_runtime.queue_errors import QueueError
    from golden_runtime.storage.session import Row, Transaction

# How many rows one claim returns to the queue, or forgets, in passing: enough to keep up, too few to keep others waiting.
_RETURNED_AT_ONCE = 500
_FORGOTTEN_AT_ONCE = 200
_BURIED_AT_ONCE = 100

_PROMOTE = """UPDATE golden_runtime_tasks SET {becomes_ready} WHERE seq IN (
    SELECT seq FROM golden_runtime_tasks WHERE queue = :queue AND state = {delayed} AND rank = 0 AND moment <= {now}
    ORDER BY moment LIMIT :limit {skip_locked})"""

_RETURN_EXPIRED = """UPDATE golden_runtime_tasks SET {becomes_ready}, worker = NULL WHERE seq IN (
    SELECT seq FROM golden_runtime_tasks
    WHERE queue = :queue AND state = {claimed} AND rank = 0 AND moment <= {now} AND receives < :max_receives
    ORDER BY moment LIMIT :limit {skip_locked})"""

_FORGET = """DELETE FROM golden_runtime_tasks WHERE seq IN (
    SELECT seq FROM golden_runtime_tasks
    WHERE queue = :queue AND state IN ({dead}, {completed}) AND rank = 0 AND moment <= {now} - :retention
    LIMIT :limit {skip_locked})"""

_CLAIM = """UPDATE golden_runtime_tasks SET state = {claimed}, rank = 0, moment = {now} + :lease, token = {next_token},
    receives = receives + 1, worker = :worker WHERE seq CHOSEN
    RETURNING seq, id, queue, name, payload, priority, attempts, receives, token, enqueued_at, moment, idempotency_key"""

_DUE = """SELECT seq FROM golden_runtime_tasks WHERE queue = :queue AND state = {ready}CONDITION
    ORDER BY rank, moment, seq LIMIT :limit {skip_locked}"""

# for one task SQLite needs no table of those that are due, which is a third of what the claim costs
_CLAIM_ONE = _CLAIM.replace("CHOSEN", f"= ({_DUE.replace('CONDITION', '')})")
# MATERIALIZED: PostgreSQL may otherwise run the inner query again, and claim more than asked for
_CLAIM_DUE = f"WITH due AS MATERIALIZED ({_DUE})\n    {_CLAIM.replace('CHOSEN', 'IN (SELECT seq FROM due)')}"  # noqa: S608 - from constants
_CLAIM_ANY = _CLAIM_DUE.replace("CONDITION", "")
_CLAIM_NAMED = _CLAIM_DUE.replace("CONDITION", " AND {among_names}")


class ClaimRequest(NamedTuple):
    """What a worker asks for; a tuple for the reason that `Task` is one."""

    limit: int
    lease: float
    worker: str
    names: tuple[str, ...] | None


class Claim(NamedTuple):
    """What a worker got, and what was found on the way: leases that had run out."""

    tasks: tuple[Task, ...]
    expired: int = 0
    buried: tuple[Burial, ...] = ()
    # whether there is more to forget than one claim forgets
    is_behind: bool = False


class Upkeep(NamedTuple):
    """What a claim does for the queue besides."""

    max_receives: int
    retention: float


class ClaimTasks(Joint[Claim]):
    """Claims what comes first, the highest priority, in it the oldest, and keeps the queue in order.

    That is done first when it is time to `forget`, or else when there is too little to claim.
    """

    __slots__ = ("_forget", "_queue", "_request", "_settings", "kind")

    def __init__(self, queue: str, request: ClaimRequest, settings: Upkeep, *, forget: bool) -> None:
        self._queue = queue
        self._request = request
        self._settings = settings
        self._forget = forget
        self.kind = (queue, settings, *request[1:])

    def __call__(self, transaction: Transaction) -> Claim:
        """Claim for one worker."""
        return self._claim(transaction, self._request, forget=self._forget)

    def run_with(self, transaction: Transaction, others: Sequence[Self]) -> list[Claim | QueueError]:
        """Claim for all at once; those who asked first get what comes first."""
        operations = (self, *others)
        limits = [operation._request.limit for operation in operations]
        forget = any(operation._forget for operation in operations)
        claim = self._claim(transaction, self._request._replace(limit=sum(limits)), forget=forget)
        shares = list(_shares(claim.tasks, limits))
        # what was found on the way is told to one of them, lest it is counted twice
        return [claim._replace(tasks=shares[0]), *map(Claim, shares[1:])]

    def _claim(self, transaction: Transaction, request: ClaimRequest, *, forget: bool) -> Claim:
        tasks, buried = ((), ()) if forget else claim_readable(transaction, self._queue, request)
        if len(tasks) == request.limit:
            return Claim(tasks, 0, buried)
        transaction.enclose()
        expired, dead, is_behind = upkeep(transaction, self._queue, self._settings, forget=forget)
        rest = request._replace(limit=request.limit - len(tasks))
        more, unreadable = claim_readable(transaction, self._queue, rest)
        return Claim(tasks + more, expired, buried + dead + unreadable, is_behind)


def claim_readable(
    transaction: Transaction, queue: str, request: ClaimRequest
) -> tuple[tuple[Task, ...], tuple[Burial, ...]]:
    """Claim the tasks that come first, and return what was buried meanwhile.

    One whose payload nobody can read, whoever wrote it, becomes a dead letter: it must not keep the others waiting.
    """
    tasks, buried = _readable(transaction, _claimed(transaction, queue, request))
    unreadable = buried
    while unreadable and len(buried) < _BURIED_AT_ONCE:
        rest = request._replace(limit=len(unreadable))
        more, unreadable = _readable(transaction, _claimed(transaction, queue, rest))
        tasks, buried = tasks + more, buried + unreadable
    return tuple(tasks), tuple(buried)


def _readable(transaction: Transaction, rows: list[Row]) -> tuple[list[Task], list[Burial]]:
    """Return the tasks of rows that were claimed, and bury those whose payload cannot be read."""
    tasks: list[Task] = []
    buried: list[Burial] = []
    for row in rows:
        try:
            payload: Any = json.loads(row[4])
        except UNREADABLE as error:
            transaction.enclose()
            buried.append(bury_unreadable(transaction, row[1], row[8], error))
        else:
            tasks.append(Task(row[1], row[2], row[3], payload, *row[5:]))
    return tasks, buried


def _claimed(transaction: Transaction, queue: str, request: ClaimRequest) -> list[Row]:
    """Claim, and return the rows in order."""
    limit, lease, worker, names = request
    parameters: dict[str, object] = {"queue": queue, "limit": limit, "lease": lease, "worker": worker}
    if names is None:
        rows = transaction.execute(_CLAIM_ONE if limit == 1 else _CLAIM_ANY, parameters)
    else:
        rows = transaction.execute(_CLAIM_NAMED, {**parameters, "names": json.dumps(names)})
    # RETURNING promises no order
    rows.sort(key=_order)
    return rows


def _order(row: Row) -> tuple[int, float, int]:
    """Return what claimed rows are sorted by: the priority, then the age."""
    return -row[5], row[9], row[0]


def _shares(tasks: tuple[Task, ...], limits: Sequence[int]) -> Iterator[tuple[Task, ...]]:
    """Yield for each limit as many tasks, until there are none left."""
    end = 0
    for limit in limits:
        yield tasks[end : end + limit]
        end += limit


def upkeep(
    transaction: Transaction, queue: str, settings: Upkeep, *, forget: bool
) -> tuple[int, tuple[Burial, ...], bool]:
    """Let delayed tasks come due, return expired leases, bury what kills its workers, `forget` what is long closed.

    Returns how many leases had run out, what was buried, and whether there is more to forget.
    """
    limited = {"queue": queue, "limit": _RETURNED_AT_ONCE}
    transaction.change(_PROMOTE, dict(limited))
    returned = transaction.change(_RETURN_EXPIRED, {**limited, "max_receives": settings.max_receives})
    buried = bury_expired(transaction, queue, settings.max_receives)
    forgotten = 0
    if forget:
        old = {"queue": queue, "limit": _FORGOTTEN_AT_ONCE, "retention": settings.retention}
        forgotten = transaction.change(_FORGET, old)
    return returned + len(buried), buried, forgotten == _FORGOTTEN_AT_ONCE
