"""`saimi registry import`: who is who."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from saimi.console import Json, emit, show_values

if TYPE_CHECKING:
    import asyncpg

app = typer.Typer(help="Areas, teams, homes, clients, gateways and devices.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Areas, teams, homes, clients, gateways and devices."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A registry document, .json or .toml.")],
    json: Json = False,
) -> None:
    """Take a registry document over: all of it, or nothing. May be run again."""
    from alerts.rules.shipped import shipped_rules
    from alerts.subjects.own_rules import check_document
    from core.database import read_clock
    from core.registry import read_document
    from core.registry_import import ImportReport, import_document
    from saimi.connecting import with_connection

    document = read_document(file)
    check_document(document, shipped_rules())

    async def work(connection: asyncpg.Connection) -> ImportReport:
        now = (await read_clock(connection)).now()
        return await import_document(connection, document, now=now)

    report = with_connection(work)
    if json:
        emit(report)
        return
    lines = {
        what: f"{count:,} ({report.added[what]:,} new)" for what, count in report.entries.items()
    }
    show_values(lines | {"devices with a new owner": report.reassigned})
