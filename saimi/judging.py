"""`saimi judge`: replays history by the rules that the desk asks about, and proposes them.

One judge works at a time, the one that holds an advisory lock; when it dies the lock is free, and
what it had begun is begun anew by the next. How a request ended is written once, together with the
proposal that came of it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from alerts.backtest.load import Stretch, load_stretch, require_readings
from alerts.backtest.proposals import propose
from alerts.backtest.report import ChangeReport
from alerts.rules.changes import changes
from alerts.rules.in_force import Decided, read_decided
from alerts.rules.rule import RuleError
from alerts.serving import is_away, serve
from core.clock import Clock, wall_time
from core.database import RULE_REQUEST_CHANNEL, connect, load_queries
from core.errors import DatabaseError, ModelError, UserError
from saimi.backtest_change import Alerting, alerting_in_force, backtest_change
from saimi.backtest_report import change

WARM_UP = timedelta(days=14)
"""Replayed before what counts, as by `saimi rules propose`."""
BEAT = 5.0
"""Wall seconds between two signs of life, and two looks where nothing wakes it."""
LOCK = 7241011
_NICE = 10
"""What is judged can wait; alerts cannot."""

_log = structlog.get_logger()
_queries = load_queries("alerts")
_core = load_queries("core")


class _Stopped(Exception):  # noqa: N818 - not an error: somebody wants us to end
    """Told to stop in the middle of a replay."""


class _Unjudged(Exception):  # noqa: N818 - how a request ended
    """Nothing can be proposed; says why, in the word that the database keeps."""


async def run(
    *,
    database_url: str,
    clock: Clock,
    stop: asyncio.Event,
    on_ready: Callable[[], None] | None = None,
) -> None:
    """Judge what is asked until `stop` is set; a replay that is under way then is begun anew later.

    Raises:
        SchemaError: the database is of another version.
    """
    os.nice(_NICE)
    await serve(Judge(database_url, clock, stop), database_url, stop, on_ready)


class Judge:
    """What is done over and over on a connection (alerts.serving)."""

    def __init__(self, database_url: str, clock: Clock, stop: asyncio.Event) -> None:
        self._url = database_url
        self._clock = clock
        self._stop = stop
        self._alone = False

    async def begin(self, connection: asyncpg.Connection, wake: Callable[[], None]) -> None:
        """A lock ends with its connection."""
        self._alone = False
        await connection.add_listener(RULE_REQUEST_CHANNEL, lambda *_: wake())

    async def turn(self, connection: asyncpg.Connection) -> float:
        """Judge what waits longest."""
        if not self._alone:
            self._alone = await _queries.may_judge(connection, lock=LOCK)
            # It is ready from here on, also where what waits takes it minutes.
            return 0.0 if self._alone else BEAT
        await self._beat(connection)
        request = await _queries.next_request(connection)
        if request is None:
            return BEAT
        _log.info("judging", request=request["id"], days=request["days"])
        decided = await read_decided(connection)
        judging = asyncio.create_task(self._judged(dict(request), decided))
        try:
            while not judging.done():
                await asyncio.wait({judging}, timeout=BEAT)
                if not judging.done():
                    await self._beat(connection)
            outcome = await judging
        except _Stopped:
            return BEAT
        finally:
            judging.cancel()
        await self._end(connection, dict(request), outcome)
        return 0.0

    async def _beat(self, connection: asyncpg.Connection) -> None:
        await _core.beat(
            connection, service="judge", instance="main", wall_at=wall_time(), detail={}
        )

    async def _judged(
        self, request: dict[str, Any], decided: Decided | None
    ) -> tuple[Alerting, Alerting, ChangeReport] | str:
        """What was found, or why nothing was."""
        try:
            before = await asyncio.to_thread(alerting_in_force, decided=decided)
            if before.text != request["judged_against"]:
                raise _Unjudged("other_rules")
            after = before.asked(request["rules"])
            return before, after, await self._replayed(before, after, request["days"])
        except _Unjudged as why:
            return str(why)
        except (RuleError, ModelError) as error:
            _log.warning("rules cannot be judged", request=request["id"], why=str(error))
            return "unusable"
        except _Stopped:
            raise
        except Exception as error:
            if is_away(error) or isinstance(error, DatabaseError):
                raise
            _log.exception("a replay failed", request=request["id"])
            return "failed"

    async def _replayed(self, before: Alerting, after: Alerting, days: int) -> ChangeReport:
        end = self._clock.now()
        start = end - timedelta(days=days)
        # A connection of its own: the other one shows meanwhile that the judge lives.
        connection = await connect(self._url)
        try:
            # Where history is shorter, nobody is looked at for days in which nothing was measured.
            known = await _queries.first_reading(connection)
            begin = start - WARM_UP if known is None else max(start - WARM_UP, known)
            start = max(start, min(begin, end))
            stretch = await load_stretch(
                connection,
                min(begin, start),
                end,
                silence=True,
                models=before.learned is not None,
                progress=self._go_on,
            )
        finally:
            await connection.close(timeout=5)
        try:
            require_readings(stretch, start)
        except UserError as error:
            raise _Unjudged("no_readings") from error
        return await self._in_thread(stretch, before, after, start=start, end=end)

    async def _in_thread(
        self, stretch: Stretch, before: Alerting, after: Alerting, **when: Any
    ) -> ChangeReport:
        """A replay takes minutes: it leaves the loop free, and ends when it is told to."""
        stopped = threading.Event()

        def go_on(_done: float, _total: float) -> None:
            if stopped.is_set():
                raise _Stopped

        replaying = asyncio.create_task(
            asyncio.to_thread(backtest_change, stretch, before, after, progress=go_on, **when)
        )
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({replaying, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not replaying.done():
                stopped.set()
            return await replaying
        finally:
            stopped.set()
            stopping.cancel()

    def _go_on(self, _done: float, _total: float) -> None:
        if self._stop.is_set():
            raise _Stopped

    async def _end(
        self,
        connection: asyncpg.Connection,
        request: dict[str, Any],
        outcome: tuple[Alerting, Alerting, ChangeReport] | str,
    ) -> None:
        """Write how it ended, with the proposal in one transaction."""
        failure = outcome if isinstance(outcome, str) else None
        proposal = None
        now = self._clock.now()
        async with connection.transaction():
            if not isinstance(outcome, str):
                before, after, report = outcome
                try:
                    proposal = await propose(
                        connection,
                        username=request["username"],
                        now=now,
                        why=request["why"],
                        rules=after.text,
                        judged_against=before.text,
                        models=None,
                        changes=changes(after.rules, before.rules),
                        report=report,
                        markdown=change(report),
                    )
                except UserError as error:
                    # Who asked has left the county, or nothing differs.
                    _log.warning("not proposed", request=request["id"], why=str(error))
                    failure = "failed"
            await _queries.end_request(
                connection, request=request["id"], now=now, wall_at=wall_time(),
                proposal=proposal, failure=failure,
            )  # fmt: skip
        _log.info("judged", request=request["id"], proposal=proposal, failure=failure)
