"""`golden-rules init`: put golden-rules into a project."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden_rules.commands.base import CLEAN, files_to_check
from golden_rules.errors import UsageError, reason_of
from golden_rules.paths import repository_of, shown

if TYPE_CHECKING:
    from golden_rules.adoption.proposal import Proposal
    from golden_rules.config import Config
    from golden_rules.files import SourceFile
    from golden_rules.runner import Run

_HOOKS_FILE = ".pre-commit-config.yaml"


@click.command()
@click.argument("folder", default=".", type=click.Path())
@click.option("--yes", "-y", is_flag=True, help="Write everything without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would be written as a diff, and write nothing.")
@click.option("--baseline/--no-baseline", "freeze", default=None, help="Whether to freeze today's findings, unasked.")
def init(folder: str, yes: bool, dry_run: bool, freeze: bool | None) -> int:
    """Put golden-rules into the project in FOLDER: its configuration, its hook, its dependency, a baseline.

    What is there already stays as it is, so that a second run changes nothing.
    """
    from golden_rules.config import Configs

    if not Path(folder).is_dir():
        raise UsageError(f"`{folder}` is no folder: name the root of a project")
    if not (yes or dry_run or (sys.stdin is not None and sys.stdin.isatty())):
        raise UsageError("`init` asks before it writes, and nobody can answer here: add `--yes` or `--dry-run`")
    configs = Configs()
    config = configs.for_path(Path(folder))
    files = files_to_check([shown(config.root)], configs)
    run = _survey(files, config)
    stated = "runtime_module" in configs.origins(str(Path(folder).absolute()))
    plan = _plan(config, files, run, runtime_stated=stated)
    for line in (*plan.words, *plan.left):
        click.echo(line)
    click.echo("".join(_diffs(plan)), nl=False)
    wants_baseline = bool(run.findings) and config.baseline is None and freeze is not False
    if dry_run:
        if wants_baseline:
            click.echo("Would freeze what there is to find then in a baseline.")
        return CLEAN
    written = bool(plan.changes) and (yes or click.confirm("Write this?", default=True))
    if written:
        _write(plan)
    elif not plan.changes:
        click.echo(
            "Nothing was changed: what is left to do stands above."
            if plan.left
            else "The configuration, the hook and the dependency are in place."
        )
    if wants_baseline and (freeze or yes or click.confirm("Freeze what there is to find in a baseline?", default=True)):
        from golden_rules.commands.baseline import baseline

        status: int = click.get_current_context().invoke(baseline, folder=folder)
        if status != CLEAN:
            return status
    hooked = _has_hook(config.root)
    install = ", and `pre-commit install` where hooks are not installed yet" if hooked else ""
    click.echo(
        f"Next: {'what is left to do above, and ' if plan.left and written else ''}`golden-rules check`{install}."
    )
    return CLEAN


def _has_hook(root: Path) -> bool:
    from golden_rules.adoption.hooks import has_hook

    # pre-commit reads its hooks at the root of the repository.
    return has_hook(_text((repository_of(root) or root) / _HOOKS_FILE) or "")


def _survey(files: list[SourceFile], config: Config) -> Run:
    """Return what there is to find in the project with the settings that it has."""
    from golden_rules.adoption.settling import settle
    from golden_rules.runner import check_files

    run = check_files(files, folders=[config.root], jobs=None)
    settle(run, files, run.today)
    return run


@dataclass(frozen=True, slots=True)
class _Change:
    """A file before, `None` where it is not there, and after."""

    path: Path
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be written, in words what it rests on, and what is left for a person to do."""

    changes: tuple[_Change, ...]
    words: tuple[str, ...]
    left: tuple[str, ...]


def _plan(config: Config, files: list[SourceFile], run: Run, *, runtime_stated: bool) -> _Plan:
    """Return the plan for a project that was looked at."""
    texts = _Texts(config.root)
    words = tuple(_propose(config, files, run, texts))
    left = list(_add_hook(config.root, texts))
    if not runtime_stated:
        left += _add_runtime(config, texts)
    return _Plan(tuple(texts.changes()), words, tuple(left))


class _Texts:
    """The files of a project as they are, and as they are to be."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._before: dict[str, str | None] = {}
        self._after: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        """Return a file as it is to be, or `None` where there is none."""
        if name not in self._before:
            self._before[name] = _text(self._root / name)
        return self._after.get(name, self._before[name])

    def set(self, name: str, text: str) -> None:
        """Say what a file is to be."""
        self.get(name)
        self._after[name] = text

    def changes(self) -> Iterator[_Change]:
        """Yield the files that are to change."""
        for name, after in self._after.items():
            if after != self._before[name]:
                yield _Change(self._root / name, self._before[name], after)


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise UsageError(f"`{shown(path)}` cannot be read: it is not UTF-8") from error
    except OSError as error:
        raise UsageError(f"`{shown(path)}` cannot be read: {reason_of(error)}") from error


def _propose(config: Config, files: list[SourceFile], run: Run, texts: _Texts) -> Iterator[str]:
    from golden_rules.adoption.installing import configuration, with_configuration
    from golden_rules.adoption.proposal import proposal
    from golden_rules.config import CONFIG_FILE

    if config.source is not None:
        yield f"`{shown(config.source)}` configures golden-rules already."
        return
    pyproject = texts.get("pyproject.toml")
    found = proposal(config.root, files, run.findings, _document(config.root, pyproject))
    yield from _what_was_found(found, run)
    if pyproject is None:
        texts.set(CONFIG_FILE, configuration(found))
    else:
        texts.set("pyproject.toml", with_configuration(pyproject, found))


def _what_was_found(found: Proposal, run: Run) -> Iterator[str]:
    from golden_rules.reports.words import counted

    yield (
        f"{counted(run.files, 'file')}, {counted(found.functions, 'function')}, of which {found.critical} {'is' if found.critical == 1 else 'are'} critical with"
        f" this configuration; {counted(len(run.findings), 'finding')} with the defaults."
    )


def _document(root: Path, pyproject: str | None) -> dict[str, Any]:
    from golden_rules.settings_places import parse_toml

    return {} if pyproject is None else parse_toml(pyproject.encode(), shown(root / "pyproject.toml"))


def _add_hook(root: Path, texts: _Texts) -> Iterator[str]:
    from golden_rules import __version__
    from golden_rules.adoption.hooks import NoPlaceForHook, entry, with_hook

    repository = repository_of(root)
    if repository not in (root, None):
        yield from _hook_above(root, repository)
        return
    there = texts.get(_HOOKS_FILE)
    if there is None and repository is None:
        yield "Left out: the hook for pre-commit, as there is no git repository here."
        return
    try:
        texts.set(_HOOKS_FILE, with_hook(there or "", __version__))
    except NoPlaceForHook as error:
        pasted = "\n".join(entry(__version__))
        yield f"Left to you: the hook in `{shown(root / _HOOKS_FILE)}`, for {error}. Paste this into it, under `repos:`:\n{pasted}"


def _hook_above(root: Path, repository: Path) -> Iterator[str]:
    """Say what to paste where the hooks are those of others, too: who brings in one folder does not speak for all."""
    from golden_rules import __version__
    from golden_rules.adoption.hooks import entry, has_hook

    file = repository / _HOOKS_FILE
    if not has_hook(_text(file) or ""):
        pasted = "\n".join(entry(__version__, only=root.relative_to(repository).as_posix()))
        yield f"Left to you: the hook, in `{shown(file)}` at the root of the repository. Paste this into it, under `repos:`:\n{pasted}"


def _add_runtime(config: Config, texts: _Texts) -> Iterator[str]:
    from golden_rules import __version__
    from golden_rules.adoption.installing import with_runtime
    from golden_rules.dependencies import RUNTIME

    requirement = f"{RUNTIME}>={'.'.join(__version__.split('.')[:2])}"
    if config.runtime_declared and config.declaration_file is not None:
        return
    name = config.declaration_file
    if name is None:
        name = next((file for file in ("pyproject.toml", "requirements.txt") if texts.get(file) is not None), None)
    if name is None:
        yield f"Left to you: no file declares dependencies here, so declare `{requirement}` where the project does."
        return
    try:
        texts.set(name, with_runtime(name.rpartition("/")[2], texts.get(name) or "", requirement))
    except UsageError as error:
        yield f"Left to you: {error}."


def _diffs(plan: _Plan) -> Iterator[str]:
    from golden_rules.patches import diff_of

    for change in plan.changes:
        before = None if change.before is None else change.before.encode()
        yield diff_of(change.path, before, change.after.encode(), "utf-8").readable()


def _write(plan: _Plan) -> None:
    from golden_rules.writing import UnwritableFile, write_file

    for change in plan.changes:
        try:
            write_file(change.path, change.after.encode())
        except UnwritableFile as error:
            raise UsageError(str(error)) from error
        click.echo(f"Wrote {shown(change.path)}.")
