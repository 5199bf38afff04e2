"""What is done for the county as a whole, beside the batches: who is to be watched, what is out.

On a connection of its own, since over a large county each of it takes a second or more, and what is
new must not wait for that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import asyncpg
import structlog

from alerts.rules.in_force import InForce
from alerts.serving import is_away
from alerts.worker.survey import Survey
from core.clock import Clock, wall_time
from core.database import PAUSES, REGISTRY_CHANNEL, ROTA, Connection, load_queries

SURVEY = 10.0
"""Wall seconds between two looks at the county as a whole."""
WATCH = 60.0
"""Wall seconds between two looks for newly registered devices; the registry's NOTIFY is faster."""

_log = structlog.get_logger()
_queries = load_queries("alerts")


class Keeper:
    """One of them for each worker; of several, one surveys."""

    def __init__(self, *, clock: Clock, in_force: InForce, delay: timedelta) -> None:
        self._clock = clock
        self._in_force = in_force
        self._survey = Survey(clock=clock, rules=in_force.rules, delay=delay)
        self._paused = self._registered = True  # have changed
        self._watched = self._surveyed = float("-inf")
        self.turned = time.monotonic()
        """When it was last through with all it does."""

    async def begin(self, connection: asyncpg.Connection, wake: Callable[[], None]) -> None:
        """Let a new connection tell what is registered."""

        def changed(_connection: object, _pid: int, _channel: str, what: object) -> None:
            self._paused |= what != ROTA
            self._registered |= what not in (PAUSES, ROTA)
            wake()

        await connection.add_listener(REGISTRY_CHANNEL, changed)
        self._paused = self._registered = True

    async def turn(self, connection: asyncpg.Connection) -> float:
        """Do what it is time for."""
        tick = time.monotonic()
        if tick - self._watched >= WATCH:
            self._paused = self._registered = True
            self._watched = tick
        await self.watch(connection)
        if tick - self._surveyed >= SURVEY:
            self._surveyed = tick
            await self.survey(connection)
        self.turned = time.monotonic()
        return max(0.1, self._surveyed + SURVEY - self.turned)

    async def watch(self, connection: Connection) -> None:
        """Have those looked at who have become somebody to be watched."""
        now = self._clock.now()
        if self._registered:
            self._registered = False
            await _queries.watch_new(connection, now=now)
            await _queries.watch_known(connection, now=now)
        if self._paused:
            self._paused = False
            await _queries.watch_paused(connection, now=now)

    async def survey(self, connection: asyncpg.Connection) -> None:
        """Where that fails, homes are still looked at, one by one."""
        await self._in_force.look(connection)
        self._survey.use(self._in_force.rules)
        try:
            await self._survey.run(connection, wall=wall_time())
        except Exception as error:
            if connection.is_closed() or is_away(error):
                raise
            _log.exception("survey failed")
