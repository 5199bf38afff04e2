"""Trying again what was rejected of a gateway once the desk has said whose its devices are.

The desk asks by a row of `telemetry.retry`, in the transaction of the change; upkeep does it.
"""

from __future__ import annotations

from datetime import timedelta

import asyncpg

from core.clock import Clock
from core.database import load_queries, translated
from ingest.quota import Quota
from ingest.rejected import retry_rejected

REASONS = ("unknown_device", "not_assigned")
"""What a change of the registry can mend."""


async def try_again_as_asked(
    connection: asyncpg.Connection, clock: Clock, *, quota: Quota | None, retention: timedelta
) -> int:
    """Do what was asked for; how many readings are stored that were not. Asked for again meanwhile
    is done again at the next round.

    Raises:
        DatabaseError: the database is away or refuses; what was asked for stays asked for.
    """
    queries = load_queries("ingest")
    async with translated():
        asked = [(row["gateway"], row["asked_at"]) async for row in queries.retries(connection)]
    stored = 0
    for gateway, asked_at in asked:
        for reason in REASONS:
            report = await retry_rejected(
                connection, clock, gateway=gateway, reason=reason, quota=quota, retention=retention
            )
            stored += report.committed
        async with translated():
            await queries.retried(connection, gateway=gateway, asked_at=asked_at)
    return stored
