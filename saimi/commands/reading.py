"""`saimi reading`: whose readings are, and putting right what is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import NotFoundError
from saimi.console import Json, emit, show_table, show_values

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from core.corrections import Corrected, Stretch

app = typer.Typer(
    help="Whose readings are, and putting right what is stored.", no_args_is_help=True
)

Gateway = Annotated[str, typer.Argument(help="The gateway's name.")]
Device = Annotated[str, typer.Argument(help="The device's name on that gateway.")]
Since = Annotated[str, typer.Option(help="From when on: 2026-05-01 or 2026-05-01T12:00.")]
Until = Annotated[str | None, typer.Option(help="Before when; absent: until now.")]
Metric = Annotated[
    list[str] | None, typer.Option("--metric", help="Only this metric; may be repeated.")
]
Reason = Annotated[str, typer.Option(help="Why; kept with the correction for good.")]
Most = Annotated[int, typer.Option(min=1, max=100_000, help="How many.")]


@app.command()
def held(most: Most = 50, json: Json = False) -> None:
    """Show readings of shared devices of which nobody knows whose they are, the oldest first."""
    rows = _list("list_held", most)
    if json:
        emit({"held": rows})
    elif not rows:
        print("No reading waits for an owner.")
    else:
        show_table(
            ("time", "gateway", "device", "index", "metric", "value", "unit", "one of"),
            [
                (
                    f"{row['time']:%Y-%m-%d %H:%M:%S}", row["gateway"], row["device"],
                    row["user_index"], row["metric"], f"{row['value']:g}", row["unit"],
                    ", ".join(row["candidates"]),
                )
                for row in rows
            ],
        )  # fmt: skip


@app.command()
def corrections(most: Most = 50, json: Json = False) -> None:
    """Show what was corrected, the newest first."""
    rows = _list("list_corrections", most)
    if json:
        emit({"corrections": rows})
    elif not rows:
        print("Nothing was corrected.")
    else:
        show_table(
            ("number", "made", "what", "readings", "by", "reason"),
            [
                (
                    row["id"], f"{row['made_at']:%Y-%m-%d %H:%M}", row["what"], row["readings"],
                    row["member"] or "command line", row["reason"],
                )
                for row in rows
            ],
        )  # fmt: skip


@app.command()
def clocks(
    days: Annotated[int, typer.Option(min=1, max=3650, help="Seen wrong within so many days.")] = 7,
    most: Most = 50,
    json: Json = False,
) -> None:
    """Show devices whose clocks are wrong, and what became of their readings."""
    from datetime import timedelta

    from core.database import read_clock
    from ingest.clocks import list_clocks
    from saimi.connecting import with_connection

    async def work(connection: asyncpg.Connection) -> list[dict[str, Any]]:
        now = (await read_clock(connection)).now()
        return await list_clocks(connection, now - timedelta(days=days), most=most)

    rows = with_connection(work)
    if json:
        emit({"clocks": rows})
    elif not rows:
        print("No clock was found wrong.")
    else:
        show_table(
            ("gateway", "device", "clock", "off by s", "since", "last", "corrected", "refused",
             "jumps"),
            [
                (
                    row["gateway"], row["device"], row["fault"], f"{-row['seconds']:+.0f}",
                    f"{row['since']:%Y-%m-%d %H:%M}", f"{row['seen_at']:%Y-%m-%d %H:%M}",
                    row["corrected"], row["refused"], row["jumps"],
                )
                for row in rows
            ],
        )  # fmt: skip


@app.command()
def reassign(
    gateway: Gateway,
    device: Device,
    to: Annotated[str, typer.Option(help="The client's reference.")],
    since: Since,
    reason: Reason,
    until: Until = None,
    user_index: Annotated[
        int | None,
        typer.Option(min=0, max=32_767, help="Only what was held under this user index."),
    ] = None,
    metric: Metric = None,
    json: Json = False,
) -> None:
    """Say whose readings of a device are: stored ones, and those of that time still to come."""
    from core.corrections import reassign as work

    async def find(connection: asyncpg.Connection, which: Stretch, now: datetime) -> Corrected:
        from core.database import load_queries, translated

        async with translated():
            client = await load_queries("core").find_client(connection, reference=to)
        if client is None:
            raise NotFoundError(f"There is no client {to!r}: the registry's reference is meant.")
        return await work(
            connection, which, client["subject"], reason=reason, now=now, user_index=user_index
        )

    _correct(gateway, device, since, until, metric, find, json)


@app.command("strike-out")
def strike_out(
    gateway: Gateway,
    device: Device,
    since: Since,
    reason: Reason,
    until: Until = None,
    metric: Metric = None,
    json: Json = False,
) -> None:
    """Declare a device's readings wrong: they stay, struck out, and are scored no more."""
    from core.corrections import strike_out as work

    async def strike(connection: asyncpg.Connection, which: Stretch, now: datetime) -> Corrected:
        return await work(connection, which, reason=reason, now=now)

    _correct(gateway, device, since, until, metric, strike, json)


@app.command()
def restore(
    correction: Annotated[int, typer.Argument(help="Its number (`saimi reading corrections`).")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Take a correction back."""
    from core.corrections import restore as work
    from core.database import read_clock
    from saimi.connecting import with_connection

    async def back(connection: asyncpg.Connection) -> Corrected:
        now = (await read_clock(connection)).now()
        return await work(connection, correction, reason=reason, now=now)

    _report(with_connection(back), json)


def _correct(
    gateway: str,
    device: str,
    since: str,
    until: str | None,
    metrics: list[str] | None,
    work: Callable[[asyncpg.Connection, Stretch, datetime], Awaitable[Corrected]],
    json: bool,
) -> None:
    from core.corrections import Stretch
    from core.database import load_queries, read_clock, translated
    from saimi.connecting import with_connection
    from saimi.times import parse_time

    first = parse_time("--since", since)
    last = None if until is None else parse_time("--until", until)

    async def connected(connection: asyncpg.Connection) -> Corrected:
        now = (await read_clock(connection)).now()
        async with translated():
            found = await load_queries("core").find_device(
                connection, gateway=gateway, device=device
            )
        if found is None:
            raise NotFoundError(f"Gateway {gateway!r} has no device {device!r}.")
        return await work(
            connection, Stretch(found["id"], first, last or now, tuple(metrics or ())), now
        )

    _report(with_connection(connected), json)


def _list(query: str, most: int) -> list[dict[str, Any]]:
    from core.database import load_queries, translated
    from saimi.connecting import with_connection

    async def rows(connection: asyncpg.Connection) -> list[dict[str, Any]]:
        async with translated():
            found = getattr(load_queries("core"), query)(connection, most=most)
            return [dict(row) async for row in found]

    return with_connection(rows)


def _report(done: Corrected, json: bool) -> None:
    from dataclasses import asdict

    if json:
        emit(asdict(done))
    else:
        show_values(asdict(done))
