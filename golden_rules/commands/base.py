"""What the commands share: the exit statuses, and how paths and options are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from golden_rules.errors import UsageError

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from golden_rules.cache import Caches
    from golden_rules.config import Config, Configs
    from golden_rules.files import SourceFile

_SOURCES = frozenset({".py", ".pyi", ".pyw", ".ipynb"})
_CONFIGURATIONS = frozenset({"pyproject.toml", "golden-rules.toml", "setup.cfg", ".pre-commit-config.yaml"})
CLEAN, FINDINGS, TROUBLE, INTERRUPTED = 0, 1, 2, 130


def codes(_context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Read rules with commas between them."""
    if value is None:
        return None
    named = tuple(code.strip() for code in value.split(",") if code.strip())
    if not named:
        raise UsageError(f"`--{parameter.name}` names no rule: give codes, prefixes or names, with commas between them")
    return named


def complete_codes(_context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Return the codes and names of rules that go on from what has been typed, also after a comma."""
    from click.shell_completion import CompletionItem

    from golden_rules.registry import codes_and_names

    before, comma, typed = beginning.rpartition(",")
    known = codes_and_names()
    described = [*known.items(), *((name, code) for code, name in known.items())]
    return [
        CompletionItem(f"{before}{comma}{word}", help=other)
        for word, other in described
        if word.lower().startswith(typed.lower())
    ]


def complete_paths(_context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Leave it to the shell to complete a path; `click.Path` would do so as well, and look at each of thousands twice."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(beginning, type="file")]


def complete_output(_context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Return the formats, each with `=`, and once that has been typed the names of files and folders that go on from it.

    Bash parts a word at `=` and completes the file by itself.
    """
    from click.shell_completion import CompletionItem

    from golden_rules.reports.formats import FORMATS

    name, equals, typed = beginning.partition("=")
    if not equals:
        return [CompletionItem(f"{known}=") for known in FORMATS if known.startswith(beginning)]
    folder, separator, start = typed.rpartition("/")
    prefix = f"{name}={folder}{separator}"
    try:
        entries = sorted(Path(f"{folder}{separator}" or ".").iterdir())
    except OSError:
        return []
    return [
        CompletionItem(prefix + entry.name + ("/" if entry.is_dir() else ""))
        for entry in entries
        if entry.name.startswith(start) and (start or not entry.name.startswith("."))
    ]


def per_cent(_context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read `5%`, `5` or `2.5 %`."""
    if value is None:
        return None
    try:
        number = float(value.strip().removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise UsageError(f"`{value}` is no share for `{parameter.opts[0]}`: give per cent from 0 to 100, such as `5%`")
    return number


def refuse_source(file: Path, option: str) -> None:
    """Raise UsageError where an option would write a report over a source file or a configuration."""
    from golden_rules.paths import shown

    if file.suffix in _SOURCES or file.name in _CONFIGURATIONS:
        raise UsageError(
            f"`{option}` would write a report to `{shown(file)}`, where code or settings stand: name another file"
        )


def files_to_check(
    paths: Sequence[str], configs: Configs, *, force_exclude: bool = False, caches: Caches | None = None
) -> list[SourceFile]:
    """Return the files to check; each configuration among them must name rules that exist."""
    from golden_rules.files import discover

    files = discover(paths, configs, force_exclude=force_exclude)
    for config in {id(file.config): file.config for file in files}.values():
        check_selectors(config, configs, caches)
    return files


def check_selectors(config: Config, configs: Configs, caches: Caches | None = None) -> None:
    """Check that a configuration names rules that exist and options that they have; rules are loaded only where no cache knows.

    Raises:
        UsageError: It names others.
    """
    named = config.selectors | config.said_to_rules
    cache = caches.of(config) if caches is not None and named else None
    if not named or (cache is not None and cache.have_been_checked(named)):
        return
    from golden_rules.registry import codes_and_names, declared_options
    from golden_rules.rule_tables import check_rule_tables

    origins = configs.origins(str(config.root))
    check_rule_tables(config, declared_options(), origins)
    config.check_selectors(codes_and_names(), origins)
    if cache is not None:
        cache.keep_checked(named)
