"""A dashboard as plain data: rows of panels with queries, which a Grafana model is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from golden_rules.catalogue.metrics import Declaration

PanelKind: TypeAlias = Literal["stat", "lines", "states"]
RATE = "[$__rate_interval]"
"""The window of rates, which Grafana fits to the scrape interval and the width of the panel."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and what its series are called in the legend."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel.

    Attributes:
        unit: Grafana's id of the unit: `s`, `percentunit`, `reqps`, `short`, `bytes`.
        about: What it shows, in a sentence or two.
        places: The code that its series come from.
    """

    title: str
    kind: PanelKind
    unit: str
    about: str
    queries: tuple[Query, ...]
    places: tuple[Declaration, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of panels under one title."""

    title: str
    panels: tuple[Panel, ...]
