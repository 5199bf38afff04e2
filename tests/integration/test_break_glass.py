"""The page on which the glass is broken: what it asks for, opens, says, and to whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.integration.web_support import NOW, Browser, County, county, logged_in, serving

REASON = "found lying in the yard <b>now</b>"


@dataclass
class Served:
    place: County
    address: str
    berta: str

    async def submit(self, browser: Browser, **changed: str) -> tuple[int, str]:
        form = {
            "given_name": "Berta", "family_name": "Berg", "born": "1950-06-01", "reason": REASON,
            "token": browser.token,
        }  # fmt: skip
        async with browser.session.post(
            "/break-glass", data=form | changed, allow_redirects=False
        ) as answer:
            return answer.status, answer.headers.get("Location", await answer.text())


@pytest.fixture
async def served(plain_database_url: str) -> AsyncIterator[Served]:
    async with county(plain_database_url) as place, serving(place) as address:
        yield Served(place, address, await place.pseudonym("berta"))


async def test_it_opens_one_client_with_a_banner_until_the_time_is_over(served: Served) -> None:
    trends = f"/clients/{served.berta}/trends"
    async with logged_in(served.address, "nurse") as nurse:
        await nurse.page(trends, status=404)
        assert await served.submit(nurse) == (303, trends)
        assert "vain hätätilanteen vuoksi" in await nurse.page(trends)
        mine = await nurse.page("/break-glass")
        assert "Berta Berg" in mine
        assert "&lt;b&gt;now&lt;/b&gt;" in mine
        await served.place.set_clock(NOW + timedelta(hours=4, seconds=1))
        await nurse.page(trends, status=404)
        over = await nurse.page("/break-glass")
        assert "Berta" not in over
        assert "päättynyt" in over
    async with logged_in(served.address, "desk") as desk:
        told = await desk.page("/break-glass")
        assert "Berta Berg" in told
        assert "Nina Nurse" in told
        assert '<form method="post" action="/break-glass"' not in told
    async with logged_in(served.address, "mate") as mate:
        assert "lying" not in await mate.page("/break-glass")
    # Who sees the client anyhow is told nothing of emergencies.
    async with logged_in(served.address, "stranger") as own:
        assert "hätätilanteen vuoksi" not in await own.page(trends)
    looks = await served.place.looks()
    assert ("nurse", "berta", "break_glass", "break_glass") in looks
    assert ("nurse", "berta", "trends", "break_glass") in looks
    assert ("desk", "berta", "list", "desk") in looks


async def test_what_is_wrong_with_it_is_said_and_nothing_opened(served: Served) -> None:
    async with logged_in(served.address, "nurse") as nurse:
        for wrong in ({"reason": "short"}, {"born": "1.6.1950"}, {"family_name": ""}):
            status, page = await served.submit(nurse, **wrong)
            assert status == 400
            assert "vähintään kymmenen" in page
        # What would not be kept whole is not cut: it is there to be made shorter.
        status, page = await served.submit(nurse, reason="found lying " * 90)
        assert status == 400
        assert "found lying " * 89 in page
        status, page = await served.submit(nurse, family_name="Bergström")
        assert status == 400
        assert "Bergström" in page
        status, page = await served.submit(nurse, token="another")
        assert status == 403
    for username in ("desk", "operator"):
        async with logged_in(served.address, username) as other:
            assert (await served.submit(other))[0] == 400
    assert await served.place.connection.fetchval("SELECT count(*) FROM registry.broken_glass") == 0
