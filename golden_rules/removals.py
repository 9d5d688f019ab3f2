"""What the files of a run can lose at their top level, as nothing else in their project takes it from there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from golden_rules.findings import Clock, Finding, Fix, Safety, without_fix_as
from golden_rules.projects import Files, Outcomes, Project, names_of
from golden_rules.work import Losable

if TYPE_CHECKING:
    from golden_rules.project_texts import ProjectTexts


class Removals:
    """What the files of a run can lose, by what they say now and by the texts in their projects' folders."""

    def __init__(
        self, files: Files, outcomes: Outcomes, projects: Iterable[Project], texts: dict[Path, ProjectTexts]
    ) -> None:
        """Take the projects, and the texts that were read before; nothing is read before it is asked for."""
        self._files = files
        self._outcomes = outcomes
        self._texts = texts
        self._projects = {index: project for project in projects if project.whole for index in project.members}
        self._mentions: dict[Project, Counter[str]] = {}

    def losable(self, index: int) -> Losable:
        """Return what tells what a file can lose."""
        return Losable(self.of(index), self.imports_of(index), self._clocks_of(index))

    def of(self, index: int) -> Callable[[str], bool]:
        """Return what tells of a name whether a file can lose its definition."""
        return lambda name: self._is_loose(index, name) and not self._mention(index, name)

    def imports_of(self, index: int, gone: Collection[str] = ()) -> Callable[[str], bool]:
        """Return what tells of a name whether a file can lose the import that binds it; those in `gone` are known to be free."""
        path, at_start = self._files[index].relative, partial(self._at_start, index)
        return lambda name: name in gone or not self._project_texts(index).taker(path, name, at_start)

    def _clocks_of(self, index: int) -> Callable[[Clock], bool]:
        """Return what tells of a clock whether a file need not read it any more, as nothing else replaces it there."""
        return lambda clock: not self._replacer(index, clock)

    def kept(self, index: int, findings: Iterable[Finding], *, clocks: bool = False) -> tuple[Finding, ...]:
        """Return the findings of a file without the fixes that would take from it what others may import.

        With `clocks`, fixes that no longer read a clock are unsafe where a test replaces it; that asks every text of the project.
        """
        kept = (self._kept(index, finding) if _removes(finding) else finding for finding in findings)
        return tuple(self._doubted(index, finding) if clocks else finding for finding in kept)

    def _doubted(self, index: int, finding: Finding) -> Finding:
        """Return a finding whose fix is unsafe, and which says why, where another file replaces a clock of this one."""
        fix = finding.fix
        if fix is None or fix.safety is Safety.UNSAFE:
            return finding
        for clock in fix.clocks:
            if where := self._replacer(index, clock):
                why = f"`{where}` replaces `{clock.written}`, which a timer does not read"
                remedy = f"{finding.remedy} (the fix is unsafe, as {why})"
                return finding._replace(fix=fix._replace(safety=Safety.UNSAFE), remedy=remedy)
        return finding

    def _replacer(self, index: int, clock: Clock) -> str:
        path, at_start = self._files[index].relative, partial(self._at_start, index)
        return self._project_texts(index).replacer(path, clock, at_start)

    def unread(self, index: int, fix: Fix) -> tuple[str, str]:
        """Return a name that a fix takes from a file and a text outside of the run that mentions it; empty for none."""
        found = ((name, self._mention(index, name)) for name in fix.removes)
        return next(((name, where) for name, where in found if where), ("", ""))

    def _kept(self, index: int, finding: Finding) -> Finding:
        why = ""
        fixes: list[Fix | None] = []
        for fix in (finding.fix, finding.unsafe_fix):
            hindrance = "" if fix is None else self._hindrance(index, fix)
            fixes.append(None if hindrance else fix)
            why = hindrance or why
        return finding._replace(fix=fixes[0], unsafe_fix=fixes[1], remedy=without_fix_as(finding.remedy, why))

    def _hindrance(self, index: int, fix: Fix) -> str:
        """Return in words why a file cannot lose what a fix takes from it, or `""`."""
        # A fix that changes the other files too was made from all that they mention.
        held = "" if fix.elsewhere else next((name for name in fix.removes if not self._is_loose(index, name)), "")
        if held and index in self._projects:
            return f"another file mentions `{held}`"
        if held:
            return f"only a check of the whole project tells who else uses `{held}`"
        name, where = self.unread(index, fix)
        return f"`{where}` mentions `{name}`" if where else ""

    def _is_loose(self, index: int, name: str) -> bool:
        """Whether no other file of the run mentions a name; where not all files are known, whether it is private."""
        from golden_rules.naming import module_parts
        from golden_rules.source.deletion import is_private
        from golden_rules.source.mentions import any_name

        project = self._projects.get(index)
        if project is None:
            return is_private(name)
        if project not in self._mentions:
            members = project.members
            self._mentions[project] = Counter(name for member in members for name in names_of(self._outcomes[member]))
        mentions, own = self._mentions[project], names_of(self._outcomes[index])
        whole = any_name(".".join(module_parts(self._files[index].relative)))
        return mentions[name] == (name in own) and not mentions[whole]

    def _mention(self, index: int, name: str) -> str:
        """Return a text that mentions a name and that is none of the files whose mentions are known."""
        project = self._projects.get(index)
        known = (index,) if project is None else project.members
        return self._project_texts(index).mention(name, {self._files[member].relative for member in known})

    def _project_texts(self, index: int) -> ProjectTexts:
        root = self._files[index].config.root
        if root not in self._texts:
            from golden_rules.project_texts import ProjectTexts

            self._texts[root] = ProjectTexts(root)
        return self._texts[root]

    def _at_start(self, index: int) -> dict[str, bytes]:
        """Return what the files of a project held that are another by now: `--fix` does what `--diff` shows."""
        root = self._files[index].config.root
        return {
            file.relative: done.before
            for file, done in zip(self._files, self._outcomes, strict=True)
            if done is not None and done.before is not None and file.config.root == root
        }


def _removes(finding: Finding) -> bool:
    return any(fix is not None and fix.removes for fix in (finding.fix, finding.unsafe_fix))
