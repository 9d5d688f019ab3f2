"""Entries of a configuration that match nothing any more."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden_rules.config import Config
from golden_rules.engine_rules import IGNORE_WITHOUT_REASON
from golden_rules.files import SourceFile, UnreadableFile, read_source
from golden_rules.globs import FunctionPatterns, path_globs
from golden_rules.naming import module_parts, package_of
from golden_rules.paths import relative_to
from golden_rules.rules.resilience.allowed import ALLOWED_IN
from golden_rules.settings import DEFAULT_EXCLUDE, module_globs
from golden_rules.settings_places import SettingsPlace
from golden_rules.source.importing import imported_names
from golden_rules.source.outline import Outline
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.text import UndecodableSource, decode


@dataclass(frozen=True, slots=True)
class Stale:
    """An entry that matches nothing.

    Attributes:
        key: The key that it stands under.
        entry: The entry, as written.
        what: What it should have matched.
        where: The file and line it stands in.
    """

    key: str
    entry: str
    what: str
    where: str

    def __str__(self) -> str:
        return f"`{self.entry}` in `{self.key}` of {self.where} matches no {self.what}"


def stale_entries(
    config: Config, files: Sequence[SourceFile], origins: dict[str, tuple[SettingsPlace, ...]]
) -> Iterator[Stale]:
    """Yield the entries of a configuration that match nothing in its project; `files` are all of its files."""
    paths = [file.relative for file in files]

    def stale(key: str, entries: Iterable[str], what: str, matches: Callable[[str], bool]) -> Iterator[Stale]:
        for entry in entries:
            if not matches(entry):
                yield Stale(key, entry, what, _where(origins.get(key.replace("-", "_"), ()), key, entry))

    def covers(pattern: str) -> bool:
        globs = path_globs((pattern.removeprefix("!"),))
        return any(globs.cover(path) for path in paths)

    written = {key: getattr(config, key) for key in origins}
    if excludes := (*written.get("exclude", ()), *written.get("extend_exclude", ())):
        unseen = _unseen(config.root, excludes)
        for key in ("exclude", "extend-exclude"):
            entries = written.get(key.replace("-", "_"), ())
            yield from stale(key, entries, "file or folder", lambda entry: entry not in unseen)
    yield from stale("per-file-ignores", [entry for entry, _ in written.get("per_file_ignores", ())], "file", covers)
    for override in written.get("overrides", ()):
        yield from stale("overrides", override.paths, "file", covers)
    app = written.get("app")
    if isinstance(app, tuple):
        yield from stale("app", [pattern for pattern, _ in app], "file", covers)
    modules = written.get("metrics_modules", ())
    yield from stale("metrics-modules", modules, "module", lambda entry: any(map(covers, module_globs(entry))))
    yield from stale(
        "measured-by", written.get("measured_by", ()), "import", _are_imported(written, files).__contains__
    )
    yield from _idle_patterns(written, files, origins)
    tables = [
        table
        for place in origins.get("overrides", ())
        for table in (place.item("overrides", number) for number in range(1, place.count("overrides") + 1))
    ]
    for override, table in zip(written.get("overrides", ()), tables, strict=False):
        covered = [file for file in files if path_globs(override.paths).cover(file.relative)]
        settings = dict(override.settings)
        yield from _idle_patterns(settings, covered, dict.fromkeys(settings, (table,)))


def _idle_patterns(
    settings: Mapping[str, Any], files: Sequence[SourceFile], origins: Mapping[str, tuple[SettingsPlace, ...]]
) -> Iterator[Stale]:
    """Yield the patterns for functions, and for what rules allow, that name nothing in the files that they are for."""
    named = [(key, settings.get(key.replace("-", "_"), ())) for key in ("critical", "not-critical")]
    allowed = [
        (f"rules.{rule}.{option}", entries)
        for rule, given in settings.get("rules", ())
        for option, entries in given
        if option == ALLOWED_IN.name
    ]
    for found, what, inside in ((named, "function", False), (allowed, "module, class or function", True)):
        idle = _idle([entry for _, entries in found for entry in entries], files, inside=inside)
        for key, entries in found:
            places = origins.get(key.partition(".")[0].replace("-", "_"), ())
            yield from (Stale(key, entry, what, _where(places, key, entry)) for entry in entries if entry in idle)


def _unseen(root: Path, patterns: Iterable[str]) -> set[str]:
    """Return the patterns that match no entry below a folder; what is excluded by default is not entered."""
    left = set(patterns)
    usual = path_globs(DEFAULT_EXCLUDE)
    for folder, folders, names in os.walk(root):
        beginning = relative_to(folder, str(root))
        beginning = "" if beginning == os.curdir else f"{beginning}/"
        for name in (*folders, *names):
            left -= {pattern for pattern in left if path_globs((pattern,)).match_entry(beginning + name, name)}
        if not left:
            break
        folders[:] = [name for name in folders if not usual.match_entry(beginning + name, name)]
    return left


def reasonless(config: Config, origins: dict[str, tuple[SettingsPlace, ...]]) -> Iterator[str]:
    """Yield a sentence for each entry of `not-critical` that nothing gives a reason for, as GR902 does for comments."""
    if "not_critical" not in origins or config.not_critical_reasons:
        return
    for entry in config.not_critical:
        where = _where(origins["not_critical"], "not-critical", entry)
        yield (
            f"`{entry}` in `not-critical` of {where} gives no reason ({IGNORE_WITHOUT_REASON.code}): write"
            f' `not-critical."{entry}" = "because ..."`'
        )


def _are_imported(written: Mapping[str, Any], files: Iterable[SourceFile]) -> set[str]:
    """Return the entries of `measured-by` that a file imports: the module, or what is in it."""
    left = set(written.get("measured_by", ()))
    found: set[str] = set()
    for _, module in _outlines(files) if left else ():
        for name in _imports(module):
            found |= {entry for entry in left if f"{name}.".startswith(f"{entry}.") or entry.startswith(f"{name}.")}
        left -= found
        if not left:
            break
    return found


def _imports(module: Outline) -> Iterator[str]:
    """Yield what a file imports anywhere, by its full name."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # of a package that is imported from, only the name counts
            yield from (target for _, target in imported_names(node, module.package))


def _idle(patterns: Iterable[str], files: Iterable[SourceFile], *, inside: bool) -> set[str]:
    """Return the patterns that name no function of the files; with `inside`, nor a class or a module."""
    compiled = {pattern: FunctionPatterns([pattern]) for pattern in patterns}
    for file, module in _outlines(files) if compiled else ():
        if not compiled:
            break
        defined = [(module.module, function.qualname) for function in module.functions]
        if inside:
            defined += [("", module.module), *((module.module, owner.qualname) for owner in module.classes)]
        for base, name in defined:
            matched = [pattern for pattern, names in compiled.items() if names.match(file.relative, base, name)]
            for pattern in matched:
                del compiled[pattern]
    return set(compiled)


def _outlines(files: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, Outline]]:
    """Yield the outlines of the files that can be read and parsed."""
    for file in files:
        try:
            tree = parse(decode(read_source(file.path)))
        except (UnreadableFile, UndecodableSource, Unparseable):
            continue
        yield file, outline(tree, ".".join(module_parts(file.relative)), package_of(file.relative))


def _where(places: Sequence[SettingsPlace], key: str, entry: str) -> str:
    for place in places:
        if line := place.line_of(key, entry):
            return f"{place.file} (line {line})"
    return places[-1].of(key) if places else "the configuration"
