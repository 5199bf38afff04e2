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
    """Count what was rejected by gateway and reason, and show the newest that are kept."""
    from dataclasses import asdict

    from core.settings import load_settings
    from ingest.quota import MIB, Quota
    from ingest.rejected import count_rejected, list_rejected
    from saimi.connecting import with_connection

    quota = Quota.of(load_settings())

    async def work(
        connection: asyncpg.Connection,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        counts = await count_rejected(connection, gateway=gateway, reason=reason)
        newest = await list_rejected(connection, gateway=gateway, reason=reason, most=most)
        return counts, newest

    counts, newest = with_connection(work)
    if json:
        emit({"counts": counts, "newest": newest, "bounds": asdict(quota)})
        return
    if not counts:
        print("Nothing is rejected.")
        return
    show_table(
        ("gateway", "reason", "count", "kept", "first", "last"),
        [
            [one[name] for name in ("gateway", "reason", "count", "kept", "first_at", "last_at")]
            for one in counts
        ],
    )
    print(
        f"At most {quota.gateway_rows} are kept of a gateway ({quota.gateway_bytes // MIB} MB) and "
        f"{quota.rows} in all ({quota.bytes // MIB} MB); the others are counted."
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
    from ingest.quota import Quota
    from ingest.rejected import retry_rejected
    from saimi.connecting import with_connection

    settings = load_settings()
    retention = timedelta(days=settings.retention_days)
    quota = Quota.of(settings)

    async def work(connection: asyncpg.Connection) -> RetryReport:
        clock = await read_clock(connection)
        return await retry_rejected(
            connection, clock, gateway=gateway, reason=reason, quota=quota, retention=retention
        )

    report = asdict(with_connection(work))
    if json:
        emit(report)
    else:
        show_values(report)
