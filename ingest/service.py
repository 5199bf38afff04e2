"""The ingest service: messages from the broker, batches into the database, receipts back.

Batches make themselves: whatever has come since the last one is the next, at once where that is a
while ago, else a moment after it (`Pace`). One is decoded and admitted while the one before it is
written; the rest waits in the subscriber's bounded queue, and what does not fit there, with the
broker.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from core.clock import Clock, wall_time
from core.database import Connection, connect, load_queries, translated, wait_for_database
from core.errors import DatabaseError
from core.pace import Pace
from core.schema import require_current
from ingest.admission import admit, gateway_names
from ingest.batch import Batch
from ingest.definitions import Definitions
from ingest.directory import Directory
from ingest.instants import micros
from ingest.intake import LEASE_S, Intake
from ingest.lookout import Lookout
from ingest.message import Message, Understood, learners, understand
from ingest.metrics import IngestMetrics
from ingest.quota import Quota
from ingest.receipts import send_receipts
from ingest.registry_link import RegistryLink
from ingest.store import Store
from ingest.upkeep import Upkeep
from ingest.writer import NotOursError, Written

MAX_BATCH = 5_000
"""Messages."""
MAX_BATCH_BYTES = 2 * 1024 * 1024
BATCH_S = 0.04
"""Seconds from one batch to the next while messages come singly. A transaction costs as much as
the storing of sixty messages: without a pause, a county at its normal load would keep two
processors busy with transactions of a few messages each."""
FULL = 200
"""Messages that wait for no such moment."""
BEAT_S = 2.0
DRAIN_S = 10.0
"""Seconds that what was taken from the broker has to get into the database at the end; what does
not is with the broker still."""
_SLICE = 250  # messages decoded between two looks at the database's answers

_log = structlog.get_logger()


async def run(
    *,
    database_url: str,
    mqtt_url: str,
    clock: Clock,
    stop: asyncio.Event,
    client_id: str = "saimi-ingest",
    shared: bool = False,
    lease_s: float = LEASE_S,
    on_ready: Callable[[], object] | None = None,
    retention: timedelta = timedelta(days=3650),
    rejected_after: timedelta = timedelta(days=90),
    quota: Quota | None = None,
    metrics: IngestMetrics | None = None,
    patience: timedelta = timedelta(seconds=60),
) -> None:
    """Serve until `stop` is set, then drain.

    `client_id` names the session that the broker keeps while the service is away. With `shared`
    this is one of several workers, each with a session of its own; one that has given no sign for
    `lease_s` seconds is taken over. `on_ready` is called once the broker has taken the
    subscription.
    `retention`: older readings are refused, and those stored are removed. `rejected_after` and
    `quota`: how long and how much is kept of what is rejected. `metrics` are kept up to date.
    `patience`: how long to wait for
    the database at the start; the broker is waited for without end.

    Raises:
        DatabaseUnavailableError: the database did not answer within `patience`.
        SchemaError: the database is of another version.
        BrokerError: the broker refuses us.
    """
    await wait_for_database(database_url, patience=patience)
    await require_current(database_url)
    intake = Intake(mqtt_url, database_url, client_id, clock, shared=shared, lease_s=lease_s)
    if metrics is not None:
        metrics.watch(intake)
    lookout = Lookout(
        mqtt_url,
        database_url,
        client_id,
        clock,
        intake.is_behind,
        retention,
        on_stored=None if metrics is None else metrics.seen_early,
    )
    await _Service(
        database_url, intake, lookout, clock, retention, quota, rejected_after, metrics
    ).run(stop, on_ready)


class _Service:
    def __init__(
        self,
        database_url: str,
        intake: Intake,
        lookout: Lookout,
        clock: Clock,
        retention: timedelta,
        quota: Quota | None,
        rejected_after: timedelta,
        metrics: IngestMetrics | None,
    ) -> None:
        self._metrics = metrics
        self._database_url = database_url
        self._clock = clock
        self._retention = retention
        self._started = wall_time()
        self._intake = intake
        self._lookout = lookout
        self._directory = Directory()
        self._definitions = Definitions()
        self._registry = RegistryLink(database_url, clock, self._directory, self._definitions)
        self._store = Store(
            database_url,
            clock,
            quota,
            hold=self._hold,
            name=intake.storing_name,
            idle_s=intake.lease_s * 2 / 3,
        )
        self._upkeep = Upkeep(
            database_url,
            clock,
            readings_after=retention,
            rejected_after=rejected_after,
            quota=quota,
        )
        self._prepared: asyncio.Queue[tuple[list[Understood], Batch]] = asyncio.Queue(1)
        self._writing: list[Message] = []
        self._taken = 0
        self._stored = 0
        self._progress = asyncio.Event()

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], object] | None) -> None:
        tasks = [
            asyncio.create_task(work)
            for work in (
                self._intake.run(),
                self._take(),
                self._write(),
                self._beat(),
                self._announce(on_ready),
                self._upkeep.run(),
                self._lookout.run(),
            )
        ]
        stopped = asyncio.create_task(stop.wait())
        working: set[asyncio.Task[Any]] = {*tasks, stopped}
        try:
            while not stopped.done():
                done, working = await asyncio.wait(working, return_when="FIRST_COMPLETED")
                for task in done:
                    task.result()  # raises what ended it
            await self._drain()
        finally:
            for task in (*tasks, stopped):
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)
            await self._intake.close()
            await self._registry.close()
            await self._store.close()

    async def _take(self) -> None:
        """From the broker: decode, admit, hand on."""
        pace = Pace(BATCH_S, asyncio.get_running_loop().time)
        while True:
            await self._intake.wait()
            if self._intake.failed is not None:
                raise self._intake.failed
            if self._intake.waiting < FULL:
                await asyncio.sleep(pace.left())
            pace.step()
            messages = self._intake.take(MAX_BATCH, MAX_BATCH_BYTES)
            if messages:
                self._taken += len(messages)
                understood = await self._understand(messages)
                await self._prepared.put((understood, await self._admit(understood)))

    async def _understand(self, messages: list[Message]) -> list[Understood]:
        """Decode `messages` in their order: what one tells holds for the next."""
        understood = []
        for start in range(0, len(messages), _SLICE):
            some = messages[start : start + _SLICE]
            await self._registry.load_definitions(learners(some))
            understood += [understand(message, self._definitions) for message in some]
            await asyncio.sleep(0)
        return understood

    async def _admit(self, understood: list[Understood]) -> Batch:
        await self._registry.load(gateway_names(understood))
        oldest = micros(self._clock.now() - self._retention)
        return admit(understood, self._directory, oldest)

    async def _write(self) -> None:
        """Into the database; then, and only then, acknowledgements and receipts."""
        while True:
            understood, batch = await self._prepared.get()
            self._writing = [one.message for one in understood]
            for written in await self._insist(understood, batch):
                send_receipts(self._intake, written.receipts)
            self._definitions.settle(one.learned for one in understood if one.learned is not None)
            self._intake.done(self._writing)
            self._stored += len(understood)
            self._progress.set()

    async def _insist(self, understood: list[Understood], batch: Batch) -> list[Written]:
        """Store `batch` of the messages in hand, as far as these are ours still."""
        while True:
            ours = await self._intake.still_ours(self._writing)
            if len(ours) < len(self._writing):
                kept = {id(message) for message in ours}
                understood = [one for one in understood if id(one.message) in kept]
                self._writing, batch = ours, await self._admit(understood)
            began = time.monotonic()
            try:
                written = await self._store.store(batch)
                if self._metrics is not None:
                    self._metrics.stored(batch, written, time.monotonic() - began)
                return written
            except NotOursError:
                self._intake.look()

    async def _hold(self, connection: Connection, batch: Batch) -> bool:
        return await self._intake.hold(connection, batch, self._writing)

    async def _drain(self) -> None:
        self._intake.pause()
        try:
            async with asyncio.timeout(DRAIN_S):
                while self._intake.waiting or self._stored < self._taken:
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            _log.warning("stopping with messages that are not stored; the broker has them still")

    async def _announce(self, on_ready: Callable[[], object] | None) -> None:
        await self._intake.ready.wait()
        if on_ready is not None and self._intake.failed is None:
            on_ready()

    async def _beat(self) -> None:
        """Say every few seconds that homes can be heard: that there is a broker, and a database."""
        connection: asyncpg.Connection | None = None
        await self._intake.ready.wait()
        try:
            while True:
                if self._intake.connected:
                    try:
                        if connection is None or connection.is_closed():
                            connection = await connect(self._database_url)
                        await self._say_alive(connection)
                    except DatabaseError:
                        pass  # whoever writes batches says so; the missing beat says it as well
                await asyncio.sleep(BEAT_S)
        finally:
            if connection is not None:
                connection.terminate()

    async def _say_alive(self, connection: asyncpg.Connection) -> None:
        async with translated():
            await load_queries("core").beat(
                connection,
                service="ingest",
                instance=self._intake.name,
                wall_at=wall_time(),
                detail={
                    "since": self._started.isoformat(),
                    "waiting": self._intake.waiting,
                    "stored": self._stored,
                },
            )
