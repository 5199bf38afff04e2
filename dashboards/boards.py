"""Which dashboards an organisation has: an area those with clients, the county those without."""

from __future__ import annotations

from typing import Literal

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from dashboards.client import client_dashboard
from dashboards.county import county_dashboard
from dashboards.links import NO_LINKS, Links
from dashboards.operations import operations_dashboard
from dashboards.team import team_dashboard
from dashboards.texts import Language

Audience = Literal["area", "county"]


def boards(
    audience: Audience,
    language: Language = "fi",
    links: Links = NO_LINKS,
    *,
    with_prometheus: bool = False,
) -> list[dashboard.Dashboard]:
    """The dashboards of an organisation, the one to begin with first."""
    if audience == "area":
        made = [team_dashboard(language, links), client_dashboard(language, links)]
    else:
        made = [
            county_dashboard(language),
            operations_dashboard(language, with_prometheus=with_prometheus),
        ]
    for board in made:
        # Links to a single panel name its number, so Grafana shall not choose it.
        for number, panel in enumerate(board.panels or (), 1):
            panel.id_val = number
    return made


def as_json(board: dashboard.Dashboard) -> str:
    """The document as Grafana stores it; the same for the same dashboard."""
    return JSONEncoder(sort_keys=True, indent=2).encode(board) + "\n"
