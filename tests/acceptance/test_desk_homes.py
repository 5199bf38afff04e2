"""Homes of which nothing is heard, at the desk and on its wall."""

from __future__ import annotations

from datetime import timedelta

from playwright.async_api import async_playwright, expect

from core.clock import ManualClock, wall_time
from tests.acceptance.phones import PHONE, Phones, alive
from tests.integration.test_desk_homes import out, silent_home
from tests.integration.web_support import County, county, serving
from tests.support.databases import Databases

WALL = {"width": 1920, "height": 1080}
_SIZES = """(names) => names.map((name) => {
  const one = document.querySelector(name);
  const scale = one.ownerSVGElement ? one.ownerSVGElement.getScreenCTM().a : 1;
  return parseFloat(getComputedStyle(one).fontSize) * scale;
})"""


async def _on_the_map(place: County) -> None:
    for code, latitude, longitude in (("im", 61.17, 28.77), ("la", 61.06, 28.19)):
        await place.connection.execute(
            "UPDATE registry.area SET latitude = $2, longitude = $3 WHERE code = $1",
            code, latitude, longitude,
        )  # fmt: skip


async def test_the_desk_sees_a_home_fall_silent_and_an_area_go_out(
    plain_databases: Databases, chromium: dict[str, object]
) -> None:
    url = plain_databases.create()
    async with async_playwright() as playwright, county(url) as place:
        browser = await playwright.chromium.launch(**chromium)  # type: ignore[arg-type] # options
        place.clock = ManualClock(wall_time())
        await place.set_clock(wall_time())
        await _on_the_map(place)
        async with alive(place), serving(place) as address:
            phones = Phones(browser, address)
            desk = await phones.log_in("desk", viewport={"width": 1280, "height": 800})
            await desk.goto(f"{address}/desk/homes")
            await expect(desk.locator("#total-heard")).to_have_text("2")
            await expect(desk.locator("#map circle")).to_have_count(2)
            await expect(desk.locator("#pressing .nothing")).to_be_visible()
            number = await silent_home(place, "aino")
            link = desk.locator("#pressing a")
            await expect(link).to_have_attribute("href", f"/episodes/{number}")
            await expect(link).to_contain_text("Imatra")
            await expect(desk.locator("#map [data-state='silent'] .name")).to_have_text("Imatra")
            await link.focus()
            await out(place, "gw-2")
            await expect(desk.locator("#outages a")).to_contain_text("7 of 9")
            await expect(desk.locator("#said p")).to_contain_text("Lappeenranta")
            await expect(desk.locator("#map [data-state='out'] .name")).to_have_text("Lappeenranta")
            row = desk.locator("#board tr:has(th:text-is('Lappeenranta'))")
            await expect(row).to_contain_text("1 by an outage")
            await expect(link).to_be_focused()
            # On a phone the list says it all.
            await desk.set_viewport_size(PHONE)
            await expect(desk.locator("#map")).to_be_hidden()
            await expect(row).to_be_visible()
            assert phones.complaints == []
        await browser.close()
    plain_databases.drop(url)


async def test_the_wall_is_read_from_four_metres(
    plain_databases: Databases, chromium: dict[str, object]
) -> None:
    # As in test_desk.py: capitals of 10 mm at least on a 55-inch screen of 1,080 lines.
    url = plain_databases.create()
    async with async_playwright() as playwright, county(url) as place:
        browser = await playwright.chromium.launch(**chromium)  # type: ignore[arg-type] # options
        await _on_the_map(place)
        await silent_home(place, "aino")
        for gateway in ("gw-1", "gw-2"):
            await out(place, gateway)
        await place.set_clock(place.clock.now() + timedelta(minutes=3))
        async with alive(place), serving(place) as address:
            phones = Phones(browser, address)
            wall = await phones.log_in("desk", viewport=WALL)
            await wall.goto(f"{address}/desk/homes?wall")
            await expect(wall.locator("#outages li")).to_have_count(2)
            for one in await wall.locator("#outages li").all():
                await expect(one).to_be_in_viewport(ratio=1)
            sizes = await wall.evaluate(
                _SIZES, ["#total-out", "#map .number", "#map .name", "#outages .what", ".called"]
            )
            millimetres = [size * 0.7 * 685 / 1080 for size in sizes]
            assert min(millimetres) >= 10, millimetres
            assert await wall.evaluate("document.documentElement.scrollHeight <= innerHeight")
        await browser.close()
    plain_databases.drop(url)
