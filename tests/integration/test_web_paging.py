"""The list of alerts, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.web_support import County, county, logged_in, serving


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


async def test_pages_show_each_alert_once_while_others_come_and_go(place: County) -> None:
    aino, berta = await place.subject("aino"), await place.subject("berta")
    for number in range(7):
        await place.open(aino, origin=f"a-{number}", severity=1 + number % 3)
        await place.open(berta, origin=f"b-{number}", severity=2)  # never the nurse's to see
    async with serving(place) as address, logged_in(address, "nurse") as nurse:
        whole = await nurse.get("/api/episodes")
        expected = [one["id"] for one in whole["episodes"]]
        assert (len(expected), whole["next"]) == (7, None)
        before = len(await place.looks())
        first = await nurse.get("/api/episodes?limit=3")
        assert [one["id"] for one in first["episodes"]] == expected[:3]
        assert len(await place.looks()) > before
        # One that was shown goes, one comes in front: neither moves the pages behind.
        await place.connection.execute(
            "UPDATE alerts.episode SET closed_at = opened_at, closed_by = 1, outcome = 'false'"
            " WHERE id = $1", expected[0],
        )  # fmt: skip
        await place.open(aino, origin="new", severity=4)
        found, cursor = [], first["next"]
        while cursor is not None:
            page = await nurse.get(f"/api/episodes?limit=3&cursor={cursor}")
            found += [one["id"] for one in page["episodes"]]
            cursor = page["next"]
        assert found == expected[3:]


async def test_what_is_no_page_is_refused_in_one_sentence(place: County) -> None:
    async with serving(place) as address, logged_in(address, "mate") as mate:
        for limit in ("0", "501", "-1", "x", "1" * 40, ""):
            refused = await mate.get(f"/api/episodes?limit={limit}", status=400)
            assert refused["error"] == "En sida har 1–500 poster: begär så många."
        for cursor in ("x", "", "W10", "9" * 200):
            refused = await mate.get(f"/api/episodes?cursor={cursor}", status=400)
            assert refused["error"].startswith("Det här är ingen sida")
