"""The county's dashboard: figures by municipality and by team, without clients."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard

from dashboards.drawing import bars, board, columns, figures, rows, variable
from dashboards.postgres import Sql
from dashboards.queries import fill, queries
from dashboards.texts import Language, texts

COUNTY_UID = "saimi-county"


def county_dashboard(language: Language = "fi") -> dashboard.Dashboard:
    """The dashboard in one language."""
    words, sql = texts(language), queries("county")

    def of(name: str, **more: str) -> str:
        return fill(sql[name], {**words, **more})

    shares = {words[name]: "percentunit" for name in ("share_real", "share_false")}
    covered = {words[name]: "percentunit" for name in ("covered", "covered_nights")}
    rates = {words[name]: "short" for name in ("per_100", "false_nights")}
    one_decimal = dict.fromkeys(rates, 1)

    def by(title: str, by_team: str) -> table.Panel:
        times = {words[name]: "s" for name in ("to_acknowledge", "to_contact", "to_close")}
        pages = {words["pages_day"]: "short"}
        units = {**rates, **pages, **times, **shares, words["change"]: "percent"}
        panel = rows(title, of("figures", by_team=by_team), height=11)
        return columns(panel, units, {**one_decimal, words["pages_day"]: 1, words["change"]: 0})

    return (
        board(words["county_title"], COUNTY_UID, words["county_description"], "county")
        .refresh("15m")
        .time("now-30d", "now")
        .with_variable(variable("area", words["area"], sql["areas"], multi=True))
        .with_panel(
            columns(figures(words["county"], of("totals")), {**rates, **shares}, one_decimal)
        )
        .with_row(builders.Row(words["alerts"]))
        .with_panel(by(words["by_area"], "false").description(words["figures_description"]))
        .with_panel(by(words["by_team"], "true").description(words["figures_description"]))
        .with_panel(
            bars(words["alerts_by_day"], [Sql(of("alerts_by_day"), "time_series")], stacked=True)
        )
        .with_panel(
            bars(words["night_pages"], [Sql(of("night_pages_by_day"), "time_series")], stacked=True)
        )
        .with_row(builders.Row(words["care"]))
        .with_panel(columns(rows(words["coverage"], of("coverage"), span=12), covered))
        .with_panel(rows(words["silent_clients"], of("silent", by_team="false"), span=12))
        .with_panel(rows(words["silent_by_team"], of("silent", by_team="true")))
        .build()
    )
