"""One client's data taken out: all of it, of nobody else, by who may, and on record."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from core.database import connect
from core.roles import web_urls
from tests.integration.steward_support import Desk, desk, logged_in
from tests.integration.test_own_view import Client, give
from tests.integration.web_support import NOW, Browser


@pytest.fixture
async def at(plain_database_url: str) -> AsyncIterator[Desk]:
    async with desk(plain_database_url) as one:
        place = one.place
        aino, home = await place.subject("aino"), await place.home("aino")
        await place.put(aino, "monitor-1", "spo2", [(NOW - timedelta(hours=1), 91.0)])
        await place.put(home, "motion-kitchen", "motion", [(NOW - timedelta(hours=2), 1.0)])
        await place.open(aino)
        await place.open(await place.subject("berta"), "help")
        await place.connection.execute(
            "INSERT INTO telemetry.reading_daily (subject, metric, device, bucket, count, suspect,"
            " sum, min, max, last, last_at) SELECT subject, metric, device, '2026-03-02 22:00Z', 1,"
            " 0, value, value, value, value, time FROM telemetry.reading"
        )
        yield one


async def taken(browser: Browser, path: str, form: dict[str, str]) -> zipfile.ZipFile:
    async with browser.session.post(path, data=form, allow_redirects=False) as answer:
        content = await answer.read()
        assert answer.status == 200, content
        assert answer.content_type == "application/zip"
        assert answer.headers["Content-Disposition"].startswith("attachment")
    return zipfile.ZipFile(io.BytesIO(content))


def read(archive: zipfile.ZipFile) -> tuple[dict[str, Any], list[dict[str, str]], str]:
    data = json.loads(archive.read("data.json"))
    rows = list(csv.DictReader(io.StringIO(archive.read("readings.csv").decode())))
    return data, rows, archive.read("index.html").decode()


async def test_a_client_takes_out_everything_of_theirs_and_nothing_of_others(at: Desk) -> None:
    client = Client(Browser(at.address))
    assert await client.log_in(await give(at), "1940-03-04") == 303
    page = await client.page()
    token = page.partition('name="token" value="')[2].partition('"')[0]
    archive = await taken(client.browser, "/own/export", {"token": token})
    await client.browser.session.close()
    data, rows, html = read(archive)
    assert data["client"]["given_name"] == "Aino"
    assert "door_code" in data["home"]
    assert data["limits"] == [
        {"metric": "spo2", "low": 88, "high": 92, "set_at": data["limits"][0]["set_at"]}
    ]
    assert [one["kind"] for one in data["alerts"]] == ["news2"]
    assert [one["what"] for one in data["alerts"][0]["events"]] == ["opened"]
    assert {one["what"] for one in data["looks"]} >= {"own_login", "own_view", "export"}
    assert [(row["metric"], row["value"], row["device"]) for row in rows] == [
        ("spo2", "91", "wearable")
    ]  # Urho lives there as well: the home's sensors are about both.
    assert b"spo2" in archive.read("days.csv")
    assert "Happisaturaatio" in html
    assert "Nina Nurse" in html
    for other in ("Berta", "Berg", "Urho"):
        assert other not in str(data) + html


async def test_staff_take_it_out_for_a_reason_where_they_may(at: Desk) -> None:
    path = f"/clients/{await at.pseudonym()}/export"
    async with logged_in(at.address, "klaara") as browser:
        form = {"token": browser.token, "why": ""}
        async with browser.session.post(path, data=form) as answer:
            assert answer.status == 400
        archive = await taken(browser, path, form | {"why": "asked by the client"})
        data, _, _ = read(archive)
        assert "door_code" not in data["home"]
    for name, status, shown in (("nurse", 403, 200), ("stranger", 404, 404)):
        async with logged_in(at.address, name) as browser:
            page = await browser.page(path, status=shown)
            assert 'name="why"' not in page
            form = {"token": browser.token, "why": "curious"}
            async with browser.session.post(path, data=form) as answer:
                assert answer.status == status
    looks = await at.place.connection.fetch("SELECT * FROM audit.access WHERE what = 'export'")
    assert [(look["detail"], look["purpose"]) for look in looks] == [
        ({"why": "asked by the client"}, "care")
    ]


async def test_who_lives_alone_has_the_homes_readings_too(at: Desk) -> None:
    await at.place.connection.execute(
        "UPDATE registry.subject SET home = 2 WHERE id = $1", await at.place.subject("urho")
    )
    async with logged_in(at.address, "desk") as browser:
        form = {"token": browser.token, "why": "asked by the client"}
        path = f"/clients/{await at.pseudonym()}/export"
        _, rows, _ = read(await taken(browser, path, form))
    assert {row["metric"] for row in rows} == {"spo2", "motion"}


async def test_the_webs_role_takes_out_nothing_for_nobody(at: Desk) -> None:
    web = await connect((await web_urls(at.place.url)).web)
    aino = await at.place.subject("aino")
    try:
        assert await web.fetchval("SELECT audit.export_of($1)", aino) is None
        assert await web.fetch("SELECT * FROM audit.exported_readings($1)", aino) == []
        assert await web.fetch("SELECT * FROM audit.exported_days($1)", aino) == []
        assert await web.fetchval("SELECT audit.note_export($1, 'x')", aino) is False
    finally:
        await web.close()
