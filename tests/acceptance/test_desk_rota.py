"""The rota at the desk, in a browser: a gap is seen, filled, given away, and the wall shows it."""

from __future__ import annotations

from datetime import timedelta

from playwright.async_api import async_playwright, expect

from core.clock import ManualClock, wall_time
from tests.acceptance.phones import PHONE, Phones, alive
from tests.integration.web_support import county, serving
from tests.support.databases import Databases

_SIZES = (
    "(names) => names.map((one) =>"
    " parseFloat(getComputedStyle(document.querySelector(one)).fontSize))"
)


async def test_a_gap_is_filled_and_given_away_and_the_wall_shows_it(
    plain_databases: Databases, chromium: dict[str, object]
) -> None:
    url = plain_databases.create()
    async with async_playwright() as playwright, county(url) as place:
        browser = await playwright.chromium.launch(**chromium)  # type: ignore[arg-type] # options
        place.clock = ManualClock(wall_time())
        now = place.clock.now()
        await place.set_clock(now)
        await place.connection.execute(
            "INSERT INTO registry.shift (team, member, during) SELECT t.id, m.id,"
            " tstzrange($1, $2) FROM registry.team t, registry.member m"
            " WHERE t.name = 'Imatra team' AND m.username = 'mate'",
            now + timedelta(hours=5), now + timedelta(hours=12),
        )  # fmt: skip
        async with alive(place), serving(place) as address:
            phones = Phones(browser, address)
            wall = await phones.log_in("desk", viewport={"width": 1920, "height": 1080})
            await wall.goto(f"{address}/desk/rota?wall")
            card = wall.locator("#on-duty li:has(a:text-is('Imatra team'))")
            await expect(card).to_have_attribute("data-state", "unserved")
            await expect(card).to_contain_text("Nobody is on duty")
            # Read from four metres, as in test_desk.py: capitals of 10 mm at least, names of 19.
            sizes = await wall.evaluate(_SIZES, [".who b", ".then", "#on-duty h3", ".gaps a"])
            millimetres = [size * 0.7 * 685 / 1080 for size in sizes]
            assert (millimetres[0] >= 19, min(millimetres) >= 10) == (True, True), millimetres
            assert await wall.evaluate("document.documentElement.scrollHeight <= innerHeight")
            # On a phone: the gap is the first that is offered to be filled.
            desk = await phones.log_in("desk", viewport=PHONE)
            await desk.goto(f"{address}/desk/rota")
            await desk.locator("#gaps a").first.click()
            await desk.locator("[name=serving]").select_option(label="Nina Nurse")
            await desk.locator("[name=why]").fill("fills the gap")
            await desk.locator("#add button").click()
            await expect(desk.locator("#changes")).to_contain_text("Nina Nurse added")
            await expect(card).to_have_attribute("data-state", "served")
            await expect(card).to_contain_text("Nina Nurse")
            # Given away: two people, one change.
            await desk.locator(".days .on a").click()
            await desk.locator("[name=serving]").select_option(label="Matti Mate")
            await desk.locator("[name=why]").fill("has a fever")
            await desk.locator("#shift button").click()
            await expect(desk.locator("#changes li").first).to_contain_text(
                "Matti Mate instead of Nina Nurse"
            )
            await expect(card).to_contain_text("Matti Mate")
            await expect(card).not_to_contain_text("Nina Nurse")
            assert phones.complaints == []
        await browser.close()
    plain_databases.drop(url)
