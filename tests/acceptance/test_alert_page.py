"""The team's pages in a real browser, at the size of a phone."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.publish
import pytest
from playwright.async_api import Browser, expect

import alerts.worker.service
import ingest.service
from core.clock import REAL_CLOCK
from core.wire import readings_topic
from saimi.embedded.broker import Broker
from saimi.embedded.ports import free_port
from tests.acceptance.phones import PHONE, Phones, alive
from tests.integration.web_support import County, serving
from tests.support.waiting import DEADLINE_S

LANGUAGES = ("fi", "sv", "en")
FOOT = {
    "fi": "Ei lääkinnällinen laite. Ei kliiniseen käyttöön.",
    "sv": "Inte en medicinteknisk produkt. Inte för kliniskt bruk.",
    "en": "Not a medical device. Not for clinical use.",
}
_BROKEN_WORDS = """() => [...document.querySelectorAll(".table tbody th")].filter((th) => {
  const label = document.createRange();
  label.selectNodeContents(th.firstChild);
  return !/[ -]/.test(label.toString()) && label.getClientRects().length > 1;
}).map((th) => th.firstChild.textContent)"""
"""Labels of one word that did not fit on a line."""
SICK = {
    "respiratory_rate": (27, "/min"),
    "spo2": (84, "%"),
    "pulse": (132, "/min"),
    "systolic": (98, "mm[Hg]"),
    "temperature": (39.4, "Cel"),
}


async def test_a_reading_at_the_broker_becomes_an_alert_that_is_dealt_with(
    place: County, browser: Browser, broker_factory: object
) -> None:
    """The whole line: broker, ingest, database, alert engine, stream, page; nothing replaced."""
    make = broker_factory
    assert callable(make)
    broker: Broker = await asyncio.to_thread(make, "mosquitto")
    place.clock = REAL_CLOCK  # type: ignore[assignment] # services on real time, as in production
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        started = [asyncio.Event(), asyncio.Event()]
        services = [
            ingest.service.run(
                database_url=place.url,
                mqtt_url=broker.url,
                clock=REAL_CLOCK,
                stop=stop,
                on_ready=started[0].set,
            ),
            alerts.worker.service.run(
                database_url=place.url, clock=REAL_CLOCK, stop=stop, on_ready=started[1].set
            ),
        ]
        tasks = [asyncio.create_task(service) for service in services]
        stack.push_async_callback(asyncio.wait, tasks)
        stack.callback(stop.set)
        phones = Phones(browser, await stack.enter_async_context(serving(place)))
        for event in started:
            await asyncio.wait_for(event.wait(), DEADLINE_S)

        page = await phones.log_in("nurse")
        await expect(page.locator("#live")).to_have_attribute("data-state", "live")
        await expect(page.locator(".empty-title")).to_have_text("Ei avoimia hälytyksiä")
        pack = [{"n": name, "u": unit, "v": value} for name, (value, unit) in SICK.items()]
        pack[0] |= {"bn": "monitor-1/", "bt": round(time.time(), 3), "boot": "b1", "seq": 1}
        await asyncio.to_thread(
            paho.mqtt.publish.single,
            readings_topic("gw-1"),
            json.dumps(pack),
            qos=1,
            hostname="127.0.0.1",
            port=broker.port,
        )
        card = page.locator(".card[data-severity='4']", has_text="NEWS2")
        await expect(card).to_be_visible()
        await expect(card).to_contain_text("Aino Ahola")
        await expect(card).to_contain_text("puuttuu")
        await expect(page.locator("#said-now")).to_contain_text("Hätä, Aino Ahola")

        await card.get_by_role("button", name="Kuittaa").click()
        await expect(card).to_contain_text("Nina Nurse kuittasi klo")
        await card.get_by_role("link").click()
        await expect(page.locator("tr", has_text="Happisaturaatio")).to_contain_text("84")
        await expect(page.locator("#charts canvas").first).to_be_visible()
        await page.get_by_role("button", name="Päätä hälytys…").click()
        await page.get_by_text("Aiheellinen").click()
        await page.locator("#closing [name=note]").fill("Lähetetty päivystykseen.")
        await page.locator("#closing [type=submit]").click()
        await expect(page.locator(".head")).to_contain_text("Nina Nurse päätti")
        await expect(page.locator("#history")).to_contain_text("Lähetetty päivystykseen.")

        await page.goto(f"{phones.address}/clients/{await place.pseudonym('aino')}/trends")
        spo2 = page.locator(".chart", has_text="Happisaturaatio")
        await expect(spo2.locator(".chart-value")).to_contain_text("84")
        assert phones.complaints == []


async def test_two_members_and_one_alert(place: County, phones: Phones) -> None:
    episode = await place.open(await place.subject("aino"))
    nurse, mate = await phones.log_in("nurse"), await phones.log_in("mate")
    await expect(mate.locator(".card[data-id]")).to_have_count(1)
    await nurse.locator(".card button").click()
    await expect(mate.locator(".card.taken")).to_contain_text("Nina Nurse kvitterade kl.")
    detail = await phones.log_in("mate", path=f"/episodes/{episode}")
    await expect(detail.locator("[data-act=acknowledge]")).to_have_count(0)
    await nurse.goto(f"{phones.address}/episodes/{episode}")
    await nurse.locator("[data-open=closing]").click()
    await nurse.get_by_text("Tunnettu tilanne").click()
    await nurse.locator("#closing [type=submit]").click()
    # Both of the mate's open pages follow by themselves.
    await expect(mate.locator(".empty-title")).to_be_visible()
    await expect(detail.locator(".head")).to_contain_text("Nina Nurse avslutade")
    await expect(detail.locator(".head button")).to_have_count(0)


async def test_who_comes_second_reads_who_was_first(place: County, phones: Phones) -> None:
    episode = await place.open(await place.subject("aino"))
    page = await phones.log_in("nurse", path=f"/episodes/{episode}")
    await page.locator("[data-open=closing]").click()
    mate = await phones.log_in("mate", path=f"/episodes/{episode}")
    await mate.locator("[data-open=closing]").click()
    for one in (mate, page):
        await one.locator("[value=real]").check()
        await one.locator("#closing [name=note]").fill("Hand written")
    await mate.locator("#closing [type=submit]").click()
    await expect(mate.locator("#closing")).to_be_hidden()
    await page.locator("#closing [type=submit]").click()
    await expect(page.locator("#closing [role=alert]")).to_contain_text("Matti Mate päätti tämän")
    # What was written is still there.
    await expect(page.locator("#closing [name=note]")).to_have_value("Hand written")
    assert phones.complaints.pop().startswith("Failed to load resource: the server responded")


async def test_a_note_too_long_is_refused_before_it_is_lost(place: County, phones: Phones) -> None:
    episode = await place.open(await place.subject("aino"), "help")
    page = await phones.log_in("nurse", path=f"/episodes/{episode}")
    await page.locator("[data-open=closing]").click()
    await page.locator("#closing [type=submit]").click()
    await expect(page.locator("#closing [role=alert]")).to_have_text("Valitse ensin lopputulos.")
    await page.locator("[value=real]").check()
    await page.locator("#closing [type=submit]").click()
    await expect(page.locator("#closing [role=alert]")).to_contain_text("henkilöön saatiin yhteys")
    await page.locator("#closing [name=contact]").check()
    note = page.locator("#closing [name=note]")
    await note.fill("ö" * 2003)
    await expect(page.locator("#closing-left")).to_contain_text("3 merkkiä liikaa")
    await page.locator("#closing [type=submit]").click()
    await expect(page.locator("#closing")).to_be_visible()
    await note.fill("ö" * 2000)
    await expect(page.locator("#closing-left")).to_contain_text("0 merkkiä jäljellä")
    await page.locator("#closing [type=submit]").click()
    await expect(page.locator("#closing")).to_be_hidden()
    await expect(page.locator(".head")).to_contain_text("ö" * 2000)


async def test_urgency_orders_the_list_and_words_tell_it(place: County, phones: Phones) -> None:
    subject = await place.subject("aino")
    for severity, kind in ((1, "limit"), (3, "glucose"), (4, "help")):
        await place.open(subject, kind, severity=severity)
    page = await phones.log_in("nurse")
    words = page.locator(".card .severity")
    await expect(words).to_have_text(["Hätä", "Kiireellinen", "Tarkista"])
    await place.open(await place.home("aino"), "smoke", severity=4)
    await expect(words).to_have_text(["Hätä", "Hätä", "Kiireellinen", "Tarkista"])
    await expect(page).to_have_title(re.compile(r"^\(4\) "))
    # The shape differs by severity as well as the colour.
    shapes = await page.locator(".severity use").evaluate_all(
        "all => all.map(one => one.getAttribute('href'))"
    )
    assert shapes == ["#severity-4", "#severity-4", "#severity-3", "#severity-1"]
    box = await page.locator(".card button").first.bounding_box()
    assert box is not None
    assert box["height"] >= 48


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_dead_or_hanging_service_shows_within_ten_seconds(
    place: County, browser: Browser, fault: signal.Signals, tmp_path: Path
) -> None:
    port = free_port()
    log = (tmp_path / "web.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "saimi", "web", "--port", str(port),
        env=os.environ | {"SAIMI_DATABASE_URL": place.url},
        stdout=log, stderr=log,
    )  # fmt: skip
    try:
        phones = Phones(browser, f"http://127.0.0.1:{port}")
        async with alive(place):
            await _answers(port)
            page = await phones.log_in("nurse")
            live = page.locator("#live")
            await expect(live).to_have_attribute("data-state", "live")
            await expect(page.locator("#banner")).to_be_hidden()
            process.send_signal(fault)
            started = time.monotonic()
            banner = page.locator("#banner")
            await expect(banner).to_be_visible()
            assert time.monotonic() - started < 10
            await expect(banner).to_contain_text("Ei yhteyttä")
            await expect(banner).to_contain_text("soita päivystykseen")
            await expect(live).to_have_attribute("data-state", "lost")
            if fault == signal.SIGSTOP:
                process.send_signal(signal.SIGCONT)
                await expect(banner).to_be_hidden()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        log.close()


async def _answers(port: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def test_airplane_mode_and_a_dead_engine_say_different_things(
    place: County, phones: Phones
) -> None:
    page = await phones.log_in("nurse")
    banner = page.locator("#banner")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    place.silent.add("alerts")
    started = time.monotonic()
    await expect(banner).to_contain_text("Hälytyksiä ei juuri nyt arvioida")
    assert time.monotonic() - started < 10
    place.silent.clear()
    await expect(banner).to_be_hidden()
    await page.context.set_offline(True)
    await expect(banner).to_contain_text("Ei yhteyttä", timeout=3_000)
    missed = await place.open(await place.subject("aino"))
    await page.context.set_offline(False)
    await expect(banner).to_be_hidden()
    await expect(page.locator(f".card[data-id='{missed}']")).to_be_visible()
    phones.complaints[:] = [c for c in phones.complaints if "ERR_INTERNET" not in c]


async def test_an_ended_session_says_so_and_offers_the_login(
    place: County, phones: Phones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.live._CHECK_SESSIONS_EVERY", 1)
    page = await phones.log_in("nurse")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await place.connection.execute("UPDATE audit.session SET ended_at = now()")
    banner = page.locator("#banner")
    await expect(banner).to_contain_text("Istuntosi on päättynyt")
    await banner.get_by_role("link").click()
    await expect(page.locator("[name=password]")).to_be_visible()
    # What else the page asked for meanwhile was refused, as it must be.
    phones.complaints[:] = [said for said in phones.complaints if "401" not in said]


async def test_every_page_in_three_languages_on_a_phone(place: County, phones: Phones) -> None:
    subject, pseudonym = await place.subject("aino"), await place.pseudonym("aino")
    now = place.clock.now()
    for metric, value in (
        ("spo2", 90.0),
        ("pulse", 99.0),
        ("systolic", 196.0),
        ("diastolic", 95.0),
    ):
        # Several in each of a chart's buckets, so that they are written with their range.
        times = [now - timedelta(minutes=n) for n in range(1440)]
        values = [(at, value + n % 9) for n, at in enumerate(times)]
        await place.put(subject, "monitor-1", metric, values)
    moves = [(now - timedelta(hours=n), 1.0) for n in range(30)]
    await place.put(await place.home("aino"), "motion-kitchen", "motion", moves)
    # The longest words the table of points can hold.
    points = {"spo2": [3, 3], "oxygen": [0, 0]}
    episode = await place.open(
        subject, oxygen="air_by_plan", points=points, missing=["consciousness"]
    )
    page = await phones.log_in("nurse")
    for language in LANGUAGES:
        await page.goto(f"{phones.address}/")
        await page.locator(".menu summary").click()
        await page.locator(f"button[lang={language}]").click()
        for path, sign in (
            ("/", ".card[data-id]"),
            (f"/episodes/{episode}", "#charts canvas"),
            ("/clients", ".clients a"),
            (f"/clients/{pseudonym}/trends", ".place canvas"),
            ("/episodes/999", ".big-number"),
        ):
            await page.goto(phones.address + path)
            await expect(page.locator(sign).first).to_be_visible()
            await expect(page.locator("html")).to_have_attribute("lang", language)
            await expect(page.locator(".foot")).to_contain_text(FOOT[language])
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], (language, path)
            assert await page.evaluate(_BROKEN_WORDS) == [], (language, path)
    phones.complaints[:] = [c for c in phones.complaints if "status of 404" not in c]


async def test_what_was_done_another_day_says_which(place: County, phones: Phones) -> None:
    place.clock.set(datetime(2026, 3, 2, 5, 5, tzinfo=UTC))
    await place.open(await place.subject("aino"))
    page = await phones.log_in("nurse")
    state = page.locator(".card-state")
    await page.locator(".card button").click()
    await expect(state).to_have_text("Nina Nurse kuittasi klo 7.05")
    place.clock.advance(timedelta(hours=20))
    await page.reload()
    await expect(state).to_have_text("Nina Nurse kuittasi klo 7.05 (ma 2.3.)")
    await page.goto(f"{phones.address}/clients")
    heard = page.locator(".client-heard")
    await expect(heard.first).to_have_text("kodista ei ole kuultu")
    await place.connection.execute(
        "INSERT INTO telemetry.gateway_status (gateway, online, boot, heard_at) "
        "SELECT id, true, '', $1 FROM registry.gateway",
        place.clock.now(),
    )
    await page.reload()
    await expect(heard.first).to_have_text("kodista kuultu juuri nyt")


async def test_trends_move_by_button_and_by_keyboard(place: County, phones: Phones) -> None:
    subject, now = await place.subject("aino"), place.clock.now()
    times = [now - timedelta(minutes=30 * n) for n in range(48 * 31)]
    await place.put(subject, "monitor-1", "pulse", [(at, 70.0) for at in times])
    path = f"/clients/{await place.pseudonym('aino')}/trends"
    page = await phones.log_in("nurse", path=path)
    await expect(page.locator(".chart canvas").last).to_be_visible()
    seen = [await page.locator("#span").inner_text()]
    for key in ("Week", "Month"):
        hours = {"Week": "168", "Month": "720"}[key]
        button = page.locator(f"[data-hours='{hours}']")
        await button.focus()
        await page.keyboard.press("Enter")
        await expect(button).to_have_attribute("aria-pressed", "true")
        await expect(page.locator("#charts")).not_to_have_attribute("aria-busy", "true")
        seen.append(await page.locator("#span").inner_text())
    assert await page.locator("#later").is_disabled()
    await page.locator("#earlier").click()
    await expect(page.locator("#later")).to_be_enabled()
    seen.append(await page.locator("#span").inner_text())
    assert len(set(seen)) == 4


async def test_dark_by_the_device_or_by_choice(phones: Phones) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = await phones.log_in("nurse", color_scheme="light")
    dark = await phones.log_in("nurse", color_scheme="dark")
    assert await light.evaluate(ground) != await dark.evaluate(ground)
    await light.locator(".menu summary").click()
    await light.get_by_text("Tumma").click()
    await light.reload()
    assert await light.evaluate(ground) == await dark.evaluate(ground)
