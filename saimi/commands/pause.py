"""`saimi pause`: clients in hospital or away, homes with guests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import UserError
from core.registry import PauseKind
from saimi.console import Json, emit, show_table

if TYPE_CHECKING:
    import asyncpg

app = typer.Typer(help="Hospital stays, holidays, guests.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Hospital stays, holidays, guests."""


@app.command("set")
def set_(
    kind: Annotated[PauseKind, typer.Argument(help="hospital, holiday or guests.")],
    until: Annotated[str, typer.Option(help="When it ends; without zone, county time.")],
    since: Annotated[str | None, typer.Option(help="When it begins; absent: now.")] = None,
    client: Annotated[str | None, typer.Option(help="Reference of a client.")] = None,
    home: Annotated[str | None, typer.Option(help="Name of a home, with all in it.")] = None,
    json: Json = False,
) -> None:
    """Pause a client or a home. Help, smoke, carbon monoxide and falls are never paused."""
    from core.database import read_clock
    from core.pauses import set_pause, subject_named
    from saimi.connecting import with_connection
    from saimi.times import parse_time

    if (client is None) == (home is None):
        raise UserError("Say who is paused: either --client or --home.")
    end = parse_time("--until", until)
    begin = None if since is None else parse_time("--since", since)

    async def work(connection: asyncpg.Connection) -> int:
        now = (await read_clock(connection)).now()
        return await set_pause(
            connection,
            subject=await subject_named(connection, client=client, home=home),
            kind=kind,
            since=begin or now,
            until=end,
            member=None,
            now=now,
        )

    ident = with_connection(work)
    if json:
        emit({"pause": ident})
    else:
        print(f"Pause {ident} is set.")


@app.command()
def end(pause: Annotated[int, typer.Argument(help="Its number.")], json: Json = False) -> None:
    """End a pause now, or take back one that has not begun."""
    from core.database import read_clock
    from core.pauses import end_pause
    from saimi.connecting import with_connection

    async def work(connection: asyncpg.Connection) -> None:
        now = (await read_clock(connection)).now()
        await end_pause(connection, pause=pause, member=None, now=now)

    with_connection(work)
    if json:
        emit({"pause": pause})
    else:
        print(f"Pause {pause} is over.")


@app.command("list")
def list_(json: Json = False) -> None:
    """Pauses that are on or to come, the first to end first."""
    from core.database import read_clock
    from core.pauses import pauses_after
    from saimi.connecting import with_connection

    async def work(connection: asyncpg.Connection) -> list[dict[str, Any]]:
        return await pauses_after(connection, now=(await read_clock(connection)).now())

    rows = with_connection(work)
    if json:
        emit({"pauses": rows})
    else:
        columns = ("id", "of", "kind", "since", "until", "set_by")
        show_table(columns, [[row[column] for column in columns] for row in rows])
