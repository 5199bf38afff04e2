"""A phone in the rough: its clock is wrong, what it acts on is gone, names are markup."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from playwright.async_api import expect

from core.clock import wall_time
from tests.acceptance.phones import Phones
from tests.acceptance.test_phone import kept
from tests.integration.web_support import County
from tests.support.cable import cable
from tests.support.waiting import eventually

_MARKUP = "<img src=x onerror=alert(1)>"


async def test_a_clock_that_is_hours_wrong_dates_nothing(place: County, phones: Phones) -> None:
    subject, now = await place.subject("aino"), place.clock.now()
    await place.set_clock(now - timedelta(minutes=12))
    episode = await place.open(subject, severity=3)
    await place.set_clock(now)
    async with cable(phones.address) as line:
        phones.address = line.address
        page = await phones.log_in("nurse")
        await page.clock.install(time=wall_time() - timedelta(hours=7))
        await page.goto(f"{line.address}/")
        await expect(page.locator(".waited")).to_contain_text("12 min")
        await kept(page, "list", episode)
        line.cut()
        await page.goto(f"{line.address}/episodes/{episode}")
        await page.get_by_role("button", name="Kuittaa").click()
        await expect(page.locator("#act-unsent")).to_contain_text("Kuittaa: lähettämättä")
        await page.clock.fast_forward("05:00")
        line.mend()

        async def taken() -> bool:
            return bool(
                await place.connection.fetchval(
                    "SELECT acknowledged_by IS NOT NULL FROM alerts.episode"
                )
            )

        await eventually(taken)
        # The page goes before its line does, which it would complain of whenever it noticed.
        await page.context.close()
    detail = await place.connection.fetchval(
        "SELECT detail FROM alerts.episode_event WHERE what = 'acknowledged'"
    )
    # It was done five minutes before it was sent, by whatever clock.
    made = datetime.fromisoformat(detail["made_at"])
    assert timedelta(minutes=4) < place.clock.now() - made < timedelta(minutes=8)
    phones.complaints.clear()


async def test_what_is_closed_or_anothers_is_answered_in_a_sentence(
    place: County, phones: Phones
) -> None:
    foreign = await place.open(await place.subject("berta"))
    episode = await place.open(await place.subject("aino"), severity=3)
    page = await phones.log_in("nurse", path=f"/episodes/{foreign}")
    await expect(page.locator("h1")).to_be_visible()
    shown = await page.locator("main").inner_text()
    assert "Berta" not in shown
    await page.goto(f"{phones.address}/episodes/999999")
    assert await page.locator("main").inner_text() == shown  # as one that does not exist

    # The page does not hear that somebody closes it: it has no stream, from its beginning on, since
    # one that is open already is not cut by a route.
    await page.context.route("**/api/stream*", lambda route: route.abort())
    await page.goto(f"{phones.address}/episodes/{episode}")
    await expect(page.get_by_role("button", name="Kuittaa")).to_be_visible()
    await place.connection.execute(
        "UPDATE alerts.episode SET closed_at = $1, closed_by = m.id, outcome = 'false',"
        " version = version + 1 FROM registry.member m WHERE m.username = 'mate'"
        " AND alerts.episode.id = $2",
        place.clock.now(), episode,
    )  # fmt: skip
    await page.get_by_role("button", name="Kuittaa").click()
    await expect(page.locator("#act-failed")).to_contain_text(re.compile("päätet|päätt"))
    phones.complaints.clear()  # the browser tells of the refusals


async def test_markup_is_text_wherever_it_comes_from(place: County, phones: Phones) -> None:
    connection = place.connection
    await connection.execute(
        "UPDATE registry.client SET given_name = $1, limits_of_care = $1 WHERE reference = 'aino'",
        _MARKUP,
    )
    await connection.execute("UPDATE registry.home SET access = $1, address = $1", _MARKUP)
    await connection.execute(
        "UPDATE registry.member SET display_name = $1 WHERE username = 'nurse'", _MARKUP
    )
    await connection.execute("UPDATE registry.area SET name = $1 WHERE code = 'im'", _MARKUP)
    aino = await place.subject("aino")
    await place.put(aino, "monitor-1", "spo2", [(place.clock.now() - timedelta(hours=1), 90.0)])
    await place.put(
        await place.home("aino"), "motion-kitchen", "motion",
        [(place.clock.now() - timedelta(hours=1), 1.0)],
    )  # fmt: skip
    await connection.execute(
        "UPDATE registry.device SET location = $1 WHERE name = 'motion-kitchen'", _MARKUP
    )
    episode = await place.open(aino, severity=4)
    page = await phones.log_in("nurse")
    alerted: list[str] = []
    page.on("dialog", lambda dialog: alerted.append(dialog.message))
    pseudonym = await place.pseudonym("aino")
    for path, sign in (
        ("/", ".card[data-id]"),
        (f"/episodes/{episode}", "#charts canvas"),
        ("/missed", "main"),
        ("/clients", ".clients a"),
        (f"/clients/{pseudonym}/trends", ".place canvas"),
        (f"/clients/{pseudonym}/report", "main"),
    ):
        await page.goto(phones.address + path)
        await expect(page.locator(sign).first).to_be_visible()
        if path == f"/episodes/{episode}":
            await page.get_by_role("button", name="Kuittaa").click()
            await expect(page.locator(".head")).to_contain_text(f"{_MARKUP} kuittasi")
        assert await page.locator("img[src=x]").count() == 0, path
        if path != "/missed":
            await expect(page.locator("main")).to_contain_text(_MARKUP)
    assert alerted == []
    assert phones.complaints == []
