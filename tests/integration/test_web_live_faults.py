"""What goes wrong behind the live list: a page hears of every alert all the same, or says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from alerts.episodes.listing import Card, cards
from core.database import EPISODE_CHANNEL
from core.errors import DatabaseUnavailableError
from tests.integration.web_support import County, county, logged_in, serving
from tests.support.waiting import DEADLINE_S


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as one:
        yield one


async def _everything_anew(place: County) -> None:
    """As after a lost connection: every page gets a new snapshot."""
    await place.connection.execute("SELECT pg_notify($1, 'everything')", EPISODE_CHANNEL)


async def _beat_until(events: Any, *, database_alive: bool) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while (await events.of("heartbeat"))["database_alive"] is not database_alive:
            pass


async def test_a_page_that_opens_while_all_are_renewed_stalls_nobody(
    place: County, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        logged_in(address, "nurse") as nurse,
        logged_in(address, "stranger") as stranger,
        nurse.events() as events,
    ):
        await events.of("snapshot")
        joined = asyncio.Event()

        async def slow(connection: Any, ids: Iterable[int]) -> list[Card]:
            reading.set()
            await joined.wait()
            return await cards(connection, ids)

        reading = asyncio.Event()
        monkeypatch.setattr("web.live.cards", slow)
        await _everything_anew(place)
        await asyncio.wait_for(reading.wait(), DEADLINE_S)
        async with stranger.events() as others:
            await others.of("heartbeat")
            joined.set()
            await others.of("snapshot")
            await events.of("snapshot")
            opened = await place.open(await place.subject("aino"), "help")
            assert (await events.of("episode"))["id"] == opened


async def test_an_alert_that_cannot_be_put_into_words_is_shown_all_the_same(
    place: County, address: str
) -> None:
    async with logged_in(address, "nurse") as browser, browser.events() as events:
        await events.of("snapshot")
        broken = await place.open(await place.subject("aino"), "help")
        await events.of("episode")
        await place.connection.execute(
            """UPDATE alerts.episode SET version = 2, evidence = '[{"metric": "pulse",
               "value": "no number"}]' WHERE id = $1""",
            broken,
        )
        await place.notify(broken)
        shown = await events.of("episode")
        assert (shown["id"], shown["version"], shown["kind"]) == (broken, 2, "help")
        sound = await place.open(await place.subject("aino"), "fall")
        assert (await events.of("episode"))["id"] == sound


async def test_a_fault_in_handing_out_is_said_and_made_good(
    place: County, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with logged_in(address, "nurse") as browser, browser.events() as events:
        await events.of("snapshot")
        await _beat_until(events, database_alive=True)

        async def faulty(connection: Any, ids: Iterable[int]) -> list[Card]:
            raise AttributeError("a fault of ours")

        monkeypatch.setattr("web.live.cards", faulty)
        missed = await place.open(await place.subject("aino"), "help")
        await _beat_until(events, database_alive=False)
        monkeypatch.setattr("web.live.cards", cards)
        assert [e["id"] for e in (await events.of("snapshot"))["episodes"]] == [missed]
        await _beat_until(events, database_alive=True)


async def test_a_database_that_never_answers_is_said_and_asked_again(
    place: County, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.live._PATIENCE_S", 0.2)
    async with logged_in(address, "nurse") as browser, browser.events() as events:
        await events.of("snapshot")
        await _beat_until(events, database_alive=True)

        async def silent(connection: Any, ids: Iterable[int]) -> list[Card]:
            await asyncio.Event().wait()
            return []

        monkeypatch.setattr("web.live.cards", silent)
        missed = await place.open(await place.subject("aino"), "help")
        await _beat_until(events, database_alive=False)
        monkeypatch.setattr("web.live.cards", cards)
        assert [e["id"] for e in (await events.of("snapshot"))["episodes"]] == [missed]


async def test_a_service_that_cannot_listen_does_not_call_its_pages_live(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_url: str) -> Any:
        raise DatabaseUnavailableError("too many connections")

    monkeypatch.setattr("web.live.connect", full)
    async with (
        serving(place) as address,
        logged_in(address, "nurse") as browser,
        browser.events() as events,
    ):
        await events.of("snapshot")
        assert (await events.of("heartbeat"))["database_alive"] is False
