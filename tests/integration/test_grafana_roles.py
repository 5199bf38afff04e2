"""What a role of Grafana's can reach: its own area, whatever it sends; and nothing beneath."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import asyncpg
import pytest

from core.database import connect
from core.errors import DatabaseError
from dashboards.roles import drop_role, known_readers, make_role, reader_of
from tests.support.databases import Databases
from tests.support.grafana import GrafanaCounty, as_role, grafana_county

VIEWS = ("client", "care", "reading", "reading_hourly", "reading_daily", "device", "band",
         "news2_scale", "alert", "visit", "pause")  # fmt: skip


@pytest.fixture(scope="module")
def county(edition_databases: Databases) -> Iterator[GrafanaCounty]:
    url = edition_databases.create()
    stack = AsyncExitStack()
    with ThreadPoolExecutor(1) as pool, asyncio.Runner() as runner:

        async def make() -> GrafanaCounty:
            place = grafana_county(url, "imatra", "lemi", clients=18, days=70)
            return await stack.enter_async_context(place)

        yield pool.submit(runner.run, make()).result()
        pool.submit(runner.run, stack.aclose()).result()
    edition_databases.drop(url)


@pytest.fixture
async def owner(county: GrafanaCounty) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(county.url)
    yield connection
    await connection.close()


@pytest.fixture
async def imatra(county: GrafanaCounty) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(county.roles["imatra"])
    yield connection
    await connection.close()


@pytest.fixture
async def whole(county: GrafanaCounty) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(county.roles[None])
    yield connection
    await connection.close()


async def _clients(owner: asyncpg.Connection, area: str) -> set[str]:
    rows = await owner.fetch(
        "SELECT s.pseudonym FROM registry.subject s JOIN registry.home h ON h.id = s.home"
        " JOIN registry.area a ON a.id = h.area WHERE s.kind = 'client' AND a.code = $1",
        area,
    )
    return {row["pseudonym"] for row in rows}


async def _seen(connection: asyncpg.Connection) -> set[str]:
    found: set[str] = set()
    for view in VIEWS:
        rows = await connection.fetch(f"SELECT DISTINCT client FROM grafana.{view}")
        found |= {row["client"] for row in rows}
    return found


async def test_a_role_sees_its_area_whole_and_no_other(
    owner: asyncpg.Connection, imatra: asyncpg.Connection
) -> None:
    own, other = await _clients(owner, "imatra"), await _clients(owner, "lemi")
    assert own
    assert other
    for view in VIEWS[:6]:
        rows = await imatra.fetch(f"SELECT DISTINCT client FROM grafana.{view}")
        assert {row["client"] for row in rows} == own, view
    assert await _seen(imatra) == own
    for stranger in other:
        assert await imatra.fetch("SELECT * FROM grafana.completeness($1)", stranger) == []
        newest = "SELECT * FROM grafana.newest($1, '-infinity', 'infinity')"
        assert await imatra.fetch(newest, stranger) == []
    for client in own:
        assert await imatra.fetch("SELECT * FROM grafana.completeness($1)", client)


async def test_no_setting_or_change_of_role_shows_another_area(
    county: GrafanaCounty, owner: asyncpg.Connection, imatra: asyncpg.Connection
) -> None:
    own = await _clients(owner, "imatra")
    names = {one.area: one.role for one in await known_readers(owner)}
    for other in (names["lemi"], names[None], "postgres"):
        for statement in (f'SET ROLE "{other}"', f'SET SESSION AUTHORIZATION "{other}"'):
            with pytest.raises(asyncpg.PostgresError):
                await imatra.execute(statement)
    for statement in (
        "SET ROLE NONE",
        "SET search_path = pg_temp, grafana",
        "SET row_security = off",
        "SET default_transaction_read_only = off",
        "SET application_name = 'lemi'",
    ):
        await imatra.execute(statement)
    assert await _seen(imatra) == own
    # Its own function or table of the same name is never the one that a view means.
    await imatra.execute("CREATE TEMP TABLE role AS SELECT $$x$$::name AS name, 1 AS area")
    assert await _seen(imatra) == own
    # A member of another area's role as well still is who logged in.
    role, lemi = names["imatra"], names["lemi"]
    await owner.execute(f'GRANT "{lemi}" TO "{role}"')
    try:
        await imatra.execute(f'SET ROLE "{lemi}"')
        assert await _seen(imatra) == own
        await imatra.execute("RESET ROLE")
    finally:
        await owner.execute(f'REVOKE "{lemi}" FROM "{role}"')


async def test_nothing_beneath_the_views_is_reached_or_written(
    imatra: asyncpg.Connection, whole: asyncpg.Connection
) -> None:
    await imatra.execute("SET default_transaction_read_only = off")
    await whole.execute("SET default_transaction_read_only = off")
    for connection in (imatra, whole):
        for statement in (
            "SELECT 1 FROM registry.client",
            "SELECT 1 FROM registry.subject",
            "SELECT 1 FROM telemetry.reading",
            "SELECT 1 FROM alerts.episode",
            "SELECT 1 FROM audit.access",
            "SELECT 1 FROM grafana.role",
            "SELECT 1 FROM grafana.seen_subject",
            "SELECT 1 FROM grafana.episode_row",
            "SELECT * FROM grafana.counted_client(false, tstzrange(NULL, NULL))",
            "INSERT INTO grafana.role VALUES (session_user, 1)",
            "UPDATE grafana.role SET area = 1",
            "DELETE FROM grafana.role",
            "CREATE TABLE grafana.mine (n integer)",
            "CREATE FUNCTION grafana.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "SELECT * FROM registry.visible_subjects(1, now())",
            "COPY grafana.client TO PROGRAM 'true'",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    with pytest.raises(asyncpg.PostgresError):
        await imatra.execute("DELETE FROM grafana.client")


async def test_no_name_address_or_birth_date_can_be_read(imatra: asyncpg.Connection) -> None:
    rows = await imatra.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'grafana'"
    )
    seen = {row["table_name"] for row in rows}
    assert seen == set(VIEWS)
    names = {row["column_name"] for row in rows}
    assert not names & {"given_name", "family_name", "born", "address", "phone", "access", "name"}


async def test_the_county_sees_figures_and_no_client(
    owner: asyncpg.Connection, whole: asyncpg.Connection
) -> None:
    for view in VIEWS:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await whole.fetch(f"SELECT 1 FROM grafana.{view}")
    everybody = await _clients(owner, "imatra") | await _clients(owner, "lemi")
    spans = "'2026-10-01', '2026-11-01'"
    for call in (
        f"alert_figures({spans}, false)",
        f"alert_figures({spans}, true)",
        f"alert_days({spans})",
        f"coverage({spans})",
        "client_figures('2026-11-01', true)",
    ):
        rows = await whole.fetch(f"SELECT * FROM grafana.{call}")
        assert rows
        assert {row["area"] for row in rows} >= {"imatra", "lemi"}
        assert not everybody & {str(value) for row in rows for value in row.values()}


async def test_figures_are_of_whole_days_and_of_two_years_at_most(
    whole: asyncpg.Connection,
) -> None:
    minute = await whole.fetchrow(
        "SELECT days FROM grafana.alert_figures('2026-10-10 10:00Z', '2026-10-10 10:01Z', false)"
    )
    assert minute is not None
    assert minute["days"] == 1
    century = await whole.fetch(
        "SELECT days FROM grafana.alert_figures('1926-01-01', 'now', false)"
    )
    assert century[0]["days"] == 731
    backwards = await whole.fetch(
        "SELECT days FROM grafana.alert_figures('now', '2020-1-1', false)"
    )
    assert backwards[0]["days"] <= 1


async def test_an_area_gets_figures_of_itself_only(imatra: asyncpg.Connection) -> None:
    rows = await imatra.fetch("SELECT * FROM grafana.coverage('2026-10-01', '2026-11-01')")
    assert {row["area"] for row in rows} == {"imatra"}


async def test_a_role_is_bounded_in_time_and_connections(
    county: GrafanaCounty, imatra: asyncpg.Connection
) -> None:
    assert await imatra.fetchval("SHOW statement_timeout") == "30s"
    assert await imatra.fetchval("SHOW transaction_read_only") == "on"
    async with AsyncExitStack() as stack:
        for _ in range(19):  # and the one above
            other = await asyncpg.connect(county.roles["imatra"])
            stack.push_async_callback(other.close)
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await asyncpg.connect(county.roles["imatra"])


async def test_making_a_role_again_renews_its_password_and_dropping_it_leaves_nothing(
    county: GrafanaCounty, owner: asyncpg.Connection
) -> None:
    reader = reader_of("parikkala", "Parikkala", prefix="saimi_test_again_")
    first = await make_role(owner, reader)
    second = await make_role(owner, reader)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(as_role(county.url, reader.role, first))
    connection = await asyncpg.connect(as_role(county.url, reader.role, second))
    assert await _seen(connection) == await _clients(owner, "parikkala")
    await connection.close()
    await drop_role(owner, reader.role)
    await drop_role(owner, reader.role)
    assert reader.role not in {one.role for one in await known_readers(owner)}
    there = "SELECT count(*) FROM pg_roles WHERE rolname = $1"
    assert await owner.fetchval(there, reader.role) == 0


async def test_who_may_not_make_roles_is_told_so(
    county: GrafanaCounty, owner: asyncpg.Connection
) -> None:
    await owner.execute("CREATE ROLE saimi_test_weak LOGIN PASSWORD 'weak'")
    try:
        await owner.execute("GRANT USAGE ON SCHEMA grafana TO saimi_test_weak")
        connection = await connect(as_role(county.url, "saimi_test_weak", "weak"))
        with pytest.raises(DatabaseError, match="CREATEROLE"):
            await make_role(connection, reader_of("lemi", "Lemi", prefix="saimi_test_weak_"))
        await connection.close()
    finally:
        await owner.execute("DROP OWNED BY saimi_test_weak; DROP ROLE saimi_test_weak")
