"""`saimi up --for SECONDS`: the whole line runs for a while, then has to account for itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import msgspec

from core.clock import wall_time
from core.database import ServerInfo, connect, load_queries, server_info, translated
from core.errors import DatabaseUnavailableError
from gateway_sim.ledger import Ledger
from saimi.reckoning import Reckoning, percentile, reckon
from saimi.up import Line
from saimi.watcher import Watcher

T = TypeVar("T")
_SETTLE_S = 15.0
"""How long the last alerts may take to reach the page."""
_POLL_S = 0.05
_AWAY_S = 30.0
"""How long the database may be away when it is asked: a trial is there to be disturbed."""


class Report(msgspec.Struct):
    """Readings are counted, except where it says messages."""

    seconds: float
    homes: int
    messages: int
    published: int
    committed: int
    duplicates: int
    lost: int
    rejected: int
    unreceipted: int | None
    """Messages without a receipt at the end; null if the homes did not live to tell."""
    alerts_opened: int
    reading_to_alert_ms: dict[str, float | None]
    """Real time from a reading's publish to its alert on an open page; `alerts`: how many."""
    database: dict[str, str]
    broker: str


async def run_trial(line: Line, seconds: float, stop: asyncio.Event) -> Report:
    """Let the homes live for `seconds` of real time (less if told to stop), then judge the run.

    `line` was started, its homes not yet.
    """
    desk = next(login for login in line.logins if login.role == "coordinator")
    async with Watcher(line.web_url, username=desk.username, password=desk.password) as watcher:
        # No connection is held meanwhile: the run counts although the database may be killed.
        before, last_episode = await _asked(line, _state)
        began = wall_time()
        await line.bring_homes_to_life()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
        lasted = (wall_time() - began).total_seconds()
        homes = await line.send_homes_to_sleep()

        async def judged(connection: asyncpg.Connection) -> _Judged:
            opened = await _settle(connection, watcher, last_episode)
            info = await server_info(connection)
            after, _ = await _state(connection)
            with Ledger(line.ledger) as ledger:
                found = await reckon(connection, ledger.readings(), since=began)
                messages = sum(message.published_at >= began for message in ledger.messages())
                delays = _delays(watcher, ledger)
            return _Judged(opened, info, after["duplicates"], found, messages, delays)

        after = await _asked(line, judged)
    found = after.found
    return Report(
        seconds=round(lasted, 1),
        homes=len(line.county.homes),
        messages=after.messages,
        published=found.published,
        committed=found.stored,
        duplicates=after.duplicates - before["duplicates"],
        lost=found.lost,
        rejected=found.rejected,
        unreceipted=homes.get("unreceipted"),
        alerts_opened=after.opened,
        reading_to_alert_ms={
            "p50": percentile(after.delays, 0.5),
            "p99": percentile(after.delays, 0.99),
            "alerts": len(after.delays),
        },
        database=_named(after.info),
        broker=line.broker,
    )


@dataclass(frozen=True)
class _Judged:
    """What the database and the ledger say at the end."""

    opened: int
    info: ServerInfo
    duplicates: int
    found: Reckoning
    messages: int
    delays: list[float]


async def _state(connection: asyncpg.Connection) -> tuple[Mapping[str, Any], int]:
    """The counters of messages, and the last episode's id."""
    queries = load_queries("saimi")
    return await queries.counters(connection), await queries.last_episode(connection)


async def _asked(line: Line, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """What `work` makes of a connection; made anew, from its beginning, while the database is away.

    Raises:
        DatabaseUnavailableError: it stays away.
    """
    until = time.monotonic() + _AWAY_S
    while True:
        try:
            async with translated():
                connection = await connect(line.database_url)
                try:
                    return await work(connection)
                finally:
                    await connection.close()
        except DatabaseUnavailableError:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(_POLL_S)


def _named(info: ServerInfo) -> dict[str, str]:
    return {"edition": info.edition, "version": info.version}


async def _settle(connection: asyncpg.Connection, watcher: Watcher, last_episode: int) -> int:
    """Wait until what was noted is assessed and each new alert is on the page; how many are new."""
    queries = load_queries("saimi")

    opened: set[int] = set()

    async def settled() -> bool:
        nonlocal opened
        waiting = await queries.notes_waiting(connection)
        rows = queries.episodes_since(connection, episode=last_episode)
        opened = {row["id"] async for row in rows}
        return waiting == 0 and opened <= watcher.arrivals.keys()

    await _until(settled, _SETTLE_S)
    return len(opened)


async def _until(condition: Callable[[], Awaitable[bool]], within: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while not await condition():  # noqa: ASYNC110 - the database is asked, nobody sets it
                await asyncio.sleep(_POLL_S)


def _delays(watcher: Watcher, ledger: Ledger) -> list[float]:
    """Milliseconds from publish to page, of each alert that a reading of this run set off.

    An alert about silence is set off by no reading, so it has no such delay.
    """
    delays = []
    for arrival in watcher.arrivals.values():
        evidence = arrival.episode["evidence"]
        if arrival.episode["kind"] == "silence" or not evidence:
            continue
        trigger = evidence[0]
        published = ledger.published_at(
            trigger["gateway"],
            trigger["device"],
            trigger["metric"],
            datetime.fromisoformat(trigger["time"]),
        )
        if published is not None:
            delays.append(round((arrival.wall_at - published).total_seconds() * 1000, 1))
    return delays
