"""A county written in bulk: the rows that the service's own queue makes, and every index there."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import numpy as np
import pytest

from bench.county_year import fill
from core.database import connect, server_info
from ingest.aggregates import bring_up_to_date
from ingest.touched import READING, touched_entry
from tests.support.databases import Databases

# Past the night on which the clock goes back, and no whole number of weeks.
UNTIL = datetime(2026, 11, 3, tzinfo=UTC)
DAYS = 17
INDEXES = (
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'telemetry'"
    " AND tablename LIKE 'reading%' ORDER BY 1"
)


async def _aggregates(connection: asyncpg.Connection) -> list[list[dict[str, object]]]:
    return [
        [
            {
                name: pytest.approx(value, rel=1e-12) if name in ("sum", "mean") else value
                for name, value in row.items()
            }
            for row in await connection.fetch(
                f"SELECT * FROM telemetry.{table} ORDER BY subject, metric, bucket, device"
            )
        ]
        for table in ("reading_hourly", "reading_daily")
    ]


async def _queue(connection: asyncpg.Connection) -> None:
    """Every reading as the service queues it, a batch of a few hundred at a time."""
    stored = await connection.fetch("SELECT * FROM telemetry.reading ORDER BY received_at")
    rows = np.empty(len(stored), dtype=READING)
    for name in READING.names or ():
        values = [one[name] for one in stored]
        rows[name] = (
            np.array([at.replace(tzinfo=None) for at in values], "datetime64[us]").astype("i8")
            if name == "time"
            else values
        )
    for start in range(0, len(rows), 700):
        entry = touched_entry(rows[start : start + 700], added=True)
        await connection.execute(
            "INSERT INTO telemetry.touched (touched_at, since, until, readings)"
            " VALUES (now(), $1, $2, $3)",
            entry["since"],
            entry["until"],
            entry["readings"],
        )


async def test_bulk_makes_what_the_services_queue_makes(edition_databases: Databases) -> None:
    url = edition_databases.create()
    connection = await connect(url)
    try:
        if (await server_info(connection)).edition == "timescaledb-community":
            pytest.skip("this database keeps its aggregates itself")
        before = await connection.fetch(INDEXES)
        county = await fill(connection, clients=9, days=DAYS, until=UNTIL)
        assert await connection.fetch(INDEXES) == before
        assert len(before) == 7  # three on partitions of the hours
        bulk = await _aggregates(connection)
        assert county.load.readings == 9 * DAYS * 190
        assert [county.load.hours, county.load.days] == [len(rows) for rows in bulk]
        assert min(len(rows) for rows in bulk) > 9 * DAYS * 10
        await connection.execute("TRUNCATE telemetry.reading_hourly, telemetry.reading_daily")
        await _queue(connection)
        await bring_up_to_date(connection, UNTIL)
        assert await _aggregates(connection) == bulk
    finally:
        await connection.close()
        edition_databases.drop(url)
