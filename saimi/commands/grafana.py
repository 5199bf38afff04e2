"""`saimi grafana`: dashboards as files, and the database roles that read for them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UserError
from saimi.console import Json, emit

if TYPE_CHECKING:
    import asyncio

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
    from core.database import connect
    from core.schema import require_current
    from core.settings import load_settings
    from dashboards.roles import drop_role, make_role, one_reader
    from saimi.running import run

    if county == (area is not None):
        raise UserError("Name an area, or say --county.")
    url = load_settings().require_database_url()

    async def work(_stop: asyncio.Event) -> tuple[str, str | None]:
        await require_current(url)
        connection = await connect(url)
        try:
            reader = await one_reader(connection, area)
            if drop:
                await drop_role(connection, reader.role)
                return reader.role, None
            return reader.role, await make_role(connection, reader)
        finally:
            await connection.close()

    name, password = run(work)
    if json:
        emit({"role": name, "password": password})
    elif password is None:
        print(f"{name} is gone.")
    else:
        print(f"{name}\n{password}")
