"""One alert between several people: handed over, asked about, alone in the home."""

from __future__ import annotations

import json
import re

from playwright.async_api import expect

from tests.acceptance.phones import Phones
from tests.integration.web_support import County


async def test_handed_over_on_one_phone_it_is_theirs_on_the_other(
    place: County, phones: Phones
) -> None:
    episode = await place.open(await place.subject("aino"), severity=3)
    await place.connection.execute("UPDATE registry.member SET language = 'fi'")
    nurse = await phones.log_in("nurse", path=f"/episodes/{episode}")
    mate = await phones.log_in("mate")
    await nurse.get_by_role("button", name="Kuittaa").click()
    await expect(mate.locator(".card[data-id]")).to_contain_text("Nina Nurse")
    await nurse.get_by_text("Lisää toimia").click()
    await nurse.get_by_role("button", name="Siirrä").click()
    to = nurse.locator("#handing select")
    await expect(to.locator("option", has_text="Matti Mate")).to_have_count(1)
    assert "Sanna Stranger" not in (await to.text_content() or "")
    await to.select_option(label=next(
        text for text in await to.locator("option").all_text_contents() if "Matti" in text
    ))  # fmt: skip
    await nurse.locator("#handing [type=submit]").click()
    await expect(nurse.locator("#history")).to_contain_text("Matti Mate")
    # Until they confirm it waits for them; what only its holder can do is gone from the giver's.
    await mate.locator(".card[data-id]").get_by_role("link").click()
    await expect(mate.locator("#history")).to_contain_text("Nina Nurse")
    await expect(nurse.locator("[data-open=handing]")).to_have_count(0)
    holder = mate.locator("[data-act=acknowledge], [data-act=renew], [data-open=going]")
    await expect(holder.first).to_be_attached()
    await mate.get_by_text("Lisää toimia").click()
    await mate.get_by_role("button", name="Kirjoita merkintä").click()
    await mate.locator("#noting textarea").fill("Otan tästä.")
    await mate.locator("#noting [type=submit]").click()
    await expect(nurse.locator("#history")).to_contain_text("Otan tästä.")
    assert phones.complaints == []


async def test_another_profession_a_remote_visit_and_a_call(place: County, phones: Phones) -> None:
    await place.connection.execute(
        "UPDATE registry.client SET record = $1::jsonb WHERE reference = 'aino'",
        json.loads('{"remote_visit": "https://etakaynti.example/aino"}'),
    )
    episode = await place.open(await place.subject("aino"), severity=3)
    page = await phones.log_in("nurse", path=f"/episodes/{episode}")
    await page.get_by_role("button", name="Kuittaa").click()
    await page.get_by_text("Lisää toimia").click()
    await page.get_by_role("button", name="Kysy toiselta").click()
    asking = page.locator("#asking")
    await expect(asking.locator("option").first).to_be_attached()
    await asking.locator("[type=submit]").click()
    await expect(asking.locator("[role=alert]")).to_have_text("Kirjoita ensin jotain.")
    await asking.locator("textarea").fill("Voiko nestelääkityksen aloittaa?")
    await asking.locator("[type=submit]").click()
    await expect(page.locator("#history")).to_contain_text("Voiko nestelääkityksen aloittaa?")
    await expect(page.locator(".who a.call")).to_have_attribute("href", "tel:+358400000001")
    remote = page.get_by_role("link", name="Etäkäynti")
    await expect(remote).to_have_attribute("href", "https://etakaynti.example/aino")
    await expect(remote).to_have_attribute("rel", re.compile("noreferrer"))
    await page.context.route("https://etakaynti.example/**", lambda route: route.abort())
    async with page.context.expect_page():
        await remote.click()
    await expect(page.locator("#history")).to_contain_text("Etäkäynti")
    # The case stayed one, and with who asked.
    assert await place.connection.fetchval("SELECT count(*) FROM alerts.episode") == 1
    await expect(page.locator(".head")).to_contain_text("Nina Nurse kuittasi")
    phones.complaints.clear()  # the link leads nowhere here


async def test_alone_in_the_home_until_one_says_that_one_is_out(
    place: County, phones: Phones
) -> None:
    episode = await place.open(await place.subject("aino"), severity=3)
    page = await phones.log_in("nurse", path=f"/episodes/{episode}")
    await page.get_by_role("button", name="Kuittaa").click()
    await page.get_by_role("button", name="Yksintyöskentelyn ajastin").click()
    await page.locator("#alone").get_by_text("15", exact=True).click()
    await page.locator("#alone [type=submit]").click()
    out = page.get_by_role("button", name="Olen poistunut, kaikki hyvin")
    await expect(out).to_be_visible()
    assert await place.connection.fetchval("SELECT count(*) FROM alerts.alone") == 1
    await out.click()
    await expect(out).to_have_count(0)
    await expect(page.get_by_role("button", name="Yksintyöskentelyn ajastin")).to_be_visible()
    assert phones.complaints == []
