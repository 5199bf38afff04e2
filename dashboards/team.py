"""The dashboard of a team's day: what is open, who is silent, who was visited, who is on duty."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard

from dashboards.drawing import board, columns, figures, linked, rows, variable
from dashboards.links import NO_LINKS, Links
from dashboards.queries import fill, queries
from dashboards.texts import Language, texts

TEAM_UID = "saimi-team"


def team_dashboard(language: Language = "fi", links: Links = NO_LINKS) -> dashboard.Dashboard:
    """The dashboard in one language."""
    words, sql = texts(language), queries("team")

    def of(name: str) -> str:
        return fill(sql[name], words)

    def of_clients(panel: table.Panel) -> table.Panel:
        return linked(panel, words["client"], words["client_title"], links.client())

    def listed(panel: table.Panel) -> table.Panel:
        of_clients(panel)
        if (address := links.alert()) is not None:
            linked(panel, words["alert"], words["open_in_saimi"], address)
        return panel

    times = {words[name]: "s" for name in ("to_acknowledge", "to_contact", "to_close")}
    shares = {words[name]: "percentunit" for name in ("covered", "covered_nights")}
    return (
        board(words["team_title"], TEAM_UID, words["team_description"], "team")
        .refresh("1m")
        .time("now/d", "now")
        .with_variable(variable("area", words["area"], sql["areas"], multi=True))
        .with_variable(variable("team", words["team"], sql["teams"], multi=True))
        .with_row(builders.Row(words["now"]))
        .with_panel(figures(words["alerts"], of("open_count"), span=12))
        .with_panel(figures(words["clients"], of("client_count"), span=12))
        .with_panel(
            listed(columns(rows(words["open_alerts"], of("open_alerts")), {words["age"]: "s"}))
        )
        .with_row(builders.Row(words["in_range"]))
        .with_panel(listed(columns(rows(words["all_alerts"], of("day")), times)))
        .with_panel(listed(rows(words["visits"], of("team_visits"), span=12)))
        .with_panel(columns(rows(words["coverage"], of("duty"), span=12), shares))
        .with_row(builders.Row(words["clients"]))
        .with_panel(of_clients(rows(words["clients"], of("clients_heard"), height=12)))
        .build()
    )
