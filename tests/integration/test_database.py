"""Migrations, editions, the shared clock, and what is said when a database cannot be used."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from core import migrate, schema
from core.catalogue import catalogue
from core.clock import REAL_CLOCK, wall_time
from core.database import connect, read_clock, server_info, set_clock, translated
from core.errors import DatabaseError, DatabaseUnavailableError, SchemaError
from core.schema import require_current


async def test_an_empty_database_is_refused_then_migrated_once(empty_database_url: str) -> None:
    with pytest.raises(SchemaError, match="saimi db migrate"):
        await require_current(empty_database_url)
    before = await migrate.migrate(empty_database_url)
    assert before.database is None
    assert before.code == schema.REVISIONS[-1] == (await schema.status(empty_database_url)).database
    assert (await migrate.migrate(empty_database_url)).current
    await require_current(empty_database_url)


async def test_the_catalogue_is_in_the_database(database_url: str) -> None:
    connection = await connect(database_url)
    try:
        rows = await connection.fetch("SELECT id, name, unit FROM telemetry.metric")
    finally:
        await connection.close()
    assert {(row["id"], row["name"], row["unit"]) for row in rows} == {
        (metric.id, metric.name, metric.unit) for metric in catalogue()
    }


async def test_readings_are_a_hypertable_exactly_where_timescaledb_is(database_url: str) -> None:
    connection = await connect(database_url)
    try:
        info = await server_info(connection)
        assert (info.edition == "plain") == (info.timescaledb is None)
        if info.timescaledb is not None:
            assert (
                await connection.fetchval(
                    "SELECT count(*) FROM timescaledb_information.hypertables "
                    "WHERE hypertable_schema = 'telemetry' AND hypertable_name = 'reading'"
                )
                == 1
            )
    finally:
        await connection.close()


async def test_a_newer_databases_schema_is_left_alone(plain_database_url: str) -> None:
    connection = await connect(plain_database_url)
    await connection.execute("UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match="newer Saimi"):
        await migrate.migrate(plain_database_url)
    assert await connection.fetchval("SELECT version_num FROM schema_version") == "9999"
    await connection.close()


async def test_a_database_that_is_down_is_said_to_be(unused_tcp_port: int) -> None:
    with pytest.raises(DatabaseUnavailableError, match="does not answer"):
        await connect(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/saimi")


async def test_the_clock_is_real_until_set_and_never_goes_back(plain_database_url: str) -> None:
    connection = await connect(plain_database_url)
    try:
        assert await read_clock(connection) == REAL_CLOCK
        ahead = wall_time() + timedelta(days=3)
        await connection.execute(
            "INSERT INTO telemetry.gateway_status VALUES (0, true, 'b', $1)", ahead
        )
        clock = await set_clock(connection, factor=60)
        assert clock.now() >= ahead
        assert await read_clock(connection) == clock
    finally:
        await connection.close()


async def test_a_fast_clock_that_stopped_goes_on_from_its_last_heartbeat(
    plain_database_url: str,
) -> None:
    connection = await connect(plain_database_url)
    try:
        first = await set_clock(connection, factor=3600)
        beat = wall_time() + timedelta(seconds=10)
        await connection.execute("INSERT INTO ops.heartbeat VALUES ('alerts', '1', $1)", beat)
        again = await set_clock(connection, factor=1)
        assert again.anchor == first.at(beat)
    finally:
        await connection.close()


async def test_the_access_record_can_only_grow(plain_database_url: str) -> None:
    connection = await connect(plain_database_url)
    try:
        for statement in (
            "UPDATE audit.access SET purpose = ''",
            "DELETE FROM audit.access",
            "TRUNCATE audit.access",
            "DELETE FROM alerts.episode_event",
        ):
            with pytest.raises(DatabaseError, match="append-only"):
                async with translated():
                    await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("shared", ["device", "team"])
async def test_overlapping_assignments_are_refused_by_the_database(
    plain_database_url: str, shared: str
) -> None:
    statement = {
        "device": "INSERT INTO registry.assignment VALUES (0, 0, 0, '[2026-01-01,)')",
        "team": "INSERT INTO registry.care_relationship VALUES (1, 1, '[2026-01-01,)')",
    }[shared]
    connection = await connect(plain_database_url)
    try:
        await connection.execute(
            """
            INSERT INTO registry.area (code, name) VALUES ('a', 'A');
            INSERT INTO registry.home (name, area) VALUES ('h', 1);
            INSERT INTO registry.subject (pseudonym, kind, home) VALUES ('p', 'client', 1);
            INSERT INTO registry.client (subject, reference, given_name, family_name, born)
            VALUES (1, 'r', 'G', 'F', '1940-01-01');
            INSERT INTO registry.team (name) VALUES ('t');
            """
        )
        await connection.execute(statement)
        with pytest.raises(DatabaseError, match="exclusion constraint"):
            async with translated():
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_database_that_goes_while_its_schema_is_asked_for_is_one_that_is_away(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def severed(url: str) -> asyncpg.Connection:
        connection = await connect(url)
        other = await connect(url)
        await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        await other.close()
        return connection

    monkeypatch.setattr(schema, "connect", severed)
    with pytest.raises(DatabaseUnavailableError):
        await require_current(plain_database_url)
