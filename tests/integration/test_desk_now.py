"""The desk's figures, as they change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.web_support import NOW, County, county, logged_in, serving

STREAM = "/api/desk/stream"


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as one:
        yield one


def counts(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["all"]["open"], row["all"]["waiting"], row["all"]["overdue"]


def areas(board: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    return {row["name"]: counts(row) for row in board["areas"]}


async def test_every_area_is_there_and_every_change_is_sent(place: County, address: str) -> None:
    async with logged_in(address, "desk") as browser, browser.events(STREAM) as events:
        board = await events.of("snapshot")
        assert areas(board) == {"Imatra": (0, 0, 0), "Lappeenranta": (0, 0, 0)}
        number = await place.open(await place.subject("aino"), severity=3)
        board = await events.of("snapshot")
        assert areas(board) == {"Imatra": (1, 1, 0), "Lappeenranta": (0, 0, 0)}
        assert board["county"]["by_severity"][1] == {"open": 1, "waiting": 1, "overdue": 0}
        assert [(one["id"], one["called"]) for one in board["waiting"]] == [
            (number, "Nobody was called yet")
        ]
        async with logged_in(address, "nurse") as nurse:
            await nurse.post(f"/api/episodes/{number}/acknowledge")
            assert areas(await events.of("snapshot"))["Imatra"] == (1, 0, 0)
            await nurse.post(f"/api/episodes/{number}/release")
            assert areas(await events.of("snapshot"))["Imatra"] == (1, 1, 0)


async def test_what_is_overdue_is_told_by_the_clock_alone(place: County, address: str) -> None:
    await place.open(await place.subject("aino"), severity=3)
    async with logged_in(address, "desk") as browser, browser.events(STREAM) as events:
        assert counts((await events.of("snapshot"))["county"]) == (1, 1, 0)
        await place.set_clock(NOW + timedelta(minutes=11))
        board = await events.of("snapshot")
        assert counts(board["county"]) == (1, 1, 1)
        assert board["waiting"][0]["overdue"]


async def test_who_was_called_is_said_and_a_pause_calls_nobody(place: County, address: str) -> None:
    number = await place.open(await place.subject("aino"))
    nurse = await place.connection.fetchval("SELECT id FROM registry.member WHERE username='nurse'")
    await place.connection.execute(
        "INSERT INTO alerts.episode_event (episode, at, wall_at, what, member)"
        " VALUES ($1, $2, $2, 'called', $3)", number, NOW, nurse,
    )  # fmt: skip
    paused = await place.open(await place.subject("berta"))
    await place.connection.execute(
        "UPDATE alerts.episode SET summary = summary || '{\"inhibited_by\": \"pause\"}'"
        " WHERE id = $1", paused,
    )  # fmt: skip
    async with logged_in(address, "desk") as browser:
        board = await browser.get("/api/desk")
    assert [one["called"] for one in board["waiting"]] == ["Called: Nina Nurse"]
    assert (counts(board["county"]), board["explained"]) == ((1, 1, 0), 1)


async def test_it_names_no_client_and_so_is_no_look(place: County, address: str) -> None:
    await place.open(await place.subject("aino"))
    async with logged_in(address, "desk") as browser:
        said = await browser.page("/api/desk") + await browser.page("/desk")
        async with browser.events(STREAM) as events:
            said += str(await events.of("snapshot"))
    assert "Ahola" not in said
    assert await place.pseudonym("aino") not in said
    assert await place.looks() == []


@pytest.mark.parametrize("who", ["nurse", "operator"])
async def test_it_is_for_coordinators(who: str, address: str) -> None:
    async with logged_in(address, who) as browser:
        for path in ("/desk", "/api/desk", STREAM):
            await browser.page(path, status=404)


async def test_who_is_of_the_desk_no_more_hears_nothing_more(place: County, address: str) -> None:
    async with (
        logged_in(address, "desk") as browser,
        logged_in(address, "nurse") as nurse,
        browser.events(STREAM) as events,
    ):
        await events.of("snapshot")
        await place.connection.execute(
            "UPDATE registry.member SET role = 'member' WHERE username = 'desk'"
        )
        await place.open(await place.subject("aino"))
        async with nurse.events() as others:
            assert len((await others.of("snapshot"))["episodes"]) == 1
            for _ in range(3):  # Six seconds of beats, in which nothing else comes.
                assert (await events.next("heartbeat", "snapshot"))[0] == "heartbeat"


async def test_a_page_hears_when_its_session_is_over(address: str) -> None:
    async with logged_in(address, "desk") as browser, browser.events(STREAM) as events:
        await events.of("snapshot")
        await browser.session.post(
            "/logout", headers={"X-Saimi-Token": browser.token}, allow_redirects=False
        )
        assert await events.of("session") == {"ended": True}
        assert await events.ended()
