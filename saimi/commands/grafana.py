"""`saimi grafana`: dashboards in a Grafana server or as files, and the roles that read for them."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UserError
from saimi.console import Json, emit

if TYPE_CHECKING:
    import asyncpg

    from dashboards.links import Links

app = typer.Typer(help="Grafana's dashboards.", no_args_is_help=True)


class Language(StrEnum):
    """Languages the dashboards are written in."""

    FI = "fi"
    SV = "sv"
    EN = "en"


class Audience(StrEnum):
    """Whose dashboards: an area's, with its clients, or the county's, without."""

    AREA = "area"
    COUNTY = "county"


LanguageOption = Annotated[Language, typer.Option(help="Language of titles and units.")]


@app.callback()
def group() -> None:
    """Grafana's dashboards."""


def _links() -> Links:
    from core.settings import load_settings
    from dashboards.links import Links

    url = load_settings().public_url
    return Links(None if url is None else url.rstrip("/"))


@app.command()
def render(
    out: Annotated[
        Path, typer.Option(help="Folder to write; mount it at /etc/grafana/provisioning.")
    ],
    audience: Annotated[
        Audience, typer.Option("--for", help="An area's dashboards, or the county's.")
    ] = Audience.AREA,
    language: LanguageOption = Language.FI,
    prometheus: Annotated[
        bool, typer.Option(help="Also rates and lags over time, from a Prometheus.")
    ] = False,
    json: Json = False,
) -> None:
    """Write data source and dashboards as Grafana's own provisioning files, for one organisation.

    Links into Saimi need SAIMI_PUBLIC_URL.
    """
    from dashboards.render import render as write

    files = write(out, audience.value, language.value, _links(), with_prometheus=prometheus)
    if json:
        emit({"files": [str(path) for path in files]})
    else:
        for path in files:
            print(path)


@app.command()
def role(
    area: Annotated[
        str | None, typer.Argument(help="Code of an area, as `saimi registry import` gave it.")
    ] = None,
    county: Annotated[
        bool, typer.Option("--county", help="The county's, without clients.")
    ] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Take it away instead.")] = False,
    json: Json = False,
) -> None:
    """Make the database role that reads for an area, or for the county, and say its password.

    Made again, it gets another password: the old one is worth nothing then. Nothing keeps it.
    """
    from dashboards.roles import drop_role, make_role, one_reader
    from saimi.connecting import with_connection

    if county == (area is not None):
        raise UserError("Name an area, or say --county.")

    async def work(connection: asyncpg.Connection) -> tuple[str, str | None]:
        reader = await one_reader(connection, area)
        if drop:
            await drop_role(connection, reader.role)
            return reader.role, None
        return reader.role, await make_role(connection, reader)

    name, password = with_connection(work)
    if json:
        emit({"role": name, "password": password})
    elif password is None:
        print(f"{name} is gone.")
    else:
        print(f"{name}\n{password}")


@app.command()
def sync(
    check: Annotated[
        bool, typer.Option("--check", help="Say what would change, change nothing.")
    ] = False,
    area: Annotated[
        list[str] | None,
        typer.Option(help="Only these areas (codes) and the county; the others' are removed."),
    ] = None,
    language: LanguageOption = Language.FI,
    json: Json = False,
) -> None:
    """Make Grafana what it should be: an organisation for each area and one for the county.

    Each gets a data source with a database role of its own, a folder and dashboards; nothing else
    is touched. SAIMI_GRAFANA_URL is a server administrator's. With --check the exit status is 1
    where something would change.
    """
    from core.settings import load_settings
    from dashboards.server import Grafana
    from dashboards.sync import Outcome
    from dashboards.sync import sync as bring_up_to_date
    from saimi.addresses import find_database
    from saimi.connecting import with_connection
    from saimi.grafana import wish

    settings = load_settings()
    if settings.grafana_url is None:
        raise UserError(
            "SAIMI_GRAFANA_URL is not set, so there is no Grafana to bring up to date: set it to "
            "https://user:password@host of a server administrator."
        )
    server = Grafana(settings.grafana_url.get_secret_value())
    wanted = wish(settings, find_database(), language.value, area, _links())

    async def work(connection: asyncpg.Connection) -> Outcome:
        return await bring_up_to_date(connection, server, wanted, check=check)

    outcome = with_connection(work)
    if json:
        emit(outcome)
    else:
        for line in outcome.changes:
            print(line)
        if not outcome.changes:
            print(f"Grafana {outcome.version} is as it should be.")
    for warning in outcome.warnings:
        print(f"saimi: {warning}", file=sys.stderr)
    if check and outcome.changes:
        raise typer.Exit(1)
