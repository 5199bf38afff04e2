"""The dashboard of one client: vital signs, activity by room, newest values, alerts as marks."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import statushistory, table, timeseries
from grafana_foundation_sdk.models import common, dashboard

from core.catalogue import catalogue
from dashboards.postgres import Sql, SqlAnnotation, datasource, fill
from dashboards.texts import Language, texts

UID = "saimi-client"

VITAL_SIGNS = (
    "pulse",
    "spo2",
    "respiratory_rate",
    "temperature",
    "systolic",
    "diastolic",
    "glucose",
    "weight",
)

_UNITS = {"%": "percent", "Cel": "celsius", "kg": "masskg", "mm[Hg]": "suffix: mmHg"}
"""UCUM to Grafana's unit ids; anything else is shown as a suffix."""


@cache
def queries() -> dict[str, str]:
    """The panels' SQL by name. Not loaded as our own queries are: `${x:y}` is Grafana's syntax."""
    text = Path(__file__).with_name("sql").joinpath("client.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {
        name: sql.strip().removesuffix(";")
        for name, sql in zip(parts[1::2], parts[2::2], strict=True)
    }


def _vital_sign(name: str, words: dict[str, str]) -> timeseries.Panel:
    metric = catalogue()[name]
    return (
        timeseries.Panel()
        .title(words[name])
        .datasource(datasource())
        .with_target(Sql(fill(queries()["vital_sign"], {**words, "metric": name}), "time_series"))
        .unit(_UNITS.get(metric.unit, f"suffix: {metric.unit}"))
        .decimals(metric.decimals)
        .line_width(1.5)
        .fill_opacity(0)
        .show_points(common.VisibilityMode.AUTO)
        # A gap stays a gap: a line across it would look like readings that nobody made.
        .span_nulls(False)
        .override_by_name(
            words["highest"],
            [
                dashboard.DynamicConfigValue("custom.lineWidth", 0),
                dashboard.DynamicConfigValue("custom.fillBelowTo", words["lowest"]),
                dashboard.DynamicConfigValue("custom.fillOpacity", 15),
            ],
        )
        .override_by_name(words["lowest"], [dashboard.DynamicConfigValue("custom.lineWidth", 0)])
        .legend(common_builders.VizLegendOptions().show_legend(False))
        .height(7)
        .span(12)
    )


def client_dashboard(language: Language = "fi") -> dashboard.Dashboard:
    """The dashboard in one language; the same uid in each, so that links keep working."""
    words = texts(language)
    board = (
        builders.Dashboard(words["client_title"])
        .uid(UID)
        .description(words["client_description"])
        .tags(["saimi", "client"])
        .timezone("Europe/Helsinki")
        .week_start("monday")
        .readonly()
        .refresh("1m")
        .time("now-7d", "now")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .with_variable(
            builders.QueryVariable("client")
            .label(words["client"])
            .datasource(datasource())
            .query(queries()["clients"])
            .refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD)
            .multi(False)
            .include_all(False)
        )
        .annotation(SqlAnnotation(words["alerts"], queries()["alerts"]))
        .with_row(builders.Row(words["vital_signs"]))
    )
    for name in VITAL_SIGNS:
        board.with_panel(_vital_sign(name, words))
    board.with_row(builders.Row(words["home"]))
    board.with_panel(
        statushistory.Panel()
        .title(words["activity"])
        .datasource(datasource())
        .with_target(Sql(queries()["activity"], "time_series"))
        .show_value(common.VisibilityMode.NEVER)
        .color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.CONTINUOUS_BL_PU))
        .height(9)
        .span(16)
    )
    board.with_panel(
        table.Panel()
        .title(words["newest"])
        .datasource(datasource())
        .with_target(Sql(fill(queries()["newest"], words), "table"))
        .height(9)
        .span(8)
    )
    return board.build()
