"""The alert worker: woken by ingest or polling, one batch after another, any number of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import structlog

from alerts.learned.learned import Learned
from alerts.learned.store import LearnedStore
from alerts.routing.in_force import values_in_force
from alerts.rules.in_force import InForce
from alerts.rules.rule import Rules
from alerts.serving import is_away, serve
from alerts.subjects.line import Line
from alerts.worker.batch import Batch, Done
from alerts.worker.keeping import Keeper
from core.clock import Clock, wall_time
from core.database import NOTE_CHANNEL, load_queries
from core.pace import Pace

BATCH_S = 0.1
"""Wall seconds from one batch to the next while little waits. A batch of few costs a good part of
one of many, and ingest commits twenty times a second."""
POLL = 1.0
"""Wall seconds between two looks where nothing wakes the worker."""
BEAT = 1.0
"""Wall seconds between two heartbeats; written between batches: a stuck worker is silent."""
STUCK = 60.0
"""Wall seconds after which a keeper that is not through with its turn counts as stuck."""
FRESH = timedelta(seconds=6)
"""Age up to which ingest's heartbeat says that it is alive; it comes every 2 s."""

_log = structlog.get_logger()
_queries = load_queries("alerts")
_core = load_queries("core")


async def run(
    *,
    database_url: str,
    clock: Clock,
    stop: asyncio.Event,
    instance: str | None = None,
    on_ready: Callable[[], None] | None = None,
    rules: Rules | None = None,
    learned: Learned | None = None,
    rules_file: Path | None = None,
) -> None:
    """Assess what is committed until `stop` is set.

    Waits for a database that is not there yet, and again whenever it goes away: what is noted
    stays noted. `on_ready` is called once, after the first look. Without `learned` no model is
    applied, only rules: those of `rules_file`, read again when it changes; without one what the
    desk accepted last, before that `rules`, or those that ship.

    Raises:
        SchemaError: the database is of another version.
    """
    in_force = InForce(rules_file, rules=rules)
    worker = Worker(
        clock=clock,
        rules=in_force.rules,
        in_force=in_force,
        instance=instance or "main",
        learned=learned,
    )
    # Ready when both have had their first turn.
    first = [] if on_ready is None else [on_ready]
    left = 2

    def turned() -> None:
        nonlocal left
        left -= 1
        if not left:
            for tell in first:
                tell()

    await _all(
        serve(worker, database_url, stop, turned),
        serve(worker.keeper, database_url, stop, turned),
    )


async def _all(*work: Coroutine[Any, Any, None]) -> None:
    """Until all have ended; the error of the first that fails, the others cancelled."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Worker:
    """One worker and its connection."""

    def __init__(
        self,
        *,
        clock: Clock,
        rules: Rules,
        instance: str,
        learned: Learned | None = None,
        in_force: InForce | None = None,
    ) -> None:
        self._clock = clock
        self._in_force = in_force or InForce(None, rules=rules)
        store = None if learned is None else LearnedStore(learned)
        self._batch = Batch(clock=clock, rules=rules, learned=store)
        self.keeper = Keeper(clock=clock, in_force=self._in_force, delay=self._batch.delay)
        """To be served beside, on a connection of its own."""
        self._instance = instance
        self._beaten = float("-inf")
        self._pace = Pace(BATCH_S, time.monotonic)
        self._more = False  # than the last batch took

    async def begin(self, connection: asyncpg.Connection, wake: Callable[[], None]) -> None:
        """Let a new connection tell what is noted."""

        def noted(*_: object) -> None:
            wake()

        await settle_plans(connection)
        await connection.add_listener(NOTE_CHANNEL, noted)

    async def turn(self, connection: asyncpg.Connection) -> float:
        """What is to be done now and then, and a batch."""
        await self._now_and_then(connection)
        if not self._more:
            await asyncio.sleep(self._pace.left())
        self._pace.step()
        done = await self.look(connection)
        self._more = done.full
        return 0.0 if done.subjects or done.timers else POLL

    async def look(self, connection: asyncpg.Connection) -> Done:
        """One batch; where it fails, its subjects one by one, so that one stalls no other."""
        try:
            return await self._batch.run(connection)
        except Exception as error:
            if connection.is_closed() or is_away(error) or not self._batch.claimed:
                raise
            _log.exception("batch failed", subjects=len(self._batch.claimed))
            subjects = list(self._batch.claimed)
        for subject in subjects:
            await self._alone(connection, subject)
        return Done(len(subjects), 0)

    async def _alone(self, connection: asyncpg.Connection, subject: int) -> None:
        try:
            await self._batch.run(connection, only=subject)
        except Exception as error:
            if connection.is_closed() or is_away(error):
                raise
            _log.exception("subject failed", subject=subject)
            try:
                await self._batch.give_up(connection, subject, error)
            except Exception:
                if connection.is_closed():
                    raise
                # Its notes are still there. Everybody else was served; do not turn in circles.
                _log.exception("subject cannot even be given up", subject=subject)
                await asyncio.sleep(POLL)

    async def _now_and_then(self, connection: asyncpg.Connection) -> None:
        """Between batches: look which rules and routing are in force, and beat, unless the keeper
        is stuck: nobody would hear then of what is out."""
        tick = time.monotonic()
        if tick - self._beaten >= BEAT:
            await self._in_force.look(connection)
            self._batch.use(self._in_force.rules, await values_in_force(connection))
            if tick - self.keeper.turned < STUCK:
                await self._beat(connection)
            self._beaten = tick

    async def _beat(self, connection: asyncpg.Connection) -> None:
        wall = wall_time()
        await _core.beat(
            connection,
            service="alerts",
            instance=self._instance,
            wall_at=wall,
            detail=self._in_force.told(),
        )
        ingest = await _core.last_beat(connection, service="ingest")
        if ingest is None or wall - ingest > FRESH:
            return
        async with connection.transaction():
            await _queries.add_line(connection, wall=wall)
            row = await _queries.lock_line(connection)
            line = msgspec.convert(row["detail"], Line).seen(wall=wall, now=self._clock.now())
            await _core.beat(
                connection,
                service="line",
                instance="line",
                wall_at=wall,
                detail=msgspec.to_builtins(line),
            )


async def settle_plans(connection: asyncpg.Connection) -> None:
    """Let what is asked of this connection be answered by indexes, at the least cost.

    Plans are made once and kept. Made while a table is empty, one that walks through the whole of
    it looks cheap, and it is followed still when there are millions of rows.

    TimescaleDB would choose chunks anew for each row of a joined list, though nothing of a chunk
    depends on it: a third of what the newest readings cost. Statements give their times' bound as
    one value (`earliest`), by which old chunks are left out once.
    """
    await connection.execute("SET enable_seqscan = off")
    await _queries.choose_chunks_once(connection)
