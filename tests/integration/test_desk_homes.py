"""Homes of which nothing is heard, as the desk sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.test_alerts_causes import HOMES, life
from tests.integration.web_support import NOW, County, county, logged_in, serving
from web.desk.home_board import home_board, read_homes
from web.i18n import texts

STREAM = "/api/desk/homes/stream"
NUMBERS = ("homes", "heard", "silent", "out", "explained")


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as one:
        yield one


def areas(board: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {row["name"]: tuple(row["all"][of] for of in NUMBERS) for row in board["areas"]}


async def silent_home(place: County, reference: str, **more: Any) -> int:
    """Open an alert as the engine does of a home that is not heard."""
    number = await place.open(await place.home(reference), "silence", severity=2)
    params = {"last": (NOW - timedelta(hours=2)).isoformat(), "devices": 2, "said": False}
    await place.connection.execute(
        "UPDATE alerts.episode SET summary = summary || $2 WHERE id = $1",
        number, {"key": "gateway_silent", "params": params} | more,
    )  # fmt: skip
    await place.notify(number)
    return number


async def out(place: County, gateway: str) -> int:
    """An outage of the area where this gateway is; its alert."""
    area = await place.connection.fetchval(
        "SELECT s.id FROM registry.subject s JOIN registry.home h ON h.area = s.area"
        " JOIN registry.gateway g ON g.home = h.id WHERE g.name = $1", gateway,
    )  # fmt: skip
    await place.connection.execute(
        "INSERT INTO alerts.lost_gateway SELECT id, $2, $3 FROM registry.gateway WHERE name = $1",
        gateway, area, NOW,
    )  # fmt: skip
    number = await place.open(area, "outage", severity=2)
    params = {"since": NOW.isoformat(), "lost": 7, "watched": 9}
    await place.connection.execute(
        "UPDATE alerts.episode SET summary = summary || $2 WHERE id = $1",
        number, {"key": "area_outage", "params": params},
    )  # fmt: skip
    await place.notify(number)
    return number


async def test_a_home_falls_silent_and_then_an_area_is_out(place: County, address: str) -> None:
    async with logged_in(address, "desk") as browser, browser.events(STREAM) as events:
        board = await events.of("snapshot")
        assert areas(board) == {"Imatra": (1, 1, 0, 0, 0), "Lappeenranta": (1, 1, 0, 0, 0)}
        assert board["map"] is None  # Where the areas are is not known.
        home = await silent_home(place, "aino")
        while areas(board)["Imatra"] != (1, 0, 1, 0, 0):
            board = await events.of("snapshot")
        assert [(one["id"], one["area"]) for one in board["silent"]] == [(home, "Imatra")]
        assert "silent since" in board["silent"][0]["said"]
        outage = await out(place, "gw-2")
        while not board["outages"] or "7 of 9" not in board["outages"][0]["said"]:
            board = await events.of("snapshot")
        assert areas(board)["Lappeenranta"] == (1, 0, 0, 1, 0)
        assert [(one["id"], one["area"]) for one in board["outages"]] == [(outage, "Lappeenranta")]


async def test_a_pause_explains_silence_and_calls_nobody(place: County, address: str) -> None:
    await silent_home(place, "aino", inhibited_by="pause")
    async with logged_in(address, "desk") as browser:
        board = await browser.get("/api/desk/homes")
    assert areas(board)["Imatra"] == (1, 0, 0, 0, 1)
    assert board["silent"] == []


async def test_it_names_no_client_and_so_is_no_look(place: County, address: str) -> None:
    await silent_home(place, "aino")
    async with logged_in(address, "desk") as browser:
        said = await browser.page("/api/desk/homes") + await browser.page("/desk/homes")
    for secret in ("Ahola", "Koskenparras", "gw-1", await place.pseudonym("aino")):
        assert secret not in said
    assert await place.looks() == []


async def test_what_the_engine_finds_is_counted_by_its_cause(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with life(plain_database_url, monkeypatch) as county:
        dark, alone = county.homes(1), county.homes(2)[0]
        county.quiet |= {alone}
        await county.live(18)
        county.quiet |= set(dark)
        await county.status(dark, online=False)
        await county.live(8)
        now = county.clock.now()
        board = home_board(await read_homes(county.found.connection, now), texts("en"), now)
    counted = {row.name: row.all for row in board.areas}
    assert (counted["A"].out, counted["A"].heard) == (HOMES, 0)
    assert (counted["area 2"].silent, counted["area 2"].heard) == (1, HOMES - 1)
    assert [(one.area, one.said[:30]) for one in board.silent] == [
        ("area 2", "The whole home has been silent")
    ]
    assert [one.area for one in board.outages] == ["A"]
    assert f"{HOMES} of {HOMES}" in board.outages[0].said


@pytest.mark.parametrize("who", ["nurse", "operator"])
async def test_it_is_for_coordinators(who: str, address: str) -> None:
    async with logged_in(address, who) as browser:
        for path in ("/desk/homes", "/api/desk/homes", STREAM):
            await browser.page(path, status=404)
