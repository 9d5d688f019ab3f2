"""Which files a run looks at: discovery by ignore files, excludes, and paths named on purpose.

As in ruff: a path that is named is always taken, excludes and ignore files rule what is found below a named
folder, hidden folders are entered, links to folders are not followed unless they are named.
"""

# ruff: noqa: PTH100, PTH110, PTH113, PTH114, PTH116, PTH118, PTH119, PTH120, PTH123, PTH206 - a walk joins and compares thousands of paths, which strings do several times faster
from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from golden_rules.errors import UsageError, reason_of
from golden_rules.gitignore import IgnoredByGit, is_ignored
from golden_rules.paths import relative_to, shown, unresolved, working_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from golden_rules.config import Config, Configs

SUFFIX = ".py"


class SourceFile(NamedTuple):
    """A file to look at; it may still turn out to be unreadable."""

    path: Path
    """The path to open it by, joined to what the user gave."""
    display: str
    """The path relative to the working directory, with `/`."""
    relative: str
    """The path relative to the root of its configuration, with `/`."""
    config: Config


class UnreadableFile(Exception):
    """A file that was found but cannot be read; its text is one sentence."""

    def __init__(self, path: str, reason: str) -> None:
        """Take the path as messages show it, and the reason as the end of a sentence."""
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"`{self.path}` cannot be read: {self.reason}"


def read_source(path: Path) -> bytes:
    """Return the bytes of a file; raises UnreadableFile."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise UnreadableFile(shown(path), _reason(path, error)) from error


def _reason(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is a link to nothing" if path.is_symlink() else "it does not exist any more"
    return reason_of(error)


def discover(paths: Iterable[Path | str], configs: Configs, *, force_exclude: bool = False) -> list[SourceFile]:
    """Return the files that the paths stand for, sorted by `display`, each once however many links reach it.

    Dangling links and folders that may not be listed are among them: `read_source` says what is wrong with
    them, so that the run goes on. Raises UsageError for a path that does not exist or is neither a file nor a
    folder, for a configuration that cannot be used, and where the working directory is gone.
    """
    working_folder()
    search = _Search(configs, force_exclude=force_exclude)
    folders: list[_Folder] = []
    for path in paths:
        given = os.fspath(path)
        mode = _mode(given)
        if _is_folder(given, mode):
            folders.append(search.folder(given))
        else:
            search.take(given, is_link=stat.S_ISLNK(mode))
    # real folders before links to them: the second way to a folder adds nothing
    for folder in sorted(folders, key=lambda folder: folder.absolute != folder.real):
        search.walk(folder)
    return search.files()


def _mode(given: str) -> int:
    """Return what a path that the user named is, a link a link; raises UsageError where nothing is there.

    Of a path that cannot be looked at, the run says later what is wrong with it, as if it were a file.
    """
    if not given:
        raise UsageError("an empty path was given: name a file or a folder")
    try:
        return os.lstat(given).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise UsageError(f"`{given}` does not exist") from error
    except OSError:
        return stat.S_IFREG


def _is_folder(given: str, mode: int) -> bool:
    """Tell whether a path that the user named is a folder, or leads to one; raises UsageError where it cannot be checked."""
    if stat.S_ISLNK(mode):
        try:
            mode = os.stat(given).st_mode
        except OSError:
            return False
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise UsageError(f"`{given}` is neither a file nor a folder: give `-` to read standard input")
    return stat.S_ISDIR(mode)


class _Folder(NamedTuple):
    """A folder by its several names, each the beginning of the names of its entries."""

    given: str
    absolute: str
    real: str
    display: str

    def child(self, name: str) -> _Folder:
        return _Folder(
            f"{self.given}{name}{os.sep}",
            f"{self.absolute}{name}{os.sep}",
            f"{self.real}{name}{os.sep}",
            f"{self.display}{name}/",
        )

    def file(self, name: str, config: Config, relative: str) -> SourceFile:
        config = config.for_file(relative + name)
        return SourceFile(Path(self.given + name), self.display + name, relative + name, config)


class _Search:
    """Collects the files of one run."""

    def __init__(self, configs: Configs, *, force_exclude: bool = False) -> None:
        self._configs = configs
        self._force_exclude = force_exclude
        self._ignored = IgnoredByGit()
        self._holders: dict[str, tuple[_Folder, Config, str]] = {}
        self._real: dict[str, str] = {}
        self._walked: set[str] = set()
        self._found: dict[str, tuple[bool, SourceFile]] = {}

    def files(self) -> list[SourceFile]:
        return sorted((file for _, file in self._found.values()), key=lambda file: file.display)

    def folder(self, given: str) -> _Folder:
        """Return a folder that the user named, or that holds a file that he named."""
        # `a/../b` is not `b` where `a` is a link
        absolute = os.path.realpath(given) if os.pardir in given.split(os.sep) else os.path.abspath(given)
        display = shown(absolute)
        return _Folder(
            given="" if given in {"", os.curdir} else os.path.join(given, ""),
            absolute=os.path.join(absolute, ""),
            real=os.path.join(self._resolved(absolute), ""),
            display="" if display == os.curdir else f"{display.removesuffix('/')}/",
        )

    def _resolved(self, absolute: str) -> str:
        """Return a folder's path without links, at the cost of one look at each folder above it."""
        for folder in unresolved(absolute, self._real):
            parent = self._real.get(os.path.dirname(folder))
            is_plain = parent is not None and not os.path.islink(folder)
            self._real[folder] = (
                os.path.join(parent, os.path.basename(folder)) if parent and is_plain else os.path.realpath(folder)
            )
        return self._real[absolute]

    def take(self, given: str, *, is_link: bool) -> None:
        """Add a file that the user named, whatever its name and ignore files say, and excludes unless they are forced."""
        head, name = os.path.split(given)
        folder, config, relative = self._holder(head)
        if self._force_exclude and is_excluded(relative + name, config):
            return
        real = os.path.realpath(given) if is_link else folder.real + name
        self._add(folder.file(name, config, relative), real, folder.absolute + name)

    def _holder(self, head: str) -> tuple[_Folder, Config, str]:
        """Return the folder of a file that the user named, its configuration, and what paths in it start with."""
        known = self._holders.get(head)
        if known is None:
            folder = self.folder(head)
            config = self._config(folder)
            known = self._holders[head] = folder, config, _relative(folder, config)
        return known

    def walk(self, start: _Folder) -> None:
        """Add the files below a folder, which is itself neither excluded nor ignored: it was named."""
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            if folder.real in self._walked:
                continue
            self._walked.add(folder.real)
            try:
                with os.scandir(folder.given or os.curdir) as listing:
                    entries = list(listing)
            except OSError:
                self._add_unlistable(folder)
                continue
            waiting += [folder.child(name) for name in self._look_through(folder, entries)]

    def _look_through(self, folder: _Folder, entries: list[os.DirEntry[str]]) -> Iterator[str]:
        """Add the files of one folder, and yield the names of the folders in it to look through next."""
        names = {entry.name for entry in entries}
        config = self._config(folder, names)
        chain = self._ignored.chain(_without_end(folder.absolute), names)
        relative = _relative(folder, config)
        for entry in entries:
            name = entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder and not name.endswith(SUFFIX):
                continue
            if config.excludes_entry(relative + name, name):
                continue
            if chain and is_ignored(chain, folder.absolute + name, name, is_folder=is_folder):
                continue
            if is_folder:
                yield name
            elif (real := _real_file(entry, folder.real + name)) is not None:
                self._add(folder.file(name, config, relative), real, folder.absolute + name)

    def _add_unlistable(self, folder: _Folder) -> None:
        config = self._config(folder)
        relative = _relative(folder, config)
        path, display = folder.given or os.curdir, folder.display or os.curdir
        self._found[folder.real] = (
            False,
            SourceFile(Path(path), display.removesuffix("/"), relative.removesuffix("/") or os.curdir, config),
        )

    def _add(self, file: SourceFile, real: str, absolute: str) -> None:
        is_alias = absolute != real
        known = self._found.get(real)
        if known is None or (is_alias, file.display) < (known[0], known[1].display):
            self._found[real] = (is_alias, file)

    def _config(self, folder: _Folder, names: Collection[str] | None = None) -> Config:
        return self._configs.for_folder(_without_end(folder.absolute), names)


def is_excluded(relative: str, config: Config) -> bool:
    """Tell whether `exclude` names a file, or a folder that holds it, by its path relative to the configuration's root."""
    parts = relative.split("/")
    return any(config.excludes_entry("/".join(parts[: end + 1]), part) for end, part in enumerate(parts))


def _real_file(entry: os.DirEntry[str], path: str) -> str | None:
    """Return the path without links of an entry or None where it is no file, as a link to a folder."""
    if not entry.is_symlink():
        return path if entry.is_file() else None
    if os.path.exists(entry) and not os.path.isfile(entry):
        return None
    return os.path.realpath(entry)


def _relative(folder: _Folder, config: Config) -> str:
    """Return what the paths of a folder's files start with, seen from the root of their configuration."""
    relative = relative_to(_without_end(folder.absolute), str(config.root))
    return "" if relative == os.curdir else f"{relative}/"


def _without_end(folder: str) -> str:
    return folder.rstrip(os.sep) or os.sep
