"""A change of rules from the desk's browser to the engine: asked for, judged, decided, in force."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from playwright.async_api import expect

from alerts.rules.in_force import read_decided
from saimi import judging
from tests.acceptance.phones import Phones
from tests.integration.rules_support import add_chief
from tests.integration.web_support import County


async def test_other_numbers_of_a_rule_from_the_desk_into_force(
    place: County, phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.nice", lambda _by: 0)
    await add_chief(place.connection)
    await place.connection.execute("UPDATE registry.member SET language = 'fi'")
    now = place.clock.now()
    await place.put(
        await place.subject("aino"), "monitor-1", "pulse",
        [(now - timedelta(hours=hours), 125.0) for hours in range(1, 100)],
    )  # fmt: skip
    stop = asyncio.Event()
    judge = asyncio.create_task(judging.run(database_url=place.url, clock=place.clock, stop=stop))
    try:
        page = await phones.log_in("chief", path="/desk/rules")
        await page.locator("#rules").locator("xpath=..").locator("summary").click()
        await page.locator("a[href='/desk/rules/ask/news2_single_three']").click()
        field = page.locator("[name='raise.points']")
        await expect(field).to_have_value("3")
        await field.fill("2,0")
        await page.locator("[name=why]").fill("Kahden pisteen syke jäi yöllä näkemättä.")
        await page.locator("#ask button").click()
        await expect(page).to_have_url(re.compile("/desk/rules$"))
        waiting = page.locator("#waiting a")

        async def proposed() -> None:
            while not await waiting.count():
                await page.reload()

        await asyncio.wait_for(proposed(), 60)
        number = re.search(r"\d+$", await waiting.first.get_attribute("href") or "")
        assert number is not None

        page = await phones.log_in("desk", path=f"/desk/rules/{number[0]}")
        await expect(page.locator("#figures")).to_be_visible()
        await page.locator("#decide textarea").fill("Nähdään yöllä.")
        await page.locator("#decide [value=accepted]").click()
        await expect(page.locator("#decision")).to_contain_text("voimassa")
    finally:
        stop.set()
        await judge
    decided = await read_decided(place.connection)
    assert decided is not None
    assert decided.rules["news2_single_three"].raises["points"] == 2
