"""One connection to the database for a command that does one thing with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from core.database import connect
from core.schema import require_current
from saimi.addresses import find_database
from saimi.running import run

T = TypeVar("T")


def with_connection(work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Run `work` on a connection to a database of this version.

    Raises:
        SettingsError: no database is known.
        DatabaseError: it is away, or of another version.
    """

    async def connected(_stop: asyncio.Event) -> T:
        url = find_database()
        await require_current(url)
        connection = await connect(url)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return run(connected)
