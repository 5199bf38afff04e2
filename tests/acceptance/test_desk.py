"""The county's desk in a browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import async_playwright, expect

from core.clock import ManualClock, wall_time
from tests.acceptance.phones import PHONE, Phones, alive
from tests.integration.web_support import County, county, serving
from tests.support.databases import Databases

AREA = "#board tr:has(th:text-is('Imatra')) td[data-severity='3']"


async def _open(place: County) -> int:
    return await place.open(await place.subject("aino"), severity=3)


@pytest.mark.parametrize("path", ["/desk", "/desk?wall"])
async def test_an_alert_waits_is_overdue_is_taken_and_gone_and_the_desk_sees_each(
    path: str, plain_databases: Databases, chromium: dict[str, object]
) -> None:
    url = plain_databases.create()
    async with async_playwright() as playwright, county(url) as place:
        browser = await playwright.chromium.launch(**chromium)  # type: ignore[arg-type] # options
        place.clock = ManualClock(wall_time())
        await place.set_clock(wall_time())
        async with alive(place), serving(place) as address:
            phones = Phones(browser, address)
            desk = await phones.log_in("desk", viewport={"width": 1920, "height": 1080})
            await desk.goto(address + path)
            await expect(desk.locator("#total-open")).to_have_text("0")
            await expect(desk.locator("#live")).to_have_attribute("data-state", "live")
            number = await _open(place)
            await expect(desk.locator("#total-waiting")).to_have_text("1")
            await expect(desk.locator(AREA)).to_have_attribute("data-state", "waiting")
            await place.set_clock(place.clock.now() + timedelta(minutes=11))
            await expect(desk.locator("#total-overdue")).to_have_text("1")
            await expect(desk.locator("#overdue")).to_have_attribute("data-late", "")
            await expect(desk.locator("#pressing li")).to_contain_text("overdue")
            await expect(desk.locator("#said p")).to_contain_text("Imatra")
            # The focus stays with the alert while figures change beside it.
            await desk.locator("#pressing a").first.focus()
            await place.open(await place.subject("berta"), severity=2)
            await expect(desk.locator("#total-open")).to_have_text("2")
            nurse = await phones.log_in("nurse", viewport=PHONE)
            await nurse.locator(f".card[data-id='{number}'] .actions button").click()
            await expect(desk.locator(AREA)).to_have_attribute("data-state", "open")
            await expect(desk.locator("#total-overdue")).to_have_text("0")
            await expect(desk.locator("#pressing li")).to_have_count(1)
            place.silent.add("alerts")
            await expect(desk.locator("#banner")).to_be_visible()
            assert phones.complaints == []
        await browser.close()
    plain_databases.drop(url)


async def test_a_wall_is_read_from_four_metres(
    plain_databases: Databases, chromium: dict[str, object]
) -> None:
    # A 55-inch screen of 1,080 lines is 685 mm high; at four metres the smallest letters that are
    # read without effort are 4,000 / 200 = 20 mm high, capitals 0.7 of the font's size. What is
    # only looked up (who was called) may be half of that.
    url = plain_databases.create()
    async with async_playwright() as playwright, county(url) as place:
        browser = await playwright.chromium.launch(**chromium)  # type: ignore[arg-type] # options
        await _open(place)
        async with alive(place), serving(place) as address:
            phones = Phones(browser, address)
            wall = await phones.log_in("desk", viewport={"width": 1920, "height": 1080})
            await wall.goto(f"{address}/desk?wall")
            await expect(wall.locator("#board tbody tr")).to_have_count(3)
            sizes = await wall.evaluate(
                "(names) => names.map((one) =>"
                " parseFloat(getComputedStyle(document.querySelector(one)).fontSize))",
                ["#total-overdue", ".count b", "#board tbody th", "#pressing .what", ".called"],
            )
            millimetres = [size * 0.7 * 685 / 1080 for size in sizes]
            assert min(millimetres[:2]) >= 19, millimetres
            assert min(millimetres) >= 10, millimetres
            fits = "document.documentElement.scrollHeight <= innerHeight"
            assert await wall.evaluate(fits)
        await browser.close()
    plain_databases.drop(url)
