"""The dashboard of one client: score, vital signs, activity, nights, devices; alerts as marks."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import heatmap, statetimeline, statushistory, table, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import heatmap as heatmaps

from core.catalogue import catalogue
from dashboards.drawing import Property, bars, board, columns, lines, linked, rows, unit, variable
from dashboards.links import CLIENT_UID, NO_LINKS, Links
from dashboards.postgres import Sql, SqlAnnotation, datasource
from dashboards.queries import fill, queries
from dashboards.texts import Language, texts

VITAL_SIGNS = ("pulse", "spo2", "respiratory_rate", "temperature", "systolic", "diastolic")
SLOW = ("weight", "glucose")
"""Drawn with the mean of seven days."""


def client_dashboard(language: Language = "fi", links: Links = NO_LINKS) -> dashboard.Dashboard:
    """The dashboard in one language; the same uid in each, so that links keep working."""
    words, sql = texts(language), queries("client")

    def of(name: str, **more: str) -> str:
        return fill(sql[name], {**words, **more})

    made = (
        board(words["client_title"], CLIENT_UID, words["client_description"], "client")
        .refresh("1m")
        .time("now-7d", "now")
        .with_variable(variable("area", words["area"], sql["client_areas"]))
        .with_variable(variable("client", words["client"], sql["clients"]))
        .with_variable(variable("room", words["room"], sql["rooms"], multi=True))
        .annotation(SqlAnnotation(words["alerts"], sql["alerts"], "orange"))
        .annotation(SqlAnnotation(words["visits"], sql["visits"], "green"))
        .annotation(SqlAnnotation(words["pauses"], sql["pauses"], "purple"))
    )
    if (trends := links.trends()) is not None:
        made.link(
            builders.DashboardLink("Saimi").type(dashboard.DashboardLinkType.LINK).url(trends)
        )
    made.with_row(builders.Row("NEWS2"))
    made.with_panel(_score(of("news2"), words))
    made.with_panel(_missing(of("missing"), words))
    made.with_row(builders.Row(words["vital_signs"]))
    for name in (*VITAL_SIGNS, *SLOW):
        number = str(catalogue()[name].id)
        parts = [of("vital_sign", metric_id=number), of("band", metric=name)]
        if name in SLOW:
            parts.append(of("trend", metric_id=number))
        made.with_panel(_sign(name, parts, words))
    made.with_row(builders.Row(words["home"]))
    made.with_panel(_raster(of("activity"), words))
    nights = bars(words["nights"], [Sql(of("nights"), "time_series")])
    made.with_panel(columns(nights, {words["in_bed"]: "h"}, {words["in_bed"]: 1}))
    made.with_panel(
        bars(words["night_movement"], [Sql(of("night_movement"), "time_series")], stacked=True)
    )
    made.with_row(builders.Row(words["devices"]))
    made.with_panel(_heard(of("devices"), words))
    made.with_panel(
        lines(words["messages"], [Sql(of("messages"), "time_series")])
        .unit("percent")
        .min(0)
        .max(100)
        .span(8)
        .height(9)
    )
    made.with_row(builders.Row(words["alerts"]))
    made.with_panel(rows(words["newest"], of("newest"), span=8))
    made.with_panel(_alerts(of("client_alerts"), words, links))
    return made.build()


def _score(sql: str, words: dict[str, str]) -> timeseries.Panel:
    return (
        lines("NEWS2", [Sql(sql, "time_series")], description=words["news2_description"])
        .line_interpolation(common.LineInterpolation.STEP_AFTER)
        .min(0)
        .max(20)
        .decimals(0)
        .thresholds(
            builders.ThresholdsConfig()
            .mode(dashboard.ThresholdsMode.ABSOLUTE)
            .steps(
                [
                    dashboard.Threshold(value=None, color="transparent"),
                    dashboard.Threshold(value=5, color="orange"),
                    dashboard.Threshold(value=7, color="red"),
                ]
            )
        )
        .thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.AREA)
        )
        .override_by_name(
            words["at_most"],
            [Property("custom.fillBelowTo", words["at_least"]), Property("custom.fillOpacity", 10)],
        )
    )


def _missing(sql: str, words: dict[str, str]) -> statetimeline.Panel:
    results = {
        "0": dashboard.ValueMappingResult(text=words["missing"], color="red", index=0),
        "1": dashboard.ValueMappingResult(text=words["known"], color="green", index=1),
    }
    return (
        statetimeline.Panel()
        .title(words["news2_parameters"])
        .description(words["missing_description"])
        .datasource(datasource())
        .with_target(Sql(sql, "time_series"))
        .mappings([dashboard.ValueMap(options=results)])
        .show_value(common.VisibilityMode.NEVER)
        .height(7)
        .span(12)
    )


def _sign(name: str, parts: list[str], words: dict[str, str]) -> timeseries.Panel:
    metric = catalogue()[name]
    targets = [Sql(part, "time_series", ref) for part, ref in zip(parts, "ABC", strict=False)]
    nothing = Property("custom.lineWidth", 0)
    quiet = [nothing, Property("custom.showPoints", "never")]
    panel = (
        lines(words[name], targets, description=words["sign_description"])
        .unit(unit(metric.unit))
        .decimals(metric.decimals)
        .override_by_name(
            words["highest"],
            [
                nothing,
                Property("custom.fillBelowTo", words["lowest"]),
                Property("custom.fillOpacity", 15),
            ],
        )
        .override_by_name(words["lowest"], [nothing])
        .override_by_name(
            words["band_high"],
            [
                *quiet,
                Property("custom.spanNulls", True),
                Property("custom.fillBelowTo", words["band_low"]),
                Property("custom.fillOpacity", 8),
                Property("color", {"mode": "fixed", "fixedColor": "green"}),
            ],
        )
        .override_by_name(words["band_low"], [*quiet, Property("custom.spanNulls", True)])
        .legend(common_builders.VizLegendOptions().show_legend(False))
    )
    if name in SLOW:
        panel.override_by_name(
            words["trend"],
            [Property("custom.lineWidth", 3), Property("custom.spanNulls", 172_800_000)],
        )
    return panel


def _raster(sql: str, words: dict[str, str]) -> heatmap.Panel:
    return (
        heatmap.Panel()
        .title(f"{words['activity']}: $room")
        .datasource(datasource())
        .with_target(Sql(sql, "time_series"))
        .repeat("room")
        .repeat_direction("h")
        .max_per_row(3)
        .calculate(False)
        .color(heatmap.HeatmapColorOptions().mode(heatmaps.HeatmapColorMode.SCHEME).scheme("Blues"))
        .y_axis(heatmap.YAxisConfig().reverse(True).axis_label(words["hour"]))
        .height(9)
        .span(24)
    )


def _heard(sql: str, words: dict[str, str]) -> statushistory.Panel:
    return (
        statushistory.Panel()
        .title(words["device_readings"])
        .description(words["device_description"])
        .datasource(datasource())
        .with_target(Sql(sql, "time_series"))
        .show_value(common.VisibilityMode.NEVER)
        .color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
        .thresholds(
            builders.ThresholdsConfig()
            .mode(dashboard.ThresholdsMode.ABSOLUTE)
            .steps(
                [
                    dashboard.Threshold(value=None, color="red"),
                    dashboard.Threshold(value=1, color="green"),
                ]
            )
        )
        .height(9)
        .span(16)
    )


def _alerts(sql: str, words: dict[str, str], links: Links) -> table.Panel:
    panel = columns(
        rows(words["alerts"], sql, span=16),
        {words[name]: "s" for name in ("to_acknowledge", "to_contact", "to_close")},
    )
    if (address := links.alert()) is not None:
        linked(panel, words["alert"], words["open_in_saimi"], address)
    return panel
