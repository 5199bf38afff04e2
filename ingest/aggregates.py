"""Keeps `telemetry.reading_hourly` and `reading_daily` equal to the readings that are stored.

Who stores readings queues them in the same transaction (`telemetry.touched`), and what is queued is
added to the buckets; so a bucket costs what is new in it, not what it holds. Who corrects readings
queues the stretch, which is then reckoned anew. Both happen in one transaction that sees the queue
and the readings at one moment: whatever is in the readings is either added already or in the queue,
and a stretch is reckoned only once everything queued has been added. On TimescaleDB's Community
edition continuous aggregates are refreshed instead. Any number of workers may run; one works, the
others find the lock held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import asyncpg
import numpy as np
from numpy.typing import NDArray

from core.database import Connection, load_queries, server_info, translated
from ingest.binary_copy import binary_copy, in_pieces
from ingest.touched import BUCKET, Begin, beginning, days, hours, summed, unpacked

MOST_ENTRIES = 256
"""Batches added in one transaction, at most."""
MOST_BYTES = 1024 * 1024
"""Bytes of readings after which no further batch is added in one transaction, some 40,000 readings.
Sorting them takes ten times as much memory; a transaction takes a third of a second."""
_HOUR = timedelta(hours=1)
_LONGEST_DAY = timedelta(hours=25)


async def bring_up_to_date(connection: Connection, now: datetime) -> int:
    """Work off what is queued; the number of entries done, 0 also where another is at it.

    `connection` must be in no transaction; `now` is the shared clock's.

    Raises:
        DatabaseError: the database is away or refuses; what is not done stays queued.
    """
    queries = load_queries("ingest")
    async with translated():
        if not await queries.try_upkeep_lock(connection):
            return 0
        try:
            info = await server_info(connection)
            if info.edition == "timescaledb-community":
                return await _refresh(connection, now)
            await queries.create_added(connection)
            total = 0
            while done := await _work_off(connection):
                total += done
            return total
        finally:
            if not connection.is_closed():
                await queries.release_upkeep_lock(connection)


async def _work_off(connection: Connection) -> int:
    """One transaction: some additions and, if these were all there are, one stretch."""
    queries = load_queries("ingest")
    async with connection.transaction(isolation="repeatable_read"):
        taken = [
            row["readings"]
            async for row in queries.take_additions(
                connection, most=MOST_ENTRIES, most_bytes=MOST_BYTES
            )
        ]
        if taken:
            readings = unpacked(taken)
            await _add(connection, readings, hours, queries.add_hourly)
            await _add(connection, readings, days, queries.add_daily)
        if taken and await queries.additions_wait(connection):
            return len(taken)
        stretch = await queries.take_stretch(connection)
        if stretch is None:
            return len(taken)
        await _reckon(connection, stretch)
        return len(taken) + 1


async def _reckon(connection: Connection, stretch: asyncpg.Record) -> None:
    """A stretch anew from what is stored, by whole buckets, except where readings are removed."""
    queries = load_queries("ingest")
    done = await queries.read_upkeep(connection)
    times = [(stretch["since"], stretch["until"])]
    whose = {"subject": stretch["subject"], "device": stretch["device"]}
    for name, begin, beyond in (("hourly", hours, _HOUR), ("daily", days, _LONGEST_DAY)):
        for since, until in _spans(times, begin, beyond, done["removed_before"]):
            span = {"since": since, "until": until, **whose}
            await getattr(queries, f"clear_{name}")(connection, **span)
            await getattr(queries, f"reckon_{name}")(connection, **span)


async def _add(
    connection: Connection,
    readings: NDArray[np.void],
    bucket: Begin,
    add: Callable[[Connection], object],
) -> None:
    # In a thread: what decodes messages meanwhile shall not wait for a sort, nor for a copy.
    rows = await asyncio.to_thread(lambda: binary_copy(summed(readings, bucket(readings["time"]))))
    await connection.copy_to_table(
        "added", source=in_pieces(rows), format="binary", columns=BUCKET.names
    )
    await add(connection)  # type: ignore[misc]  # aiosql's functions have no types
    await load_queries("ingest").empty_added(connection)


async def _refresh(connection: Connection, now: datetime) -> int:
    """Refresh continuous aggregates where what they hold has been touched.

    They read what is later than they were ever refreshed from the readings themselves, so the hour
    and the day that are under way are left to that, and refreshed once when they are over.
    """
    queries = load_queries("ingest")
    done = await queries.read_upkeep(connection)
    over = {}
    for name, begin, last in (("hourly", hours, "hours"), ("daily", days, "days")):
        over[name] = beginning(begin, now)
        since = done[f"{last}_refreshed"]
        if since is None or since < over[name]:
            await getattr(queries, f"refresh_{name}")(connection, since=since, until=over[name])
    await queries.write_refreshed(connection, hours=over["hourly"], days=over["daily"])
    total = 0
    while True:
        entries = [row async for row in queries.take_ranges(connection, most=MOST_ENTRIES)]
        if not entries:
            return total
        times = [(row["since"], row["until"]) for row in entries]
        for name, begin, beyond in (("hourly", hours, _HOUR), ("daily", days, _LONGEST_DAY)):
            for since, until in _spans(times, begin, beyond, done["removed_before"]):
                if since < over[name]:
                    await getattr(queries, f"refresh_{name}")(
                        connection, since=since, until=min(until, over[name])
                    )
        await queries.drop_touched(connection, ids=[row["id"] for row in entries])
        total += len(entries)


def _spans(
    times: Sequence[tuple[datetime, datetime]],
    begin: Begin,
    beyond: timedelta,
    removed_before: datetime | None,
) -> list[tuple[datetime, datetime]]:
    """Whole buckets that hold `times` (earliest and latest), joined where they touch.

    `beyond` leads from the beginning of any bucket into the one behind it. Buckets that begin
    before `removed_before` have lost readings and are left as they are.
    """
    spans: list[tuple[datetime, datetime]] = []
    for first, last in sorted(times):
        since = beginning(begin, first)
        until = beginning(begin, beginning(begin, last) + beyond)
        if removed_before is not None:
            since = max(since, removed_before)
        if since >= until:
            continue
        if spans and since <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], until))
        else:
            spans.append((since, until))
    return spans
