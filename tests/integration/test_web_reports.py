"""The county's month, for the desk alone and counted from rows; and a client's twelve weeks."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.integration.web_support import NOW, Browser, County, county, logged_in, serving
from tests.integration.weeks_support import twelve_weeks
from web.reports.month import month_of

MONTH = month_of(NOW)
PATHS = tuple(f"/desk/reports/{MONTH}{end}" for end in ("", "/file.pdf", "/file.csv"))


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


async def _rows(browser: Browser) -> list[dict[str, str]]:
    async with browser.session.get(PATHS[2]) as answer:
        assert answer.status == 200
        return list(csv.DictReader(io.StringIO(await answer.text())))


async def test_the_figures_are_counted_from_the_rows_and_name_nobody(place: County) -> None:
    for client in ("aino", "berta"):
        await place.open(await place.subject(client))
    await place.set_clock(NOW + timedelta(hours=1))
    async with serving(place) as address, logged_in(address, "desk") as desk:
        looks = len(await place.looks())
        rows = await _rows(desk)
        assert len(rows) == 2
        assert len({row["area"] for row in rows}) == 2
        page = await desk.page(PATHS[0])
        assert 'id="areas"' in page
        assert "2 " in page.split('id="said"')[1].split("</li>")[0]
        names = await place.connection.fetch("SELECT family_name FROM registry.client")
        assert not [name for (name,) in names if name in page]
        async with desk.session.get(PATHS[1]) as answer:
            assert answer.content_type == "application/pdf"
            assert (await answer.read()).startswith(b"%PDF-1.7")
        assert len(await place.looks()) == looks


async def test_the_report_is_the_desks(place: County) -> None:
    async with serving(place) as address, logged_in(address, "nurse") as nurse:
        for path in ("/desk/reports", *PATHS):
            await nurse.page(path, status=404)
    async with serving(place) as address, logged_in(address, "desk") as desk:
        for month in (MONTH.moved(1), "2026-13", "1999-12"):
            await desk.page(f"/desk/reports/{month}", status=404)


async def test_a_clients_weeks_say_what_changed_and_are_on_record(place: County) -> None:
    await twelve_weeks(place)
    await place.open(await place.subject("aino"), "fall")
    aino, berta = await place.pseudonym("aino"), await place.pseudonym("berta")
    async with serving(place) as address, logged_in(address, "nurse") as nurse:
        await place.connection.execute(
            "UPDATE registry.member SET language = 'en' WHERE username = 'nurse'"
        )
        before = len(await place.looks())
        page = await nurse.page(f"/clients/{aino}/report")
        assert "Movement a night (22–6): 200" in page
        assert "In the kitchen: movement a day: 33" in page
        assert 'id="vitals"' in page
        assert 'id="alerts"' in page
        async with nurse.session.get(f"/clients/{aino}/report.pdf") as answer:
            assert answer.content_type == "application/pdf"
            assert (await answer.read()).startswith(b"%PDF-1.7")
        assert (await place.looks())[before:] == [("nurse", "aino", "trends", "care")] * 2
        details = await place.connection.fetch(
            "SELECT detail ->> 'format' FROM audit.access"
            " WHERE detail ->> 'report' = 'functional' ORDER BY id"
        )
        assert [form for (form,) in details] == ["page", "pdf"]
        # Of another team, and a home: not found, and no look.
        home = await place.connection.fetchval(
            "SELECT pseudonym FROM registry.subject WHERE id = $1", await place.home("aino")
        )
        for other in (berta, home):
            await nurse.page(f"/clients/{other}/report", status=404)
        assert len(await place.looks()) == before + 2
