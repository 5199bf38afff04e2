"""A client's trends over a year in a real browser, at the size of a phone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import timedelta

from playwright.async_api import Page, expect

from ingest.aggregates import bring_up_to_date
from tests.acceptance.phones import PHONE, Phones
from tests.integration.web_support import County

SIGNS = {"pulse": 70.0, "spo2": 95.0, "respiratory_rate": 16.0, "systolic": 130.0, "weight": 70.0}
_LONGEST_TASK = """() => { window.longest = 0; new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration);
}).observe({ type: "longtask" }); }"""

_TIMED_YEAR = """async () => {
  const began = performance.now();
  document.querySelector("[data-hours='8760']").click();
  while (document.querySelector("#charts").hasAttribute("aria-busy")) {
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - began;
}"""


async def _a_year(place: County) -> None:
    subject, home, now = await place.subject("aino"), await place.home("aino"), place.clock.now()
    first = now - timedelta(days=364)
    times = [first + timedelta(hours=2 * n) for n in range(12 * 364)]
    for name, mean in SIGNS.items():
        values = [(at, round(mean + 3 * math.sin(n / 40), 1)) for n, at in enumerate(times)]
        await place.put(subject, "monitor-1", name, values)
    await place.put(home, "motion-kitchen", "motion", [(at, 1.0) for at in times])
    await place.connection.execute(
        "INSERT INTO telemetry.touched (touched_at, since, until) VALUES ($1, $2, $1)", now, first
    )
    await bring_up_to_date(place.connection, now)


async def _drawn(page: Page) -> None:
    await expect(page.locator("#charts")).not_to_have_attribute("aria-busy", "true")


async def test_a_year_on_a_phone(
    place: County, phones: Phones, record_property: Callable[[str, object], None]
) -> None:
    await _a_year(place)
    path = f"/clients/{await place.pseudonym('aino')}/trends"
    page = await phones.log_in("nurse", path=path)
    await expect(page.locator(".chart canvas")).to_have_count(len(SIGNS))
    await page.evaluate(_LONGEST_TASK)

    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/api/readings" in one.url else None)
    record_property("year_drawn_ms", round(await page.evaluate(_TIMED_YEAR)))
    await expect(page.locator("#resolution")).to_have_text(
        "Päivien keskiarvot; epävarmat mittaukset ovat mukana."
    )
    await _drawn(page)
    await expect(page.locator(".chart canvas")).to_have_count(len(SIGNS))
    raster = page.locator(".place canvas.raster")
    await expect(raster).to_have_count(1)
    assert await raster.get_attribute("height") == "24"
    assert int(await raster.get_attribute("width") or 0) >= 365
    label = await raster.get_attribute("aria-label") or ""
    assert "yöllä" in label
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]

    # A part of the year is fetched anew, as finely as its length allows.
    await page.locator("[data-hours='720']").click()
    await expect(page.locator("#resolution")).to_have_text(
        "Tuntien keskiarvot; epävarmat mittaukset ovat mukana."
    )
    await page.locator("#earlier").click()
    await _drawn(page)
    await expect(page.locator("#later")).to_be_enabled()
    assert len(asked) == 3

    longest = await page.evaluate("window.longest")
    record_property("longest_task_ms", longest)

    # The file is of the range that is shown.
    async with page.expect_download() as started:
        await page.locator("#csv").click()
    file = await (await started.value).path()
    lines = (await asyncio.to_thread(file.read_text)).splitlines()
    assert len(lines) == 1 + len(SIGNS) * 12 * 30
    assert phones.complaints == []
