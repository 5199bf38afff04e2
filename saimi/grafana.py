"""How Grafana is to be, by the settings."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from core.errors import SettingsError
from core.settings import Settings
from dashboards.links import Links
from dashboards.sync import Wish
from dashboards.texts import Language


def wish(
    settings: Settings,
    database_url: str,
    language: Language,
    areas: Sequence[str] | None,
    links: Links,
) -> Wish:
    """What `saimi grafana sync` brings about.

    Raises:
        SettingsError: the database is on a socket of this machine, which Grafana cannot be told.
    """
    parts = urlsplit(database_url)
    host = settings.grafana_database or (
        f"{parts.hostname}:{parts.port or 5432}" if parts.hostname else None
    )
    if host is None:
        raise SettingsError(
            "SAIMI_DATABASE_URL names no host, so Grafana cannot be told where the database is: "
            "set SAIMI_GRAFANA_DATABASE to host:port."
        )
    return Wish(
        database=unquote(parts.path.lstrip("/")),
        host=host,
        sslmode=settings.grafana_sslmode,
        language=language,
        links=links,
        prometheus_url=settings.grafana_prometheus_url,
        areas=None if areas is None else frozenset(areas),
    )
