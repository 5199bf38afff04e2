"""Trends over months: hours and days, not readings; a raster of activity; readings as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from core.clock import LOCAL
from ingest.aggregates import bring_up_to_date
from tests.integration.web_support import NOW, Browser, County, county, logged_in, serving
from web.openapi.charts import Comparison


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[County]:
    async with county(database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as address:
        yield address


async def _summed(place: County, since: datetime) -> None:
    await place.connection.execute(
        "INSERT INTO telemetry.touched (touched_at, since, until) VALUES ($1, $2, $1)", NOW, since
    )
    await bring_up_to_date(place.connection, NOW)


async def _asked(browser: Browser, what: str, place: County, days: int, **more: str) -> Any:
    query = {
        "subject": await place.pseudonym("aino"),
        "from": (NOW - timedelta(days=days)).isoformat(),
        "to": NOW.isoformat(),
        **more,
    }
    return await browser.get(f"/api/{what}?{urlencode(query)}")


async def test_a_year_is_drawn_from_days_and_a_month_from_hours(
    place: County, address: str
) -> None:
    """Over the spring and autumn in which days have 23 and 25 hours, no day is lost or joined."""
    subject = await place.subject("aino")
    first = NOW - timedelta(days=364)
    values = [(first + timedelta(hours=6 * n), 70.0 + n % 4) for n in range(4 * 364)]
    values[700] = (values[700][0], 141.0)
    await place.put(subject, "monitor-1", "pulse", values)
    await _summed(place, first)
    async with logged_in(address, "nurse") as nurse:
        year = await _asked(nurse, "readings", place, 365, metrics="pulse", points="1200")
        month = await _asked(nurse, "readings", place, 30, metrics="pulse", points="1200")
        few = await _asked(nurse, "readings", place, 365, metrics="pulse", points="100")
    assert (year["resolution"], month["resolution"]) == ("daily", "hourly")
    pulse = year["series"]["pulse"]
    days = [datetime.fromtimestamp(at, UTC).astimezone(LOCAL).date() for at in pulse["time"]]
    assert len(days) == len(set(days)) == len({at.astimezone(LOCAL).date() for at, _ in values})
    assert sum(pulse["count"]) == len(values)
    assert max(pulse["high"]) == max(few["series"]["pulse"]["high"]) == 141
    assert sum(few["series"]["pulse"]["count"]) == len(values)
    assert len(few["series"]["pulse"]["time"]) <= 100
    at = pulse["high"].index(141)
    assert days[at] == values[700][0].astimezone(LOCAL).date()
    whole = sum(value for moment, value in values if moment.astimezone(LOCAL).date() == days[at])
    assert pulse["mean"][at] == pytest.approx(whole / pulse["count"][at])
    month_since = NOW - timedelta(days=30)
    assert sum(month["series"]["pulse"]["count"]) == sum(at >= month_since for at, _ in values)


async def test_activity_over_months_is_a_raster_of_county_hours(
    place: County, address: str
) -> None:
    # At 0.30 UTC it is 3.30 in the county, and an hour later 3.30 again.
    repeated = datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    moves = [repeated, repeated + timedelta(hours=1), repeated + timedelta(hours=2)]
    await place.put(
        await place.home("aino"),
        "motion-kitchen",
        "motion",
        [(at, 1.0) for at in moves] + [(repeated + timedelta(hours=9), 0.0)],
    )
    await _summed(place, repeated - timedelta(days=1))
    async with logged_in(address, "nurse") as nurse:
        found = await _asked(nurse, "activity", place, 200)
    assert found["layout"] == "raster"
    [kitchen] = found["places"]
    assert len(kitchen["counts"]) == 24 * found["days"]
    fired = {i: count for i, count in enumerate(kitchen["counts"]) if count}
    first = datetime.fromisoformat(found["first"]).date()
    night = 24 * (datetime(2025, 10, 26).date() - first).days  # noqa: DTZ001 - a date
    assert fired == {night + 3: 2, night + 4: 1}


async def test_the_file_has_every_reading_as_it_is_stored(place: County, address: str) -> None:
    subject = await place.subject("aino")
    values = [(NOW - timedelta(minutes=n), 36.1 + n / 10) for n in range(1, 1202)]
    await place.put(subject, "monitor-1", "temperature", values)
    struck, beyond = values[3][0], values[4][0]
    for column, at in (("state = 2", struck), ("qualifier = -1", beyond)):
        await place.connection.execute(
            f"UPDATE telemetry.reading SET {column} WHERE time = $1",
            at,
        )
    path = f"/clients/{await place.pseudonym('aino')}/readings.csv"
    async with logged_in(address, "nurse") as nurse:
        async with nurse.session.get(path) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
            rows = list(csv.DictReader(io.StringIO(await answer.text(), newline="")))
        for query, said in (
            ("metrics=nonsense", "Sellaista mittausta ei ole"),
            ("from=1926-01-01T00:00:00Z", "ei voitu tulkita"),
            ("from=1990-01-01T00:00:00Z", "enintään 400 päivää"),
            ("from=2026-03-03T12:00:01Z&to=2026-03-03T12:00:00Z", "päättyy ennen"),
        ):
            async with nurse.session.get(f"{path}?{query}") as answer:
                assert answer.status == 400
                assert said in await answer.text()
    assert [float(row["value"]) for row in rows] == [value for _, value in reversed(values)]
    times = [datetime.fromisoformat(row["time"]) for row in rows]
    assert times == [at for at, _ in reversed(values)]
    marked = {row["time"]: (row["state"], row["qualifier"]) for row in rows}
    wanted = dict.fromkeys(marked, ("ok", ""))
    wanted[rows[-4]["time"]], wanted[rows[-5]["time"]] = ("struck_out", ""), ("ok", "<")
    assert marked == wanted
    assert {row["unit"] for row in rows} == {"Cel"}
    details = await place.connection.fetch(
        "SELECT detail FROM audit.access WHERE subject = $1 AND what = 'trends'", subject
    )
    assert any('"csv"' in str(row["detail"]) or row["detail"].get("format") == "csv"
               for row in details)  # fmt: skip


async def test_the_file_is_for_those_who_see_the_client(place: County, address: str) -> None:
    path = f"/clients/{await place.pseudonym('aino')}/readings.csv"
    async with logged_in(address, "stranger") as stranger, stranger.session.get(path) as answer:
        assert answer.status == 404


async def test_two_periods_are_compared(place: County, address: str) -> None:
    subject, home = await place.subject("aino"), await place.home("aino")
    week = timedelta(days=7)
    for start, pulse in ((NOW - week, 80.0), (NOW - 2 * week, 74.0)):
        times = [start + timedelta(hours=n) for n in range(1, 7 * 24)]
        await place.put(
            subject,
            "monitor-1",
            "pulse",
            [(at, pulse + n % 3 - 1) for n, at in enumerate(times, 1)],
        )
    await place.put(subject, "monitor-1", "weight", [(NOW - timedelta(days=2), 61.5)])
    moves = [
        NOW - timedelta(days=n, hours=h) for n in range(14) for h in ((1, 11) if n < 7 else (1,))
    ]
    await place.put(home, "motion-kitchen", "motion", [(at, 1.0) for at in moves])
    await _summed(place, NOW - 3 * week)
    asked = {"metrics": "pulse,weight,spo2"}
    async with logged_in(address, "nurse") as nurse:
        found = await _asked(nurse, "comparison", place, 7, **asked)
        msgspec.convert(found, Comparison)
        page = await nurse.page(
            f"/clients/{await place.pseudonym('aino')}/visit?"
            + urlencode({"from": (NOW - week).isoformat(), "to": NOW.isoformat()})
        )
        for beside, said in (
            ("nonsense", "ei voitu tulkita"),
            ("0001-01-01", "ei voitu tulkita"),
            (NOW.date().isoformat(), "aiempana päivänä"),
        ):
            query = urlencode({"subject": await place.pseudonym("aino"), **asked, "with": beside})
            refused = await nurse.get(f"/api/comparison?{query}", status=400)
            assert said in refused["error"]
    assert datetime.fromisoformat(found["earlier_to"]) == NOW - week
    pulse, weight = found["signs"]
    assert (pulse["metric"], weight["metric"]) == ("pulse", "weight")
    assert pulse["change"] == pytest.approx(6, abs=0.1)
    assert (pulse["now"]["low"], pulse["earlier"]["high"]) == (79, 75)
    assert (weight["earlier"], weight["change"]) == (None, None)
    assert len(found["series"]["pulse"]["time"]) > 0
    [kitchen] = found["places"]
    assert kitchen["now"]["a_day"] == pytest.approx(2, abs=0.2)
    assert kitchen["earlier"]["a_day"] == pytest.approx(1, abs=0.2)
    # Eleven hours before two in the afternoon, county time, it was night.
    assert kitchen["now"]["a_night"] == pytest.approx(1, abs=0.1)
    assert kitchen["earlier"]["a_night"] == 0
    assert "Aino Ahola" in page
    details = [
        str(row["detail"])
        for row in await place.connection.fetch(
            "SELECT detail FROM audit.access WHERE subject = $1 AND what = 'trends'", subject
        )
    ]
    assert any("print" in one for one in details)
    assert sum("earlier" in one for one in details) == 2
