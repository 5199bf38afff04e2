"""Gets each batch into the database, whatever it takes.

While the database is away the batch waits and is tried again. If the database refuses what is in
it, it is halved until the message at fault is alone, and that one is kept with the rejected.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

import asyncpg
import numpy as np
import structlog

from core.clock import Clock
from core.database import Connection, connect, translated
from core.errors import DatabaseError
from core.outage import Outage
from ingest.batch import Batch, Refused
from ingest.quota import Quota
from ingest.writer import NotOursError, UnstorableError, Writer, Written

TRANSACTION_TIMEOUT_S = 120.0
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0

_log = structlog.get_logger()


class Store:
    """Writes batches, one at a time, on a connection that it makes again when it is lost.

    `hold` and `early` are the `Writer`'s. `name`: what the server calls the connection. `idle_s`:
    the server ends a transaction whose worker stands still for so long; its locks would hold up the
    worker that takes over.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        quota: Quota | None = None,
        *,
        hold: Callable[[Connection, Batch], Awaitable[bool]] | None = None,
        name: str = "saimi-ingest",
        idle_s: float = 10.0,
        early: bool = False,
    ) -> None:
        self._url = url
        self._hold = hold
        self._name = name
        self._idle_s = idle_s
        self._early = early
        self._quota = quota
        self._clock = clock
        self._connection: asyncpg.Connection | None = None
        self._writer: Writer | None = None
        self._outage = Outage(
            "the database does not store; trying again", "the database stores again"
        )

    async def store(self, batch: Batch) -> list[Written]:
        """Store `batch`, in several transactions if need be; returns when all of it is committed.

        Waits for a database that is away, so it may take as long as that lasts.

        Raises:
            NotOursError: meanwhile another worker has taken over some of it.
        """
        try:
            return [await self._insist(batch)]
        except UnstorableError as error:
            if len(batch.messages) > 1:
                middle = len(batch.messages) // 2
                written = await self.store(batch.part(0, middle))
                return written + await self.store(batch.part(middle, len(batch.messages)))
            return [await self._keep_rejected(batch, str(error))]

    async def close(self) -> None:
        """Give the connection back."""
        await self._drop()

    async def _insist(self, batch: Batch) -> Written:
        pause = _FIRST_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(TRANSACTION_TIMEOUT_S):
                    written = await (await self._ready()).write(batch, self._clock.now())
                self._outage.over()
                return written
            except (UnstorableError, NotOursError):
                raise
            except (DatabaseError, TimeoutError) as error:
                self._outage.without(str(error) or "It takes too long over a batch.")
                await self._drop()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _keep_rejected(self, batch: Batch, why: str) -> Written:
        """The one message of `batch` cannot be stored: keep as much of it as can be."""
        _log.error("the database refuses a message; it is kept with the rejected", why=why)
        sentence = f"The database would not store this message: {why}"[:1_000]
        calls = batch.rows["call"]
        everything = np.ones(len(batch.rows), dtype=bool)
        with contextlib.suppress(UnstorableError):  # a call for help may be sound by itself
            return await self._insist(batch.without(~calls, "not_storable", sentence))
        with contextlib.suppress(UnstorableError):
            return await self._insist(batch.without(everything, "not_storable", sentence))
        origin = batch.messages[0]._replace(gateway="", topic="", boot=None, seq=None)
        return await self._insist(
            replace(Batch(messages=[origin]), refused=[Refused(0, None, "not_storable", sentence)])
        )

    async def _ready(self) -> Writer:
        if self._writer is None or self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._url)
            async with translated():
                await self._connection.execute(
                    "SELECT set_config('application_name', $1, false)", self._name
                )
                await self._connection.execute(
                    f"SET idle_in_transaction_session_timeout = {int(1000 * self._idle_s)}"
                )
            writer = Writer(self._connection, self._quota, self._hold, early=self._early)
            await writer.prepare()
            self._writer = writer
        return self._writer

    async def _drop(self) -> None:
        connection, self._connection, self._writer = self._connection, None, None
        if connection is not None:
            connection.terminate()
