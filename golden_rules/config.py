"""Where configurations are found: the nearest file upwards of each path, and the command line on top.

A `golden-rules.toml`, or a `pyproject.toml` with the table `[tool.golden-rules]`, rules its folder and all
below, up to a nearer one. Where there is none, the defaults hold from the nearest project (`pyproject.toml`,
`.git`, `setup.cfg`) on.
"""

# ruff: noqa: PTH100, PTH110, PTH112, PTH118, PTH120, PTH208 - a run asks for thousands of folders, and strings are what a walk has
from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from golden_rules.dependencies import Declaration, read_declaration
from golden_rules.errors import UsageError, reason_of
from golden_rules.paths import relative_to, shown, unresolved, working_folder
from golden_rules.selection import Selection
from golden_rules.settings import ADDED_UP, DEFAULT_BASELINE, DEFAULT_RUNTIME, Config, merged
from golden_rules.settings_places import SettingsPlace, parse_toml

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["CONFIG_FILE", "Config", "Configs", "Overrides", "load_config"]

CONFIG_FILE = "golden-rules.toml"
TABLE = ("tool", "golden-rules")
_MARKERS = ("pyproject.toml", ".git", "setup.cfg")
_TELLING = frozenset({CONFIG_FILE, *_MARKERS})


class Overrides(NamedTuple):
    """What the command line puts on top of every configuration."""

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    runtime_module: str | None = None
    cache_dir: Path | None = None


class _Settings(NamedTuple):
    """The content of a configuration, whether it states that the runtime is there, and the tables each setting is from."""

    config: Config
    states_runtime: bool
    origins: Mapping[str, tuple[SettingsPlace, ...]]


class _Folder(NamedTuple):
    """What is known of a folder, in part from those above it."""

    config: Config
    settings: _Settings | None
    project_root: str | None
    in_repository: bool
    declaration: Declaration | None


class Configs:
    """The configuration of every folder, from the nearest file upwards; no file is read twice."""

    def __init__(self, explicit: Path | None = None, overrides: Overrides | None = None) -> None:
        """Use the file `explicit` for all folders, if given; raises UsageError where it cannot be used."""
        self._overrides = overrides or Overrides()
        self._explicit = None if explicit is None else _explicit_settings(explicit)
        self._folders: dict[str, _Folder] = {}
        self._below: dict[tuple[str, Path], dict[str, Any]] = {}
        self._configs: dict[Config, Config] = {}

    def for_path(self, path: Path) -> Config:
        """Return the configuration of a file, which need not exist, or of the files in a folder.

        Raises UsageError for a configuration that cannot be used.
        """
        absolute = os.path.normpath(os.path.join(working_folder(), path))
        return self.for_folder(absolute if os.path.isdir(absolute) else os.path.dirname(absolute))

    def for_folder(self, folder: str, names: Collection[str] | None = None) -> Config:
        """Return the configuration of the files in `folder`, an absolute path.

        `names` are the entries of the folder, where they have been read already. Raises UsageError for a
        configuration that cannot be used.
        """
        for missing in unresolved(folder, self._folders):
            given = names if missing == folder else None
            self._folders[missing] = self._entered(missing, _names(missing) if given is None else given)
        return self._folders[folder].config

    def origins(self, folder: str) -> Mapping[str, tuple[SettingsPlace, ...]]:
        """Return for each setting that a file makes for `folder`, an absolute path, the tables that make it."""
        self.for_folder(folder)
        settings = self._folders[folder].settings
        return {} if settings is None else settings.origins

    def _entered(self, folder: str, names: Collection[str]) -> _Folder:
        outer = self._folders.get(os.path.dirname(folder))
        if outer and (outer.project_root or outer.settings) and not any(map(_is_telling, names)):
            return outer
        own, declaration = _read_folder(Path(folder), names)
        is_project = own is not None or any(marker in names for marker in _MARKERS)
        settings = self._explicit or own or (outer.settings if outer else None)
        project_root = folder if is_project else (outer.project_root if outer else None)
        if declaration is None and outer and not _starts_anew(names, outer, is_project=is_project):
            declaration = outer.declaration
        return _Folder(
            config=self._completed(settings, project_root or _bare_root(folder), declaration),
            settings=settings,
            project_root=project_root,
            in_repository=".git" in names or (outer is not None and outer.in_repository),
            declaration=declaration,
        )

    def _completed(self, settings: _Settings | None, root: str, declaration: Declaration | None) -> Config:
        base = settings.config if settings else Config(root=Path(root))
        stated = self._overrides.runtime_module is not None or (settings is not None and settings.states_runtime)
        if stated:
            declaration = None
        # a baseline where one is expected needs no key
        beside = base.root / DEFAULT_BASELINE
        runtime = self._overrides.runtime_module or base.runtime_module
        config = replace(
            base,
            baseline=beside if base.baseline is None and beside.is_file() else base.baseline,
            runtime_module=runtime,
            **self._own_runtime(runtime, base.root),
            cache_dir=self._overrides.cache_dir or base.cache_dir,
            runtime_declared=declaration is None or declaration.has_runtime,
            declaration_file=relative_to(declaration.file, str(base.root)) if declaration else None,
            command_line=Selection(self._overrides.select, self._overrides.ignore),
        )
        # equal settings are one object, so that thousands of files pickle them once
        return self._configs.setdefault(config, config)

    def _own_runtime(self, module: str, root: Path) -> dict[str, Any]:
        """Return what is known of a runtime module that is the project's own."""
        if module == DEFAULT_RUNTIME:
            return {}
        if (module, root) not in self._below:
            from golden_rules.exports import names_in
            from golden_rules.import_circles import files_below

            self._below[module, root] = {
                "below_runtime": files_below(module, root),
                "runtime_names": names_in(module, root),
            }
        return self._below[module, root]


def load_config(start: Path, explicit: Path | None = None) -> Config:
    """Return the configuration of a file or folder, or the one in the file `explicit`; raises UsageError."""
    return Configs(explicit).for_path(start)


def _is_telling(name: str) -> bool:
    """Tell whether a file of this name can make a folder's configuration differ from the one above."""
    return name in _TELLING or name.startswith("requirements")


def _starts_anew(names: Collection[str], outer: _Folder, *, is_project: bool) -> bool:
    """Tell whether what the folders above declare says nothing of this one: another repository or project."""
    return ".git" in names or (is_project and not outer.in_repository)


def _read_folder(folder: Path, names: Collection[str]) -> tuple[_Settings | None, Declaration | None]:
    """Return what the files of a folder say: its own settings, and its declaration of dependencies."""
    settings = None
    document: dict[str, Any] = {}
    if "pyproject.toml" in names:
        document, settings = _read_pyproject(folder / "pyproject.toml")
    if CONFIG_FILE in names:
        settings = _read_config_file(folder / CONFIG_FILE) or settings
    return settings, read_declaration(folder, names, document)


def _read_pyproject(file: Path) -> tuple[dict[str, Any], _Settings | None]:
    data = _content(file)
    if data is None:
        return {}, None
    try:
        document = parse_toml(data, shown(file))
    except UsageError:
        # only a file that speaks of golden-rules is worth an error: some trees hold broken ones on purpose
        if b"golden-rules" in data:
            raise
        return {}, None
    tool = document.get("tool", {})
    if isinstance(tool, dict) and TABLE[-1].replace("-", "_") in tool:
        raise UsageError(f"`[tool.golden_rules]` in {shown(file)} is not read: write `[tool.golden-rules]`")
    if not isinstance(tool, dict) or TABLE[-1] not in tool:
        return document, None
    return document, _settings(file, data, TABLE, tool[TABLE[-1]])


def _read_config_file(file: Path) -> _Settings | None:
    data = _content(file)
    return None if data is None else _settings(file, data, (), parse_toml(data, shown(file)))


def _explicit_settings(file: Path) -> _Settings:
    file = Path(os.path.abspath(file))
    settings = _read_pyproject(file)[1] if file.name == "pyproject.toml" else _read_config_file(file)
    if settings is not None:
        return settings
    if file.is_file():
        raise UsageError(f"the configuration `{shown(file)}` has no table `[tool.golden-rules]`")
    raise UsageError(f"the configuration `{shown(file)}` is {'a folder' if file.is_dir() else 'not there'}")


def _settings(file: Path, data: bytes, header: tuple[str, ...], table: object) -> _Settings:
    values, origins = _layered(file, data, header, table, ())
    config = Config(root=file.parent, source=file, **values)
    return _Settings(config, "runtime_module" in values, origins)


_Layered = tuple[dict[str, Any], dict[str, tuple[SettingsPlace, ...]]]


def _layered(file: Path, data: bytes, header: tuple[str, ...], table: object, below: tuple[Path, ...]) -> _Layered:
    """Return the settings of a table on top of those that it extends, and where each is from.

    `below` are the files that extend this one, so that none does so in a circle.
    """
    # Most projects have no settings, and need nothing that checks them.
    from golden_rules.validation import check_table
    from golden_rules.values import kind

    if not isinstance(table, dict):
        raise UsageError(f"`{'.'.join(header)}` in {shown(file)} must be a table, not {kind(table)}")
    place = SettingsPlace(shown(file), header, data.decode())
    values = check_table(table, place)
    extended = values.pop("extend", None)
    for key in {"baseline", "cache_dir"} & values.keys():
        values[key] = file.parent / values[key]
    origins: dict[str, tuple[SettingsPlace, ...]] = dict.fromkeys(values, (place,))
    if extended is None:
        return values, origins
    lower, lower_origins = _extended(file, extended, place, (*below, file))
    for key, places in lower_origins.items():
        origins[key] = (*places, *origins.get(key, ())) if key in ADDED_UP else origins.get(key, places)
    return merged(lower, values), origins


def _extended(file: Path, extended: str, place: SettingsPlace, below: tuple[Path, ...]) -> _Layered:
    """Return the settings of the file that another one extends; raises UsageError where it cannot be used."""
    target = Path(os.path.abspath(file.parent / Path(extended).expanduser()))
    where = f"`extend` in {place.of('extend')}"
    if target in below:
        raise UsageError(f"{where} goes in a circle: `{shown(target)}` extends this file")
    data = _content(target)
    if data is None:
        raise UsageError(f"{where} names `{shown(target)}`, which is {'a folder' if target.is_dir() else 'not there'}")
    table: Any = parse_toml(data, shown(target))
    header: tuple[str, ...] = ()
    if target.name == "pyproject.toml":
        header = TABLE
        tool = table.get("tool", {})
        table = tool.get(TABLE[-1]) if isinstance(tool, dict) else None
        if table is None:
            raise UsageError(f"{where} names `{shown(target)}`, which has no table `[tool.golden-rules]`")
    return _layered(target, data, header, table, below)


def _content(file: Path) -> bytes | None:
    """Return what a file holds, or None where it is a folder or not there; raises UsageError."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise UsageError(f"`{shown(file)}` cannot be read: {reason_of(error)}") from error


def _names(folder: str) -> Collection[str]:
    """Return the entries of a folder; where it may be entered but not listed, those of them that matter."""
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        candidates = (CONFIG_FILE, *_MARKERS, "requirements.txt", "__init__.py")
        return [name for name in candidates if os.path.exists(os.path.join(folder, name))]


def _bare_root(folder: str) -> str:
    """Return where paths start outside any project: the working directory, or above the package."""
    working = working_folder()
    if folder == working or folder.startswith(working.rstrip(os.sep) + os.sep):
        return working
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder = os.path.dirname(folder)
    return folder
