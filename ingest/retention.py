"""Removes what is older than it is to be kept: readings, and what was rejected. Aggregates stay.

Ingest refuses readings older than the retention, so what is removed here cannot come again; and
it is removed by whole days of Helsinki and a day late, so that what was just admitted has its whole
day, of which the aggregates are reckoned.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.database import Connection, load_queries, server_info, translated
from ingest.touched import beginning, days

MARGIN = timedelta(days=1)
_SLICE = 10_000  # rows deleted in one transaction


@dataclass(frozen=True)
class Removed:
    """What a round removed."""

    before: datetime
    """Readings measured before are gone, as far as they are not in a chunk with later ones."""
    readings: int
    """Rows; 0 where whole chunks are dropped."""
    chunks: int
    rejected: int


async def remove_expired(
    connection: Connection, now: datetime, *, readings_after: timedelta, rejected_after: timedelta
) -> Removed:
    """Remove readings measured longer ago than `readings_after` (up to two days late, with
    TimescaleDB by whole chunks of seven days) and rejected ones that came longer ago than
    `rejected_after`. `connection` must be in no transaction; `now` is the shared clock's.

    Raises:
        DatabaseError: the database is away or refuses; what was removed stays removed.
    """
    queries = load_queries("ingest")
    before = beginning(days, now - readings_after - MARGIN)
    readings = chunks = rejected = 0
    async with translated():
        # Said first: from then on no aggregate is reckoned anew from what may be gone.
        before = await queries.write_removed(connection, before=before)
        if (await server_info(connection)).edition == "plain":
            while count := await queries.delete_readings(connection, before=before, most=_SLICE):
                readings += count
        else:
            chunks = await queries.drop_chunks(connection, before=before)
        for forget in (queries.forget_held, queries.forget_times, queries.forget_unknown):
            while await forget(connection, before=before, most=_SLICE):
                pass
        while count := await queries.delete_rejected(
            connection, before=now - rejected_after, most=_SLICE
        ):
            rejected += count
        while await queries.forget_counts(connection, before=now - rejected_after, most=_SLICE):
            pass
    return Removed(before, readings, chunks, rejected)
