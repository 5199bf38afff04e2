"""The stream behind the live list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from core.clock import wall_time
from core.database import REGISTRY_CHANNEL
from tests.integration.web_support import County, county, logged_in, serving
from tests.support.waiting import DEADLINE_S
from web.live import ALIVE_WITHIN


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as one:
        yield one


async def test_a_page_gets_what_is_open_and_then_every_change(place: County, address: str) -> None:
    first = await place.open(await place.subject("aino"))
    async with logged_in(address, "nurse") as browser, browser.events() as events:
        assert [e["id"] for e in (await events.of("snapshot"))["episodes"]] == [first]
        second = await place.open(await place.subject("aino"), "help")
        opened = await events.of("episode")
        assert (opened["id"], opened["version"], opened["acknowledged"]) == (second, 1, None)
        await browser.post(f"/api/episodes/{second}/acknowledge")
        taken = await events.of("episode")
        assert (taken["version"], taken["acknowledged"]["by"]) == (2, "Nina Nurse")
        content = {"outcome": "real", "contact": True}
        await browser.post(f"/api/episodes/{second}/close", content)
        assert (await events.of("episode"))["closed_at"] is not None


async def test_everyone_hears_in_their_language_and_only_of_their_own(
    place: County, address: str
) -> None:
    async with AsyncExitStack() as stack:
        streams = {}
        for username in ("nurse", "mate", "desk", "stranger"):
            browser = await stack.enter_async_context(logged_in(address, username))
            streams[username] = await stack.enter_async_context(browser.events())
            await streams[username].of("snapshot")
        await place.open(await place.subject("aino"))
        said = {
            name: (await streams[name].of("episode"))["summary"]["text"]
            for name in ("nurse", "mate", "desk")
        }
        assert said["nurse"].startswith("NEWS2 vähintään 7")
        assert said["mate"].startswith("NEWS2 minst 7")
        assert said["desk"].startswith("NEWS2 at least 7")
        foreign = await place.open(await place.subject("berta"))
        # The first thing the stranger hears is their own: the other was never sent.
        assert (await streams["stranger"].of("episode"))["id"] == foreign


async def test_a_page_about_one_alert_hears_of_that_one(place: County, address: str) -> None:
    await place.open(await place.subject("aino"))
    mine = await place.open(await place.subject("aino"), "fall")
    async with (
        logged_in(address, "nurse") as browser,
        browser.events(f"/api/stream?episode={mine}") as events,
    ):
        assert [e["id"] for e in (await events.of("snapshot"))["episodes"]] == [mine]
        await place.open(await place.subject("aino"), "help")
        await place.notify(mine)
        assert (await events.of("episode"))["id"] == mine


async def test_heartbeats_say_whether_the_engine_is_alive(place: County, address: str) -> None:
    await place.beat("alerts")
    async with logged_in(address, "nurse") as browser, browser.events() as events:
        beat = await events.of("heartbeat")
        async with asyncio.timeout(DEADLINE_S):
            while not beat["alerts_alive"]:
                await place.beat("alerts")
                beat = await events.of("heartbeat")
        assert beat["time"] == "2026-03-03T12:00:00Z"
        assert (beat["database_alive"], beat["ingest_alive"]) == (True, False)
        await place.beat("alerts", age=ALIVE_WITHIN)
        await place.beat("ingest")
        started = time.monotonic()
        async with asyncio.timeout(DEADLINE_S):
            while beat["alerts_alive"] or not beat["ingest_alive"]:
                beat = await events.of("heartbeat")
        assert time.monotonic() - started < 3.5


async def test_new_rights_reach_an_open_page(place: County, address: str) -> None:
    foreign = await place.open(await place.subject("berta"))
    async with logged_in(address, "nurse") as browser, browser.events() as events:
        assert (await events.of("snapshot"))["episodes"] == []
        await place.connection.execute(
            "INSERT INTO registry.team_member SELECT t.id, m.id FROM registry.team t,"
            " registry.member m WHERE t.name = 'Lappeenranta team' AND m.username = 'nurse'"
        )
        await place.connection.execute("SELECT pg_notify($1, '')", REGISTRY_CHANNEL)
        # What is new alone: a long list is not sent again for one client more.
        assert (await events.of("episode"))["id"] == foreign
        await place.connection.execute(
            "DELETE FROM registry.team_member WHERE member ="
            " (SELECT id FROM registry.member WHERE username = 'nurse')"
        )
        await place.connection.execute("SELECT pg_notify($1, '')", REGISTRY_CHANNEL)
        assert (await events.of("snapshot"))["episodes"] == []


async def test_what_was_missed_while_the_database_was_away_is_made_good(
    place: County, address: str
) -> None:
    async with logged_in(address, "nurse") as browser, browser.events() as events:
        assert (await events.of("snapshot"))["episodes"] == []
        # The listening connection dies; what is notified until it is back is lost for it.
        await place.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        missed = await place.open(await place.subject("aino"))
        async with asyncio.timeout(DEADLINE_S):
            while not (snapshot := await events.of("snapshot"))["episodes"]:
                pass
        assert [e["id"] for e in snapshot["episodes"]] == [missed]
        later = await place.open(await place.subject("aino"), "help")
        assert (await events.of("episode"))["id"] == later


async def test_a_session_that_ends_elsewhere_ends_its_stream(
    place: County, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.live._CHECK_SESSIONS_EVERY", 1)
    async with logged_in(address, "nurse") as browser, browser.events() as events:
        await events.of("snapshot")
        await place.connection.execute("UPDATE audit.session SET ended_at = now()")
        assert await events.of("session") == {"ended": True}
        assert await events.ended()


async def test_an_open_page_keeps_its_session_from_going_unused(
    place: County, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.live._CHECK_SESSIONS_EVERY", 1)
    async with logged_in(address, "nurse") as browser, browser.events() as events:
        before = wall_time() - timedelta(minutes=29)
        await place.connection.execute("UPDATE audit.session SET seen_at = $1", before)
        for _ in range(3):
            await events.of("heartbeat")
        assert await place.connection.fetchval("SELECT seen_at FROM audit.session") > before


async def test_from_commit_to_many_pages_takes_well_under_a_second(
    place: County, address: str
) -> None:
    subject = await place.subject("aino")
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(logged_in(address, "nurse"))
        streams = [await stack.enter_async_context(browser.events()) for _ in range(60)]
        for stream in streams:
            await stream.of("snapshot")
        slowest = []
        for number in range(10):
            committed = time.perf_counter()
            await place.open(subject, "help", origin=str(number))
            await asyncio.gather(*(stream.of("episode") for stream in streams))
            slowest.append(time.perf_counter() - committed)
        # A change is read once, not once for each page; the wall is generous for a busy machine.
        assert sorted(slowest)[-2] < 1.0, slowest
