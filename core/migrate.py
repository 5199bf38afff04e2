"""Bring a database to this version's schema, or say at which version it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from core.catalogue import catalogue
from core.database import connect, load_queries, translated
from core.errors import SchemaBehindError, SchemaError

_LOCK = 7241001  # advisory lock: two services starting at once migrate once


@dataclass(frozen=True)
class SchemaStatus:
    """At which revision a database is, and at which this code is; None is an empty database."""

    database: str | None
    code: str
    newer: bool = False
    """It was used by a Saimi that knows more revisions than this one."""

    @property
    def current(self) -> bool:
        return self.database == self.code


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    return config


def _status(connection: Connection) -> SchemaStatus:
    context = MigrationContext.configure(
        connection, opts={"version_table": "schema_version", "version_table_schema": "public"}
    )
    scripts = ScriptDirectory.from_config(_config())
    head = scripts.get_current_head()
    assert head is not None  # noqa: S101 - the scripts ship with this file
    found = context.get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaStatus(found, head, newer=found is not None and found not in known)


def _of_newer(found: SchemaStatus) -> SchemaError:
    return SchemaError(
        f"This database has schema {found.database}, which this version of Saimi (schema "
        f"{found.code}) does not know: it was used by a newer Saimi. Nothing was changed; start "
        "that version, or use another database."
    )


def _upgrade(connection: Connection) -> SchemaStatus:
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    before = _status(connection)
    if before.newer:
        raise _of_newer(before)
    if not before.current:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
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


async def migrate(url: str) -> SchemaStatus:
    """Apply what is missing, in one transaction; the status before is returned.

    Raises:
        SchemaError: the database was used by a newer Saimi.
        DatabaseUnavailableError: it does not answer.
    """
    async with translated():
        # Asking first costs one fast connection and spares a newer message about a dead database.
        await (await connect(url)).close()
        before = await _run(url, _upgrade)
        await _write_catalogue(url)
    return before


async def status(url: str) -> SchemaStatus:
    """At which schema revision the database is.

    Raises:
        DatabaseUnavailableError: it does not answer.
    """
    async with translated():
        await (await connect(url)).close()
        return await _run(url, _status)


async def require_current(url: str) -> None:
    """Refuse to work on a database of another version.

    Raises:
        SchemaBehindError: it has no schema, or an older one.
        SchemaError: it was used by a newer Saimi.
        DatabaseUnavailableError: it does not answer.
    """
    found = await status(url)
    if found.newer:
        raise _of_newer(found)
    if not found.current:
        raise SchemaBehindError(
            f"The database is at schema {found.database or 'none'}, this Saimi needs {found.code}: "
            "run `saimi db migrate` with this version first."
        )


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
