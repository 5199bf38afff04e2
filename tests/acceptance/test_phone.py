"""The team's phone, on a phone-sized screen: the life of an alert, out of reach, and back."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.acceptance.phones import Phones
from tests.integration.alerts_support import settle
from tests.integration.web_support import County
from tests.support.cable import cable
from tests.support.waiting import eventually

_KEPT = """async (id) => {
  const app = document.querySelector('script[src*="app.js"]').src;
  const { kept } = await import(app.replace("app.js", "vault.js"));
  return (await kept(id)) !== null;
}"""
_STORED = """async () => {
  const opened = await new Promise((done) => {
    const asked = indexedDB.open("saimi");
    asked.onsuccess = () => done(asked.result);
  });
  const rows = {};
  for (const name of ["keys", "kept", "outbox", "conflicts"]) {
    const all = await new Promise((done) => {
      const asked = opened.transaction(name).objectStore(name).getAll();
      asked.onsuccess = () => done(asked.result);
    });
    rows[name] = all.map((row) => ({
      id: row.id ?? row.seq, extractable: row.key?.extractable,
      text: row.data ? new TextDecoder("latin1").decode(row.data) : "",
    }));
  }
  return rows;
}"""


async def kept(page: Page, *names: int | str) -> None:
    """Wait until these are on the phone."""
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    for name in names:
        await eventually(lambda name=name: page.evaluate(_KEPT, name))  # type: ignore[misc] # bound early


async def events(place: County, episode: int) -> list[str]:
    rows = await place.connection.fetch(
        "SELECT what FROM alerts.episode_event WHERE episode = $1 ORDER BY id", episode
    )
    return [row["what"] for row in rows]


async def actions(place: County) -> list[Any]:
    return [dict(row) for row in await place.connection.fetch("SELECT * FROM alerts.action")]


async def test_the_life_of_an_alert(place: County, phones: Phones) -> None:
    await place.connection.execute(
        "UPDATE registry.home SET hazards = '{dog}', door_code = '4711', latitude = 61.17,"
        " longitude = 28.77 WHERE name = 'h1';"
        'UPDATE registry.client SET record = $${"contacts": [{"role": "next_of_kin",'
        ' "name": "Oili Ahola", "phone": "+358 40 000 0002"}]}$$ WHERE reference = \'aino\''
    )
    episode = await place.open(await place.subject("aino"), severity=3)
    page = await phones.log_in("nurse")
    await page.locator(".card").get_by_role("link").click()
    who = page.locator("section", has=page.locator("#who-title"))
    head = page.locator(".head")
    for said in ("Aino Ahola", "Happisaturaatio 84", "Koira", "Kukaan ei ole vielä saanut"):
        await expect(head).to_contain_text(said)
    await expect(who).to_contain_text("tavoite 88–92 %")
    await expect(who.get_by_role("link", name="Avaa kartta")).to_have_attribute(
        "href", "geo:61.170000,28.770000?q=61.170000,28.770000"
    )
    # The code of the door is for whoever has the alert, and each look is on record.
    await expect(page.locator("[data-act=door-code]")).to_have_count(0)
    await page.get_by_role("button", name="Kuittaa").click()
    await page.locator("[data-act=door-code]").click()
    await expect(page.locator(".door-code")).to_have_text("4711")
    assert ("nurse", "aino", "door_code", "care") in await place.looks()

    await page.get_by_role("button", name="Matkalla").click()
    await page.locator("#going").get_by_text("20", exact=True).click()
    await page.get_by_role("button", name="Olen matkalla").click()
    await page.locator(".head > .actions").get_by_role("button", name="Olen perillä").click()
    await page.locator("#no-answer summary").click()
    await expect(page.locator("#no-answer")).to_contain_text("Omainen: Oili Ahola")
    await page.get_by_role("button", name="Ovella ei vastattu").click()
    await expect(page.locator("#history")).to_contain_text("Kukaan ei vastannut")
    # What stood open stays open when the page follows.
    await expect(page.locator("#no-answer")).to_have_attribute("open", "")
    await page.locator("#call-112 summary").click()
    await expect(page.locator("#call-112")).to_contain_text("Koskenparras 1")
    await page.get_by_text("Lisää toimia").click()
    await page.get_by_role("button", name="Kirjoita merkintä").click()
    await page.locator("#noting textarea").fill("<img src=x onerror=alert(1)>")
    await page.locator("#noting [type=submit]").click()
    await expect(page.locator(".history .note")).to_have_text("<img src=x onerror=alert(1)>")
    await page.get_by_role("button", name="Päätä hälytys").click()
    await page.locator("#closing [value=real]").check()
    await page.locator("#closing [type=submit]").click()
    await expect(page.locator(".head")).to_contain_text("Nina Nurse päätti")
    assert await events(place, episode) == [
        "opened", "acknowledged", "on_way", "arrived", "not_reached", "noted", "closed",
    ]  # fmt: skip
    # Every write had a number of its own.
    assert len(await actions(place)) == 6


async def test_three_actions_out_of_reach_are_applied_once_and_in_order(
    place: County, phones: Phones
) -> None:
    subject = await place.subject("aino")
    mine = await place.open(subject, severity=3)
    other = await place.open(subject, "limit", severity=2)
    async with cable(phones.address) as line:
        phones.address = line.address
        page = await phones.log_in("nurse")
        await kept(page, "list", mine, other)
        stored = await page.evaluate(_STORED)
        assert [key["extractable"] for key in stored["keys"]] == [False] * len(stored["keys"])
        assert "Ahola" not in json.dumps(stored)

        line.cut()
        await page.goto(f"{line.address}/")
        await expect(page.locator("#banner")).to_contain_text("Ei yhteyttä")
        await expect(page.locator(".card[data-id]")).to_have_count(2)
        await page.goto(f"{line.address}/episodes/{mine}")
        await expect(page.locator(".who-name")).to_have_text("Aino Ahola")
        await page.get_by_role("button", name="Kuittaa").click()
        await expect(page.locator("#act-unsent")).to_contain_text("Kuittaa: lähettämättä")
        await page.get_by_text("Lisää toimia").click()
        await page.get_by_role("button", name="Kirjoita merkintä").click()
        await page.locator("#noting textarea").fill("Ajan Koskenparrakselle.")
        await page.locator("#noting [type=submit]").click()
        await expect(page.locator("#act-unsent li")).to_have_count(2)
        await page.goto(f"{line.address}/episodes/{other}")
        await page.get_by_role("button", name="Kuittaa").click()
        await expect(page.locator("#unsent")).to_contain_text("lähettämättä: 3")
        stored = await page.evaluate(_STORED)
        assert "Koskenparrakselle" not in json.dumps(stored)
        assert len(await events(place, mine)) == 1
        # Meanwhile somebody else takes the other one.
        async with place.connection.transaction():
            await place.connection.execute(
                "UPDATE alerts.episode SET acknowledged_by = m.id, acknowledged_at = $1,"
                " acknowledged_until = $2, version = version + 1"
                " FROM registry.member m WHERE m.username = 'mate' AND alerts.episode.id = $3",
                place.clock.now(),
                place.clock.now() + timedelta(hours=1),
                other,
            )

        line.mend()
        conflict = page.locator(".conflict")
        await expect(conflict).to_contain_text("Matti Mate ehti kuitata tämän")
        await expect(page.locator(".unsent-waits")).to_have_count(0)
        assert await events(place, mine) == ["opened", "acknowledged", "noted"]
        assert len(await actions(place)) >= 3
        # A conflict stays until it was read, also on other pages.
        await page.goto(f"{line.address}/")
        await conflict.get_by_role("button", name="Selvä").click()
        await expect(page.locator("#unsent")).to_be_hidden()

        # The looks that were made out of reach are on record, with their times.
        async def reported() -> bool:
            found: int = await place.connection.fetchval(
                "SELECT count(DISTINCT detail ->> 'episode') FROM audit.access"
                " WHERE what = 'episode' AND detail ? 'offline'"
            )
            return found == 2

        await eventually(reported)
    phones.complaints.clear()


async def test_an_ended_session_keeps_what_is_unsent_and_nothing_else(
    place: County, phones: Phones
) -> None:
    episode = await place.open(await place.subject("aino"), severity=3)
    async with cable(phones.address) as line:
        phones.address = line.address
        page = await phones.log_in("nurse")
        await kept(page, "list", episode)
        line.cut()
        await page.goto(f"{line.address}/episodes/{episode}")
        await page.get_by_role("button", name="Kuittaa").click()
        await expect(page.locator("#unsent")).to_contain_text("lähettämättä: 1")
        await place.connection.execute("UPDATE audit.session SET ended_at = now()")
        line.mend()
        await expect(page.locator("#unsent")).to_contain_text("Istuntosi on päättynyt")
        stored = await page.evaluate(_STORED)
        assert (len(stored["kept"]), len(stored["outbox"])) == (0, 2)  # the action, and the look
        assert await events(place, episode) == ["opened"]
        # Whoever logs in next on this phone does not send it in their name.
        for username in ("mate", "nurse"):
            await page.goto(f"{line.address}/login?next=/episodes/{episode}")
            await page.locator("[name=username]").fill(username)
            await page.locator("[name=password]").fill("correct horse")
            await page.locator(".sheet button").click()
            await expect(page.locator(".who-name")).to_have_text("Aino Ahola")
            if username == "mate":
                await page.wait_for_function("navigator.serviceWorker.controller !== null")
                assert await events(place, episode) == ["opened"]
                await page.locator(".menu summary").click()
                await page.locator("#logout button").click()
                await expect(page.locator(".sheet")).to_be_visible()
                stored = await page.evaluate(_STORED)
                assert (len(stored["kept"]), len(stored["outbox"])) == (0, 2)
                assert [key["id"] for key in stored["keys"]] == ["outbox"]
        await expect(page.locator(".head")).to_contain_text("Nina Nurse kuittasi")
        await expect(page.locator("#unsent")).to_be_hidden()
    phones.complaints.clear()


async def test_a_tap_before_the_scripts_are_there_is_done_when_they_are(
    place: County, phones: Phones
) -> None:
    episode = await place.open(await place.subject("aino"), "help")
    page = await phones.log_in("nurse")
    arrived = asyncio.Event()

    async def late(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    await page.context.route("**/js/entering.js", late)
    await page.goto(f"{phones.address}/episodes/{episode}", wait_until="commit")
    await page.get_by_role("button", name="Kirjaa lukemia").click()
    await expect(page.locator("#entering")).to_be_hidden()
    arrived.set()
    await expect(page.locator("#entering")).to_be_visible()


async def test_entered_observations_move_the_score(place: County, phones: Phones) -> None:
    subject = await place.subject("aino")
    episode = await place.open(subject, "help")
    page = await phones.log_in("nurse", path=f"/episodes/{episode}")
    await page.get_by_role("button", name="Kirjaa lukemia").click()
    sheet = page.locator("#entering")
    await sheet.locator("[type=submit]").click()
    await expect(sheet.locator("[role=alert]")).to_have_text("Kirjaa ainakin yksi arvo.")
    # Eighteen breaths in a minute; the browser's clock goes on at once.
    await page.clock.install()
    await sheet.locator("[data-breath]").click()
    for _ in range(18):
        await sheet.locator("[data-breath]").click()
    await page.clock.run_for(61_000)
    rate = sheet.locator("[name=respiratory_rate]")
    await expect(rate).to_have_value("18")
    await rate.fill("24")
    given = {"spo2": "91", "oxygen_flow": "0", "pulse": "96", "systolic": "118"}
    for name, value in given.items():
        await sheet.locator(f"[name={name}]").fill(value)
    await sheet.locator("[name=temperature]").fill("388")
    await sheet.get_by_text("Uusi sekavuus").click()
    await sheet.locator("[type=submit]").click()
    await expect(sheet.locator("[role=alert]")).to_contain_text("Ruumiinlämpö")
    await sheet.locator("[name=temperature]").fill("38,8")
    await sheet.locator("[type=submit]").click()
    await expect(sheet).to_be_hidden()
    await expect(page.locator("#history")).to_contain_text("Hengitystaajuus 24")
    await settle(place.connection, place.clock)
    await page.goto(phones.address)
    score = page.locator(".card", has_text="NEWS2")
    await expect(score).to_contain_text("NEWS2 on 10")
    await score.get_by_role("link").click()
    row = page.locator("tr", has_text="uusi sekavuus")
    await expect(row).to_contain_text("käsin kirjattu")
    phones.complaints.clear()
