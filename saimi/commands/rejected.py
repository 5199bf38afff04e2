"""`saimi rejected`: what could not be admitted, and another try after a fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from saimi.console import Json, emit, show_table, show_values

if TYPE_CHECKING:
    import asyncpg

    from ingest.rejected import RetryReport

app = typer.Typer(help="Messages and readings that were not admitted.", no_args_is_help=True)

Gateway = Annotated[str | None, typer.Option(help="Only of this gateway.")]
Reason = Annotated[str | None, typer.Option(help="Only with this reason, as unknown_device.")]


@app.command("list")
def list_(
    gateway: Gateway = None,
    reason: Reason = None,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest.")] = 20,
    json: Json = False,
) -> None:
    """Count what is rejected by gateway and reason, and show the newest."""
    from ingest.rejected import count_rejected, list_rejected
    from saimi.connecting import with_connection

    async def work(
        connection: asyncpg.Connection,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        counts = await count_rejected(connection, gateway=gateway, reason=reason)
        newest = await list_rejected(connection, gateway=gateway, reason=reason, most=most)
        return counts, newest

    counts, newest = with_connection(work)
    if json:
        emit({"counts": counts, "newest": newest})
        return
    if not counts:
        print("Nothing is rejected.")
        return
    show_table(
        ("gateway", "reason", "count", "first", "last"),
        [
            (one["gateway"], one["reason"], one["count"], one["first_at"], one["last_at"])
            for one in counts
        ],
    )
    print()
    for one in newest:
        record = one["record"]
        origin = one["gateway"] if record is None else f"{one['gateway']}/{record['device']}"
        print(f"{one['received_at']:%Y-%m-%d %H:%M:%S}  {origin}  {one['detail']}")


@app.command()
def retry(gateway: Gateway = None, reason: Reason = None, json: Json = False) -> None:
    """Try again what was rejected, with today's registry; what cannot be stored stays."""
    from dataclasses import asdict
    from datetime import timedelta

    from core.database import read_clock
    from core.settings import load_settings
    from ingest.rejected import retry_rejected
    from saimi.connecting import with_connection

    retention = timedelta(days=load_settings().retention_days)

    async def work(connection: asyncpg.Connection) -> RetryReport:
        clock = await read_clock(connection)
        return await retry_rejected(
            connection, clock, gateway=gateway, reason=reason, retention=retention
        )

    report = asdict(with_connection(work))
    if json:
        emit(report)
    else:
        show_values(report)
