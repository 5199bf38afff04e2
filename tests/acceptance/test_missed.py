"""A phone that was away: the list says what happened meanwhile, and the page what became of it."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.async_api import Page, expect

from tests.acceptance.phones import PHONE, Phones
from tests.integration.web_support import County
from tests.support.waiting import eventually

_HEARD = "() => JSON.parse(localStorage.getItem('saimi-heard'))"
_TWO_MINUTES_LATER = """() => {
  const heard = JSON.parse(localStorage.getItem("saimi-heard"));
  localStorage.setItem("saimi-heard", JSON.stringify({ ...heard, wall: heard.wall - 120000 }));
}"""


async def _heard(page: Page, *, after: float = 0) -> float:
    """When the list was last up to date, by the phone, once that is later than `after`."""

    async def later() -> bool:
        found = await page.evaluate(_HEARD)
        return found is not None and found["member"] == "nurse" and found["wall"] > after

    await eventually(later)
    return float((await page.evaluate(_HEARD))["wall"])


async def test_after_a_gap_the_list_says_what_was_missed(place: County, phones: Phones) -> None:
    aino = await place.subject("aino")
    page = await phones.log_in("nurse")
    heard = await _heard(page)
    strip = page.locator("#missed")
    # A page that is opened anew at once has missed nothing.
    await place.set_clock(place.clock.now() + timedelta(minutes=10))
    waiting = await place.open(aino, severity=4)
    await place.set_clock(place.clock.now() + timedelta(minutes=10))
    await page.reload()
    await _heard(page, after=heard)
    await expect(strip).to_be_hidden()

    # One that was away for two minutes has. Another page is no list.
    await page.goto(f"{phones.address}/episodes/{waiting}")
    await page.evaluate(_TWO_MINUTES_LATER)
    await place.set_clock(place.clock.now() + timedelta(minutes=2))
    second = await place.open(aino, "fall", severity=4)
    await page.goto(f"{phones.address}/")
    await expect(strip).to_contain_text("hälytyksiä 1, niistä yhä odottaa 1")
    await strip.locator("a").click()
    await expect(page.locator("h1")).to_have_text("Mitä minulta jäi näkemättä")
    await expect(page.locator(".card")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # Further back there is the other one too.
    await page.locator(".missed-since a").first.click()
    await expect(page.locator(".card")).to_have_count(2)
    await page.locator(f".card a[href='/episodes/{second}']").click()
    await expect(page).to_have_url(re.compile(f"/episodes/{second}$"))
    # From anywhere the menu leads there.
    await page.locator(".menu summary").click()
    await page.locator(".menu a[href='/missed']").click()
    await expect(page.locator(f".card a[href='/episodes/{waiting}']")).to_be_visible()
    assert phones.complaints == []
