"""Where code puts failed work aside by hand: into a list, a table, a topic or a file of dead letters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from golden_rules.naming import snake
from golden_rules.rules.resilience.dead_letter_words import (
    AGAIN,
    CALLBACK,
    DEAD,
    DEAD_HEADS,
    DEAD_TEXT,
    FAILED,
    FAILED_WORDS,
    GIVES_UP,
    GRAVE,
    IS_DEAD,
    KEEPER,
    KINDS,
    MOVES,
    MOVES_TO,
    PLACE,
    REDRIVES,
    SAYS_WHY,
    SENDER,
    SENDS_ON,
    SIGNAL,
    TELLS,
    TO_THE_DEAD,
    WENT_WRONG,
)
from golden_rules.rules.resilience.units import Unit
from golden_rules.rules.resilience.used_up import brought_back, counts_attempts, may_bring_back, may_use_up, used_up
from golden_rules.rules.resilience.variables import declared, is_kept, name_of, shown, stores, word_of, words_in
from golden_rules.source.outline import Function
from golden_rules.source.text import matches_at
from golden_rules.source.trees import dotted, walk

# Methods of containers, of queues, of brokers, stores and files.
CONTAINS = frozenset({"append", "appendleft", "extend", "insert", "setdefault"})
_QUEUES = frozenset({"put", "put_nowait", "add"})
SENDS = re.compile(
    r"^(r?push|lpush|xadd|zadd|hset|hmset|sadd|set|setex|publish\w*|basic_publish|send\w*|produce|enqueue\w*|write\w*|save|create|store|put\w*|append|insert\w*"
    r"|add|add_all|_?execute\w*|upload\w*|dump|writerow|open|rename|move\w*|copy|route_\w+|forward_\w+|transfer_\w+|park_\w+|_(send|move|push|publish|put|append|write)_\w+)$"
)
_SENDS_AWAY = re.compile(r"^_*(publish|send|enqueue|push|produce|move)_\w+$")
_SQL_WRITE = re.compile(
    r"\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|merge\s+into|update)\s+([\w.\"`]+)", re.IGNORECASE
)
_LONGEST_NAME, _LONGEST_SQL = 60, 4000
_CONTAINERS = re.compile(
    r"^((collections\.)?(list|dict|set|deque|defaultdict|OrderedDict)|((asyncio|queue|multiprocessing|janus)\.)?(Simple|Lifo|Priority|Joinable)?Queue)$"
)
_MADE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp)
_LOG = re.compile(r"(^|_)(log|logger|logging|metrics?|console|stats|asyncio|parser|loop)$")


def _may_put_aside(words: str) -> bool:
    """Whether a function has a word, among these in lower case, by which failed work can be put aside."""
    return matches_at(DEAD_TEXT, DEAD_HEADS, words)


def _plays_broker(words: str) -> bool:
    """Whether a function asks the policy by which a broker gives messages up, as those do that play the broker in tests."""
    return "redrive_policy" in words or "redrivepolicy" in words


def _may_keep_failed(words: str) -> bool:
    return any(word in words for word in FAILED_WORDS)


def may_keep_dead(words: str) -> bool:
    """Whether functions that have these words, in lower case, may keep failed work; where they do, this never says no."""
    return _may_put_aside(words) or _may_keep_failed(words) or may_use_up(words) or may_bring_back(words)


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """How failed work is put aside.

    Attributes:
        where: What it is put into, as written, `""` where only the function's name tells.
        touching: The functions that have to do with it, first the one that stores.
    """

    where: str
    touching: tuple[Function, ...]


def dead_letters_of(unit: Unit) -> DeadLetters | None:
    """Return where a class or the functions of a file keep failed work by hand, `None` where they do not."""
    speaking = [
        function
        for function in unit.functions
        if _may_put_aside(function.words.lowered)
        and not _plays_broker(function.words.lowered)
        and not REDRIVES.search(snake(function.name))
    ]
    stored = {
        function: where
        for function in speaking
        if (where := _puts_aside(unit, function)) is not None
        and (_moves(snake(function.name)) or is_about_failures(unit, function))
    }
    if not stored:
        return _tried_again(unit) or _used_up(unit)
    first = max(stored, key=lambda function: bool(stored[function]))
    rest = (one for one in unit.functions if one is not first and (one in stored or _speaks(one)))
    return DeadLetters(stored[first], (first, *rest))


def is_about_failures(unit: Unit, function: Function) -> bool:
    """Whether a function that puts something aside says why it failed or how often, or another one tries that again.

    A place alone is as often a table of numbers, a report, or a list of workers that are gone.
    """
    words = (snake(word) for word in (function.name, *function.words.found) if len(word) < _LONGEST_NAME)
    return any(SAYS_WHY.search(word) and not PLACE.search(word) for word in words) or any(
        AGAIN.search(snake(other.name)) for other in unit.functions
    )


def _used_up(unit: Unit) -> DeadLetters | None:
    words = unit.words
    if not (may_use_up(words) or may_bring_back(words)):
        return None
    for function in unit.functions:
        status = used_up(function) if may_use_up(function.words.lowered) and not _passes_on(function) else ""
        if status:
            return DeadLetters(f'the status "{status}"', (function,))
    for function in unit.functions:
        status = brought_back(function) if may_bring_back(function.words.lowered) else ""
        if status:
            rest = (one for one in unit.functions if one is not function and _speaks(one))
            return DeadLetters(f'work of the status "{status}"', (function, *rest))
    return None


def _passes_on(function: Function) -> bool:
    """Whether a function gives what is dead to whoever keeps it, beside what it marks: `self._send_to_dead_letter(task)`."""
    for call in function.calls:
        base, _, method = call.name.rpartition(".")
        if _moves(snake(method)) or (KEEPER.search(snake(base.rpartition(".")[2])) and SENDS.match(method)):
            return True
    return False


def _puts_aside(unit: Unit, function: Function) -> str | None:
    """Return where a function puts failed work, `""` where only its name tells, `None` where it puts none aside."""
    by_name = False
    moves = _moves(snake(function.name))
    outer = declared(walk(function.node))
    for node in walk(function.node):
        where = ""
        match node:
            case ast.Call(func=ast.Attribute() | ast.Name() as called, args=[_, *_]) if CALLBACK.search(
                word_of(called)
            ):
                where = dotted(called)
            case ast.Call(func=ast.Attribute(value=base, attr=method)):
                where = _put(unit, node, base, method) or _buried(function, base, method)
                if _is_queue_of_another(function, base) or (
                    method in CONTAINS and not _is_kept_on(function, base, outer)
                ):
                    where = ""
                by_name = by_name or (moves and _stores_anything(node, base, method))
            case ast.Call(func=ast.Name(id=sends), args=[_, *_]) if SENDS.match(sends.lstrip("_")) or _SENDS_AWAY.match(
                sends
            ):
                where = _first_dead(node) if _SENDS_AWAY.match(sends) else ""
                by_name = by_name or (moves and not DEAD.search(snake(sends)))
            case ast.Call(func=ast.Name(id="open"), args=[path, ast.Constant(value="a" | "ab" | "w" | "x" | "wb"), *_]):
                where = shown(path) if PLACE.search(word_of(path)) else ""
            case ast.If(test=test, body=[*_, ast.Return(value=ast.expr() as place)]) if any(
                map(counts_attempts, walk(test))
            ):
                where = shown(place) if PLACE.search(word_of(place)) else ""
            case ast.Assign(value=ast.IfExp(test=test, body=one, orelse=other)) if _gives_up(test):
                where = next((shown(place) for place in (one, other) if PLACE.search(word_of(place))), "")
            case ast.Assign(targets=[ast.Subscript(value=holder)]) if _is_kept_on(function, holder, outer):
                where = shown(holder) if PLACE.search(word_of(holder)) else ""
            case _:
                pass
        if where:
            return where
    return "" if by_name else None


def _gives_up(test: ast.expr) -> bool:
    """Whether a condition decides if work is tried again: `if requeue`, `if attempts < most`."""
    return any(map(counts_attempts, walk(test))) or any(map(AGAIN.search, words_in(test)))


def _is_queue_of_another(function: Function, base: ast.expr) -> bool:
    """Whether a variable was made of a class of dead letters, which is where they are kept: `dlq = DeadLetterQueue(...)`."""
    made = function.instances.get(base.id, "") if isinstance(base, ast.Name) else ""
    return bool(DEAD.search(snake(made))) or made.endswith(("DLQ", "DeadLetterQueue"))


def _is_kept_on(function: Function, holder: ast.expr, outer: frozenset[str]) -> bool:
    """Whether a container outlives the function, which neither makes it nor returns what it belongs to."""
    root = holder
    while isinstance(root, ast.Subscript | ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name) or root.id in outer:
        return True
    return not any(
        isinstance(node.value, ast.Name) and node.value.id == root.id
        if isinstance(node, ast.Return)
        else any(_makes(target, value, root.id) for target, value in stores(node))
        for node in walk(function.node)
    )


def _makes(target: ast.expr, value: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name and isinstance(value, _MADE)


def _moves(word: str) -> bool:
    """Whether a function says by its name that it puts work where dead letters go: `dead_letter`, `move_to_dlq`."""
    named = IS_DEAD.search(word) or TO_THE_DEAD.search(word) or (DEAD.search(word) and MOVES.search(word))
    return bool(named) and not TELLS.search(DEAD.sub("_", word))


def _stores_anything(call: ast.Call, base: ast.expr, method: str) -> bool:
    if not call.args or _LOG.search(word_of(base)) or (dotted(base) in ("self", "cls") and DEAD.search(snake(method))):
        return False
    match call.args[0]:
        case ast.Attribute(value=owner) if KINDS.search(dotted(owner)):
            # `hooks.send(WebhookEvent.JOB_DEAD_LETTER, job)`: others are told.
            return False
        case _:
            pass
    if KEEPER.search(word_of(base)) and method not in CONTAINS | {"put", "put_nowait"}:
        # `self._dead_letters.send(task)`: another object keeps them.
        return False
    return bool(SENDS.match(method)) or method in CONTAINS


def _put(unit: Unit, call: ast.Call, base: ast.expr, method: str) -> str:
    """Return where a call of a method puts what it is given, if that is where dead letters go."""
    word = word_of(base)
    if GRAVE.search(word) and SENDS_ON.match(method) and call.args and not SIGNAL.search(dotted(base)):
        return shown(base)
    if MOVES_TO.match(method) and any(map(_is_grave, call.args[1:])):
        return shown(base)
    if DEAD.search(word):
        # `self.dead_letters.add(task)` may be somebody else's queue, `append` is a list's.
        sends = bool(SENDER.search(word) and SENDS.match(method))
        kept = sends or method in CONTAINS or (method in _QUEUES and _is_container(unit, base))
        return shown(base) if kept and PLACE.search(word) else ""
    if _LOG.search(word):
        return ""
    if method in CONTAINS and len(call.args) == 1 and isinstance(call.args[0], ast.Constant | ast.JoinedStr):
        # A name that is put on a list of names.
        return ""
    return _first_dead(call) if SENDS.match(method) else _written_table(call)


def _buried(function: Function, base: ast.expr, method: str) -> str:
    """Return the container of the dead into which a function that gives messages up puts one: `self._dead[queue].append(it)`."""
    if method not in CONTAINS or not GIVES_UP.search(snake(function.name)):
        return ""
    match base:
        case ast.Call(func=ast.Attribute(value=holder, attr="setdefault" | "get")) | ast.Subscript(value=holder):
            pass
        case _:
            holder = base
    return shown(holder) if isinstance(holder, ast.Attribute) and GRAVE.search(word_of(holder)) else ""


def _is_grave(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Constant) and argument.value in ("dead", "dead_letter", "graveyard")


def _written_table(call: ast.Call) -> str:
    """Return the table of dead letters that a statement writes, whatever runs the statement: `self._fetch("insert into ...")`."""
    first = call.args[0] if call.args else None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str) or " " not in first.value.strip():
        return ""
    return _dead_text(first.value)


def _first_dead(call: ast.Call) -> str:
    arguments = (*call.args, *(keyword.value for keyword in call.keywords))
    return next((where for argument in arguments if (where := _dead_argument(argument))), "")


def _dead_argument(argument: ast.expr) -> str:
    """Return the place that an argument names, `""` where it names none."""
    match argument:
        case ast.Constant(value=str(text)):
            return _dead_text(text)
        case ast.JoinedStr(values=values):
            return next((where for value in values if (where := _dead_argument(value))), "")
        case ast.FormattedValue(value=value) | ast.Call(func=ast.Name(id="text" | "sql" | "SQL"), args=[value, *_]):
            return _dead_argument(value)
        case ast.Call(func=func):
            name = dotted(func)
            return name if PLACE.search(snake(name)) else ""
        case ast.Attribute(value=owner) if KINDS.search(dotted(owner)):
            return ""
        case ast.Attribute() | ast.Name() | ast.Subscript():
            return shown(argument) if PLACE.search(word_of(argument)) else ""
        case ast.BinOp(left=left, right=right) | ast.IfExp(body=left, orelse=right):
            return _dead_argument(left) or _dead_argument(right)
        case ast.BoolOp(values=values):
            return next((where for value in values if (where := _dead_argument(value))), "")
        case _:
            return ""


def _dead_text(text: str) -> str:
    if len(text) < _LONGEST_NAME and " " not in text.strip():
        return text if PLACE.search(re.sub(r"[^a-z]+", "_", text.lower()).strip("_")) else ""
    table = _SQL_WRITE.search(text) if len(text) < _LONGEST_SQL else None
    return table[1] if table and DEAD.search(snake(table[1].strip('"`'))) else ""


def _is_container(unit: Unit, base: ast.expr) -> bool:
    """Whether a variable holds a container of the language, as far as the class says."""
    if unit.owner is None or not isinstance(base, ast.Attribute):
        return False
    return bool(_CONTAINERS.search(unit.owner.attributes.get(base.attr, "")))


def _speaks(function: Function) -> bool:
    """Whether a function has to do with dead letters, by the names in it."""
    for node in walk(function.node):
        if isinstance(node, ast.Attribute | ast.Name) and DEAD.search(snake(name_of(node))):
            return True
    return False


def _tried_again(unit: Unit) -> DeadLetters | None:
    """Return the container that failed work waits in until another function tries it again."""
    trying = [function for function in unit.functions if AGAIN.search(snake(function.name))]
    for function in unit.functions if trying else ():
        if not _may_keep_failed(function.words.lowered):
            continue
        outer = declared(walk(function.node))
        for target in _put_when_failed(function):
            word = word_of(target)
            if not FAILED.search(word) or not is_kept(target, outer):
                continue
            again = [one for one in trying if one is not function and _reads(one, word)]
            if again:
                return DeadLetters(shown(target), (function, *again))
    return None


def _put_when_failed(function: Function) -> Iterator[ast.expr]:
    """Yield the containers that a function adds to in an error handler, or anywhere if it is called when something fails."""
    roots: list[ast.AST] = [node for node in walk(function.node) if isinstance(node, ast.ExceptHandler)]
    if WENT_WRONG.search(snake(function.name)):
        roots = [function.node]
    for root in roots:
        for node in walk(root):
            match node:
                case ast.Call(func=ast.Attribute(value=base, attr=method), args=[_, *_]) if (
                    method in CONTAINS | _QUEUES
                ):
                    yield base
                case _:
                    yield from (target for target, _ in stores(node) if isinstance(target, ast.Subscript))


def _reads(function: Function, word: str) -> bool:
    return any(isinstance(node, ast.Attribute | ast.Name) and word_of(node) == word for node in walk(function.node))
