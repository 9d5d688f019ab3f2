"""What earlier runs found, by file, so that a run costs what has changed since.

A file is the same by size and times of change, or else by its content, so that a fresh checkout is warm too. One file
in the folder holds the results under one configuration. Nothing about a cache is ever an error: one that is damaged,
foreign, or cannot be written is as good as none.
"""

# ruff: noqa: PTH100, PTH116, PTH123 - one `stat` for each file of a run, and strings are several times faster
from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from golden_rules.fingerprint import fingerprint
from golden_rules.packing import Packed, pack_findings, unpack_findings

if TYPE_CHECKING:
    from golden_rules.config import Config
    from golden_rules.files import SourceFile
    from golden_rules.findings import Finding

DEFAULT_FOLDER = ".golden-rules-cache"
_FORMAT = 3
# Settings that say where files are or how findings count, not what is found; options of rules are added apart.
_PLACES = frozenset(
    {
        "root", "source", "exclude", "extend_exclude", "cache_dir", "declaration_file",
        "severity", "grace_until", "baseline", "overrides", "rules",
    }
)  # fmt: skip
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of golden-rules; see https://bford.info/cachedir/\n"
_DIGEST = 16
# The folder may hold files of others (`--cache-dir /tmp`), which are left alone.
_PREFIX = "golden-rules-"
# Caches of settings that are no longer used go after this many seconds, and where there are more than so many.
_KEPT_FOR = 30 * 24 * 3600
_KEPT = 20
# What runs over different parts of a project conclude is kept for so many of them.
_CONCLUSIONS = 8
# A file that changed so few nanoseconds ago may change again without its times telling, as file systems count
# in steps of up to two seconds.
_SETTLED = 2_000_000_000
_UNSETTLED = (0, 0)

# Size, times of change, digest of the content, number of lines, what is told of it, its facts about the project.
_Entry = tuple[int, tuple[int, int], bytes, int, bytes, bytes]
_Told = list[tuple[Any, ...]]
_Content = tuple[dict[str, _Entry], dict[bytes, _Told], frozenset[str]]
_EMPTY: _Content = ({}, {}, frozenset())


class Seen(NamedTuple):
    """A file as it was when its content was read; plain, so that it can cross processes.

    Attributes:
        size: Its size in bytes.
        times: When its content and its entry in the file system last changed, in nanoseconds; zeros where that was
            so short a time ago that they tell nothing.
        digest: What tells its content from others.
    """

    size: int
    times: tuple[int, int]
    digest: bytes


def seen(status: os.stat_result, content: bytes) -> Seen:
    """Return what to know a file by; `status` must have been taken before `content` was read.

    A change between the two gives the new content older times, so that it is read again the next time.
    """
    return Seen(len(content), _times(status), digest_of(content))


def digest_of(content: bytes) -> bytes:
    """Return what tells contents apart."""
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


def _times(status: os.stat_result) -> tuple[int, int]:
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return times if max(times) < time.time_ns() - _SETTLED else _UNSETTLED


class Caches:
    """The caches of one run: one for each configuration among its files."""

    def __init__(self, *, on: bool = True) -> None:
        """Start with nothing read; with `on` false, nothing is ever known or kept."""
        self._on = on
        self._fingerprint: bytes | None = None
        # By identity: equal configurations are one object (`Configs`), and to hash one takes microseconds.
        self._caches: dict[int, tuple[Config, Cache]] = {}

    def of(self, config: Config) -> Cache:
        """Return the cache of a configuration."""
        known = self._caches.get(id(config))
        if known is None:
            known = self._caches[id(config)] = (config, self._load(config))
        return known[1]

    def _load(self, config: Config) -> Cache:
        if not self._on:
            return Cache(config.root, None)
        if self._fingerprint is None:
            self._fingerprint = fingerprint()
        folder = Path(os.path.abspath(config.cache_dir or config.root / DEFAULT_FOLDER))
        file = folder / f"{_PREFIX}{_key(config, folder, self._fingerprint)}.cache"
        for _, cache in self._caches.values():
            # Files may differ in settings that a cache does not know apart.
            if cache.file == file:
                return cache
        return Cache(config.root, file, *_read(file))

    def save(self) -> None:
        """Write every cache that has changed."""
        for _, cache in self._caches.values():
            cache.save()


class Cache:
    """The results of the files under one configuration.

    Attributes:
        file: Where it is kept; `None` where none is.
    """

    def __init__(
        self,
        root: Path,
        file: Path | None,
        entries: dict[str, _Entry] | None = None,
        conclusions: dict[bytes, _Told] | None = None,
        selectors: frozenset[str] = frozenset(),
    ) -> None:
        """Take where the project is, where the cache is kept, and what it holds."""
        self.file = file
        self._root = root
        self._entries = entries or {}
        self._conclusions = conclusions or {}
        self._selectors = selectors
        self._used: dict[str, _Entry] = {}
        self._changed = False

    def have_been_checked(self, selectors: Collection[str]) -> bool:
        """Tell whether an earlier run has found that all these selectors name rules, so that none need be loaded."""
        return self._selectors.issuperset(selectors)

    def keep_checked(self, selectors: Collection[str]) -> None:
        """Keep that these selectors name rules."""
        self._selectors = self._selectors.union(selectors)
        self._changed = True

    def get(self, file: SourceFile) -> Packed | None:
        """Return what is known of a file, which is read only where its times are others than they were."""
        entry = self._entries.get(file.relative)
        if entry is None:
            return None
        try:
            size, times, digest, lines, told, facts = entry
            status = os.stat(file.path)
            if status.st_size != size:
                return None
            if (status.st_mtime_ns, status.st_ctime_ns) != times:
                with open(file.path, "rb") as stream:
                    now = seen(status, stream.read())
                if now.digest != digest:
                    return None
                if now.times != times:
                    entry = (size, now.times, digest, lines, told, facts)
                    self._changed = True
        except (OSError, ValueError, TypeError):
            return None
        self._used[file.relative] = entry
        return Packed(lines, told, facts)

    def put(self, file: SourceFile, known_by: Seen, result: Packed) -> None:
        """Keep the result of a file as it was seen."""
        self._used[file.relative] = (
            known_by.size,
            known_by.times,
            known_by.digest,
            result.lines,
            result.told,
            result.facts,
        )
        self._changed = True

    def concluded(self, key: bytes) -> list[Finding] | None:
        """Return what the rules about the whole project found in files whose facts have this `facts_key`."""
        told = self._conclusions.get(key)
        if told is None:
            return None
        try:
            return unpack_findings(told)
        except (ValueError, TypeError, KeyError):
            return None

    def conclude(self, key: bytes, findings: Sequence[Finding]) -> None:
        """Keep what the rules about the whole project found."""
        latest = list(self._conclusions.items())[1 - _CONCLUSIONS :]
        self._conclusions = {**dict(latest), key: pack_findings(findings)}
        self._changed = True

    def save(self) -> None:
        """Write what was used or found in this run over what was known before, in one step."""
        if self.file is None or not self._changed:
            return
        with contextlib.suppress(OSError):
            _prepare(self.file.parent)
            _drop_old(self.file)
            _write(self.file, ({**self._kept(), **self._used}, self._conclusions, self._selectors))
            self._changed = False

    def _kept(self) -> dict[str, _Entry]:
        """Return the entries that this run did not touch; after a run over most files, those of files that are gone go."""
        rest = {relative: entry for relative, entry in self._entries.items() if relative not in self._used}
        if len(rest) > len(self._used):
            return rest
        return {relative: entry for relative, entry in rest.items() if (self._root / relative).is_file()}


def facts_key(facts: Iterable[tuple[str, bytes]], *, whole: bool) -> bytes:
    """Return what tells the facts of a project's files, given with their paths, from others."""
    return digest_of(marshal.dumps((whole, sorted(facts))))


def _read(file: Path) -> _Content:
    """Return what a cache holds; nothing where it is not there, or where a byte of it is not as it was written."""
    try:
        data = file.read_bytes()
        if digest_of(data[_DIGEST:]) != data[:_DIGEST]:
            return _EMPTY
        entries, conclusions, selectors = marshal.loads(memoryview(data)[_DIGEST:])  # noqa: S302 - it calls nothing, see packing.py
    except (OSError, ValueError, EOFError, TypeError):
        return _EMPTY
    is_ours = isinstance(entries, dict) and isinstance(conclusions, dict) and isinstance(selectors, frozenset)
    return (entries, conclusions, selectors) if is_ours else _EMPTY


def _write(file: Path, content: _Content) -> None:
    import tempfile

    data = marshal.dumps(content)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=_PREFIX, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(digest_of(data) + data)
        Path(temporary).replace(file)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _prepare(folder: Path) -> None:
    """Make the folder, with what tells backups and git to leave it out; one that was there before is somebody else's."""
    if folder.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    marks = {folder / "CACHEDIR.TAG": _TAG, folder / ".gitignore": "*\n"}
    try:
        for mark, text in marks.items():
            mark.write_text(text)
    except OSError:
        # The next run would take an unmarked folder for somebody else's, and git would take in what it holds.
        for mark in marks:
            mark.unlink(missing_ok=True)
        folder.rmdir()
        raise


def _drop_old(kept: Path) -> None:
    """Remove the caches beside one that have long not been written, the oldest of too many, and what killed runs left."""
    now = time.time()
    dated = [(file.stat().st_mtime, file) for file in kept.parent.glob(f"{_PREFIX}*.cache") if file != kept]
    for rank, (written, file) in enumerate(sorted(dated, reverse=True), start=1):
        if rank >= _KEPT or written < now - _KEPT_FOR:
            file.unlink(missing_ok=True)
    for file in kept.parent.glob(f"{_PREFIX}*.tmp"):
        if file.stat().st_mtime < now - 3600:
            file.unlink(missing_ok=True)


def _key(config: Config, folder: Path, linter: bytes) -> str:
    """Return the name for all that a result depends on beside the file."""
    settings = [(field.name, getattr(config, field.name)) for field in fields(config) if field.name not in _PLACES]
    settings.append(("rules", tuple(table for table in config.rules if table[1])))
    # Projects may share a folder outside of both.
    root = "" if folder.is_relative_to(config.root) else str(config.root)
    return digest_of(repr((_FORMAT, linter, root, settings)).encode(errors="surrogateescape")).hex()
