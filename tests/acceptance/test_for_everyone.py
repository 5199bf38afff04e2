"""Every page for everyone: axe finds nothing, in three languages, by day and by night, on a phone
and on a desk; and nothing has to be scrolled sideways.

axe-core's rules for WCAG 2.0 to 2.2, levels A and AA, and its good practices. What no program can
see (order of focus, focus after a dialog) is in test_keyboard.py.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib.resources import files

import pytest
import pytest_asyncio
from playwright.async_api import Page, ViewportSize, async_playwright, expect

from core.clock import ManualClock, wall_time
from tests.acceptance.furnished import furnish
from tests.acceptance.pages import PAGES, Listed
from tests.acceptance.phones import PHONE, Phones, alive
from tests.integration.web_support import County, county, serving
from tests.support.databases import Databases
from web.parts import LANGUAGE_COOKIE

pytestmark = pytest.mark.asyncio(loop_scope="module")

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
CLIENT = "aino"
"""Whose own pages these are; all others are members."""
DESK: ViewportSize = {"width": 1280, "height": 800}
LOOKS = {
    "fi": ((PHONE, "light"), (DESK, "dark")),
    "sv": ((DESK, "light"), (PHONE, "dark")),
    "en": ((DESK, "dark"), (PHONE, "light")),
}
"""Each language by day and by night; each of these on a phone and on a desk. Dialogs are opened
in the second look of each.
"""
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
_RUN = f"""async (within) => {{
  const found = await axe.run(within ?? document, {json.dumps(RULES)});
  return found.violations.flatMap((one) => one.nodes.map((node) =>
    `${{one.id}}: ${{node.target}}: ${{node.failureSummary}}`));
}}"""
_SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Site:
    """A furnished county, served, and one logged-in page of each member."""

    place: County
    phones: Phones
    made: dict[str, object]
    pages: dict[str | None, Page] = field(default_factory=dict)

    async def page(self, who: str | None) -> Page:
        """The page of a member; with None, of nobody."""
        if who not in self.pages:
            self.pages[who] = (
                await (await self.phones.context(reduced_motion="reduce")).new_page()
                if who in (None, CLIENT)
                else await self.phones.log_in(str(who), reduced_motion="reduce")
            )
            if who == CLIENT:
                await self._as_client(self.pages[who])
        return self.pages[who]

    async def _as_client(self, page: Page) -> None:
        await page.goto(f"{self.phones.address}/own/login")
        await page.locator("[name=code]").fill(str(self.made["code"]))
        await page.locator("[name=born]").fill("1940-03-04")
        await page.locator(".sheet button").click()
        await expect(page.locator("#call")).to_be_visible()

    async def open(self, listed: Listed, language: str) -> Page:
        """The listed page in a language, all of it drawn, with axe in it."""
        page = await self.page(listed.who)
        if listed.who in (None, CLIENT):
            await page.context.add_cookies(
                [{"name": LANGUAGE_COOKIE, "value": language, "url": self.phones.address}]
            )
        else:
            await self.place.connection.execute(
                "UPDATE registry.member SET language = $1 WHERE username = $2", language, listed.who
            )
        await page.goto(self.phones.address + listed.path(self.made))
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await expect(page.locator(listed.ready).first).to_be_visible()
        await page.evaluate(AXE)
        return page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(plain_databases: Databases, chromium: dict[str, object]) -> AsyncIterator[Site]:
    url = plain_databases.create()
    async with async_playwright() as playwright, county(url) as place:
        browser = await playwright.chromium.launch(**chromium)  # type: ignore[arg-type] # options
        place.clock = ManualClock(wall_time())
        made = await furnish(place)
        async with alive(place), serving(place) as address:
            yield Site(place, Phones(browser, address), made)
            await browser.close()
    plain_databases.drop(url)


@pytest.mark.parametrize("listed", PAGES, ids=str)
async def test_axe_finds_nothing(site: Site, listed: Listed) -> None:
    found: dict[str, list[str]] = {}
    for language, looks in LOOKS.items():
        page = await site.open(listed, language)
        for turn, (size, scheme) in enumerate(looks):
            await page.set_viewport_size(size)
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # text
            for dialog in (None, *(listed.dialogs if turn else ())):
                where = f"{language} {scheme} {size['width']} {dialog or ''}"
                if dialog is not None:
                    await page.evaluate("(id) => document.getElementById(id).showModal()", dialog)
                for violation in await page.evaluate(_RUN, dialog and f"#{dialog}"):
                    found.setdefault(violation, []).append(where)
                if await page.evaluate(_SIDEWAYS) > 0:
                    found.setdefault("scrolls sideways", []).append(where)
                if dialog is not None:
                    await page.evaluate("(id) => document.getElementById(id).close()", dialog)
    assert not found, json.dumps(found, indent=2, ensure_ascii=False)
