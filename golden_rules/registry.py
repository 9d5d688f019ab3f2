"""The rules that are installed: our own, and those of other distributions."""

from __future__ import annotations

import functools
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from golden_rules.engine_rules import ENGINE_RULES
from golden_rules.errors import UsageError
from golden_rules.options import Option
from golden_rules.rules.base import ClassRule, FunctionRule, ModuleRule, OutlineRule, ProjectRule, Rule, UnmeasuredRule
from golden_rules.rules.handbuilt.direct_metric_client import DirectMetricClient
from golden_rules.rules.handbuilt.hand_counted import HandCounted
from golden_rules.rules.handbuilt.hand_timed import HandTimed
from golden_rules.rules.handbuilt.hand_tracked_errors import HandTrackedErrors
from golden_rules.rules.handbuilt.hand_tracked_request import HandTrackedRequest
from golden_rules.rules.handbuilt.homemade_instrumentation import HomemadeInstrumentation
from golden_rules.rules.handbuilt.unused_instrumentation import UnusedInstrumentation
from golden_rules.rules.misleading.conflicting_metric import ConflictingMetric
from golden_rules.rules.misleading.double_measured import DoubleMeasured
from golden_rules.rules.misleading.failure_blind import FailureBlind
from golden_rules.rules.misleading.metric_names import InvalidMetricName
from golden_rules.rules.misleading.misplaced_decorator import MisplacedDecorator
from golden_rules.rules.misleading.unbounded_label import UnboundedLabel
from golden_rules.rules.resilience.hand_built_circuit_breaker import HandBuiltCircuitBreaker
from golden_rules.rules.resilience.hand_built_dead_letter_queue import HandBuiltDeadLetterQueue
from golden_rules.rules.resilience.hand_built_pool import HandBuiltPool
from golden_rules.rules.resilience.hand_built_retry import HandBuiltRetry
from golden_rules.rules.unmeasured.entry_point import UnmeasuredEntryPoint
from golden_rules.rules.unmeasured.external_call import UnmeasuredExternalCall
from golden_rules.rules.unmeasured.required import UnmeasuredRequired
from golden_rules.rules.unmeasured.resilience_step import UnmeasuredResilienceStep
from golden_rules.rules.unmeasured.workflow import UnmeasuredWorkflow

ENTRY_POINT_GROUP = "golden_rules.rules"
BUILT_IN: tuple[type[Rule], ...] = (
    UnmeasuredEntryPoint,
    UnmeasuredExternalCall,
    UnmeasuredWorkflow,
    UnmeasuredResilienceStep,
    UnmeasuredRequired,
    HandTimed,
    HandCounted,
    HandTrackedErrors,
    HandTrackedRequest,
    DirectMetricClient,
    HomemadeInstrumentation,
    UnusedInstrumentation,
    HandBuiltRetry,
    HandBuiltCircuitBreaker,
    HandBuiltDeadLetterQueue,
    HandBuiltPool,
    MisplacedDecorator,
    DoubleMeasured,
    InvalidMetricName,
    ConflictingMetric,
    UnboundedLabel,
    FailureBlind,
)
_KINDS = (FunctionRule, OutlineRule, UnmeasuredRule, ClassRule, ModuleRule, ProjectRule)
# Findings that the engine makes itself.
ENGINE_CODES = {rule.code: rule.name for rule in ENGINE_RULES}


def built_in_rules() -> tuple[Rule, ...]:
    """Return one instance of every rule of this distribution, in order of code."""
    return tuple(rule() for rule in BUILT_IN)


@functools.cache
def load_rules() -> tuple[Rule, ...]:
    """Return one instance of every installed rule, in order of code.

    Raises:
        UsageError: A plugin cannot be loaded, is no rule, or takes a code that is taken.
    """
    found: dict[str, Rule] = {rule.code: rule for rule in built_in_rules()}
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        rule = _plugin(entry)
        if rule.code in found or rule.code in ENGINE_CODES:
            raise UsageError(
                f"the plugin `{entry.value}` brings the rule code `{rule.code}`, which is taken: uninstall it, or one it clashes with"
            )
        found[rule.code] = rule()
    return tuple(found[code] for code in sorted(found))


def codes_and_names() -> dict[str, str]:
    """Return every code a finding can have, with its rule's name."""
    return {**{rule.code: rule.name for rule in load_rules()}, **ENGINE_CODES}


def declared_options() -> dict[tuple[str, str], tuple[Option[Any], ...]]:
    """Return the options of every rule that a finding can come from, by its code and name."""
    engine = dict.fromkeys(ENGINE_CODES.items(), ())
    return {**{(rule.code, rule.name): rule.options for rule in load_rules()}, **engine}


def _plugin(entry: EntryPoint) -> type[Rule]:
    try:
        rule = entry.load()
    except Exception as error:  # a plugin can fail in any way while it is imported
        raise UsageError(
            f"the plugin `{entry.value}` cannot be loaded ({type(error).__name__}: {error}): mend or uninstall it"
        ) from error
    if not (isinstance(rule, type) and issubclass(rule, _KINDS)):
        raise UsageError(
            f"the plugin `{entry.value}` is no subclass of `golden_rules.FunctionRule` or one of its sisters: mend or uninstall it"
        )
    missing = [name for name in ("code", "name") if not hasattr(rule, name)] + sorted(rule.__abstractmethods__)
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        raise UsageError(f"the plugin `{entry.value}` is unfinished, it has no {listed}: mend or uninstall it")
    return rule
