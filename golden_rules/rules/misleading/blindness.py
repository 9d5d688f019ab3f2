"""Functions that swallow their exceptions: what GR406 finds under a decorator, and what one that is inserted would hide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from golden_rules.options import StringsOption
from golden_rules.source.names import resolve

if TYPE_CHECKING:
    from golden_rules.config import Config
    from golden_rules.rules.base import Subject
    from golden_rules.rules.misleading.blankets import Blanket
    from golden_rules.rules.misleading.handlers import Swallow
    from golden_rules.source.own_code import OwnCode

CODE, NAME = "GR406", "failure-blind"
# The runtime's decorators that record how calls end.
OUTCOMES = frozenset({"track_request", "track_adapter_request", "track_cache_operation", "track_errors", "traced"})
MARKING = StringsOption(
    "marks-failure",
    "Functions of the project that tell the runtime of a failure, as `mark_failure` does, by their last name.",
)
# Questions: the exception is the answer no.
_QUESTION = re.compile(
    r"_*(async_)?(is|has|can|should|supports?|exists?|check|validate|verify|test|probe|ping|health\w*|ready|alive|readiness|liveness|available)(_|$)"
    r"|\w+_(exists?|health|healthy|available|ready|alive|check|valid|ping|ok|reachable)$"
)
# What ends things: that it fails on the way is of no account.
_CLOSING = re.compile(
    r"_*(async_|a)?(close|shut_?down|stop|disconnect|clean_?up|teardown|tear_down|dispose|release|destroy|terminate|kill|flush|exit|unload|unsubscribe)(_\w+)?"
)


def blind_handlers(subject: Subject, code: OwnCode) -> Iterator[Swallow]:
    """Yield the handlers after which a function ends as if it had succeeded, though its work failed."""
    from golden_rules.rules.misleading.handlers import called_in, swallows

    name = subject.function.name
    if _QUESTION.match(name):
        return
    # A function that calls itself again from a handler retries.
    telling = {*_telling(subject), name}
    for swallow in swallows(subject.source, code, partial(_meaning, subject)):
        if not called_in(swallow.handler).isdisjoint(telling):
            continue
        if swallow.silent and _CLOSING.fullmatch(name):
            continue
        yield swallow


def blind_blankets(subject: Subject, code: OwnCode) -> Iterator[Blanket]:
    """Yield what drops the exceptions of a function's work and is no handler."""
    from golden_rules.rules.misleading.blankets import blankets

    name = subject.function.name
    telling = _telling(subject)
    if _QUESTION.match(name) or _CLOSING.fullmatch(name) or not telling.isdisjoint(subject.function.called):
        return
    yield from blankets(subject.source, code, partial(_meaning, subject))


def _telling(subject: Subject) -> set[str]:
    """Return the last names of what tells the runtime of a failure, whatever name the file imports it under."""
    imports = [*subject.outline.names.items(), *subject.function.imports.items()]
    renamed = (local for local, target in imports if target.rpartition(".")[2] == "mark_failure")
    return {*subject.config.option(CODE, NAME, MARKING), "mark_failure", *renamed}


def _meaning(subject: Subject, written: str) -> str:
    return resolve(subject.outline, subject.function, written) or written


def is_looked_for(config: Config, path: str) -> bool:
    """Whether a project wants to hear of such functions in a file, whatever the command line picks out."""
    return config.looks_for(CODE, NAME, path)
