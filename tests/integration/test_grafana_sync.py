"""`saimi grafana sync` against a server that records what it is asked and holds it to the API's
documentation; the roles are real."""

from __future__ import annotations

import copy
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from core.database import connect
from core.errors import ConflictError, DatabaseError, SettingsError
from dashboards.links import Links
from dashboards.roles import drop_role, known_readers
from dashboards.server import (
    Grafana,
    GrafanaError,
    GrafanaPermissionError,
    GrafanaVersionError,
)
from dashboards.sync import NAME, Outcome, Wish, sync
from tests.support.grafana import as_role
from tests.support.recording_grafana import Organisation, RecordingGrafana, recording_grafana

AREAS = {"im": "Imatra", "la": "Lappeenranta"}


@pytest.fixture
async def database(plain_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(plain_database_url)
    for code, name in AREAS.items():
        await connection.execute(
            "INSERT INTO registry.area (code, name) VALUES ($1, $2)", code, name
        )
    yield connection
    for known in await known_readers(connection):
        await drop_role(connection, known.role)
    await connection.close()


@pytest.fixture
async def grafana() -> AsyncIterator[RecordingGrafana]:
    async with recording_grafana() as one:
        yield one


@pytest.fixture
def wish(plain_database_url: str) -> Wish:
    name = plain_database_url.rpartition("/")[2]
    return Wish(
        database=name,
        host="127.0.0.1:5432",
        sslmode="disable",
        language="en",
        links=Links("https://saimi.example"),
        prometheus_url="http://prometheus:9090",
        prefix=f"saimi_test_{secrets.token_hex(4)}_",
    )


async def _sync(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish, *, check: bool = False
) -> Outcome:
    return await sync(database, Grafana(grafana.url()), wish, check=check)


async def test_everything_is_made_and_a_second_time_changes_nothing(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish, plain_database_url: str
) -> None:
    planned = await _sync(database, grafana, wish, check=True)
    assert grafana.writes() == []
    assert await known_readers(database) == []
    done = await _sync(database, grafana, wish)
    assert done.changes == planned.changes
    assert done.version == "11.6.0"
    names = {one.name for one in grafana.organisations.values()}
    assert names == {"Main Org.", f"{NAME}Whole county", f"{NAME}Imatra", f"{NAME}Lappeenranta"}
    assert grafana.organisations[1] == Organisation("Main Org.")
    imatra, county = grafana.named(f"{NAME}Imatra"), grafana.named(f"{NAME}Whole county")
    assert set(imatra.dashboards) == {"saimi-team", "saimi-client"}
    assert set(county.dashboards) == {"saimi-county", "saimi-operations"}
    assert set(imatra.data_sources) == {"saimi"}
    assert set(county.data_sources) == {"saimi", "saimi-prometheus"}
    assert imatra.folders["saimi"]["title"] == "Saimi"
    # What Grafana was given opens the database, to that area only.
    source = imatra.data_sources["saimi"]
    url = as_role(plain_database_url, source["user"], imatra.secrets["saimi"]["password"])
    connection = await asyncpg.connect(url)
    assert await connection.fetch("SELECT * FROM grafana.client") == []
    await connection.close()
    known = {one.area: one.organisation for one in await known_readers(database)}
    assert {grafana.organisations[known[area] or 0].name for area in AREAS} == {
        f"{NAME}{name}" for name in AREAS.values()
    }
    before = copy.deepcopy(grafana.organisations)
    grafana.asked.clear()
    for check in (True, False):
        again = await _sync(database, grafana, wish, check=check)
        assert again.changes == again.warnings == []
    assert grafana.writes() == []
    assert grafana.organisations == before


async def test_drift_is_told_and_put_right(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish
) -> None:
    await _sync(database, grafana, wish)
    imatra = grafana.named(f"{NAME}Imatra")
    board = imatra.dashboards["saimi-client"]["dashboard"]
    good = copy.deepcopy(imatra)
    board["panels"].append({"id": 99, "title": "mine", "type": "text"})
    board["version"] = 4
    board["addedByGrafana"] = True
    imatra.dashboards["saimi-team"]["folderUid"] = ""
    imatra.data_sources["saimi"]["user"] = "postgres"
    imatra.folders["saimi"]["title"] = "Something"
    told = await _sync(database, grafana, wish, check=True)
    assert told.changes == [
        f"update data source saimi of {NAME}Imatra",
        f"update folder saimi of {NAME}Imatra",
        f"update dashboard saimi-team of {NAME}Imatra",
        f"update dashboard saimi-client of {NAME}Imatra",
    ]
    done = await _sync(database, grafana, wish)
    assert done.changes == told.changes
    assert imatra.data_sources == good.data_sources
    assert [p["title"] for p in imatra.dashboards["saimi-client"]["dashboard"]["panels"]] == [
        p["title"] for p in good.dashboards["saimi-client"]["dashboard"]["panels"]
    ]
    assert (await _sync(database, grafana, wish, check=True)).changes == []


@pytest.mark.parametrize("how", ["secret", "role", "password"])
async def test_a_data_source_that_lost_its_password_gets_another(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish, how: str
) -> None:
    await _sync(database, grafana, wish)
    imatra = grafana.named(f"{NAME}Imatra")
    role, old = imatra.data_sources["saimi"]["user"], imatra.secrets["saimi"].get("password")
    if how == "secret":
        imatra.secrets["saimi"].clear()
    elif how == "role":
        await database.execute(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')
    else:
        grafana.reaches = lambda _source, kept: (
            "password authentication failed" if kept.get("password") == old else None
        )
    done = await _sync(database, grafana, wish)
    assert done.changes == [f"update data source saimi of {NAME}Imatra"]
    assert imatra.secrets["saimi"]["password"] != old
    assert (await _sync(database, grafana, wish, check=True)).changes == []


async def test_what_is_no_longer_wanted_goes_and_what_others_made_stays(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish
) -> None:
    await _sync(database, grafana, wish)
    imatra = grafana.named(f"{NAME}Imatra")

    def board(uid: str, folder: str = "saimi") -> dict[str, Any]:
        document = {"title": uid, "uid": uid, "version": 1, "tags": ["saimi"]}
        return {"dashboard": document, "folderUid": folder}

    imatra.dashboards["mine"] = board("mine")
    imatra.dashboards["saimi-old"] = board("saimi-old")
    imatra.dashboards["saimi-elsewhere"] = board("saimi-elsewhere", folder="")
    done = await _sync(database, grafana, replace(wish, prometheus_url=None))
    assert f"remove dashboard saimi-old of {NAME}Imatra" in done.changes
    assert f"remove data source saimi-prometheus of {NAME}Whole county" in done.changes
    assert {"mine", "saimi-elsewhere"} < set(imatra.dashboards)
    # Areas go: one with another's things in it stays without Saimi's, the other goes whole.
    done = await _sync(database, grafana, replace(wish, areas=frozenset(), prometheus_url=None))
    assert f"remove organisation {NAME}Lappeenranta" in done.changes
    assert done.warnings == [f"{NAME}Imatra stays: it holds what is not Saimi's."]
    assert set(imatra.dashboards) == {"mine", "saimi-elsewhere"}
    assert imatra.data_sources == {}
    assert {one.name for one in grafana.organisations.values()} == {
        "Main Org.", f"{NAME}Whole county", f"{NAME}Imatra",
    }  # fmt: skip
    assert [one.area for one in await known_readers(database)] == [None]
    assert grafana.organisations[1] == Organisation("Main Org.")


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "/orgs", "orgs:read"),
        ("POST", "/orgs", "orgs:create"),
        ("GET", "/datasources", "datasources:read"),
        ("POST", "/datasources", "datasources:create"),
        ("POST", "/folders", "folders:create"),
        ("GET", "/search", "dashboards:read"),
        ("POST", "/dashboards/db", "dashboards:create"),
    ],
)
async def test_which_permission_is_missing_is_said(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish,
    method: str, path: str, permission: str,
) -> None:  # fmt: skip
    grafana.refuses[method, path] = (403, {"message": "Access denied"})
    with pytest.raises(GrafanaPermissionError, match=f"permission {permission}"):
        await _sync(database, grafana, wish)
    own = "You'll need additional permissions. Permissions needed: all of some:thing"
    grafana.refuses[method, path] = (403, {"message": own})
    with pytest.raises(GrafanaPermissionError, match="permission all of some:thing"):
        await _sync(database, grafana, wish)
    # Afterwards it goes on from where it was refused, and leaves nothing half done.
    grafana.refuses.clear()
    await _sync(database, grafana, wish)
    assert (await _sync(database, grafana, wish, check=True)).changes == []


async def test_a_refused_data_source_keeps_the_password_that_grafana_has(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish, plain_database_url: str
) -> None:
    await _sync(database, grafana, wish)
    imatra = grafana.named(f"{NAME}Imatra")
    imatra.data_sources["saimi"]["url"] = "elsewhere:5432"
    grafana.refuses["PUT", "/datasources"] = (500, {"message": "no\n\x1b[31mroom"})
    with pytest.raises(GrafanaError, match=r"status 500: Server Error 500: no \[31mroom"):
        await _sync(database, grafana, wish)
    user, password = imatra.data_sources["saimi"]["user"], imatra.secrets["saimi"]["password"]
    await (await asyncpg.connect(as_role(plain_database_url, user, password))).close()


async def test_what_somebody_changes_meanwhile_is_not_written_over(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish
) -> None:
    await _sync(database, grafana, wish)
    board = grafana.named(f"{NAME}Imatra").dashboards["saimi-team"]["dashboard"]
    board["title"] = "Changed"

    def meanwhile() -> None:
        board["version"] += 1

    grafana.before_write = meanwhile
    with pytest.raises(ConflictError, match="run this again"):
        await _sync(database, grafana, wish)
    grafana.before_write = lambda: None
    assert (await _sync(database, grafana, wish)).changes == [
        f"update dashboard saimi-team of {NAME}Imatra"
    ]


@pytest.mark.parametrize("version", ["10.4.1", "13.0.0", "", None, "x" * 3000])
async def test_another_version_is_left_alone(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish, version: Any
) -> None:
    grafana.version = version
    with pytest.raises(GrafanaVersionError, match="nothing was changed"):
        await _sync(database, grafana, wish)
    assert grafana.writes() == []


async def test_a_wrong_password_and_a_server_that_is_away_are_one_sentence(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish
) -> None:
    wrong = grafana.url().replace("p%40ss", "wrong")
    with pytest.raises(GrafanaPermissionError, match="SAIMI_GRAFANA_URL"):
        await sync(database, Grafana(wrong), wish, check=False)
    with pytest.raises(GrafanaError, match="does not answer"):
        await sync(database, Grafana("http://a:b@127.0.0.1:1"), wish, check=False)
    for other in ("ftp://a:b@host", "http://host", "http://a:b@host:x", "nonsense"):
        with pytest.raises(SettingsError, match="SAIMI_GRAFANA_URL"):
            Grafana(other)


async def test_something_else_than_grafana_is_recognised(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish
) -> None:
    grafana.refuses["GET", "/orgs"] = (200, {"message": "hello"})
    with pytest.raises(GrafanaError, match="no Grafana that Saimi knows"):
        await _sync(database, grafana, wish)


async def test_a_database_user_who_may_not_make_roles_is_told_so(
    database: asyncpg.Connection, grafana: RecordingGrafana, wish: Wish, plain_database_url: str
) -> None:
    weak = f"saimi_test_{secrets.token_hex(4)}"
    await database.execute(
        f"CREATE ROLE {weak} LOGIN PASSWORD 'weak';"
        f"GRANT USAGE ON SCHEMA grafana, registry TO {weak};"
        f"GRANT SELECT ON grafana.role, registry.area TO {weak}"
    )
    try:
        connection = await connect(as_role(plain_database_url, weak, "weak"))
        with pytest.raises(DatabaseError, match="CREATEROLE"):
            await _sync(connection, grafana, wish)
        await connection.close()
    finally:
        await database.execute(f"DROP OWNED BY {weak}; DROP ROLE {weak}")
