"""What the dashboards' panels have in common: how a time series, a table, a figure looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models import common, dashboard

from dashboards.postgres import Sql, datasource

Target = builder.Builder[variants.Dataquery]
Property = dashboard.DynamicConfigValue
P = TypeVar("P", timeseries.Panel, table.Panel, stat.Panel)

UNITS = {
    "%": "percent",
    "Cel": "celsius",
    "kg": "masskg",
    "mm[Hg]": "suffix: mmHg",
    "/min": "suffix: /min",
}
"""UCUM to Grafana's unit ids; anything else is shown as a suffix."""


def unit(ucum: str) -> str:
    """Grafana's name of a unit of the catalogue."""
    return UNITS.get(ucum, f"suffix: {ucum}")


def board(title: str, uid: str, description: str, tag: str) -> builders.Dashboard:
    """An empty dashboard of Saimi's, in county time, that nobody edits by hand."""
    return (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["saimi", tag])
        .timezone("Europe/Helsinki")
        .week_start("monday")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    )


def variable(name: str, label: str, sql: str, *, multi: bool = False) -> builders.QueryVariable:
    """A choice whose values come from SQL (columns __text, __value)."""
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(datasource())
        .query(sql)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(multi)
        .include_all(multi)
    )


def lines(
    title: str,
    targets: Sequence[Target],
    *,
    source: dashboard.DataSourceRef | None = None,
    description: str = "",
) -> timeseries.Panel:
    """A time series. A gap stays a gap: a line across it would look like readings nobody made."""
    panel = (
        timeseries.Panel()
        .title(title)
        .datasource(source or datasource())
        .line_width(1.5)
        .fill_opacity(0)
        .show_points(common.VisibilityMode.AUTO)
        .span_nulls(False)
        .height(7)
        .span(12)
    )
    if description:
        panel.description(description)
    for target in targets:
        panel.with_target(target)
    return panel


def bars(title: str, targets: Sequence[Target], *, stacked: bool = False) -> timeseries.Panel:
    """Bars over time, for what is counted by day."""
    panel = lines(title, targets).draw_style(common.GraphDrawStyle.BARS).fill_opacity(60)
    if stacked:
        panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    return panel


def rows(title: str, sql: str, *, height: int = 9, span: int = 24) -> table.Panel:
    """A table."""
    return (
        table.Panel()
        .title(title)
        .datasource(datasource())
        .with_target(Sql(sql, "table"))
        .height(height)
        .span(span)
    )


def figures(title: str, sql: str, *, span: int = 24) -> stat.Panel:
    """A few numbers, one for each column."""
    return (
        stat.Panel()
        .title(title)
        .datasource(datasource())
        .with_target(Sql(sql, "table"))
        .color_mode(common.BigValueColorMode.NONE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .height(4)
        .span(span)
    )


def columns(panel: P, units: Mapping[str, str], decimals: Mapping[str, int] | None = None) -> P:
    """Units of columns by title, and decimals where Grafana shall not choose."""
    for title, name in units.items():
        properties = [Property("unit", name)]
        if decimals and title in decimals:
            properties.append(Property("decimals", decimals[title]))
        panel.override_by_name(title, properties)
    return panel


def linked(panel: P, column: str, title: str, url: str) -> P:
    """Make the values of a column links."""
    link = {"title": title, "url": url, "targetBlank": False}
    panel.override_by_name(column, [Property("links", [link])])
    return panel
