"""`golden-rules baseline`: freeze today's findings, and see them become fewer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from golden_rules.commands.base import CLEAN, FINDINGS, TROUBLE, files_to_check
from golden_rules.errors import UsageError
from golden_rules.paths import shown
from golden_rules.reports.words import counted

if TYPE_CHECKING:
    from golden_rules.adoption.freezing import Frozen
    from golden_rules.config import Config, Configs
    from golden_rules.runner import Run


@click.command()
@click.argument("folder", default=".", type=click.Path())
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit with status 1 if it could shrink.")
@click.option("--new-rules", is_flag=True, help="Freeze findings of rules that the baseline does not know yet, too.")
@click.option(
    "--baseline",
    "baseline_file",
    type=click.Path(),
    metavar="FILE",
    help="The file, where it is not the configured one.",
)
def baseline(folder: str, only_check: bool, new_rules: bool, baseline_file: str | None) -> int:
    """Freeze today's findings of the project that FOLDER belongs to, so that only new ones count.

    The first run makes the baseline; each later one drops what has been fixed and adds nothing. Delete the file to start
    again.
    """
    from golden_rules.adoption.baseline import read_baseline, rendered
    from golden_rules.adoption.freezing import freeze
    from golden_rules.adoption.scope import beside
    from golden_rules.adoption.teams import grouping
    from golden_rules.config import Configs
    from golden_rules.registry import codes_and_names
    from golden_rules.settings import DEFAULT_BASELINE
    from golden_rules.writing import UnwritableFile, write_file

    if not Path(folder).is_dir():
        raise UsageError(f"`{folder}` is no folder: a baseline holds the findings of a whole project")
    configs = Configs()
    config = configs.for_path(Path(folder))
    file = Path(baseline_file).absolute() if baseline_file else config.baseline or config.root / DEFAULT_BASELINE
    old = read_baseline(file) if only_check or file.exists() else None
    run = _everything(configs, config, None if baseline_file else file)
    if run.failures:
        for failure in run.failures:
            click.echo(f"error: {failure}", err=True)
        return TROUBLE
    found = [(finding, beside(file.parent, finding.path)) for finding in run.findings]
    frozen = freeze(
        old,
        found,
        codes_and_names(),
        new_rules=new_rules,
        is_gone=lambda path: not (file.parent / path).exists(),
        group=grouping(config, file.parent),
    )
    if frozen.changed and not only_check:
        try:
            write_file(file, rendered(frozen.baseline).encode())
        except UnwritableFile as error:
            raise UsageError(str(error)) from error
    for line in _lines(frozen, shown(file), only_check=only_check):
        click.echo(line)
    return FINDINGS if only_check and frozen.dropped else CLEAN


def _everything(configs: Configs, config: Config, file: Path | None) -> Run:
    """Return what there is to find in a project, among the files whose baseline is `file` if it is given."""
    from golden_rules.adoption.settling import settle
    from golden_rules.cache import Caches
    from golden_rules.runner import check_files

    caches = Caches()
    files = files_to_check([shown(config.root)], configs, caches=caches)
    run = check_files(files, folders=[config.root], caches=caches, jobs=None)
    settle(run, files, run.today)
    if file is not None:
        mine = {checked.display for checked in files if _belongs(checked.config, config, file)}
        run.findings = [finding for finding in run.findings if finding.path in mine]
    return run


def _belongs(one: Config, config: Config, file: Path) -> bool:
    return one.baseline == file or (one.baseline is None and one.root == config.root)


def _lines(frozen: Frozen, name: str, *, only_check: bool) -> Iterator[str]:
    dropped, left = len(frozen.dropped), frozen.baseline.entries.total()
    if only_check and dropped:
        for entry in frozen.dropped:
            where = f" in `{entry.function}`" if entry.function else ""
            yield f"{entry.path}: {entry.code}{where} is not there any more"
        yield f"`{name}` could shrink by {dropped}: run `golden-rules baseline` and commit it."
        return
    changes = [f"{frozen.added} added"] if frozen.added else []
    changes += [f"{dropped} dropped"] if dropped else []
    yield f"{name}: {counted(left, 'finding')}{' left' if dropped or not frozen.added else ''}" + (
        f" ({', '.join(changes)})." if changes else "."
    )
    width = max((len(share.name) for share in frozen.shares), default=0)
    for share in frozen.shares:
        yield f"  {share.name:<{width}}  {share.left:>5} of {share.started} left, {share.per_cent:.0f} % mended"
    if frozen.outside:
        yield (
            f"{counted(len(frozen.outside), 'finding')} {'is' if len(frozen.outside) == 1 else 'are'} newer than the baseline and stay"
            f"{'s' if len(frozen.outside) == 1 else ''} out: `golden-rules check` shows them."
        )
