"""`python -m golden_runtime dlq`: look at dead letters, put them back, delete them; for people, and with `--json` for scripts."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any, Final, cast

from golden_runtime.dead_letter_queue import DeadLetterQueue, SyncDeadLetterQueue, Which
from golden_runtime.queue_errors import QueueError
from golden_runtime.tasks import DeadLetter

# As of most command lines: nothing wrong, not found, wrong usage or a store that does not do it, Ctrl-C.
_DONE: Final = 0
_NOT_FOUND: Final = 1
_TROUBLE: Final = 2
_INTERRUPTED: Final = 130

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_URL_VARIABLE: Final = "GOLDEN_RUNTIME_URL"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 1 no such entry, 2 wrong usage or an unusable store, 130 Ctrl-C."""
    given = _parser().parse_args(arguments)
    url = given.url or os.environ.get(_URL_VARIABLE)
    if not url:
        return _complain(f"which store? give `--url` (a path or a postgresql:// URL), or set {_URL_VARIABLE}")
    if sys.stdout is None:
        return _complain("standard output is closed, and nothing was done: open it, to /dev/null perhaps")
    try:
        with DeadLetterQueue(url, queue=given.queue, create=False, retry_for=0).sync as letters:
            command: Callable[[SyncDeadLetterQueue, argparse.Namespace], int] = given.command
            status = command(letters, given)
            sys.stdout.flush()
            return status
    except (QueueError, ValueError) as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return _complain("interrupted, perhaps half way: `list` shows how it stands", _INTERRUPTED)
    except BrokenPipeError:
        # the reader has seen enough; without this the interpreter complains about it once more as it exits
        _write_no_more()
        return _DONE
    except OSError as error:
        _write_no_more()
        return _complain(f"the outcome cannot be written to standard output ({error}), but the command was carried out")


def _write_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _list(letters: SyncDeadLetterQueue, given: argparse.Namespace) -> int:
    which = _which(given)
    entries = letters.get_entries(limit=given.limit, before=given.before, **which)
    if given.json:
        _print_json([_plain(entry) for entry in entries])
        return _DONE
    total = letters.count(**which)
    if not entries:
        _print(f"no dead letters in queue `{letters.queue}`" + (" that match" if which else ""))
        return _DONE
    rows = [("ID", "FAILED", "TASK", "PHASE", "TRIES", "ERROR"), *(_row(entry) for entry in entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        _print("  ".join((*cells, row[5])).rstrip())
    if total > len(entries):
        _print(f"\n{len(entries)} of {total}; the next page: --before {entries[-1].id}")
    return _DONE


def _show(letters: SyncDeadLetterQueue, given: argparse.Namespace) -> int:
    entry = letters.get_entry(given.id)
    if entry is None:
        return _complain(f"queue `{letters.queue}` has no dead letter {given.id}", status=_NOT_FOUND)
    if given.json:
        _print_json(_plain(entry))
        return _DONE
    for name, text in (
        ("id", entry.id),
        ("queue", entry.queue),
        ("task", f"{entry.name} ({entry.task_id})"),
        ("failed", f"{_at(entry.failed_at)} ({_ago(entry.failed_at)} ago)"),
        ("enqueued", _at(entry.enqueued_at)),
        ("phase", entry.phase),
        ("attempts", entry.attempts),
        ("claims", entry.receives),
        ("worker", entry.worker or "-"),
        ("key", entry.idempotency_key or "-"),
        ("error", f"{entry.error_type}: {entry.message}"),
    ):
        _print(f"{name:10}{text}")
    _print(f"payload   {json.dumps(entry.payload, indent=2, ensure_ascii=False)}")
    if entry.traceback:
        _print(f"\n{entry.traceback.rstrip()}")
    for past in reversed(entry.history):
        _print(
            f"\nbefore: failed {_at(past.failed_at)} in {past.phase} after {past.attempts} attempts, "
            f"replayed {_at(past.replayed_at)}\n  {past.error_type}: {past.message}"
        )
    return _DONE


def _replay(letters: SyncDeadLetterQueue, given: argparse.Namespace) -> int:
    which = _which(given)
    if not _is_chosen(given, which):
        return _complain("which dead letters? give ids, a condition such as --name, or --all")
    if given.ids and (which or given.all or given.limit):
        return _complain("give ids, or conditions, --all and --limit, not both: which dead letters are meant?")
    if given.ids:
        missing = [entry_id for entry_id in given.ids if letters.get_entry(entry_id) is None]
        if missing:
            names = ", ".join(map(str, missing))
            return _complain(f"queue `{letters.queue}` has no dead letter {names}; nothing was replayed", _NOT_FOUND)
    if given.dry_run:
        number = len(set(given.ids)) or min(letters.count(**which), given.limit or sys.maxsize)
        return _say(given, f"{_letters(number)} would be replayed", replayed=0, would_replay=number)
    task_ids = letters.replay(given.ids or None, rate=given.rate, limit=given.limit, **which)
    pace = f", {given.rate:g} a second" if given.rate else ""
    return _say(given, f"{_letters(len(task_ids))} replayed{pace}", replayed=len(task_ids), tasks=task_ids)


def _purge(letters: SyncDeadLetterQueue, given: argparse.Namespace) -> int:
    which = _which(given)
    if given.dry_run:
        which["failed_before"] = min(time.time() - given.older_than, which.get("failed_before") or float("inf"))
        number = letters.count(**which)
        return _say(given, f"{_letters(number)} would be deleted", purged=0, would_purge=number)
    number = letters.purge(given.older_than, **which)
    return _say(given, f"{_letters(number)} deleted", purged=number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m golden_runtime", description="Tools for golden-runtime's queues.")
    tools = parser.add_subparsers(metavar="TOOL", required=True)
    dlq = tools.add_parser("dlq", help="dead letters: list, show, replay, purge", description="Deal with dead letters.")
    commands = dlq.add_subparsers(metavar="COMMAND", required=True)

    listing = _command(commands, "list", _list, "list dead letters, the newest first")
    _add_conditions(listing)
    listing.add_argument("--limit", type=_count, default=50, metavar="N", help="how many, 50 by default")
    listing.add_argument("--before", type=_count, metavar="ID", help="only entries below this id: the next page")

    showing = _command(commands, "show", _show, "show one dead letter with payload, traceback and history")
    showing.add_argument("id", type=_count, metavar="ID")

    replaying = _command(commands, "replay", _replay, "put dead letters back into the queue")
    replaying.add_argument("ids", type=_count, nargs="*", metavar="ID")
    _add_conditions(replaying)
    replaying.add_argument("--all", action="store_true", help="every dead letter of the queue")
    replaying.add_argument("--limit", type=_count, metavar="N", help="at most so many, the oldest first")
    replaying.add_argument("--rate", type=float, metavar="R", help="let R come due each second")
    replaying.add_argument("--dry-run", action="store_true", help="only say how many")

    purging = _command(commands, "purge", _purge, "delete old dead letters for good")
    purging.add_argument("--older-than", type=_duration, required=True, metavar="AGE", help="such as 12h, 30d or 4w")
    _add_conditions(purging)
    purging.add_argument("--dry-run", action="store_true", help="only say how many")
    return parser


def _command(commands: Any, name: str, function: Callable[..., int], words: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words.capitalize() + ".")
    command.set_defaults(command=function)
    command.add_argument("--url", help=f"an SQLite path or a postgresql:// URL; {_URL_VARIABLE} by default")
    command.add_argument("--queue", default="default", help="whose dead letters")
    command.add_argument("--json", action="store_true", help="print JSON")
    return command


def _add_conditions(command: argparse.ArgumentParser) -> None:
    command.add_argument("--name", help="of tasks of this name")
    command.add_argument("--error-type", metavar="TYPE", help="that failed with this exception")
    command.add_argument("--phase", help="that failed in this phase: execute, timeout, lease, decode")
    command.add_argument("--task-id", metavar="ID", help="of this task")
    command.add_argument("--search", metavar="TEXT", help="whose message has this in it")
    command.add_argument("--since", type=_duration, metavar="AGE", help="that failed within the last 30m, 12h, 7d")


def _which(given: argparse.Namespace) -> Which:
    names = ("name", "error_type", "phase", "task_id", "search")
    which: dict[str, Any] = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if given.since is not None:
        which["failed_after"] = time.time() - given.since
    return cast("Which", which)


def _is_chosen(given: argparse.Namespace, which: Which) -> bool:
    return bool(given.ids or which or given.all)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number from 1 on")
    return int(text)


def _duration(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"`{text}` is not an age: write a number and s, m, h, d or w, such as 30d")
    return float(match[1]) * _UNITS[match[2]]


def _row(entry: DeadLetter) -> tuple[str, ...]:
    message = " ".join(entry.message.split())
    cut = message if len(message) <= 80 else f"{message[:79]}…"
    tries = str(entry.attempts or entry.receives)
    return (str(entry.id), f"{_ago(entry.failed_at)} ago", entry.name, entry.phase, tries, f"{entry.error_type}: {cut}")


def _letters(number: int) -> str:
    return "1 dead letter" if number == 1 else f"{number} dead letters"


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _ago(seconds: float) -> str:
    age = max(0.0, time.time() - seconds)
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if age >= 2 * length:
            return f"{age / length:.0f}{unit}"
    return f"{age:.0f}s"


def _plain(entry: DeadLetter) -> dict[str, Any]:
    # not `asdict` of the whole, which copies a payload level by level
    shallow = {field.name: getattr(entry, field.name) for field in fields(entry)}
    history = [asdict(past) for past in entry.history]
    return {**shallow, "history": history, "failed": _iso(entry.failed_at), "enqueued": _iso(entry.enqueued_at)}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _say(given: argparse.Namespace, words: str, **figures: object) -> int:
    if given.json:
        _print_json(figures)
    else:
        _print(words)
    return _DONE


def _print_json(data: object) -> None:
    _print(json.dumps(data, indent=2))


def _print(text: str) -> None:
    """Print a line. What a message holds must neither steer the terminal nor be what it cannot show."""
    shown = "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(shown.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _complain(sentence: str, status: int = _TROUBLE) -> int:
    if sys.stderr is not None:
        sys.stderr.write(f"error: {sentence}\n")
    return status
