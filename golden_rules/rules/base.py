"""What a rule is: a class with its documentation, its cases and its check in one place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from golden_rules.findings import Fix, Safety

if TYPE_CHECKING:
    import libcst as cst

    from golden_rules.config import Config
    from golden_rules.criticality import Kind, Verdict
    from golden_rules.findings import Fact
    from golden_rules.options import Option
    from golden_rules.source.outline import Class, Function, Outline
    from golden_rules.source.slices import Slice
    from golden_rules.source.text import SourceText

T = TypeVar("T")


class SliceKind(Enum):
    """How much of a function LibCST parses for a rule."""

    HEADER = "header"
    """Decorators and signature."""

    FUNCTION = "function"
    """The whole function."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A case the rule finds, and what its fix makes of it.

    Attributes:
        code: A small module.
        fixed: The module after the fix; `None` where the rule has no fix for it.
        unsafe: Whether the fix needs `--unsafe-fixes`.
        path: The module's path below the project's root; it gives metric names their module.
        settings: Keys of `[tool.golden-rules]` in force for the case.
    """

    code: str
    fixed: str | None = None
    unsafe: bool = False
    path: str = "src/shop/orders.py"
    settings: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Good:
    """A case the rule leaves alone, and in a few words why.

    Attributes:
        code: A small module.
        why: What it shows, as a test's name would.
    """

    code: str
    why: str
    path: str = "src/shop/orders.py"
    settings: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A function before any rule has asked to see its source: what the outline tells.

    Attributes:
        path: The file, relative to the project's root, with `/`.
        verdict: How critical it is, what kind of function, and whether something measures it.
    """

    path: str
    function: Function
    outline: Outline
    source: SourceText
    config: Config
    verdict: Verdict


@dataclass(frozen=True, slots=True, eq=False)
class ModuleSubject:
    """A file before any rule has asked to see its source.

    Attributes:
        path: The file, relative to the project's root, with `/`.
        verdicts: What the outline says of each function, in order of line.
    """

    path: str
    outline: Outline
    source: SourceText
    config: Config
    verdicts: Mapping[Function, Verdict]


@dataclass(frozen=True, slots=True, eq=False)
class ClassSubject:
    """A class before any rule has asked to see its source.

    Attributes:
        owner: The class.
        module: The file that it stands in.
    """

    owner: Class
    module: ModuleSubject

    @property
    def methods(self) -> tuple[Function, ...]:
        """The functions in the class's body, in order of line."""
        return tuple(function for function in self.module.verdicts if function.owner is self.owner)


@dataclass(frozen=True, slots=True)
class Violation:
    """What a rule says of one place; the engine adds code, place and severity.

    Attributes:
        span: The file offsets that the finding marks.
        message: What is wrong and why, in the code's own terms.
        remedy: What to write instead.
        fix: The fix; the safe one where there are two.
        unsafe_fix: What `--unsafe-fixes` does instead of a safe fix.
        around: For a rule about files, the function or class that it speaks of, where it speaks of one.
    """

    span: tuple[int, int]
    message: str
    remedy: str
    fix: Fix | None = None
    unsafe_fix: Fix | None = None
    around: Function | Class | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a file tells a rule about the whole project.

    Attributes:
        data: Plain data that can be pickled and compared.
        span: The file offsets that a finding would mark; `None` where none can follow.
        function: The qualified name of the function or class around it, `""` for the module.
        fix: What remedies a finding there, in this file.
    """

    data: tuple[object, ...]
    span: tuple[int, int] | None = None
    function: str = ""
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class ProjectViolation:
    """What a rule about the whole project says, at the place of one of its facts.

    Attributes:
        message: What is wrong and why, in the code's own terms.
        remedy: What to write instead.
        fix: What remedies it; by default the fact's own fix, in its file.
        supplements: Whether it is no finding of its own: it gives its fix, or none, and its remedy to the one that the rule has
            found at that place in the file.
    """

    fact: Fact
    message: str
    remedy: str
    fix: Fix | None = None
    supplements: bool = False


class Rule(ABC):
    """What all rules have; a rule is a subclass of one of the subclasses here, or of two where it looks at two kinds of things.

    The docstring of a subclass is its documentation, in Markdown, with the sections of a ruff rule page: what it does,
    why it matters, fix safety, when not to follow it. The example comes from the first of `cases`.

    Attributes:
        code: The code, such as `GR201`.
        name: The kebab-case name, such as `hand-timed`.
        triggers: Words without which the rule cannot fire, as the source holds them; empty where there are none.
        cases: Code that the rule finds and code that it leaves alone.
        asks_for_names: Whether its findings or fixes hang on the names that other files mention.
        options: What a project may say to it, under `[tool.golden-rules.rules.CODE]`.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    triggers: ClassVar[tuple[str, ...]] = ()
    cases: ClassVar[tuple[Bad | Good, ...]] = ()
    asks_for_names: ClassVar[bool] = False
    options: ClassVar[tuple[Option[Any], ...]] = ()

    def value(self, option: Option[T], config: Config) -> T:
        """Return what a configuration says to this rule in one of its options."""
        return config.option(self.code, self.name, option)

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the documentation."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def fixability(cls) -> Safety | None:
        """Return the best safety level among the fixes that the cases show, or `None` without one."""
        fixed = [case for case in cls.cases if isinstance(case, Bad) and case.fixed is not None]
        if not fixed:
            return None
        return Safety.UNSAFE if all(case.unsafe for case in fixed) else Safety.SAFE


class FunctionRule(Rule):
    """A rule about single functions.

    Attributes:
        slice_kind: What `check` needs to see.
    """

    slice_kind: ClassVar[SliceKind] = SliceKind.FUNCTION

    @abstractmethod
    def wants(self, subject: Subject) -> bool:
        """Return whether `check` must see this function; cheap, from the outline alone."""

    @abstractmethod
    def check(self, subject: Subject, piece: Slice[cst.FunctionDef]) -> Iterator[Violation]:
        """Yield what is wrong with a function, seen as a LibCST node."""


class OutlineRule(Rule):
    """A rule about single functions that needs no more than the outline and its `ast` nodes."""

    @abstractmethod
    def check(self, subject: Subject) -> Iterator[Violation]:
        """Yield what is wrong with a function."""


class UnmeasuredRule(Rule):
    """A rule about critical functions that nothing measures; the outline tells all that it needs.

    Attributes:
        kind: The kind of function that it speaks of.
    """

    kind: ClassVar[Kind]

    @abstractmethod
    def check(self, subject: Subject) -> Iterator[Violation]:
        """Yield what is to be said of a function, which is critical, of the kind, and unmeasured."""


class ClassRule(Rule):
    """A rule about single classes."""

    @abstractmethod
    def wants(self, subject: ClassSubject) -> bool:
        """Return whether `check` must see this class; cheap, from the outline alone."""

    @abstractmethod
    def check(self, subject: ClassSubject, piece: Slice[cst.ClassDef]) -> Iterator[Violation]:
        """Yield what is wrong with a class, seen as a LibCST node."""


class ModuleRule(Rule):
    """A rule about a file: what stands at its top, or what only several of its functions and classes together tell."""

    @abstractmethod
    def check(self, subject: ModuleSubject) -> Iterator[Violation]:
        """Yield what is wrong with a file."""


class ProjectRule(Rule):
    """A rule about the whole project, which looks at all of its files together.

    Each file is looked at by itself, and leaves facts, which can be cached and cross processes.
    """

    @abstractmethod
    def observe(self, subject: ModuleSubject) -> Iterator[Observation]:
        """Yield what a file tells."""

    @abstractmethod
    def conclude(self, facts: Sequence[Fact], *, whole: bool) -> Iterator[ProjectViolation]:
        """Yield what is wrong with a project, from the facts of its files.

        With `asks_for_names`, the names that each file mentions are among them, as facts of the code `NAMES`.
        `whole` says that every file of the project was looked at, so that what is not among the facts is not there.
        """
