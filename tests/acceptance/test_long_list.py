"""Two thousand open alerts: the page does no more work than what is seen and what changed needs."""

from __future__ import annotations

from playwright.async_api import expect

from tests.acceptance.long_list import ALERTS, few_are_drawn, open_many, set_severity
from tests.acceptance.phones import Phones
from tests.integration.web_support import County

_WATCH = """() => {
  globalThis.moved = new Set();
  new MutationObserver((records) => {
    for (const record of records) {
      for (const node of [...record.addedNodes, ...record.removedNodes]) {
        if (node.matches?.(".card")) globalThis.moved.add(node.dataset.id);
      }
    }
  }).observe(document.getElementById("list"), { childList: true, subtree: true });
}"""


async def test_two_thousand_alerts_cost_what_is_seen_of_them(place: County, phones: Phones) -> None:
    opened = await open_many(place)
    page = await phones.log_in("nurse")
    cards = page.locator(".card[data-id]")
    await expect(cards).to_have_count(ALERTS)
    first = page.locator(".card[data-id]").first
    await expect(first).to_have_attribute("data-severity", "4")
    await few_are_drawn(page)

    # The first falls behind three quarters of them, and rises again: it moves, and no other.
    top = opened[-2]
    await expect(first).to_have_attribute("data-id", str(top))
    await page.evaluate(_WATCH)
    await set_severity(place, top, 1)
    await expect(cards.nth(ALERTS * 3 // 4)).to_have_attribute("data-id", str(top))
    await set_severity(place, top, 4)
    await expect(first).to_have_attribute("data-id", str(top))
    assert await page.evaluate("[...globalThis.moved]") == [str(top)]

    # Far down as near: what comes into sight is drawn, with its age.
    await page.keyboard.press("End")
    await expect(cards.last).to_be_in_viewport()
    await expect(cards.last.locator(".card-top time")).to_have_text("5 min")
    await few_are_drawn(page)
