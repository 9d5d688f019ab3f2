"""The settings in force for a file, and the questions the rest of the linter asks of them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from golden_rules.errors import UsageError
from golden_rules.globs import PathGlobs, function_patterns, path_globs
from golden_rules.paths import shown
from golden_rules.selection import EVERYTHING, Selection, enabled, is_selector, most_specific, nearest_rule, selected_by

if TYPE_CHECKING:
    from pathlib import Path

    from golden_rules.naming import Crowded
    from golden_rules.objectives import Objective
    from golden_rules.options import Option
    from golden_rules.settings_places import SettingsPlace
    from golden_rules.validation import Override

DEFAULT_EXCLUDE = (
    ".bzr",
    ".direnv",
    ".eggs",
    ".git",
    ".git-rewrite",
    ".golden-rules-cache",
    ".hg",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".nox",
    ".pants.d",
    ".pyenv",
    ".pytest_cache",
    ".pytype",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    ".vscode",
    "__pycache__",
    "__pypackages__",
    "_build",
    "buck-out",
    "build",
    "dist",
    "node_modules",
    "site-packages",
    "venv",
)
DEFAULT_BASELINE = "golden-rules-baseline.json"
MEASURING, RETRYING = "measuring", "retrying"
"""What stands in `decorator-order` for the runtime's measuring decorators, and for those that call a function again."""
_NO_SELECTION = Selection()
T = TypeVar("T")
RuleTable = tuple[str, tuple[tuple[str, object], ...]]
"""What is said to one rule: its code or name as written, and the options that are set, lists as tuples."""


DEFAULT_RUNTIME = "golden_runtime"
ANY_FILE = "*"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings in force for the files of a folder; plain, hashable and picklable.

    The methods take a file's path relative to `root`, with `/`.
    """

    root: Path
    """The folder that patterns and module names start from."""
    source: Path | None = None
    """The file that the settings come from."""
    app: str | tuple[tuple[str, str], ...] | None = None
    metric_name: str = "{app}.{module}.{function}"
    """What names of metrics are made from."""
    runtime_module: str = DEFAULT_RUNTIME
    below_runtime: tuple[str, ...] = ()
    """The files that run when `runtime_module` is imported, where it is the project's own, or `ANY_FILE`."""
    runtime_names: tuple[str, ...] | None = None
    """The names in `runtime_module`, where it is the project's own and its file tells them."""
    namespace: str | None = None
    """What the runtime's series start with; None where a call of the runtime's `configure` says it, if anything does."""
    objectives: tuple[Objective, ...] = ()
    """What operations are held to, for alerts."""
    runtime_declared: bool = True
    """False where the project declares its dependencies and golden-runtime is not among them."""
    declaration_file: str | None = None
    """The file that declares the dependencies, relative to `root`, where `runtime_declared` depends on it."""
    measured_by: tuple[str, ...] = ()
    metrics_modules: tuple[str, ...] = ("metrics", "telemetry", "observability")
    decorator_order: tuple[str, ...] = ()
    """Decorators from the outermost in, `measuring` among them; empty where the default holds."""
    critical: tuple[str, ...] = ()
    not_critical: tuple[str, ...] = ()
    not_critical_reasons: tuple[tuple[str, str], ...] = ()
    """Why functions are not critical, by their patterns; empty where `not-critical` is a list."""
    profile: str = "selective"
    threshold: float | None = None
    select: tuple[str, ...] = (EVERYTHING,)
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    extend_exclude: tuple[str, ...] = ()
    severity: tuple[tuple[str, str], ...] = ()
    """For selectors, `error` or `warning`; the most specific one counts."""
    grace_until: tuple[tuple[str, date], ...] = ()
    """For selectors, the day from which what they take in is an error; until then it is a warning."""
    rules: tuple[RuleTable, ...] = ()
    """Options of single rules; of several for one option, the last prevails. The rule reads them, see `option`."""
    baseline: Path | None = None
    """The file that holds the findings of old."""
    cache_dir: Path | None = None
    """The folder that holds what earlier runs found; None for the one in `root`."""
    overrides: tuple[Override, ...] = ()
    """Settings for some of the files; of several for one file, the later ones prevail."""
    command_line: Selection = _NO_SELECTION
    """The selectors of the command line, which prevail over those of the file."""
    crowded: Crowded | None = None
    """While one file is fixed, its functions whose names others have."""

    def for_file(self, relative_path: str) -> Config:
        """Return the settings for one file, with what `overrides` say of it."""
        applied = tuple(
            override.settings for override in self.overrides if path_globs(override.paths).cover(relative_path)
        )
        return _overridden(self, applied) if applied else self

    def severity_of(self, code: str, name: str) -> str | None:
        """Return how the findings of a rule count, or `None` where nothing is said of it."""
        return most_specific(self.severity, code, name)

    def grace_of(self, code: str, name: str) -> date | None:
        """Return the day from which the findings of a rule are errors, or `None` where nothing is said of it."""
        return most_specific(self.grace_until, code, name)

    def option(self, code: str, name: str, option: Option[T]) -> T:
        """Return the value of a rule's option; raises UsageError for one that the option refuses."""
        for rule, given in reversed(self.rules):
            if rule in (code, name) and option.name in dict(given):
                try:
                    return option.parsed(dict(given)[option.name])
                except ValueError as error:
                    raise UsageError(f"`{option.name}` of {code} {error}") from error
        return option.default

    @property
    def has_rules(self) -> bool:
        """Whether selectors take in anything at all."""
        return bool(
            self.command_line.select or self.extend_select or (self.command_line.select is None and self.select)
        )

    def app_for(self, relative_path: str) -> str | None:
        """Return the name of the app that a file belongs to: the first pattern that covers it decides."""
        if self.app is None or isinstance(self.app, str):
            return self.app
        return next((name for pattern, name in self.app if path_globs((pattern,)).cover(relative_path)), None)

    def looks_for(self, code: str, name: str, relative_path: str) -> bool:
        """Tell whether a project wants to hear of a rule in a file, whatever the command line picks out."""
        everything = replace(self, command_line=self.command_line._replace(select=None))
        return code in everything.enabled_codes({code: name}, relative_path)

    def naming(self, relative_path: str) -> tuple[str | None, str, Crowded | None]:
        """Return what the names of metrics of a file are made with: its app, the template, and what stands in the way."""
        return self.app_for(relative_path), self.metric_name, self.crowded

    def is_metrics_module(self, relative_path: str) -> bool:
        """Tell whether a file may define metrics of its own."""
        return _is_module_of(self.metrics_modules, relative_path)

    def is_below_runtime(self, relative_path: str) -> bool:
        """Tell whether a file runs when `runtime_module` is imported, so that it cannot import that in turn."""
        return relative_path in self.below_runtime or ANY_FILE in self.below_runtime

    def is_named_critical(self, relative_path: str, module_name: str, qualname: str) -> bool:
        """Tell whether `critical` names a function."""
        patterns = self.critical
        return bool(patterns) and function_patterns(patterns).match(relative_path, module_name, qualname)

    def is_named_not_critical(self, relative_path: str, module_name: str, qualname: str) -> bool:
        """Tell whether `not-critical` names a function."""
        patterns = self.not_critical
        return bool(patterns) and function_patterns(patterns).match(relative_path, module_name, qualname)

    def why_not_critical(self, relative_path: str, module_name: str, qualname: str) -> str:
        """Return the reason that `not-critical` gives for a function that it names; `""` where it gives none."""
        return next(
            (
                reason
                for pattern, reason in self.not_critical_reasons
                if function_patterns((pattern,)).match(relative_path, module_name, qualname)
            ),
            "",
        )

    def excludes_entry(self, relative_path: str, name: str) -> bool:
        """Tell whether `exclude` or `extend-exclude` names this entry itself; `name` is its end."""
        return path_globs(self.exclude).match_entry(relative_path, name) or (
            bool(self.extend_exclude) and path_globs(self.extend_exclude).match_entry(relative_path, name)
        )

    def enabled_codes(self, known: Iterable[str], path: str) -> frozenset[str]:
        """Return the codes of the rules that are on for a file.

        `known` holds all codes; a mapping from codes to rule names lets selectors be names too.
        """
        file_layer = Selection(self.select, self.ignore, self.extend_select)
        codes = enabled((file_layer, self.command_line), known)
        for pattern, ignored in self.per_file_ignores:
            outside = pattern.startswith("!")
            if path_globs((pattern.removeprefix("!"),)).cover(path) != outside:
                codes -= selected_by(ignored, known)
        return codes

    @property
    def selectors(self) -> frozenset[str]:
        """Every selector that is named anywhere, `ALL` left out."""
        return frozenset(selector for named in self._selectors() for selector in named.selectors) - {EVERYTHING}

    @property
    def said_to_rules(self) -> frozenset[str]:
        """What is said to single rules, for some files or all, as texts that tell one saying from another."""
        by_path = (table for override in self.overrides for table in dict(override.settings).get("rules", ()))
        return frozenset(f"rules {table!r}" for table in (*self.rules, *by_path))

    def check_selectors(
        self, known: Iterable[str], origins: Mapping[str, tuple[SettingsPlace, ...]] | None = None
    ) -> None:
        """Raise UsageError for a selector that takes in no rule; `known` holds all codes and names.

        `origins` are the tables that each setting is from, see `Configs.origins`; with them the line is named.
        """
        names = {*known, *known.values()} if isinstance(known, Mapping) else set(known)
        for named in self._selectors():
            for selector in named.selectors:
                if not is_selector(selector, names):
                    hint = nearest_rule(selector, {*names, EVERYTHING})
                    raise UsageError(
                        f"unknown rule `{selector}` in {self._where(named, selector, origins or {})}{hint}"
                    )

    def _where(self, named: _Named, selector: str, origins: Mapping[str, tuple[SettingsPlace, ...]]) -> str:
        if not named.key:
            return named.label
        file = shown(self.source) if self.source else "the default configuration"
        for place in origins.get(named.key, ()):
            if line := place.line_of(named.key.replace("_", "-"), selector):
                file = f"{place.file} (line {line})"
                break
        return f"{named.label} of {file}{named.entry}"

    def _selectors(self) -> Iterable[_Named]:
        yield _Named("select", "`select`", self.select)
        yield _Named("extend_select", "`extend-select`", self.extend_select)
        yield _Named("ignore", "`ignore`", self.ignore)
        for pattern, selectors in self.per_file_ignores:
            yield _Named("per_file_ignores", "`per-file-ignores`", selectors, f" for `{pattern}`")
        yield _Named("severity", "`severity`", tuple(selector for selector, _ in self.severity))
        yield _Named("grace_until", "`grace-until`", tuple(selector for selector, _ in self.grace_until))
        for override in self.overrides:
            for key, value in override.settings:
                if key in _SELECTORS:
                    selectors = tuple(entry if isinstance(entry, str) else entry[0] for entry in value)
                    yield _Named("overrides", f"`{key.replace('_', '-')}` in `overrides`", selectors)
        yield _Named("", "`--select`", self.command_line.select or ())
        yield _Named("", "`--ignore`", self.command_line.ignore)


class _Named(NamedTuple):
    """Selectors that one setting names: its key (none for an option), what messages call it, and the entry they are for."""

    key: str
    label: str
    selectors: tuple[str, ...]
    entry: str = ""


_SELECTORS = frozenset({"select", "ignore", "extend_select", "severity", "grace_until"})


@functools.lru_cache(maxsize=1024)
def _overridden(config: Config, applied: tuple[tuple[tuple[str, object], ...], ...]) -> Config:
    # equal settings are one object here too, see `Configs`
    for settings in applied:
        config = replace(config, **merged({key: getattr(config, key) for key, _ in settings}, dict(settings)))
    return config


def merged(base: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with others on top: lists that extend add up, tables by rule or path go together, others give way."""
    result = dict(base)
    for key, value in above.items():
        under = base.get(key)
        if key in _ADDED and under is not None:
            value = under + tuple(item for item in value if item not in under)
        elif key == "rules" and under is not None:
            value = under + value
        elif key in _TABLES and under is not None:
            value = tuple({**dict(under), **dict(value)}.items())
        result[key] = value
    return result


_ADDED = frozenset({"extend_select", "extend_exclude", "overrides"})
_TABLES = frozenset({"severity", "grace_until", "per_file_ignores"})
ADDED_UP = _ADDED | _TABLES | {"rules"}


# Several rules ask it of each file in turn.
@functools.lru_cache(maxsize=8)
def _is_module_of(entries: tuple[str, ...], relative_path: str) -> bool:
    return _globs_of(entries).cover(relative_path)


@functools.lru_cache(maxsize=64)
def _globs_of(entries: tuple[str, ...]) -> PathGlobs:
    return path_globs(tuple(glob for entry in entries for glob in module_globs(entry)))


def module_globs(entry: str) -> tuple[str, ...]:
    """Return the globs of an entry of `metrics-modules`, which names a module, a file or paths."""
    if "/" in entry or entry.endswith(".py"):
        return (entry,)
    path = entry.replace(".", "/")
    return (f"**/{path}.py", f"**/{path}") if "/" in path else (f"{path}.py", path)
