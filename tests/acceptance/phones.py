"""Phones of several members, in a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect

from core.database import connect
from tests.integration.web_support import PASSWORD, County
from tests.support.waiting import DEADLINE_S

PHONE: ViewportSize = {"width": 360, "height": 740}
expect.set_options(timeout=1000 * DEADLINE_S)


class Phones:
    """Browser contexts of several members, and everything their consoles complained about."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self.address = address
        self.complaints: list[str] = []

    async def context(self, **options: object) -> BrowserContext:
        wanted: dict[str, object] = {"viewport": PHONE, "has_touch": True, "locale": "fi-FI"}
        return await self._browser.new_context(**(wanted | options))  # type: ignore[arg-type] # a dict of options

    async def log_in(self, username: str, *, path: str = "/", **options: object) -> Page:
        page = await (await self.context(**options)).new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type == "error" else None
            ),
        )
        await page.goto(f"{self.address}/login?next={path}")
        await page.locator("[name=username]").fill(username)
        await page.locator("[name=password]").fill(PASSWORD)
        await page.locator(".sheet button").click()
        await expect(page.locator(".bar")).to_be_visible()
        return page


@asynccontextmanager
async def alive(place: County) -> AsyncIterator[None]:
    """Heartbeats of an engine and of ingest, for tests that are about the page alone."""

    own = await connect(place.url)  # The test uses the other connection meanwhile.

    async def beat() -> None:
        while True:
            for service in {"alerts", "ingest"} - place.silent:
                await replace(place, connection=own).beat(service)
            await asyncio.sleep(0.5)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await own.close()
