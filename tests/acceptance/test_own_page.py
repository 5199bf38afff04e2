"""A client at their own page, on a phone: from the code to their own word afterwards."""

from __future__ import annotations

from playwright.async_api import expect

from tests.acceptance.phones import Phones
from tests.integration.alerts_support import settle
from tests.integration.web_support import County


async def test_a_client_asks_for_a_call_and_sees_what_becomes_of_it(
    place: County, phones: Phones
) -> None:
    await place.set_clock(place.clock.now())
    nurse = await phones.log_in("nurse", path=f"/clients/{await place.pseudonym('aino')}/own")
    await nurse.locator("#give button").click()
    code = await nurse.locator("#code").inner_text()

    client = await (await phones.context()).new_page()
    await client.goto(f"{phones.address}/own")
    await client.locator("[name=code]").fill(code.lower())
    await client.locator("[name=born]").fill("1940-03-04")
    await client.locator("[name=kept]").check()
    await client.locator(".sheet .button").click()
    await client.locator("#call [name=words]").fill("Huimaa aamuisin")
    await client.locator("#call .button").click()
    await expect(client.locator("#calls")).to_contain_text("Pyyntö on matkalla hoitotiimillesi.")

    await settle(place.connection, place.clock)
    episode = await place.connection.fetchval("SELECT max(id) FROM alerts.episode")
    await place.notify(episode)
    await nurse.goto(f"{phones.address}/episodes/{episode}")
    await expect(nurse.locator("#episode")).to_contain_text("Huimaa aamuisin")
    await nurse.locator("[data-act=acknowledge]").click()
    # The client's page follows by itself.
    await expect(client.locator("#calls")).to_contain_text("Nina Nurse on ottanut asian")
    await nurse.locator("#more-actions summary").click()
    await nurse.locator("[data-act=contact][data-how=phone]").click()
    await expect(client.locator("#calls")).to_contain_text("Sinuun oltiin yhteydessä")
    await client.locator("[name=answer][value=yes]").check()
    await client.locator(".afterwards [name=words]").fill("Kiitos soitosta")
    await client.locator(".afterwards .button").click()
    await expect(client.locator("#calls")).to_contain_text("Kiitos soitosta")
    await nurse.reload()
    await expect(nurse.locator("#episode")).to_contain_text("Kiitos soitosta")
