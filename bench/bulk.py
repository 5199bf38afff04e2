"""A year of readings and aggregates written in bulk: the same rows as the service's own queue.

The queue adds a batch to the buckets that it touches, so a year of readings would rewrite each
bucket many times. Here the same sums (`ingest.touched`) are reckoned once for each bucket that is
over, and written in the order in which the service comes to them, so that a client's rows lie as
far apart as they do in service. Indexes are built at the end, which costs less than keeping them.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.database import Connection, load_queries
from ingest.binary_copy import SINCE_2000, binary_copy, in_pieces
from ingest.touched import READING, Begin, days, hours, summed

_MEMORY = "1GB"
"""For the sort of one index; on TimescaleDB each week has its own."""


class Buckets:
    """Readings in the order of time, in; rows of one aggregate whose time is over, out."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._open = np.empty(0, dtype=READING)

    def add(self, readings: NDArray[np.void]) -> NDArray[np.void]:
        """Take readings (of `READING`, none earlier than those before); the rows (of `BUCKET`) of
        all buckets before the last one begun, the earliest first."""
        readings = np.concatenate((self._open, readings))
        if not len(readings):
            return self._rows(readings)
        over = self._begin(readings["time"]) < self._begin(readings["time"][-1:])
        self._open = readings[~over]
        return self._rows(readings[over])

    def rest(self) -> NDArray[np.void]:
        """The rows of what is still open; nothing may be added afterwards."""
        return self._rows(self._open)

    def _rows(self, readings: NDArray[np.void]) -> NDArray[np.void]:
        rows = summed(readings, self._begin(readings["time"]))
        return rows[np.argsort(rows["bucket"], kind="stable")]


@dataclass(frozen=True)
class Load:
    """What was written, and how long each part of it took, in seconds."""

    readings: int
    hours: int
    """Rows of `reading_hourly`; 0 where the database itself keeps it."""
    days: int
    readings_s: float
    """Making them up and writing them."""
    aggregates_s: float
    indexes_s: float


async def load_year(
    connection: Connection,
    weeks: Iterable[NDArray[np.void]],
    number: int,
    *,
    reckoned: bool,
    say: Callable[[str], None],
) -> Load:
    """Write readings into an empty database, with both aggregates where they are `reckoned` here.

    Args:
        weeks: rows for columns of `telemetry.reading` of these names, times in microseconds since
            2000, in the order of time over all of them; at most a week at once, for memory.
        number: how many `weeks` there are, for `say`.

    Raises:
        DatabaseError: the database is away or refuses.
    """
    aggregates = {"reading_hourly": Buckets(hours), "reading_daily": Buckets(days)}
    written = dict.fromkeys(("reading", *aggregates), 0)
    took = dict.fromkeys(("readings", "aggregates", "indexes"), 0.0)

    async def put(table: str, rows: NDArray[np.void]) -> None:
        written[table] += len(rows)
        await _write(connection, table, rows)

    at = time.perf_counter()

    def lap(what: str) -> None:
        nonlocal at
        took[what] += time.perf_counter() - at
        at = time.perf_counter()

    tables = ("reading", *aggregates) if reckoned else ("reading",)
    async with _without_indexes(connection, tables):
        for week, rows in enumerate(weeks, 1):
            await put("reading", rows)
            lap("readings")
            for table, buckets in aggregates.items() if reckoned else ():
                await put(table, _since_2000(buckets.add(_as_queued(rows))))
            lap("aggregates")
            say(f"readings of {week} of {number} weeks")
        for table, buckets in aggregates.items() if reckoned else ():
            await put(table, _since_2000(buckets.rest()))
        lap("aggregates")
        say("indexes")
    lap("indexes")
    return Load(*written.values(), *(round(seconds, 1) for seconds in took.values()))


def _as_queued(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Rows as the queue holds them; the state is 0 where they have none."""
    readings = np.zeros(len(rows), dtype=READING)
    for name in set(READING.names or ()) & set(rows.dtype.names or ()):
        readings[name] = rows[name]
    readings["time"] += SINCE_2000
    return readings


def _since_2000(buckets: NDArray[np.void]) -> NDArray[np.void]:
    for name in ("bucket", "last_at"):
        buckets[name] -= SINCE_2000
    return buckets


async def _write(connection: Connection, table: str, rows: NDArray[np.void]) -> None:
    await connection.copy_to_table(
        table, schema_name="telemetry", columns=rows.dtype.names, format="binary",
        source=in_pieces(binary_copy(rows)),
    )  # fmt: skip


@asynccontextmanager
async def _without_indexes(connection: Connection, tables: Sequence[str]) -> AsyncIterator[None]:
    """Tables of `telemetry` without indexes and keys, which are built again at the end.

    Where the work fails they stay away: it is a database to be thrown away.
    """
    found = [row async for row in load_queries("bench").indexes_of(connection, tables=tables)]
    for row in found:
        await connection.execute(row["remove"])
    yield
    await connection.execute(f"SET maintenance_work_mem = '{_MEMORY}'")
    for row in found:
        await connection.execute(row["make"])
    await connection.execute("RESET maintenance_work_mem")
