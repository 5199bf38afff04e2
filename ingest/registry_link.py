"""Keeps directory and definitions true to the database: reads what they lack, hears of changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from zlib import crc32

import asyncpg

from core.clock import Clock
from core.database import (
    DEFINITION_CHANNEL,
    PAUSES,
    REGISTRY_CHANNEL,
    ROTA,
    Connection,
    changed_gateway,
    connect,
    translated,
)
from core.errors import DatabaseError
from core.outage import Outage
from ingest.definitions import Definitions
from ingest.directory import Directory

REFRESH_S = 1800.0
"""Seconds within which each gateway is read anew, in case a change was not told."""
_PARTS = 30
"""In so many steps: to read a county at once costs half a minute."""
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0


class RegistryLink:
    """A connection that listens for changes; made again when it is lost."""

    def __init__(
        self, url: str, clock: Clock, directory: Directory, definitions: Definitions
    ) -> None:
        self._url = url
        self._clock = clock
        self._directory = directory
        self._definitions = definitions
        self._connection: asyncpg.Connection | None = None
        self._refreshed = 0.0
        self._part = 0
        self._outage = Outage(
            "the registry cannot be read; trying again", "the registry is read again"
        )

    async def load(self, names: Collection[str]) -> None:
        """Let the directory know `names`; waits for a database that is away."""
        await self._insist(
            lambda connection: self._directory.load(connection, names, self._clock.now())
        )

    async def load_definitions(self, names: Collection[str]) -> None:
        """Let the definitions of those of `names` be known that are registered; waits likewise."""

        async def read(connection: Connection) -> None:
            await self._directory.load(connection, names, self._clock.now())
            registered = [name for name in names if self._directory.find(name) is not None]
            await self._definitions.load(connection, registered)

        if names:
            await self._insist(read)

    async def _insist(self, read: Callable[[Connection], Awaitable[None]]) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            try:
                connection = await self._ready()
                await read(connection)
            except DatabaseError as error:
                self._outage.without(str(error))
                await self.close()
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            else:
                self._outage.over()
                return

    async def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _ready(self) -> asyncpg.Connection:
        now = asyncio.get_running_loop().time()
        if now - self._refreshed > REFRESH_S / _PARTS:
            self._forget_part()
            self._refreshed = now
        if self._connection is None or self._connection.is_closed():
            connection = await connect(self._url)
            async with translated():
                await connection.add_listener(REGISTRY_CHANNEL, self._changed)
                await connection.add_listener(DEFINITION_CHANNEL, self._learned)
            self._connection = connection
            self._forget()  # what changed while nobody listened
        return self._connection

    def _changed(self, _connection: Any, _pid: int, _channel: str, what: Any) -> None:
        gateway = changed_gateway(str(what))
        if gateway is not None:
            self._directory.forget_these([gateway])
        elif what not in (PAUSES, ROTA):  # of which nothing is known here
            self._directory.forget()

    def _learned(self, _connection: Any, _pid: int, _channel: str, gateway: Any) -> None:
        self._definitions.forget(str(gateway))

    def _forget(self) -> None:
        self._directory.forget()
        self._definitions.forget()

    def _forget_part(self) -> None:
        self._part = (self._part + 1) % _PARTS
        names = self._directory.names()
        part = [name for name in names if crc32(name.encode()) % _PARTS == self._part]
        self._directory.forget_these(part)
        for name in part:
            self._definitions.forget(name)
