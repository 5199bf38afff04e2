"""`saimi channel`: how members and the desk are reached besides the page itself."""

from __future__ import annotations

import sys
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UserError
from saimi.console import Json, emit, show_table

if TYPE_CHECKING:
    import asyncpg

app = typer.Typer(help="How members and the desk are reached.", no_args_is_help=True)


class Kind(StrEnum):
    """What an Apprise URL leads to. Push messages are turned on in the browser."""

    SMS = "sms"
    EMAIL = "email"
    CHAT = "chat"


@app.command()
def add(
    kind: Annotated[Kind, typer.Argument(help="What the URL leads to.")],
    member: Annotated[str | None, typer.Option(help="Username; without it, the desk.")] = None,
    url_file: Annotated[
        Path | None,
        typer.Option(help="First line is the Apprise URL, a secret; - is standard input."),
    ] = None,
    quiet: Annotated[
        str | None,
        typer.Option(help="HH:MM-HH:MM in Finland: what is neither urgent nor worse waits."),
    ] = None,
    json: Json = False,
) -> None:
    """Let somebody be reached by a URL of Apprise's.

    The URL is asked for, or read from a file; never given as an argument, where every user of the
    machine could read it.
    """
    from alerts.delivery.reaching import add_channel
    from core.clock import wall_time
    from saimi.connecting import with_connection

    url, hours = _url(url_file), _hours(quiet)

    async def work(connection: asyncpg.Connection) -> int:
        return await add_channel(
            connection, username=member, kind=kind, url=url, quiet=hours, wall=wall_time()
        )

    number = with_connection(work)
    whose = "The desk" if member is None else member
    if json:
        emit({"id": number, "member": member, "kind": kind})
    else:
        print(f"{whose} is reached by {kind} (channel {number}).")


@app.command()
def remove(
    number: Annotated[int, typer.Argument(help="As `saimi channel list` shows it.")],
    json: Json = False,
) -> None:
    """Send nothing by a channel any more."""
    from alerts.delivery.reaching import remove_channel
    from core.clock import wall_time
    from saimi.connecting import with_connection

    async def work(connection: asyncpg.Connection) -> None:
        await remove_channel(connection, number, wall=wall_time())

    with_connection(work)
    if json:
        emit({"id": number, "removed": True})
    else:
        print(f"Channel {number} is not used any more.")


@app.command("list")
def list_(json: Json = False) -> None:
    """List who is reached how; addresses are not shown."""
    from alerts.delivery.reaching import list_channels
    from saimi.connecting import with_connection

    rows = with_connection(list_channels)
    if json:
        emit({"channels": rows})
    else:
        columns = ("id", "member", "kind", "service", "quiet", "since")
        rows = [row | {"member": row["member"] or "(desk)"} for row in rows]
        show_table(columns, [[row[column] for column in columns] for row in rows])


def _url(file: Path | None) -> str:
    if file is None:
        if not sys.stdin.isatty():
            raise UserError("There is no terminal to ask for the URL on: use --url-file.")
        asked: str = typer.prompt("Apprise URL", hide_input=True, err=True)
        return asked.strip()
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The URL cannot be read from {file} ({error}).") from error
    return text.partition("\n")[0].strip()


def _hours(text: str | None) -> tuple[time, time] | None:
    if text is None:
        return None
    try:
        begin, end = (time.fromisoformat(part) for part in text.split("-"))
    except ValueError:
        raise UserError(f"{text!r} are no quiet hours: write them as 22:00-07:00.") from None
    return begin, end
