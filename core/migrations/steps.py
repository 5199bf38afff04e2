"""The few steps that migrations are made of, on all three database editions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import op


def run(sql: str) -> None:
    """Run a script of several statements in the migration's transaction."""
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None  # noqa: S101 - alembic is never run offline here

    async def execute(driver: Any) -> None:
        await driver.execute(sql)

    connection.run_async(execute)


def run_file(revision_file: str, part: str | None = None) -> None:
    """Run the script beside a revision: `0001_first.sql`, or `0001_first.<part>.sql`."""
    path = Path(revision_file)
    path = path.with_suffix(".sql" if part is None else f".{part}.sql")
    run(path.read_text(encoding="utf-8"))


def require_role(name: str) -> None:
    """Make a role that logs in, where the server has none of that name yet.

    Roles belong to the server, not to one database: another database of it may have made it. It has
    no password, so nobody logs in by one before it is given (core.roles).
    """
    run(
        f"""DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN RETURN; END IF;
            CREATE ROLE {name} LOGIN NOINHERIT;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;  -- another was faster
            WHEN insufficient_privilege THEN
                RAISE 'there is no role {name}, and % may not make it: let an administrator of the '
                      'server run CREATE ROLE {name} LOGIN NOINHERIT', current_user
                      USING ERRCODE = 'insufficient_privilege';
        END $$"""
    )


def has_timescaledb() -> bool:
    """Whether the extension is in this database, creating it where the server offers it."""
    row = op.get_bind().exec_driver_sql(
        "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
    )
    if row.first() is None:
        return False
    run("CREATE EXTENSION IF NOT EXISTS timescaledb")
    return True


def hypertable(table: str, column: str, *, chunk: str) -> None:
    """Partition `table` by time on TimescaleDB; on plain PostgreSQL it stays one table."""
    if has_timescaledb():
        # Our own indexes follow; the default one on time alone would only cost writes.
        run(
            f"SELECT create_hypertable('{table}', by_range('{column}', INTERVAL '{chunk}'), "
            "create_default_indexes => false)"
        )


def has_community() -> bool:
    """Whether this is the edition with continuous aggregates and columnstore."""
    if not has_timescaledb():
        return False
    row = op.get_bind().exec_driver_sql("SELECT current_setting('timescaledb.license', true)")
    found = row.first()
    return found is not None and found[0] == "timescale"
