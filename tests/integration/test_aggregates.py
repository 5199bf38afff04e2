"""Hourly and daily aggregates equal the readings, whatever comes in whatever order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import numpy as np
import pytest

from core.corrections import Stretch, reassign, strike_out
from core.database import connect
from core.errors import DatabaseError
from ingest import aggregates, touched
from ingest.aggregates import bring_up_to_date
from ingest.instants import micros, moment
from ingest.touched import days
from tests.integration.ingest_homes import NOW, Line, line, pack, spo2

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_FROM_READINGS = """
SELECT subject, metric, device, date_trunc('{unit}', time{zone}) AS bucket, count(*) AS count,
       count(*) FILTER (WHERE state = 1) AS suspect, sum(value) AS sum, avg(value) AS mean,
       min(value) AS min, max(value) AS max,
       (array_agg(value ORDER BY time DESC))[1] AS last, max(time) AS last_at
  FROM telemetry.reading WHERE state <> 2 GROUP BY 1, 2, 3, 4
"""
_KEY = ("subject", "metric", "device", "bucket")


async def rows_of(connection: asyncpg.Connection, query: str) -> dict[tuple[Any, ...], Any]:
    rows = await connection.fetch(query)
    return {
        tuple(row[name] for name in _KEY): {
            name: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            for name, value in row.items()
            if name not in _KEY
        }
        for row in rows
    }


async def assert_equal(connection: asyncpg.Connection) -> int:
    """Both aggregates say what the readings say; the number of hours they hold."""
    columns = "subject, metric, device, bucket, count, suspect, sum, mean, min, max, last, last_at"
    found = 0
    for name, unit, zone in (("daily", "day", ", 'Europe/Helsinki'"), ("hourly", "hour", "")):
        kept = await rows_of(connection, f"SELECT {columns} FROM telemetry.reading_{name}")
        assert kept == await rows_of(connection, _FROM_READINGS.format(unit=unit, zone=zone))
        found = len(kept)
    return found


async def at(to: Line, *times: datetime, value: float = 95) -> None:
    await to.send(
        *(pack(spo2(value + number % 5, time)) for number, time in enumerate(times)),
    )


async def test_they_equal_the_readings_after_every_round_late_ones_included(
    database_url: str,
) -> None:
    async with line(database_url) as to:
        await at(to, NOW, NOW + timedelta(minutes=1), NOW - HOUR)
        await bring_up_to_date(to.connection, NOW)
        assert await assert_equal(to.connection) == 2
        # Late: into a bucket that is there, between and before others.
        await at(to, NOW + timedelta(seconds=30), value=80)
        await at(to, NOW - timedelta(seconds=1), NOW - 30 * DAY, NOW - 3 * DAY, NOW - DAY, value=90)
        await to.send(pack({"n": "motion/motion", "vb": True}, {"n": "button/help", "v": 1}))
        await bring_up_to_date(to.connection, NOW)
        assert await assert_equal(to.connection) == 7
        assert await to.connection.fetchval("SELECT count(*) FROM telemetry.touched") == 0
        # The same again changes nothing.
        await at(to, NOW, NOW - 30 * DAY)
        await bring_up_to_date(to.connection, NOW + 2 * HOUR)
        assert await assert_equal(to.connection) == 7


async def test_days_of_23_and_25_hours_are_days(database_url: str) -> None:
    async with line(database_url) as to:
        spring = datetime(2026, 3, 28, 22, tzinfo=UTC)  # 29 March in Helsinki, 23 hours
        autumn = datetime(2025, 10, 25, 21, tzinfo=UTC)  # 26 October, 25 hours
        await at(to, *(spring + number * HOUR for number in range(-1, 24)))
        await at(to, *(autumn + number * HOUR for number in range(-1, 26)))
        await bring_up_to_date(to.connection, NOW)
        await assert_equal(to.connection)
        found = await to.connection.fetch("SELECT bucket, count FROM telemetry.reading_daily")
        counts = {row["bucket"]: row["count"] for row in found}
        assert (counts[spring], counts[autumn]) == (23, 25)
        assert len(counts) == 6


def test_the_days_reckoned_here_begin_as_those_of_the_database() -> None:
    times = np.array([micros(datetime(2026, 3, 29, 20, 59, 59, tzinfo=UTC))])
    assert moment(int(days(times)[0])) == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert moment(int(days(times + 1_000_000)[0])) == datetime(2026, 3, 29, 21, tzinfo=UTC)


@pytest.mark.parametrize("bound", ["MOST_ENTRIES", "MOST_BYTES"])
async def test_what_is_corrected_is_reckoned_anew_though_more_is_queued(
    database_url: str, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(aggregates, bound, 1)
    async with line(database_url) as to:
        await at(to, *(NOW - number * HOUR for number in range(30)))
        await bring_up_to_date(to.connection, NOW)
        await at(to, *(NOW - number * HOUR + timedelta(seconds=1) for number in range(30)))
        device = await to.connection.fetchval("SELECT min(device) FROM telemetry.reading")
        stretch = Stretch(device, NOW - 10 * HOUR, NOW)
        struck = await strike_out(to.connection, stretch, reason="a test", now=NOW)
        assert struck.readings == 20
        others = Stretch(device, NOW - 30 * HOUR, NOW - 20 * HOUR)
        await reassign(to.connection, others, 0, reason="a test", now=NOW, registry=False)
        await at(to, *(NOW - number * HOUR + timedelta(seconds=2) for number in range(30)))
        await bring_up_to_date(to.connection, NOW)
        await assert_equal(to.connection)


async def test_a_round_that_dies_half_way_is_done_again_and_counts_nothing_twice(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregates, "MOST_ENTRIES", 2)
    async with line(database_url) as to:
        for number in range(7):
            await at(to, NOW - number * HOUR)
        worker = await connect(database_url)
        rounds, loop = 0, asyncio.get_running_loop()
        summed = touched.summed

        def dying(*args: Any) -> Any:
            nonlocal rounds
            rounds += 1
            if rounds == 4:  # in the second transaction, its hours added
                loop.call_soon_threadsafe(worker.terminate)
            return summed(*args)

        monkeypatch.setattr(aggregates, "summed", dying)
        with pytest.raises(DatabaseError):
            await bring_up_to_date(worker, NOW)
        assert rounds == 4
        await bring_up_to_date(to.connection, NOW)
        while await to.connection.fetchval("SELECT count(*) FROM telemetry.touched"):
            await bring_up_to_date(to.connection, NOW)  # until the dead one's lock is free
        await assert_equal(to.connection)


async def test_any_number_of_workers_may_run_while_readings_come(database_url: str) -> None:
    async with line(database_url) as to:
        workers = [await connect(database_url) for _ in range(3)]
        try:
            for number in range(10):
                await at(to, *(NOW - (number * 7 + step) * HOUR for step in range(20)))
                await asyncio.gather(*(bring_up_to_date(worker, NOW) for worker in workers))
            await at(to, NOW - 400 * HOUR)
            await bring_up_to_date(to.connection, NOW)
            await assert_equal(to.connection)
        finally:
            for worker in workers:
                await worker.close()
