"""Rows into `telemetry.reading`: straight by COPY where all are new, else by way of staging.

COPY ends at the first row that is there already, and costs half of an `INSERT … ON CONFLICT` out of
a staging table. Nearly every batch holds only what is new. So it is tried first, within a
savepoint; after a batch that held something old, the next ones are staged, for a while that doubles
as often as the trial fails again (a home whose devices repeat themselves is heard in every batch).
"""

from __future__ import annotations

from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from core.database import Connection, load_queries
from ingest.binary_copy import SINCE_2000, binary_copy, in_pieces
from ingest.instants import micros

COLUMNS = ("time", "received_at", "value", "device", "subject", "metric", "qualifier", "state")
"""Of `batch.ROW`, `telemetry.reading` and `staged`."""
MOST_STAGED = 256
"""Batches that are staged before COPY is tried again, at most."""


class Storing:
    """Stores rows on a connection on which `create_staged` was called."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._queries = load_queries("ingest")
        self._staged_next = 0
        self._staged_after_failure = 1

    async def store(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Store `rows` (of `batch.ROW`, each with a key of its own, in the order of the key) in the
        caller's transaction; which of them were there already and are left out.

        Raises:
            asyncpg.PostgresError: the database refuses.
        """
        shifted = rows[list(COLUMNS)].copy()
        for name in ("time", "received_at"):
            shifted[name] -= SINCE_2000
        data = binary_copy(shifted)
        if self._staged_next == 0 and await self._straight(data):
            return np.zeros(len(rows), dtype=bool)
        self._staged_next = max(0, self._staged_next - 1)
        return await self._by_staging(rows, data)

    async def _straight(self, data: bytes) -> bool:
        try:
            async with self._connection.transaction():
                await self._copy(data, "reading", schema_name="telemetry")
        except asyncpg.UniqueViolationError:
            self._staged_next = self._staged_after_failure
            self._staged_after_failure = min(2 * self._staged_after_failure, MOST_STAGED)
            return False
        self._staged_after_failure = 1
        return True

    async def _by_staging(self, rows: NDArray[np.void], data: bytes) -> NDArray[np.bool_]:
        there = np.zeros(len(rows), dtype=bool)
        await self._copy(data, "staged")
        keys = [
            (found["device"], found["metric"], micros(found["time"]))
            async for found in self._queries.store_staged(self._connection)
        ]
        if keys:
            columns = (rows[name].tolist() for name in ("device", "metric", "time"))
            places = {key: place for place, key in enumerate(zip(*columns, strict=True))}
            there[[places[key] for key in keys]] = True
        return there

    async def _copy(self, data: bytes, table: str, **where: Any) -> None:
        await self._connection.copy_to_table(
            table, source=in_pieces(data), format="binary", columns=COLUMNS, **where
        )
