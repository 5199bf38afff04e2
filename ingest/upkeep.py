"""What is done beside storing: aggregates brought up to date, what has expired removed, what was
rejected tried again where somebody asks.

A task of the service on a connection of its own. Several services may run it: a lock in the
database lets one work at a time. What fails is tried again at the next round and loses nothing.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from core.clock import Clock
from core.database import Connection, connect, load_queries, translated
from core.errors import DatabaseError
from core.outage import Outage
from ingest.aggregates import bring_up_to_date
from ingest.asked_again import try_again_as_asked
from ingest.completeness import trim_days
from ingest.quota import Quota
from ingest.retention import remove_expired

AGGREGATES_EVERY_S = 15.0
"""Well under the 60 s within which aggregates equal the readings, and long enough that a bucket
which is touched all the time is written once for many readings."""
EXPIRY_EVERY = timedelta(hours=1)
"""By the shared clock."""

_log = structlog.get_logger()


async def upkeep_status(connection: Connection) -> dict[str, Any]:
    """For people: removed_before (readings before may be gone; None: none are) and what waits to
    be brought into the aggregates: touched (batches) and touched_since (the oldest, wall time).

    Raises:
        DatabaseError: the database is away or refuses.
    """
    queries = load_queries("ingest")
    async with translated():
        done = await queries.read_upkeep(connection)
        waiting = await queries.touched_waiting(connection)
    return {
        "removed_before": done["removed_before"],
        "touched": waiting["entries"],
        "touched_since": waiting["oldest"],
    }


class Upkeep:
    """Rounds of upkeep on one database until it is cancelled."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        readings_after: timedelta,
        rejected_after: timedelta,
        quota: Quota | None = None,
    ) -> None:
        self._quota = quota
        self._url = url
        self._clock = clock
        self._readings_after = readings_after
        self._rejected_after = rejected_after
        self._expired_at: datetime | None = None

    async def run(self) -> None:
        """Go on until cancelled; never raises anything else."""
        connection: asyncpg.Connection | None = None
        outage = Outage("upkeep is put off; trying again", "upkeep goes on")
        try:
            while True:
                try:
                    if connection is None or connection.is_closed():
                        connection = await connect(self._url)
                    await self.round(connection)
                    outage.over()
                except DatabaseError as error:
                    outage.without(str(error))
                await asyncio.sleep(AGGREGATES_EVERY_S)
        finally:
            if connection is not None:
                connection.terminate()

    async def round(self, connection: asyncpg.Connection) -> None:
        """What is asked for, aggregates, and what has expired if that is due.

        Raises:
            DatabaseError: the database is away or refuses; nothing is lost.
        """
        now = self._clock.now()
        again = await try_again_as_asked(
            connection, self._clock, quota=self._quota, retention=self._readings_after
        )
        if again:
            _log.info("stored what was rejected before", readings=again)
        await bring_up_to_date(connection, now)
        if self._expired_at is None or now - self._expired_at >= EXPIRY_EVERY:
            removed = await remove_expired(
                connection,
                now,
                readings_after=self._readings_after,
                rejected_after=self._rejected_after,
            )
            await trim_days(connection)
            self._expired_at = now
            if removed.readings or removed.chunks or removed.rejected:
                _log.info(
                    "expired data removed",
                    readings=removed.readings,
                    chunks=removed.chunks,
                    rejected=removed.rejected,
                    before=removed.before.isoformat(),
                )
