"""A dashboard's rows as a Grafana dashboard, made with Grafana's own library, which comes with the extra `dashboards`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from golden_rules.catalogue.metrics import Declaration
from golden_rules.catalogue.panel import Panel, Query, Row
from golden_rules.errors import UsageError
from golden_rules.reports.links import Links

try:
    from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, timeseries
    from grafana_foundation_sdk.builders import dashboard as builders
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models.common import BigValueGraphMode, LegendDisplayMode, TooltipDisplayMode
except ImportError as error:
    raise UsageError(
        "`dashboard` needs Grafana's library: install it with `pip install 'golden-rules[dashboards]'`"
    ) from error

_WIDTH = 24
_HEIGHT = 8
_STAT_HEIGHT = 4
# Grafana refuses longer ones.
_LONGEST_UID = 40
_MOST_PLACES = 30
_DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="$datasource")
_STATES = {0: ("closed", "green"), 1: ("half-open", "yellow"), 2: ("open", "red")}

_Built: TypeAlias = "stat.Panel | timeseries.Panel | statetimeline.Panel"


def dashboard_json(title: str, rows: Sequence[Row], links: Links) -> str:
    """Return a dashboard as JSON that Grafana imports, the same text for the same rows."""
    found = (
        builders.Dashboard(title)
        .uid(_uid(title))
        .description("Made by `golden-rules dashboard` from the code: change the code and make it anew.")
        .tags(["golden-rules"])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .editable()
        .with_variable(builders.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_jobs(rows))
    )
    for row in rows:
        found = found.with_row(builders.Row(row.title))
        for panel, width in zip(row.panels, _widths(row.panels), strict=True):
            found = found.with_panel(_panel(panel, width, links))
    model = found.build()
    for number, placed in enumerate(model.panels or (), start=1):
        placed.id_val = number
    for variable in model.templating.list_val or ():
        # The library gives every variable what Grafana's schema knows of intervals alone.
        variable.auto = variable.auto_min = variable.auto_count = None
    return json.dumps(model, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _uid(title: str) -> str:
    slug = "golden-rules-" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    if len(slug) <= _LONGEST_UID:
        return slug
    return f"{slug[: _LONGEST_UID - 9]}-{hashlib.sha256(title.encode()).hexdigest()[:8]}"


def _jobs(rows: Iterable[Row]) -> builders.QueryVariable:
    """Return the variable that chooses Prometheus jobs, from the first series that is shown."""
    first = next(iter(rows)).panels[0].places[0].series[0]
    series = f"{first.name}_count" if first.kind == "histogram" else first.name
    return (
        builders.QueryVariable("job")
        .label("Job")
        .datasource(_DATASOURCE)
        .query(f"label_values({series}, job)")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(text="All", value="$__all"))
    )


def _widths(panels: Sequence[Panel]) -> list[int]:
    """Return the widths: four small figures side by side, three graphs otherwise, the last line filled up."""
    stats = sum(panel.kind == "stat" for panel in panels)
    graphs = len(panels) - stats
    widths = [_WIDTH // stats] * stats if stats else []
    for start in range(0, graphs, 3):
        in_line = min(3, graphs - start)
        widths += [_WIDTH // in_line] * in_line
    return widths


def _panel(panel: Panel, width: int, links: Links) -> _Built:
    if panel.kind == "stat":
        built: Any = (
            stat.Panel()
            .graph_mode(BigValueGraphMode.NONE)
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
            .height(_STAT_HEIGHT)
        )
    elif panel.kind == "states":
        results = {
            str(value): models.ValueMappingResult(text=text, color=color, index=value)
            for value, (text, color) in _STATES.items()
        }
        built = statetimeline.Panel().mappings([models.ValueMap(options=results)]).height(_HEIGHT)
    else:
        built = (
            timeseries.Panel()
            .fill_opacity(10)
            .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
            .legend(common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).show_legend(True))
            .axis_soft_min(0)
            .height(_HEIGHT)
        )
    built = (
        built.title(panel.title)
        .description(_description(panel, links))
        .unit(panel.unit)
        .datasource(_DATASOURCE)
        .span(width)
    )
    for number, query in enumerate(panel.queries):
        built = built.with_target(_target(query, chr(ord("A") + number), instant=panel.kind == "stat"))
    return built  # type: ignore[no-any-return]  # each builder returns itself


def _target(query: Query, reference: str, *, instant: bool) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).ref_id(reference).legend_format(query.legend or "__auto")
    target = target.datasource(_DATASOURCE)
    return target.instant() if instant else target.range()


def _description(panel: Panel, links: Links) -> str:
    lines = [panel.about, ""]
    shown = _distinct(panel.places)
    lines += [f"- {links.markdown(place)}" for place in shown[:_MOST_PLACES]]
    if len(shown) > _MOST_PLACES:
        lines.append(f"- and {len(shown) - _MOST_PLACES} more")
    return "\n".join(lines)


def _distinct(places: Iterable[Declaration]) -> list[Declaration]:
    return list({(place.path, place.line): place for place in places}.values())
