"""`saimi db`: the schema."""

from __future__ import annotations

from typing import Any

import typer

from saimi.console import Json, emit, show_values

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command()
def migrate(json: Json = False) -> None:
    """Bring the database to this version's schema; data stay."""
    from core.migrate import migrate as apply
    from saimi.addresses import find_database
    from saimi.running import run

    before = run(lambda _stop: apply(find_database()))
    if json:
        emit({"before": before.database, "now": before.code})
    elif before.current:
        print(f"The database is at schema {before.code} already.")
    else:
        print(f"The database went from schema {before.database or 'none'} to {before.code}.")


@app.command()
def roles(json: Json = False) -> None:
    """Give the web service's roles new passwords and print, once, the addresses they make."""
    import secrets

    from core.roles import LOGIN, WEB, give_password
    from saimi.addresses import find_database
    from saimi.running import run

    async def work(_stop: object) -> dict[str, str]:
        owner = find_database()
        return {
            name: await give_password(owner, role, secrets.token_urlsafe(32))
            for name, role in (
                ("SAIMI_WEB_DATABASE_URL", WEB),
                ("SAIMI_LOGIN_DATABASE_URL", LOGIN),
            )
        }

    found = run(work)
    if json:
        emit(found)
    else:
        print("\n".join(f"{name}={url}" for name, url in found.items()))


@app.command()
def status(json: Json = False) -> None:
    """Say which database this is, at which schema, and what aggregates and retention have done."""
    from core.database import connect, server_info
    from core.schema import SchemaStatus
    from core.schema import status as look
    from core.settings import load_settings
    from ingest.upkeep import upkeep_status
    from saimi.addresses import find_database
    from saimi.running import run

    async def work(_stop: object) -> tuple[SchemaStatus, str, str, dict[str, Any]]:
        url = find_database()
        connection = await connect(url)
        try:
            info = await server_info(connection)
            schema = await look(url)
            upkeep = await upkeep_status(connection) if schema.current else {}
        finally:
            await connection.close()
        return schema, info.edition, info.version, upkeep

    found, edition, version, upkeep = run(work)
    report = {
        "edition": edition,
        "version": version,
        "schema": found.database,
        "needed": found.code,
        "current": found.current,
        "retention_days": load_settings().retention_days,
    } | upkeep
    if json:
        emit(report)
    else:
        show_values(report)
