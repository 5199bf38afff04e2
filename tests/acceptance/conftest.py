"""A small county, its web service and a browser, for the tests of pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from core.clock import ManualClock, wall_time
from tests.acceptance.phones import Phones, alive
from tests.integration.web_support import County, county, serving


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        one.clock = ManualClock(wall_time())
        yield one


@pytest.fixture
async def browser(chromium: dict[str, object]) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(**chromium)  # type: ignore[arg-type] # options
        yield launched
        await launched.close()


@pytest.fixture
async def phones(place: County, browser: Browser) -> AsyncIterator[Phones]:
    async with alive(place), serving(place) as address:
        made = Phones(browser, address)
        yield made
        assert made.complaints == []
