"""What may stand in the `try` of a loop without being a try: a person's answer, a pause, a service, an import."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from golden_rules.naming import snake
from golden_rules.rules.resilience.retry_syntax import names_of
from golden_rules.rules.resilience.retry_words import is_pause, is_report
from golden_rules.source.own_code import OwnCode
from golden_rules.source.trees import callee, dotted, last_called

_PROMPTS = frozenset({"input", "raw_input", "getpass", "prompt", "ask", "confirm"})
# The same where it stands beside what is tried: there, a model may well be what is asked or prompted.
_PROMPTS_ASIDE = frozenset({"input", "raw_input", "getpass", "confirm"})
# A project's own: `_prompt_for_passphrase`, `ask_user`; not `prompt_template`.
_OWN_PROMPT = re.compile(
    r"^_*(prompt|ask|request)_(\w+_)?(for|user|human|person|cred\w*|pass\w*|pin|login|confirm\w*|again|yes_no|input)(_|$)"
)
_SECRET = re.compile(r"(^|_)(password|passwd|passphrase|passcode|pin|otp|user_input|input_user)$")
_SERVES = re.compile(
    r"^_*(run_(session|forever|loop|until\w*|once)|serve\w*|consume\w*|listen\w*|main_?loop|loop|handle_(connection|session))$"
)
_WAITS_FOR = frozenset({"wait_for", "shield", "timeout", "timeout_at", "fail_after", "move_on_after"})
_FILE_LOCKS = frozenset({"flock", "lockf", "locking"})
_LOCKS = re.compile(r"(^|_)(lock|locks|flock|lockf|locking|try_lock|acquire|try_acquire)(_|$)")
_IMPORTS = frozenset({"import_module", "__import__"})


def asks_a_person(code: OwnCode, tried: Sequence[ast.AST], own: Sequence[ast.AST]) -> bool:
    """Whether a person answers in each round, in what is tried or beside it; `own` is all that the round does."""
    if any(_OWN_PROMPT.match(snake(last_called(call))) for call in _calls(own)) or any(map(_takes_secret, own)):
        return True
    return any(
        last_called(call) in prompts and not isinstance(code.parent(call), ast.Await)
        for nodes, prompts in ((tried, _PROMPTS), (own, _PROMPTS_ASIDE))
        for call in _calls(nodes)
    )


def serves(tried: Sequence[ast.AST]) -> bool:
    """Whether what is tried is a service of its own, which the loop keeps up."""
    return any(_SERVES.match(snake(callee(call))) for call in _calls(tried))


def is_no_try(tried: Sequence[ast.AST]) -> bool:
    """Whether what is tried is no more than a pause or an import."""
    return _only_waits(tried) or _only_imports(tried)


def _only_waits(tried: Sequence[ast.AST]) -> bool:
    """Whether what is tried is itself the pause between two rounds: a signal is awaited, for so long."""
    calls = [callee(call) for call in _calls(tried)]
    return any(is_pause(name, 1) for name in calls) and all(
        is_pause(name, 1) or is_report(name) or name.rpartition(".")[2] in _WAITS_FOR for name in calls
    )


def _only_imports(tried: Sequence[ast.AST]) -> bool:
    """Whether what is tried does no more than to import a module."""
    names = {last_called(call) for call in _calls(tried)}
    return bool(names) and names <= _IMPORTS


def only_takes_a_lock(tried: Sequence[ast.AST]) -> bool:
    """Whether all that is tried is to take a lock, which others hold until they are done; one of a file may need more to be asked."""
    calls = [call for call in _calls(tried) if not is_report(callee(call))]
    return any(last_called(call) in _FILE_LOCKS for call in calls) or (bool(calls) and all(map(_takes_a_lock, calls)))


def _takes_a_lock(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    words = (last_called(call), *(dotted(value).rpartition(".")[2] for value in given))
    return any(_LOCKS.search(snake(word)) for word in words)


def _takes_secret(node: ast.AST) -> bool:
    """Whether an assignment takes what a person knows: `user, password = credentials.ask(remote)`."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call | ast.Await)
        and any(_SECRET.search(snake(name)) for target in node.targets for name in names_of(target))
    )


def _calls(nodes: Sequence[ast.AST]) -> Iterator[ast.Call]:
    return (node for node in nodes if isinstance(node, ast.Call))
