"""What a member missed: whom it was for, what became of it, and nothing of what they did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest

from core.clock import wall_time
from tests.integration.web_support import NOW, Browser, County, county, logged_in, serving
from web import missed
from web.openapi.answers import Missed

HOUR = timedelta(hours=1)


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[County]:
    async with county(database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as address:
        yield address


async def _asked(browser: Browser, **query: str) -> Any:
    found = await browser.get(f"/api/missed?{urlencode(query)}")
    msgspec.convert(found, Missed)
    return found


async def _called(place: County, episode: int, username: str, **more: Any) -> None:
    """Somebody was called, and looked or did not."""
    await place.connection.execute(
        "INSERT INTO alerts.outbox (episode, step, member, channel, severity, what, created_at,"
        " due_at, state, seen_at) SELECT $1, '1', m.id, 'webpush', 4, $2, $3, $3, 'sent', $4"
        " FROM registry.member m WHERE m.username = $5",
        episode, more.get("what", "page"), more.get("at", NOW), more.get("seen_at"), username,
    )  # fmt: skip


async def _opened(place: County, subject: int, ago: timedelta, *more: str, **kind: Any) -> int:
    await place.set_clock(NOW - ago)
    episode = await place.open(subject, *more, **kind)
    await place.set_clock(NOW)
    return episode


async def test_what_called_and_what_became_of_it(place: County, address: str) -> None:
    aino, berta = await place.subject("aino"), await place.subject("berta")
    waiting = await _opened(place, aino, 3 * HOUR, severity=3)
    taken = await _opened(place, aino, 4 * HOUR, "limit", severity=3)
    closed = await _opened(place, aino, 5 * HOUR, "fall", severity=4)
    mild = await _opened(place, aino, HOUR, "weight", severity=1)
    early = await _opened(place, aino, 13 * HOUR, "glucose", severity=4)
    foreign = await _opened(place, berta, HOUR, severity=4)
    async with logged_in(address, "mate") as mate, logged_in(address, "nurse") as nurse:
        await mate.post(f"/api/episodes/{taken}/acknowledge", {})
        await mate.post(f"/api/episodes/{closed}/contact", {"how": "phone"})
        await mate.post(f"/api/episodes/{closed}/close", {"outcome": "real"})
        found = await _asked(nurse)
        theirs = await _asked(mate)
        page = await nurse.page("/missed")
    assert [(one["episode"]["id"], one["became"]) for one in found["missed"]] == [
        (waiting, "waiting"),
        (closed, "closed"),
        (taken, "taken"),
    ]
    assert {one["called_at"] for one in found["missed"]} == {None}
    assert [one["episode"]["id"] for one in theirs["missed"]] == [waiting]
    assert not {mild, early, foreign} & {one["episode"]["id"] for one in found["missed"]}
    assert page.index(f"/episodes/{waiting}") < page.index(f"/episodes/{closed}")
    assert "Odottaa yhä jotakuta" in page
    assert "Matti Mate sulki sen" in page
    assert "3 hälytystä" in page
    assert ("nurse", "aino", "list", "care") in await place.looks()


async def test_a_call_that_was_not_looked_at_is_missed_whenever_it_was_opened(
    place: County, address: str
) -> None:
    aino = await place.subject("aino")
    old = await _opened(place, aino, 20 * HOUR, severity=4)
    looked = await _opened(place, aino, 21 * HOUR, "limit", severity=3)
    stood_down = await _opened(place, aino, 22 * HOUR, "glucose", severity=3)
    await _called(place, old, "nurse", at=NOW - HOUR)
    await _called(place, looked, "nurse", at=NOW - HOUR, seen_at=wall_time())
    await _called(place, stood_down, "nurse", at=NOW - HOUR, what="stand_down")
    async with logged_in(address, "mate") as mate, logged_in(address, "nurse") as nurse:
        assert (await _asked(mate))["missed"] == []
        [one] = (await _asked(nurse))["missed"]
        assert "Sinut kutsuttiin" in await nurse.page("/missed")
        # Who looks has not missed it any more, though it was opened before.
        await nurse.get(f"/api/episodes/{old}")
        assert (await _asked(nurse))["missed"] == []
        assert "ei jäänyt mitään" in await nurse.page("/missed")
    assert one["episode"]["id"] == old
    assert one["called_at"] == (NOW - HOUR).isoformat().replace("+00:00", "Z")


async def test_since_when(place: County, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    aino = await place.subject("aino")
    kinds = ("news2", "limit", "glucose")
    opened = [
        await _opened(place, aino, hours * HOUR, kind, severity=3)
        for hours, kind in zip((2, 30, 167), kinds, strict=True)
    ]
    async with logged_in(address, "nurse") as nurse:
        for hours, count in ((1, 0), (3, 1), (31, 2), (100_000, 3)):
            found = await _asked(nurse, since=(NOW - hours * HOUR).isoformat())
            assert {one["episode"]["id"] for one in found["missed"]} == set(opened[:count])
        assert found["since"] == (NOW - 7 * 24 * HOUR).isoformat().replace("+00:00", "Z")
        for since in ("yesterday", "2026-01-01T00:00:00", (NOW + HOUR).isoformat(), "0" * 5000):
            refused = await nurse.get(f"/api/missed?since={quote(since)}", status=400)
            assert "ei voitu tulkita" in refused["error"]
        monkeypatch.setattr(missed, "MOST", 2)
        few = await _asked(nurse, since=(NOW - 168 * HOUR).isoformat())
    assert (found["more"], few["more"], len(few["missed"])) == (False, True, 2)
