"""What a change touches: the lines that differ from where a branch began, and the functions that hold them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from golden_rules.errors import UsageError
from golden_rules.findings import Finding
from golden_rules.paths import relative_to

if TYPE_CHECKING:
    import subprocess

# Where a pull request starts, as the services that build them say it; GitHub names a branch, GitLab a commit.
_GITHUB_BASE, _GITLAB_BASE = "GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA"
_USUAL_BASES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_HUNK = re.compile(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_SUBMODULE = "160000"  # the mode of its entry in a tree
_WHOLE = ((1, sys.maxsize),)

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from a commit in the work tree, uncommitted and untracked files included.

    Attributes:
        base: What it is compared with, as the user named it.
        root: The root of the work tree, without links.
        lines: For each file below it that differs, the first and last lines of what was changed.
    """

    base: str
    root: str
    lines: Mapping[str, Ranges]

    def of(self, path: str | Path) -> Ranges:
        """Return the lines of a file that were changed; none where nothing was."""
        return self.lines.get(relative_to(os.path.realpath(path), self.root), ())


def changes_since(base: str) -> Changes:
    """Return what differs from where the present branch left `base`, or the usual base where that is empty.

    Raises:
        UsageError: There is no git, no repository, no such base, or no history down to it.
    """
    root = os.path.realpath(_git("rev-parse", "--show-toplevel"))
    if not _exists("HEAD"):
        raise UsageError("the repository has no commit yet, so nothing has changed since: leave `--changed` out")
    named = base or _usual_base()
    _check_base(named)
    start = _merge_base(named)
    if not base and _is_shallow() and start == _git("rev-parse", "HEAD"):
        # A CI job would pass without having looked at anything.
        raise UsageError(
            f"this clone is shallow and holds nothing before `{named}`: "
            + ("name the base, as in `--changed=HEAD~1`, and in CI" if _exists("HEAD~1") else "in CI")
            + " clone without a depth (`fetch-depth: 0`, `GIT_DEPTH: 0`)"
        )
    return Changes(named, root, dict(_lines_since(start, root)))


def _lines_since(start: str, root: str) -> Iterator[tuple[str, Ranges]]:
    """Yield the files of a work tree that differ from a commit, those of its submodules among them, with what was changed."""
    # whatever a user has set for himself, the output must be the plain one
    plain = ("--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative", "--ignore-submodules")
    prefixes = ("--src-prefix=a/", "--dst-prefix=b/", "--find-renames", "--diff-algorithm=histogram")
    yield from _changed_lines(_git("diff", *plain, *prefixes, start, "--", root=root))
    for path in _git("ls-files", "--others", "--exclude-standard", "-z", root=root).split("\0"):
        if path:
            yield path, _WHOLE
    for module in _submodules(root):
        for path, ranges in _lines_since(_start_of(module, start, root), str(Path(root, module))):
            yield f"{module}/{path}", ranges


def _submodules(root: str) -> Iterator[str]:
    """Yield the paths of the submodules that are checked out in a work tree."""
    if not Path(root, ".gitmodules").is_file():
        return
    listed = _run(("config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$"), root)
    for entry in listed.stdout.decode(errors="surrogateescape").split("\0"):
        path = entry.partition("\n")[2]
        if path and Path(root, path, ".git").exists():
            yield path


def _start_of(module: str, start: str, root: str) -> str:
    """Return the commit that a submodule was at in a commit of the repository around it; the empty tree where it is newer.

    Raises UsageError where the submodule does not hold that commit.
    """
    mode, _, rest = _git("ls-tree", start, "--", module, root=root).partition(" ")
    folder = str(Path(root, module))
    if mode != _SUBMODULE:
        return _git("hash-object", "-t", "tree", os.devnull, root=folder)
    commit = rest.split()[1]
    if not _exists(commit, folder):
        raise UsageError(
            f"the submodule `{module}` does not hold the commit {commit[:12]} that it was at before the change: run"
            f" `git -C {module} fetch origin {commit}`, and in CI clone submodules without a depth, too"
        )
    return commit


def _git(*arguments: str, root: str | None = None) -> str:
    """Return what git prints; raises UsageError with the first line of what is wrong."""
    done = _run(arguments, root)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0].removeprefix("fatal: ")
        if "not a git repository" in reason:
            raise UsageError("`--changed` compares with a commit, and here is no git repository: leave it out")
        if "dubious ownership" in reason:
            folder = reason.partition(" at ")[2].strip("'")
            raise UsageError(
                "git trusts no repository that belongs to somebody else, as in containers: run"
                f" `git config --global --add safe.directory {folder}`"
            )
        raise UsageError(f"git cannot tell what has changed: {reason}")
    return done.stdout.decode(errors="surrogateescape").removesuffix("\n")


def _run(arguments: Sequence[str], root: str | None = None) -> subprocess.CompletedProcess[bytes]:
    import subprocess

    try:
        return subprocess.run(
            ["git", "-c", "core.quotePath=false", *arguments], cwd=root, capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise UsageError("`--changed` needs git, which is not installed") from error


def _exists(revision: str, root: str | None = None) -> bool:
    return (
        _run(("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"), root).returncode == 0
    )


def _usual_base() -> str:
    if branch := os.environ.get(_GITHUB_BASE):
        return f"origin/{branch}"
    if commit := os.environ.get(_GITLAB_BASE):
        return commit
    for name in _USUAL_BASES:
        if _exists(name):
            return name
    raise UsageError("there is no branch `main` or `master` to compare with: name the base, as in `--changed=develop`")


def _check_base(base: str) -> None:
    if _exists(base):
        return
    if Path(base).exists():
        raise UsageError(f"`--changed` takes `{base}` for the base: write `--changed=BASE`, or put the paths before it")
    if ".." in base:
        raise UsageError(f"`--changed` takes one commit, and `{base}` is a range: name where it starts")
    started = re.split(r"[~^@]", base)[0]
    if started != base and _exists(started or "HEAD"):
        deeper = ": run `git fetch --unshallow`" if _is_shallow() else ": name another base"
        raise UsageError(f"the history of `{started or 'HEAD'}` in this clone does not reach back to `{base}`{deeper}")
    remote, _, branch = base.rpartition("/")
    # In a clone of one branch, fetching another by its name alone would not make `origin/name`.
    fetch = f"git fetch origin {branch}:refs/remotes/{base}" if remote == "origin" else f"git fetch origin {base}"
    hint = f"fetch it with `{fetch}`, and in CI clone without a depth (`fetch-depth: 0`, `GIT_DEPTH: 0`)"
    raise UsageError(
        f"the base `{base}` is not in this clone: {hint if _is_shallow() or remote else 'check its name, or ' + hint}"
    )


def _merge_base(base: str) -> str:
    done = _run(("merge-base", "HEAD", base))
    if done.returncode == 0:
        return done.stdout.decode().strip()
    if _is_shallow():
        raise UsageError(
            f"this clone is shallow and does not reach back to where the branch left `{base}`: run `git fetch --unshallow`,"
            " and in CI clone without a depth (`fetch-depth: 0`, `GIT_DEPTH: 0`)"
        )
    raise UsageError(f"the branch and `{base}` have no commit in common: name another base")


def _is_shallow() -> bool:
    return _run(("rev-parse", "--is-shallow-repository")).stdout.strip() == b"true"


def _changed_lines(diff: str) -> Iterator[tuple[str, Ranges]]:
    """Yield the files of a unified diff without context, with the lines that they differ in."""
    path: str | None = None
    ranges: list[tuple[int, int]] = []
    left = 0
    for line in diff.split("\n"):
        if left and line[:1] in {"+", "-"}:
            left -= 1
        elif line.startswith("+++ "):
            if path is not None:
                yield path, tuple(ranges)
            path, ranges = _path(line[4:]), []
        elif match := _HUNK.match(line):
            start, count = int(match[1]), int(match[2] or 1)
            # where lines are gone, the ones before and after are touched
            ranges.append((start, start + count - 1) if count else (max(start, 1), start + 1))
            left = _lines_of_hunk(line)
    if path is not None:
        yield path, tuple(ranges)


def _lines_of_hunk(header: str) -> int:
    removed, added = (part.partition(",")[2] or "1" for part in header.split(" ")[1:3])
    return int(removed) + int(added)


def _path(shown: str) -> str | None:
    """Return the path of a `+++` line, or `None` for a file that is gone."""
    shown = shown.removesuffix("\t")
    if shown.startswith('"'):
        shown = _unquoted(shown[1:-1])
    return None if shown == "/dev/null" else shown.removeprefix("b/")


def _unquoted(text: str) -> str:
    """Return a name that git has quoted as C does, its bytes as octal numbers."""
    return _ESCAPE.sub(
        lambda match: chr(int(match[1], 8)) if len(match[1]) == 3 else _ESCAPED.get(match[1], match[1]), text
    )


def touched(findings: Iterable[Finding], content: bytes, ranges: Ranges) -> list[Finding]:
    """Return the findings in changed lines, or about functions that hold some."""
    if not ranges:
        return []
    listed = list(findings)
    if ranges == _WHOLE or not listed:
        return listed
    extents = _extents(content)
    return [finding for finding in listed if any(_meet(ranges, extent) for extent in _around(finding, extents))]


def _around(finding: Finding, extents: Mapping[str, Sequence[tuple[int, int]]]) -> Iterator[tuple[int, int]]:
    own = (finding.line, max(finding.line, finding.end_line))
    yield own
    # a name may be bound twice; the one that holds the finding is meant
    yield from (extent for extent in extents.get(finding.function, ()) if _meet((own,), extent))


def _meet(ranges: Iterable[tuple[int, int]], extent: tuple[int, int]) -> bool:
    return any(start <= extent[1] and extent[0] <= end for start, end in ranges)


def _extents(content: bytes) -> dict[str, list[tuple[int, int]]]:
    """Return the lines of every function and class by its qualified name; none for a file that does not parse."""
    from golden_rules.source.outlining import outline
    from golden_rules.source.parsing import Unparseable, parse
    from golden_rules.source.text import UndecodableSource, decode

    try:
        module = outline(parse(decode(content)), "", "")
    except (UndecodableSource, Unparseable):
        return {}
    extents: dict[str, list[tuple[int, int]]] = {}
    for entry in module.functions:
        extents.setdefault(entry.qualname, []).append((entry.start_line, entry.end_line))
    for owner in module.classes:
        extents.setdefault(owner.qualname, []).append((owner.start_line, owner.node.end_lineno or owner.line))
    return extents


def moved(ranges: Ranges, before: bytes, after: bytes) -> Ranges:
    """Return where changed lines are after fixes, with the lines that fixes have written."""
    if before == after or ranges == _WHOLE:
        return ranges
    from difflib import SequenceMatcher

    old, new = before.splitlines(), after.splitlines()
    result: list[tuple[int, int]] = []
    for tag, old_start, old_end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            result.append((new_start + 1, max(new_end, new_start + 1)))
            continue
        for start, end in ranges:
            first, last = max(start - 1, old_start), min(end, old_end)
            if first < last:
                result.append((first - old_start + new_start + 1, last - old_start + new_start))
    return tuple(result)
