"""Options of rules: what a project may say to one rule, declared where the rule is.

    _BOUNDED = StringsOption("bounded", "Names of labels that take few values.")

    class UnboundedLabel(FunctionRule):
        options = (_BOUNDED,)

        def check(self, subject, piece):
            bounded = self.value(_BOUNDED, subject.config)

What is declared here is all there is: the check of `[tool.golden-rules.rules.GR405]`, `golden-rules config`, the rule's page, the
JSON schema and the key of the cache follow from it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from golden_rules.values import WrongValueError, functions, kind, number, strings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Option(ABC, Generic[T]):
    """What a project may say to one rule.

    Attributes:
        name: The key, in kebab-case.
        doc: What it is for, in Markdown, as one or two sentences.
        default: The value where a project says nothing.
    """

    name: str
    doc: str
    default: T

    schema: ClassVar[Mapping[str, object]]
    """The JSON schema of its values."""

    @abstractmethod
    def parsed(self, value: object) -> T:
        """Return a value of a configuration, lists as tuples.

        Raises ValueError with the end of a sentence that starts with the option: `must be a number, not a string`.
        """


@dataclass(frozen=True, slots=True)
class StringsOption(Option[tuple[str, ...]]):
    """A list of strings."""

    default: tuple[str, ...] = ()

    schema: ClassVar[Mapping[str, object]] = {"type": "array", "items": {"type": "string", "minLength": 1}}

    def parsed(self, value: object) -> tuple[str, ...]:
        """Return the strings, none of them empty."""
        return strings(value)


@dataclass(frozen=True, slots=True)
class FunctionsOption(Option[tuple[str, ...]]):
    """A list of patterns of modules, files and functions, as in `not-critical`."""

    default: tuple[str, ...] = ()

    schema: ClassVar[Mapping[str, object]] = StringsOption.schema

    def parsed(self, value: object) -> tuple[str, ...]:
        """Return the patterns, each of which can be compiled."""
        return functions(value)


@dataclass(frozen=True, slots=True)
class NumberOption(Option[float | None]):
    """A number from 0 upwards."""

    default: float | None = None

    schema: ClassVar[Mapping[str, object]] = {"type": "number", "minimum": 0}

    def parsed(self, value: object) -> float:
        """Return the number."""
        return number(value)


@dataclass(frozen=True, slots=True)
class FlagOption(Option[bool]):
    """Whether something holds."""

    default: bool = False

    schema: ClassVar[Mapping[str, object]] = {"type": "boolean"}

    def parsed(self, value: object) -> bool:
        """Return whether it holds."""
        if not isinstance(value, bool):
            raise WrongValueError(f"must be true or false, not {kind(value)}")
        return value


@dataclass(frozen=True, slots=True)
class PatternOption(Option[str | None]):
    """A regular expression."""

    default: str | None = None

    schema: ClassVar[Mapping[str, object]] = {"type": "string", "format": "regex", "minLength": 1}

    def parsed(self, value: object) -> str:
        """Return the expression, which can be compiled."""
        if not isinstance(value, str) or not value:
            raise WrongValueError(f"must be a regular expression, not {'empty' if value == '' else kind(value)}")
        try:
            re.compile(value)
        except re.error as error:
            raise WrongValueError(f"must be a regular expression, which `{value}` is not: {error}") from error
        return value
