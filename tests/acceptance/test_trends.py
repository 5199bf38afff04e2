"""A client's trends over a year in a real browser, at the size of a phone."""

from __future__ import annotations

import asyncio
import math
import os
import random
import re
from collections.abc import Callable
from datetime import timedelta

from playwright.async_api import Page, expect

from ingest.aggregates import bring_up_to_date
from tests.acceptance.phones import PHONE, Phones
from tests.integration.web_support import County
from tests.support.waiting import eventually

SIGNS = {"pulse": 70.0, "spo2": 95.0, "respiratory_rate": 16.0, "systolic": 130.0, "weight": 70.0}
CHARTS = len(SIGNS) + 1
"""Those, and NEWS2."""
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

_AS_WIDE = """() => [...document.querySelectorAll(".chart:not([hidden])")].every((box) => {
  const { paddingLeft, paddingRight } = getComputedStyle(box);
  const room = box.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
  return Math.abs(box.querySelector(".uplot").getBoundingClientRect().width - room) < 2;
})"""


async def _a_year(place: County) -> None:
    subject, home, now = await place.subject("aino"), await place.home("aino"), place.clock.now()
    first = now - timedelta(days=364)
    times = [first + timedelta(hours=2 * n) for n in range(12 * 364)]
    chance = random.Random(7)
    for name, mean in SIGNS.items():
        values = [
            (at, round(mean + 2 * math.sin(n / 300) + chance.gauss(0, 0.8), 1))
            for n, at in enumerate(times)
        ]
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
    episode = await place.open(await place.subject("aino"))
    await place.set_clock(place.clock.now() + timedelta(minutes=1))
    path = f"/clients/{await place.pseudonym('aino')}/trends"
    page = await phones.log_in("nurse", path=path)
    await expect(page.locator(".chart canvas")).to_have_count(CHARTS)
    await page.evaluate(_LONGEST_TASK)

    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/api/readings" in one.url else None)
    record_property("year_drawn_ms", round(await page.evaluate(_TIMED_YEAR)))
    await expect(page.locator("#resolution")).to_have_text(
        "Päivien keskiarvot; epävarmat mittaukset ovat mukana."
    )
    await _drawn(page)
    await expect(page.locator(".chart canvas")).to_have_count(CHARTS)
    raster = page.locator(".place canvas.raster")
    await expect(raster).to_have_count(1)
    assert await raster.get_attribute("height") == "24"
    assert int(await raster.get_attribute("width") or 0) >= 365
    label = await raster.get_attribute("aria-label") or ""
    assert "yöllä" in label
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]

    # What happened is beside it, and one tap away.
    await expect(page.locator("#happened li")).to_have_count(1)
    await expect(page.locator("#happened li a")).to_have_text("Hätä: NEWS2")
    known = page.get_by_role("img", name=re.compile("Syke: tiedossa"))
    await expect(known).to_be_visible()
    await expect(page.locator("#heard .place")).to_have_count(2)

    if folder := os.environ.get("SAIMI_PICTURES"):  # make pictures
        await page.screenshot(path=f"{folder}/year.png", full_page=True)

    # Of a phone that is turned and turned back the charts are as wide as the screen.
    async def as_wide() -> bool:
        return bool(await page.evaluate(_AS_WIDE))

    await page.set_viewport_size({"width": PHONE["height"], "height": PHONE["width"]})
    await eventually(as_wide)
    await page.set_viewport_size(PHONE)
    await eventually(as_wide)

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
    await page.locator("#later").click()
    await page.locator("#happened li a").click()
    await expect(page).to_have_url(re.compile(f"/episodes/{episode}$"))
    assert phones.complaints == []


async def test_two_periods_on_the_page_and_on_paper(place: County, phones: Phones) -> None:
    await _a_year(place)
    path = f"/clients/{await place.pseudonym('aino')}/trends"
    page = await phones.log_in("nurse", path=path)
    await expect(page.locator(".chart canvas")).to_have_count(CHARTS)
    await expect(page.locator("#comparison")).to_be_hidden()
    await page.locator("[data-hours='720']").click()
    await page.locator("#with").select_option("before")
    rows = page.locator("#comparison tbody").first.locator("tr")
    await expect(rows).to_have_count(len(SIGNS))
    await expect(page.locator("#comparison")).to_contain_text("keittiö")
    await expect(page.locator(".chart-plot").nth(1)).to_have_attribute(
        "aria-label", re.compile("aiempi jakso")
    )
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    # A day that is not earlier is refused beside the charts, which stay.
    await page.locator("#with").select_option("date")
    await page.locator("#with-date").fill(place.clock.now().date().isoformat())
    await expect(page.locator("#comparison .notice")).to_contain_text("aiempana päivänä")
    await expect(page.locator(".chart canvas")).to_have_count(CHARTS)
    phones.complaints.clear()  # the browser tells of the 400

    # What is shown is in the address, and is there again.
    await page.locator("#with").select_option("year")
    await expect(page.locator("#span-earlier")).not_to_be_empty()
    shown = await page.locator("#span").text_content()
    await page.reload()
    await expect(page.locator(".chart canvas")).to_have_count(CHARTS)
    await expect(page.locator("#with")).to_have_value("year")
    assert await page.locator("#span").text_content() == shown

    await page.locator("#visit").click()
    await expect(page.locator(".paper .chart canvas")).to_have_count(CHARTS)
    await expect(page.locator(".chart canvas")).to_have_count(CHARTS)
    await expect(page.locator(".paper h1")).to_have_text("Aino Ahola")
    await page.emulate_media(media="print")
    for screen_only in (".bar", ".tabs", "#print"):
        await expect(page.locator(screen_only)).to_be_hidden()
    # On paper no chart is wider than its box, though the screen's were.
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert await page.evaluate(_AS_WIDE)
    paper = await page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF-")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 3
    details = await place.connection.fetch("SELECT detail FROM audit.access WHERE what = 'trends'")
    assert any("print" in str(row["detail"]) for row in details)
    assert phones.complaints == []
