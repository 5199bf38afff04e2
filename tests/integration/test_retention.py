"""Old readings go, their aggregates stay, and nothing can hollow these out afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import asyncpg

from ingest.aggregates import bring_up_to_date
from ingest.retention import remove_expired
from tests.integration.ingest_homes import NOW, line, pack, spo2

DAY = timedelta(days=1)
KEPT = {"readings_after": 30 * DAY, "rejected_after": 90 * DAY}


async def buckets(connection: asyncpg.Connection) -> list[Any]:
    return [
        tuple(row)
        for name in ("hourly", "daily")
        for row in await connection.fetch(
            "SELECT subject, metric, device, bucket, count, mean, min, max, last "
            f"FROM telemetry.reading_{name} ORDER BY 1, 2, 3, 4"
        )
    ]


async def times(connection: asyncpg.Connection) -> list[datetime]:
    return [row["time"] for row in await connection.fetch("SELECT time FROM telemetry.reading")]


async def test_raw_readings_are_removed_and_never_the_aggregates(database_url: str) -> None:
    async with line(database_url) as to:
        await to.send(*(pack(spo2(90 + number % 9, NOW - number * DAY)) for number in range(60)))
        await bring_up_to_date(to.connection, NOW)
        before = await buckets(to.connection)
        removed = await remove_expired(to.connection, NOW, **KEPT)
        left = await times(to.connection)
        assert {NOW - number * DAY for number in range(31)} <= set(left)
        # With TimescaleDB whole chunks of seven days go.
        assert min(left) > NOW - (30 + 2 + 7) * DAY
        assert removed.readings == 60 - len(left) or removed.chunks > 0
        await bring_up_to_date(to.connection, NOW)
        assert await buckets(to.connection) == before

        # A correction of what is gone leaves the aggregates as they are.
        await to.connection.execute(
            "INSERT INTO telemetry.touched (touched_at, since, until) VALUES (now(), $1, $2)",
            NOW - 60 * DAY,
            NOW,
        )
        await bring_up_to_date(to.connection, NOW)
        assert await buckets(to.connection) == before
        assert (await remove_expired(to.connection, NOW, **KEPT)).readings == 0


async def test_rejected_ones_and_their_counts_expire(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        await to.send(pack(spo2(101)), b"x")
        to.clock.advance(60 * DAY)
        await to.send(pack(spo2(102, to.clock.now())))
        removed = await remove_expired(to.connection, NOW + 100 * DAY, **KEPT)
        assert removed.rejected == 2
        (kept,) = await to.rejected()
        assert kept["record"]["value"] == 102
        counts = await to.connection.fetch("SELECT count FROM telemetry.rejected_count")
        assert [row["count"] for row in counts] == [1]
        quota = await to.connection.fetchrow("SELECT rows, bytes FROM telemetry.rejected_quota")
        assert quota is not None
        assert (quota["rows"], quota["bytes"]) == (1, kept["bytes"])
