"""Hours of movement move into a partition of their own; nothing of them is lost or said twice."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import numpy as np
import pytest

from core.catalogue import catalogue
from core.database import connect, server_info
from core.migrate import migrate
from ingest.aggregates import bring_up_to_date
from ingest.instants import micros
from ingest.touched import READING, touched_entry
from tests.integration.ingest_homes import NOW
from tests.support.databases import Databases

_HOURS = "SELECT * FROM telemetry.reading_hourly ORDER BY subject, metric, bucket, device"
_METRICS = ("pulse", "motion", "door", "bed")


async def _add(connection: asyncpg.Connection) -> None:
    """A reading each quarter of an hour, of every metric, as ingest queues and adds them."""
    rows = np.zeros(40 * len(_METRICS), dtype=READING)
    times = micros(NOW - timedelta(hours=10)) + np.arange(40) * 900_000_000
    rows["time"] = np.repeat(times, len(_METRICS))
    rows["metric"] = np.tile([catalogue()[name].id for name in _METRICS], 40)
    rows["value"] = np.arange(len(rows)) % 3
    rows["device"], rows["subject"] = 7, 3
    entry = touched_entry(rows, added=True)
    await connection.execute(
        "INSERT INTO telemetry.touched (touched_at, since, until, readings)"
        " VALUES (now(), $1, $2, $3)", entry["since"], entry["until"], entry["readings"],
    )  # fmt: skip
    await bring_up_to_date(connection, NOW)


async def test_hours_that_are_there_move_and_are_added_to(edition_databases: Databases) -> None:
    url = edition_databases.create(migrated=False)
    await migrate(url, "0050")
    connection = await connect(url)
    try:
        if (await server_info(connection)).edition == "timescaledb-community":
            pytest.skip("hours are a continuous aggregate")
        await _add(connection)
        before = await connection.fetch(_HOURS)
        assert len(before) == 10 * len(_METRICS)
        await migrate(url)
        assert await connection.fetch(_HOURS) == before
        places = await connection.fetch(
            "SELECT DISTINCT metric, tableoid::regclass::text AS place"
            "  FROM telemetry.reading_hourly"
        )
        assert {(row["metric"], row["place"].endswith("_movement")) for row in places} == {
            (catalogue()[name].id, name in ("motion", "door")) for name in _METRICS
        }
        await _add(connection)
        after = await connection.fetch(_HOURS)
        assert [(row["bucket"], row["metric"], row["count"], row["sum"]) for row in after] == [
            (row["bucket"], row["metric"], 2 * row["count"], 2 * row["sum"]) for row in before
        ]
    finally:
        await connection.close()
