"""A client's course beside the readings: score, nights, devices heard, what happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from asyncpg import Range

from core.clock import LOCAL, wall_time
from ingest.aggregates import bring_up_to_date
from tests.integration.web_support import NOW, Browser, County, county, logged_in, serving
from web.openapi.charts import Course
from web.trends import marks

DAY = timedelta(days=1)


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[County]:
    async with county(database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as address:
        yield address


async def _summed(place: County) -> None:
    await place.connection.execute(
        "INSERT INTO telemetry.touched (touched_at, since, until) VALUES ($1, $2, $1)",
        NOW, NOW - 400 * DAY,
    )  # fmt: skip
    await bring_up_to_date(place.connection, NOW)


async def _course(nurse: Browser, place: County, length: timedelta, **more: str) -> Any:
    query = {
        "subject": await place.pseudonym("aino"),
        "from": (NOW - length).isoformat(),
        "to": NOW.isoformat(),
        **more,
    }
    found = await nurse.get(f"/api/course?{urlencode(query)}")
    msgspec.convert(found, Course)
    return found


async def test_the_score_at_every_length(place: County, address: str) -> None:
    """A pulse of 140 in one hour of the last day is on the year's chart too."""
    aino, bad = await place.subject("aino"), NOW - timedelta(hours=5)
    await place.put(aino, "monitor-1", "pulse", [(NOW - n * DAY, 70.0) for n in range(1, 300)])
    await place.put(aino, "monitor-1", "pulse", [(bad, 140.0)])
    await place.put(aino, "monitor-1", "temperature", [(bad - timedelta(minutes=1), 37.0)])
    await _summed(place)
    async with logged_in(address, "nurse") as nurse:
        day = await _course(nurse, place, DAY)
        month = await _course(nurse, place, 30 * DAY)
        year = await _course(nurse, place, 365 * DAY, points="1200")
    assert [one["resolution"] for one in (day, month, year)] == ["raw", "hourly", "daily"]
    for found in (day, month, year):
        assert found["score"]["low"][-1] == 3
        assert max(found["score"]["low"][:-1], default=0) == 0
        known = {one["name"] for one in found["score"]["parameters"] if one["known"][-1]}
        assert known == {"Syke", "Ruumiinlämpö"}
    assert len(year["score"]["time"]) > 290
    assert abs(day["score"]["time"][-1] - bad.timestamp()) < 300


async def test_nights_end_on_their_day(place: County, address: str) -> None:
    aino = await place.subject("aino")
    device = await place.connection.fetchval(
        "INSERT INTO registry.device (gateway, name, kind) SELECT id, 'bed-1', 'bed'"
        " FROM registry.gateway WHERE name = 'gw-1' RETURNING id"
    )
    await place.connection.execute(
        "INSERT INTO registry.assignment (device, subject, during) VALUES ($1, $2, $3)",
        device, aino, Range(NOW - 100 * DAY, None),
    )  # fmt: skip
    last = NOW.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
    stays = ((-1.5, 1.0), (2.0, 0.0), (2.25, 1.0), (6.5, 0.0), (14.0, 1.0), (15.0, 0.0))
    await place.put(
        aino, "bed-1", "bed", [(last + timedelta(hours=at), value) for at, value in stays]
    )
    async with logged_in(address, "nurse") as nurse:
        found = await _course(nurse, place, 7 * DAY)
    # From half past ten to two and from a quarter past to half past six; the nap is no night.
    assert found["nights"] == {
        "day": [last.date().isoformat()],
        "in_bed_h": [7.75],
        "risings": [1],
    }


async def test_days_on_which_devices_were_heard(place: County, address: str) -> None:
    aino = await place.subject("aino")
    heard = [NOW - n * DAY for n in (1, 1, 3)]
    await place.put(aino, "monitor-1", "pulse", [(at, 70.0) for at in {*heard}])
    await place.put(aino, "monitor-1", "spo2", [(heard[0], 91.0)])
    begun = (NOW - 2 * DAY).astimezone(LOCAL)
    await place.connection.execute(
        "UPDATE registry.assignment SET during = $1 WHERE device IN"
        " (SELECT id FROM registry.device WHERE name = 'motion-kitchen')",
        Range(begun, None),
    )
    await _summed(place)
    async with logged_in(address, "nurse") as nurse:
        found = (await _course(nurse, place, 4 * DAY))["heard"]
    assert found["days"] == 5
    devices = {one["name"]: one["counts"] for one in found["devices"]}
    assert devices == {
        "puettava mittari": [0, 1, 0, 2, 0],
        "liiketunnistin, keittiö": [None, None, 0, 0, 0],
    }


async def test_what_happened_is_marked(
    place: County, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aino, home, berta = (
        await place.subject("aino"), await place.home("aino"), await place.subject("berta"),
    )  # fmt: skip
    first = await place.open(aino, severity=4)
    mild = await place.open(aino, "weight", severity=1)
    other = await place.open(berta, severity=4)
    at_home = await place.open(home, "smoke", severity=4)
    for what, detail, ago in (
        ("arrived", {}, 1),
        ("contacted", {"how": "face_to_face"}, 2),
        ("contacted", {"how": "phone"}, 3),
        ("remote_visit", {}, 4),
    ):
        await place.connection.execute(
            "INSERT INTO alerts.episode_event (episode, at, wall_at, what, detail)"
            " VALUES ($1, $2, $3, $4, $5)",
            first, NOW - timedelta(minutes=ago), wall_time(), what, detail,
        )  # fmt: skip
    await place.connection.execute(
        "INSERT INTO registry.pause (subject, kind, since, until, set_at, changed_at)"
        " VALUES ($1, 'hospital', $2, $3, $2, $2)",
        aino, NOW - 3 * DAY, NOW - 2 * DAY,
    )  # fmt: skip
    later = {"to": (NOW + timedelta(minutes=1)).isoformat()}
    async with logged_in(address, "nurse") as nurse:
        found = (await _course(nurse, place, 7 * DAY, **later))["marks"]
        monkeypatch.setattr(marks, "MOST", 1)
        few = (await _course(nurse, place, 7 * DAY, **later))["marks"]
        looks = await place.looks()
    assert {one["id"] for one in found["alerts"]} == {first, at_home}
    assert not {mild, other} & {one["id"] for one in found["alerts"]}
    assert {one["text"] for one in found["alerts"]} == {"Hätä: NEWS2", "Hätä: Savu"}
    assert [one["text"] for one in found["visits"]] == ["Käynti", "Käynti", "Etäkäynti"]
    [pause] = found["pauses"]
    assert datetime.fromisoformat(pause["from"]) == NOW - 3 * DAY
    assert (found["more"], few["more"], len(few["alerts"])) == (False, True, 1)
    assert ("nurse", "aino", "trends", "care") in looks


async def test_messages_that_arrived_and_weeks_means(place: County, address: str) -> None:
    aino = await place.subject("aino")
    # Eight numbers of ten, of a boot that was heard last yesterday.
    await place.connection.execute(
        "INSERT INTO telemetry.received (gateway, boot, seqs, announced, first_at, last_at)"
        " SELECT id, 'b1', '{[1,5),[7,11)}', 10, $1, $1 FROM registry.gateway WHERE name = 'gw-1'",
        NOW - DAY,
    )
    # Fifty kilograms until five days ago, fifty-seven since.
    weights = [(NOW - n * DAY, 50.0 if n >= 5 else 57.0) for n in range(1, 30)]
    await place.put(aino, "monitor-1", "weight", weights)
    await _summed(place)
    async with logged_in(address, "nurse") as nurse, logged_in(address, "stranger") as stranger:
        week = await _course(nurse, place, 7 * DAY)
        day = await _course(nurse, place, DAY)
        query = urlencode({"subject": await place.pseudonym("aino")})
        await stranger.get(f"/api/course?{query}", status=404)
    yesterday = (NOW - DAY).astimezone(LOCAL).date().isoformat()
    assert week["arrived"] == {"day": [yesterday], "percent": [80.0]}
    assert day["week_means"] == {}
    weight = week["week_means"]["weight"]
    assert weight["mean"] == pytest.approx([50, 50, 50, 51, 52, 53, 54])
    noons = [datetime.fromtimestamp(at, LOCAL).hour for at in weight["time"]]
    assert set(noons) == {12}
