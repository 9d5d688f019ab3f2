"""The JSON schema of the configuration, for editors: completion, hints and checks while a configuration is written.

The package ships it as `golden-rules.schema.json`; `golden-rules config --schema` prints it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from golden_rules.engine_rules import ENGINE_RULES
from golden_rules.registry import BUILT_IN
from golden_rules.validation import NOT_BY_PATH
from golden_rules.values import PROFILES, SEVERITIES

SCHEMA_FILE = "golden-rules.schema.json"
_HOME = "https://github.com/golden-rules/golden-rules"
_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT}
_DATE = {"type": "string", "format": "date"}
_SEVERITY = {"type": "string", "enum": list(SEVERITIES)}

# What each key is for, and what it may hold.
_KEYS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "app": (
        "What metric names start with, or a table from path patterns to such names.",
        {"oneOf": [_TEXT, {"type": "object", "additionalProperties": _TEXT}]},
    ),
    "baseline": ("The file that holds the findings of old; by default golden-rules-baseline.json, if there.", _TEXT),
    "cache-dir": ("The folder for what earlier runs found.", _TEXT),
    "critical": ("Patterns of functions that are always critical.", _TEXTS),
    "decorator-order": ("The order of measuring and other decorators, outermost first.", _TEXTS),
    "exclude": ("Patterns of files and folders that are left out, in place of the defaults.", _TEXTS),
    "extend": ("A configuration that this one takes over and builds on.", _TEXT),
    "extend-exclude": ("Patterns of files and folders that are left out as well.", _TEXTS),
    "extend-select": ("Rules that are on as well: codes, prefixes or names.", _TEXTS),
    "grace-until": (
        "The day from which findings are errors, warnings until then: one for all rules, or a table by rule.",
        {"oneOf": [_DATE, {"type": "object", "additionalProperties": _DATE}]},
    ),
    "ignore": ("Rules that are off: codes, prefixes or names.", _TEXTS),
    "measured-by": ("Modules whose decorators measure, too.", _TEXTS),
    "metric-name": ("What names of metrics are made from: `{app}.{module}.{function}` by default.", _TEXT),
    "metrics-modules": ("Modules that may define metrics of their own.", _TEXTS),
    "namespace": ("What the series of the runtime's parts start with.", {"type": "string"}),
    "not-critical": (
        "Patterns of functions that are never critical, or a table from such patterns to the reason.",
        {"oneOf": [_TEXTS, {"type": "object", "additionalProperties": _TEXT}]},
    ),
    "objectives": (
        "What operations are held to, for alerts: a table from operations to `success` and `latency`.",
        {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "success": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                    "latency": {"type": ["string", "number"]},
                },
                "required": ["success"],
                "additionalProperties": False,
            },
        },
    ),
    "per-file-ignores": (
        "A table from path patterns to rules that are off for these files; `!` before a pattern means all others.",
        {"type": "object", "additionalProperties": _TEXTS},
    ),
    "profile": ("Whether fewer or more functions count as critical.", {"type": "string", "enum": list(PROFILES)}),
    "runtime-module": ("The module that fixes import decorators from.", _TEXT),
    "select": ("Rules that are on, in place of all: codes, prefixes or names.", _TEXTS),
    "severity": (
        "A table from rules to how their findings count; warnings do not change the exit status.",
        {"type": "object", "additionalProperties": _SEVERITY},
    ),
    "threshold": ("The score from which a function is critical, in points.", {"type": "number", "minimum": 0}),
}


def _rules() -> dict[str, Any]:
    """Return the schema of the tables of single rules; those of plugins are not known here."""
    engine = [(rule.code, rule.name, ()) for rule in ENGINE_RULES]
    tables = {}
    for code, name, options in [*((rule.code, rule.name, rule.options) for rule in BUILT_IN), *engine]:
        own = {option.name: {"description": option.doc, **option.schema} for option in options}
        tables[code] = tables[name] = {
            "description": f"What is said to {code}, {name}.",
            "type": "object",
            "properties": {"severity": _SEVERITY, "grace-until": _DATE, **own},
            "additionalProperties": False,
        }
    return {
        "description": "Tables of single rules by code or name: severity, grace-until, and the rule's own options.",
        "type": "object",
        "properties": tables,
        "additionalProperties": {"type": "object"},
    }


def schema() -> dict[str, Any]:
    """Return the JSON schema of `golden-rules.toml`, which is also that of `[tool.golden-rules]`."""
    properties = {key: {"description": text, **rest} for key, (text, rest) in sorted(_KEYS.items())}
    properties["rules"] = {"$ref": "#/definitions/rules"}
    by_path = {key: value for key, value in properties.items() if key not in NOT_BY_PATH}
    paths = {"description": "Patterns of the files that these settings are for.", **_TEXTS}
    override = {
        "type": "object",
        "properties": {"paths": paths, **by_path},
        "required": ["paths"],
        "additionalProperties": False,
    }
    overrides = {
        "description": "Settings for some of the files; later ones prevail.",
        "type": "array",
        "items": override,
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": f"{_HOME}/raw/main/golden_rules/{SCHEMA_FILE}",
        "title": "golden-rules",
        "description": "The configuration of golden-rules.",
        "type": "object",
        "properties": dict(sorted({**properties, "overrides": overrides}.items())),
        "additionalProperties": False,
        "definitions": {"rules": _rules()},
    }
