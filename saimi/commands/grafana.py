"""`saimi grafana`: dashboards as files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from saimi.console import Json, emit

app = typer.Typer(help="Grafana's dashboards.", no_args_is_help=True)


class Language(StrEnum):
    """Languages the dashboards are written in."""

    FI = "fi"
    SV = "sv"
    EN = "en"


@app.callback()
def group() -> None:
    """Grafana's dashboards."""


@app.command()
def render(
    out: Annotated[
        Path, typer.Option(help="Folder to write; mount it at /etc/grafana/provisioning.")
    ],
    language: Annotated[Language, typer.Option(help="Language of titles and units.")] = Language.FI,
    json: Json = False,
) -> None:
    """Write data source and dashboards as Grafana's own provisioning files."""
    from dashboards.render import render as write

    files = write(out, language.value)
    if json:
        emit({"files": [str(path) for path in files]})
    else:
        for path in files:
            print(path)
