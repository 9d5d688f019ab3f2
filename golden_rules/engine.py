"""The analysis of one file: from its bytes to findings, as a pure function.

Data flows one way: bytes, text, outline, verdicts, slices, rules, findings. A process pool, an editor or any distributed
engine can map `analyse_source`, since what goes in and comes out is plain and picklable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from golden_rules.comments import NO_DIRECTIVES, read_directives
from golden_rules.config import Config
from golden_rules.criticality import Verdict, verdicts
from golden_rules.findings import (
    NAMES,
    Fact,
    FileFacts,
    FileResult,
    Finding,
    Place,
    ScoredFunction,
    Severity,
    without_fix,
)
from golden_rules.measured import missing_name
from golden_rules.naming import module_parts, package_of
from golden_rules.precedence import one_finding_per_wrong, serving
from golden_rules.registry import ENGINE_CODES, load_rules
from golden_rules.rules.base import (
    ClassRule,
    ClassSubject,
    FunctionRule,
    ModuleRule,
    ModuleSubject,
    OutlineRule,
    ProjectRule,
    Rule,
    SliceKind,
    Subject,
    UnmeasuredRule,
    Violation,
)
from golden_rules.rules.handbuilt.helpers import goes_with_helper
from golden_rules.selection import Selection
from golden_rules.silencing import Silencer
from golden_rules.source.mentions import mentions
from golden_rules.source.outline import Class, Function
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.syntax import SliceError
from golden_rules.source.text import SourceText, UndecodableSource, decode
from golden_rules.surroundings import is_generated
from golden_rules.unseen import unparsed, unseen

if TYPE_CHECKING:
    import libcst as cst

    from golden_rules.source.slices import Slice

R = TypeVar("R", bound=Rule)


def check_source(source: bytes | str, path: str, config: Config) -> tuple[Finding, ...]:
    """Return the findings of `analyse_source` alone."""
    return analyse_source(source, path, config, scores=False).findings


def analyse_source(
    source: bytes | str,
    path: str,
    config: Config,
    rules: Sequence[Rule] | None = None,
    *,
    triggers: bool = True,
    scores: bool = True,
) -> FileResult:
    """Analyse one file; nothing is read or written.

    Args:
        source: The file's content.
        path: Its path relative to the project's root, with `/`.
        config: The settings in force for it.
        rules: The rules to choose from; by default all that are installed.
        triggers: Whether rules are skipped where their words are absent; it changes the time taken and nothing else.
        scores: Whether the functions and their scores are asked for besides the findings, which are the same without.

    Returns:
        Its findings in order of place, its functions with their scores, and what else is known of it. A file that does
        not parse has one finding, GR900.
    """
    try:
        text = SourceText(source.removeprefix("\ufeff")) if isinstance(source, str) else decode(source)
    except UndecodableSource as error:
        return unparsed(path, config, source, str(error), SourceText(""), error.line, 1)
    try:
        tree = parse(text)
    except Unparseable as error:
        return unparsed(path, config, text.text, str(error), text, error.line, error.column)
    module = outline(tree, ".".join(module_parts(path)), package_of(path))
    directives = read_directives(text)
    judged = verdicts(module, path, config, directives, generated=is_generated(text.text), scores=scores)
    subject = ModuleSubject(path, module, text, config, judged)
    rules = load_rules() if rules is None else rules
    on = config.enabled_codes({**{rule.code: rule.name for rule in rules}, **ENGINE_CODES}, path)
    chosen = [rule for rule in rules if rule.code in on]
    if triggers:
        chosen = _triggered(chosen, text.text)
    silencer = Silencer(directives)
    found = [
        finding._replace(silence=silencer.silence(finding.code, finding.name, finding.line, around))
        for finding, around in _all_findings(subject, chosen)
    ]
    project = (*_names(subject, rules), *_facts(subject, chosen, silencer))
    if directives is not NO_DIRECTIVES:
        found += silencer.wrong_comments(path, text, on, everything_on=_is_whole(config.command_line))
    silenced = tuple(finding for finding in found if finding.silence is not None)
    findings = sorted(one_finding_per_wrong([finding for finding in found if finding.silence is None]), key=_place)
    withheld = 0
    findings = [_importable(finding, path, config) for finding in findings]
    if not config.runtime_declared:
        withheld = sum(_needs(finding, config.runtime_module) for finding in findings)
        findings = [
            finding._replace(fix=None, unsafe_fix=None) if _needs(finding, config.runtime_module) else finding
            for finding in findings
        ]
    facts = FileFacts(text.line_count, silenced, withheld, project)
    return FileResult(path, tuple(findings), tuple(_scored(path, judged)) if scores else (), facts)


def _all_findings(module: ModuleSubject, rules: Sequence[Rule]) -> Iterator[tuple[Finding, Function | Class | None]]:
    """Yield what the rules find in a file, each with the function or class that a comment would silence it for."""
    about_functions = _of_kind(rules, FunctionRule)
    about_outlines = _of_kind(rules, OutlineRule)
    about_unmeasured = _of_kind(rules, UnmeasuredRule)
    served = serving(module.outline, module.verdicts)
    for function, verdict in module.verdicts.items():
        subject = Subject(module.path, function, module.outline, module.source, module.config, verdict)
        for finding in _function_findings(subject, about_functions):
            yield finding, function
        for finding in _outline_findings(subject, about_outlines):
            yield finding, function
        if not about_unmeasured or not verdict.critical or verdict.measured or function in served:
            continue
        if not goes_with_helper(module, function):
            for finding in _outline_findings(subject, [rule for rule in about_unmeasured if rule.kind is verdict.kind]):
                yield finding, function
    about_classes = _of_kind(rules, ClassRule)
    for owner in module.outline.classes if about_classes else ():
        for finding in _class_findings(ClassSubject(owner, module), about_classes):
            yield finding, owner
    for rule in _of_kind(rules, ModuleRule):
        yield from _module_findings(module, rule)


def _of_kind(rules: Sequence[Rule], kind: Callable[..., R]) -> list[R]:
    """Return the rules of one kind; `isinstance` takes five times as long with an abstract class."""
    return [cast("R", rule) for rule in rules if kind in type(rule).__mro__]


def project_findings(rules: Sequence[Rule], results: Sequence[FileResult], *, whole: bool) -> list[Finding]:
    """Return what `concluded` returns, without what comments silence."""
    return [finding for finding in concluded(rules, results, whole=whole) if finding.silence is None]


def concluded(rules: Sequence[Rule], results: Sequence[FileResult], *, whole: bool) -> list[Finding]:
    """Return what the rules about the whole project find in its files, silenced or not, in order of place.

    Args:
        rules: The rules to choose from.
        results: The analyses of the files of one project.
        whole: Whether these are all of its files.
    """
    findings: list[Finding] = []
    for rule in rules:
        if not isinstance(rule, ProjectRule):
            continue
        codes = (rule.code, NAMES) if rule.asks_for_names else (rule.code,)
        facts = [fact for result in results for fact in result.facts.project if fact.code in codes]
        for violation in rule.conclude(facts, whole=whole) if facts else ():
            fact = violation.fact
            if fact.place is None:
                continue
            place = fact.place._asdict()
            findings.append(
                Finding(
                    code=rule.code,
                    name=rule.name,
                    message=violation.message,
                    path=fact.path,
                    severity=Severity.ERROR,
                    remedy=violation.remedy,
                    fix=violation.fix if violation.supplements else violation.fix or fact.fix,
                    silence=fact.silence,
                    supplements=violation.supplements,
                    **place,
                )
            )
    return sorted(findings, key=lambda finding: (finding.path, *_place(finding)))


def _names(module: ModuleSubject, rules: Sequence[Rule]) -> Iterator[Fact]:
    """Yield the names that a file mentions, whatever is on in the file itself: a rule may ask for them that is on in another."""
    asking = {rule.code: rule.name for rule in rules if rule.asks_for_names}
    if module.config.enabled_codes(asking, ""):
        yield Fact(NAMES, module.path, tuple(sorted(mentions(module.outline, module.source.text))))


def _facts(module: ModuleSubject, rules: Sequence[Rule], silencer: Silencer) -> Iterator[Fact]:
    """Yield what a file tells the rules about the whole project."""
    around: dict[str, Function | Class] = {entry.qualname: entry for entry in module.outline.classes}
    around.update((entry.qualname, entry) for entry in module.outline.functions)
    for rule in _of_kind(rules, ProjectRule):
        for observation in rule.observe(module):
            if observation.span is None:
                yield Fact(rule.code, module.path, observation.data, fix=observation.fix)
                continue
            place = _place_of(module.source, observation.span, observation.function)
            silence = silencer.silence(rule.code, rule.name, place.line, around.get(observation.function))
            yield Fact(rule.code, module.path, observation.data, place, silence, observation.fix)


def _place_of(source: SourceText, span: tuple[int, int], function: str) -> Place:
    line, column = source.position(span[0])
    end_line, end_column = source.position(span[1])
    return Place(line, column, end_line, end_column, function, source.line(line))


def _place(finding: Finding) -> tuple[int, int, str]:
    return finding.line, finding.column, finding.code


def _needs(finding: Finding, module: str) -> bool:
    """Whether a finding's fix imports from a module."""
    return finding.fix is not None and any(
        item.module == module or f"{item.module}.{item.name}" == module for item in finding.fix.imports
    )


def _importable(finding: Finding, path: str, config: Config) -> Finding:
    """Return a finding without a fix that would leave a file which cannot be imported, and with the reason."""
    module = config.runtime_module
    if config.is_below_runtime(path) and _needs(finding, module):
        return without_fix(finding, f"`{module}` itself imports this file and would be imported in a circle")
    missing = missing_name(finding.fix, config) or missing_name(finding.unsafe_fix, config)
    return without_fix(finding, f"`{module}` has no `{missing}`") if missing else finding


def _scored(path: str, judged: Mapping[Function, Verdict]) -> Iterator[ScoredFunction]:
    for function, verdict in judged.items():
        yield ScoredFunction(
            path=path,
            function=function.qualname,
            line=function.line,
            score=verdict.score,
            critical=verdict.critical,
            measured=bool(verdict.measured),
            reasons=tuple(f"{reason.words} ({reason.points:+g})" for reason in verdict.reasons),
        )


def _is_whole(command_line: Selection) -> bool:
    """Whether the command line leaves every rule as the configuration has it."""
    return command_line.select is None and not command_line.ignore


def _triggered(rules: Sequence[Rule], text: str) -> list[Rule]:
    """Return the rules whose words are in a text; each word is looked for once."""
    # An alias needs no care here: the import statement that makes it holds the word.
    known: dict[str, bool] = {}
    found = []
    for rule in rules:
        for word in rule.triggers:
            present = known.get(word)
            if present is None:
                present = known[word] = word in text
            if present:
                found.append(rule)
                break
        else:
            if not rule.triggers:
                found.append(rule)
    return found


def _outline_findings(subject: Subject, rules: Sequence[OutlineRule | UnmeasuredRule]) -> Iterator[Finding]:
    """Yield what the rules that need no slice find in one function."""
    function = subject.function
    for rule in rules:
        try:
            violations = list(rule.check(subject))
        except RecursionError as error:
            yield unseen(subject.path, subject.source, function.qualname, function.line, error)
            return
        for violation in violations:
            yield _finding(subject.path, subject.source, function.qualname, rule, violation)


def _function_findings(subject: Subject, rules: Sequence[FunctionRule]) -> Iterator[Finding]:
    """Yield what the rules find in one function; each kind of slice is parsed once, and only if a rule wants it."""
    wanting = [rule for rule in rules if rule.wants(subject)]
    if not wanting:
        return
    from golden_rules.source.slices import function_slice, header_slice

    makers = {SliceKind.HEADER: header_slice, SliceKind.FUNCTION: function_slice}
    slices: dict[SliceKind, Slice[cst.FunctionDef]] = {}
    function = subject.function
    for rule in wanting:
        try:
            if rule.slice_kind not in slices:
                slices[rule.slice_kind] = makers[rule.slice_kind](subject.source, function)
            violations = list(rule.check(subject, slices[rule.slice_kind]))
        except (SliceError, RecursionError) as error:
            yield unseen(subject.path, subject.source, function.qualname, function.line, error)
            return
        for violation in violations:
            yield _finding(subject.path, subject.source, function.qualname, rule, violation)


def _class_findings(subject: ClassSubject, rules: Sequence[ClassRule]) -> Iterator[Finding]:
    """Yield what the rules find in one class, which is parsed once, and only if a rule wants it."""
    wanting = [rule for rule in rules if rule.wants(subject)]
    if not wanting:
        return
    from golden_rules.source.slices import class_slice

    path, source, owner = subject.module.path, subject.module.source, subject.owner
    try:
        piece = class_slice(source, owner)
        for rule in wanting:
            for violation in list(rule.check(subject, piece)):
                yield _finding(path, source, owner.qualname, rule, violation)
    except (SliceError, RecursionError) as error:
        yield unseen(path, source, owner.qualname, owner.line, error)


def _module_findings(module: ModuleSubject, rule: ModuleRule) -> Iterator[tuple[Finding, Function | Class | None]]:
    """Yield what a rule finds in a file, with what it speaks of."""
    for violation in rule.check(module):
        name = "" if violation.around is None else violation.around.qualname
        yield _finding(module.path, module.source, name, rule, violation), violation.around


def _finding(path: str, source: SourceText, around: str, rule: Rule, violation: Violation) -> Finding:
    place = _place_of(source, violation.span, around)._asdict()
    return Finding(
        code=rule.code,
        name=rule.name,
        message=violation.message,
        path=path,
        severity=Severity.ERROR,
        remedy=violation.remedy,
        fix=violation.fix,
        unsafe_fix=violation.unsafe_fix,
        **place,
    )
