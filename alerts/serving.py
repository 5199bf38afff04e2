"""How a worker lives: one connection at a time, and another one whenever it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import asyncpg
import structlog

from core.database import connect, translated
from core.errors import DatabaseError, SchemaError
from core.schema import require_current

PATIENCE = 5.0
"""Longest wait, in wall seconds, before the next try where the database is away."""
_CLOSE_S = 5.0

_log = structlog.get_logger()


class Worker(Protocol):
    """What is done over and over on a connection."""

    async def begin(self, connection: asyncpg.Connection, wake: Callable[[], None]) -> None:
        """Make a new connection ready; `wake` is called from then on when there may be work."""

    async def turn(self, connection: asyncpg.Connection) -> float:
        """Do what there is to do now; wall seconds until there may be more, 0: at once."""


async def serve(
    worker: Worker,
    database_url: str,
    stop: asyncio.Event,
    on_ready: Callable[[], None] | None = None,
) -> None:
    """Let it work until `stop` is set; what it does then is ended first.

    Waits for a database that is not there yet, and again whenever it goes away. `on_ready` is
    called once, after the first turn.

    Raises:
        SchemaError: the database is of another version.
    """
    wake = asyncio.Event()
    line = _Line(worker, database_url, stop, wake, on_ready)
    watcher = asyncio.create_task(_wake_at(stop, wake))
    pause = 0.1
    try:
        while not stop.is_set():
            try:
                await line.hold()
            except SchemaError:
                raise
            except DatabaseError as error:
                _log.warning("database does not do what is asked", error=str(error))
                pause = 0.1 if line.good else min(pause * 2, PATIENCE)
                await wait(stop, pause)
    finally:
        watcher.cancel()


class _Line:
    """One connection after another."""

    def __init__(
        self,
        worker: Worker,
        database_url: str,
        stop: asyncio.Event,
        wake: asyncio.Event,
        on_ready: Callable[[], None] | None,
    ) -> None:
        self._worker = worker
        self._url = database_url
        self._stop = stop
        self._wake = wake
        self._on_ready = on_ready
        self._checked = False
        self.good = False
        """Whether the last connection was good for anything."""

    async def hold(self) -> None:
        """Work until `stop` is set or the connection breaks.

        Raises:
            DatabaseError: it broke, or the database refused; SchemaError: it is another version's.
        """
        self.good = False
        if not self._checked:
            await require_current(self._url)
            self._checked = True
        connection = await connect(self._url)
        try:
            async with translated():
                await self._worker.begin(connection, self._wake.set)
                while not self._stop.is_set():
                    self._wake.clear()
                    idle = await self._worker.turn(connection)
                    self.good = True
                    if self._on_ready is not None:
                        self._on_ready()
                        self._on_ready = None
                    if idle > 0:
                        await wait(self._wake, idle)
        finally:
            await connection.close(timeout=_CLOSE_S)


async def _wake_at(stop: asyncio.Event, wake: asyncio.Event) -> None:
    await stop.wait()
    wake.set()


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event, and at most so many wall seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def is_away(error: Exception) -> bool:
    """Whether it is the connection that failed."""
    return isinstance(error, OSError | asyncpg.PostgresConnectionError | asyncpg.InterfaceError)
