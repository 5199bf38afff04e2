"""A look at the database that ends in time, whatever the database does."""

from __future__ import annotations

import asyncio

from core.database import connect, load_queries, translated
from core.errors import DatabaseError
from saimi.watchdog.judging import Seen

LOOK_S = 5.0
"""A database that takes longer counts as away: it may hang, or the way to it."""


async def look(url: str, *, instance: str) -> tuple[Seen | None, str]:
    """What the database says, on a connection of its own; None where it says nothing in time, and
    why. Says there that we live ourselves.
    """
    try:
        async with asyncio.timeout(LOOK_S):
            return await _look(url, instance), ""
    except DatabaseError as error:
        return None, str(error)
    except TimeoutError:
        return None, f"The database has not answered within {LOOK_S:g} s."


async def _look(url: str, instance: str) -> Seen:
    from core.clock import wall_time

    queries = load_queries("saimi")
    connection = await connect(url)
    try:
        async with translated():
            beats = {row["service"]: row["wall_at"] async for row in queries.beats(connection)}
            oldest = await queries.oldest_note(connection)
            await load_queries("core").beat(
                connection, service="watchdog", instance=instance, wall_at=wall_time(), detail={}
            )
            return Seen(beats, oldest)
    finally:
        # Not close(): that would wait for a server which may hang.
        connection.terminate()
