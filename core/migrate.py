"""Bring a database to this version's schema."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from core.catalogue import catalogue
from core.database import connect, load_queries, translated
from core.schema import MIGRATIONS, SchemaStatus

_LOCK = 7241001  # advisory lock: two services starting at once migrate once


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _status(connection: Connection) -> SchemaStatus:
    context = MigrationContext.configure(
        connection, opts={"version_table": "schema_version", "version_table_schema": "public"}
    )
    return SchemaStatus(context.get_current_revision())


def _upgrade(connection: Connection, to: str) -> SchemaStatus:
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    before = _status(connection)
    before.refuse_newer()
    if not before.current:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    return before


async def _run(url: str, work: Callable[[Connection], SchemaStatus]) -> SchemaStatus:
    """`work` in one transaction of SQLAlchemy's; what it raises is what the driver raised, so that
    it can be translated as everywhere else."""
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    except DBAPIError as error:
        cause = error.orig.__cause__ if error.orig is not None else None
        raise cause or error from error
    finally:
        await engine.dispose()


async def migrate(url: str, to: str = "head") -> SchemaStatus:
    """Apply what is missing, in one transaction; the status before is returned.

    Args:
        to: the last revision to be applied; an earlier one than the newest is for tests of what
            a migration does to what is stored.

    Raises:
        SchemaError: the database was used by a newer Saimi.
        DatabaseUnavailableError: it does not answer.
    """
    async with translated():
        # Asking first costs one fast connection and spares a newer message about a dead database.
        await (await connect(url)).close()
        before = await _run(url, partial(_upgrade, to=to))
        await _write_catalogue(url)
    return before


async def _write_catalogue(url: str) -> None:
    queries = load_queries("core")
    connection = await connect(url)
    try:
        await queries.write_metrics(
            connection,
            [
                {
                    "id": metric.id,
                    "name": metric.name,
                    "kind": metric.kind,
                    "unit": metric.unit,
                    "loinc": metric.loinc,
                    "mdc": metric.mdc,
                    "low": metric.possible[0],
                    "high": metric.possible[1],
                    "validity_h": metric.validity_h,
                    "decimals": metric.decimals,
                    "never_filtered": metric.never_filtered,
                }
                for metric in catalogue()
            ],
        )
    finally:
        await connection.close()
