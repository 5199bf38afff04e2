"""Many phones with the list of alerts open, and alerts that come and go: how soon each is on each.

`saimi web` and its database are real; alerts are written as the engine writes them, in a
transaction that notifies. A delay is from the moment before a commit is sent to the moment the
alert is read from a phone's stream. Alerts are closed after a while, as they are in a county, so
that the list stays as long as it is; a closing is a change for every phone as well.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import asyncpg
import msgspec

from bench.county import Delay, Service, hear
from bench.phones import Seen, watch
from bench.process import cpu_seconds, memory_mb
from bench.scratch import scratch_database
from core.clock import wall_time
from core.database import (
    EPISODE_CHANNEL,
    ServerInfo,
    connect,
    load_queries,
    server_info,
    translated,
)
from core.registry_import import import_document
from gateway_sim.county import County

_HOMES = 200
_OPEN_S = 60.0
"""How long an alert is open; half of the timed minutes where they are short."""
_LOOK_S = 1.0
_PATIENCE_S = 300.0
_LINGER_S = 5.0
_SUMMARY = {
    "rule": "news2", "key": "news2", "missing": ["oxygen", "consciousness"], "others": [],
    "params": {
        "low": 7, "high": 12, "band": "high", "points": {"spo2": [3, 3]}, "scale": 1,
        "missing": ["oxygen", "consciousness"], "oxygen": "unknown", "range": False,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What is measured."""

    phones: int
    per_minute: float
    """Alerts that are opened."""
    minutes: float
    """Timed."""
    settle: float
    """Minutes before, under the same load: memory is counted from their end."""
    seed: int


@dataclass(frozen=True)
class Place:
    """Where it is measured."""

    database_url: str
    """The server; a database of our own is made on it."""
    web: Callable[[str], tuple[Service, str]]
    """`saimi web` on the database of an address, and its own address."""
    cookie: Callable[[asyncpg.Connection, int], Awaitable[dict[str, str]]]
    """Logs a member in."""
    say: Callable[[str, int, int], object]


class Report(msgspec.Struct):
    """What `saimi bench phones` prints."""

    database: dict[str, str]
    cores: int
    phones: int
    alerts: int
    """Opened within the timed minutes."""
    alerts_per_minute: float
    closed: int
    seconds: float
    phone: Delay
    """From commit to phone."""
    unseen: int
    """(Alert, phone) that should have met and did not."""
    broken_streams: int
    memory_mb: list[float]
    """Of `saimi web`: medians of each tenth of the timed minutes."""
    memory_grown_mb: float
    """From the first of these to the last."""
    cpu: dict[str, float]
    """Cores that the web service and the phones used, on average."""


async def measure(place: Place, wanted: Wanted, *, cores: int) -> Report:
    """Open the phones, then let alerts come and go.

    Raises:
        SaimiError: a part is away or stopped.
    """
    async with AsyncExitStack() as stack:
        context = multiprocessing.get_context("spawn")
        url = await stack.enter_async_context(scratch_database(place.database_url))
        connection = await connect(url)
        stack.push_async_callback(connection.close)
        place.say("Registering the county", 0, 1)
        county = County(wanted.seed, _HOMES, monitors=1.0)
        await import_document(connection, county.document(), now=wall_time())
        await connection.execute("ANALYZE")
        web, address = place.web(url)
        await web.start()
        stack.push_async_callback(web.stop)
        members, subjects = await _people(connection, county.first_team.name, wanted.phones)
        cookies = [await place.cookie(connection, member) for member in members]
        line, theirs = context.Pipe()
        phones = context.Process(target=watch, args=(address, cookies, theirs), daemon=True)
        phones.start()
        stack.callback(phones.kill)
        place.say("The phones are opened", 0, 1)
        await hear(line, phones, _PATIENCE_S)
        alerts = _Alerts(
            connection, subjects, members[0], 60.0 / wanted.per_minute,
            min(_OPEN_S, 30.0 * wanted.minutes),
        )  # fmt: skip
        await alerts.come_and_go(
            60.0 * wanted.settle, lambda done, of: place.say("Settling", done, of)
        )
        alerts.opened.clear()
        alerts.closed = 0
        pid = web.pid or 0
        used, tick = cpu_seconds(pid), time.monotonic()
        memory: list[float] = []
        sampling = asyncio.create_task(_sample(pid, memory))
        await alerts.come_and_go(
            60.0 * wanted.minutes, lambda done, of: place.say("Alerts come and go", done, of)
        )
        seconds = time.monotonic() - tick
        sampling.cancel()
        used = cpu_seconds(pid) - used
        await asyncio.sleep(_LINGER_S)
        line.send("end")
        seen: Seen = await hear(line, phones, _PATIENCE_S)
        return _report(
            await server_info(connection), wanted, cores, alerts, seen, seconds, memory,
            {"web": used / seconds, "phones": seen.cpu_s / seconds},
        )  # fmt: skip


async def _people(
    connection: asyncpg.Connection, team: str, phones: int
) -> tuple[list[int], list[int]]:
    """Members with a phone, and the clients whom all of them may see."""
    queries = load_queries("bench")
    async with translated():
        members = [
            row["id"] async for row in queries.add_phones(connection, count=phones, team=team)
        ]
        subjects = [row["subject"] async for row in queries.seen_by_team(connection, team=team)]
    return members, subjects


class _Alerts:
    """Alerts that are opened at an even pace, and closed after a while."""

    def __init__(
        self, connection: asyncpg.Connection, subjects: Sequence[int], member: int,
        every_s: float, open_s: float,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._subjects = subjects
        self._member = member
        self._every_s = every_s
        self._open_s = open_s
        self._number = 0
        self._open: deque[tuple[int, float]] = deque()
        self.opened: dict[int, float] = {}
        """Unix seconds before the commit, by episode."""
        self.closed = 0

    async def come_and_go(self, seconds: float, say: Callable[[int, int], object]) -> None:
        """Go on for so long."""
        began = time.monotonic()
        for nth in range(int(seconds / self._every_s)):
            await asyncio.sleep(began + nth * self._every_s - time.monotonic())
            await self._open_one()
            while self._open and time.monotonic() - self._open[0][1] > self._open_s:
                await self._close(self._open.popleft()[0])
            say(int(nth * self._every_s), int(seconds))

    async def _open_one(self) -> None:
        self._number += 1
        subject = self._subjects[self._number % len(self._subjects)]
        queries, now = load_queries("bench"), wall_time()
        async with translated():
            transaction = self._connection.transaction()
            await transaction.start()
            episode: int = await queries.open_alert(
                self._connection, subject=subject, origin=f"bench-{self._number}", now=now,
                summary=_SUMMARY, evidence=_evidence(now), channel=EPISODE_CHANNEL,
            )  # fmt: skip
            self.opened[episode] = time.time()
            await transaction.commit()
        self._open.append((episode, time.monotonic()))

    async def _close(self, episode: int) -> None:
        async with translated():
            await load_queries("bench").close_alert(
                self._connection, episode=episode, member=self._member, now=wall_time(),
                channel=EPISODE_CHANNEL,
            )  # fmt: skip
        self.closed += 1


def _evidence(now: datetime) -> list[dict[str, Any]]:
    at = now.isoformat()
    return [
        {
            "gateway": "bench", "device": "monitor", "metric": "spo2", "value": 84.0,
            "qualifier": 0, "time": at, "received_at": at, "state": 0, "points": [3, 3],
        }
    ]  # fmt: skip


async def _sample(pid: int, into: list[float]) -> None:
    while True:
        into.append(memory_mb(pid))
        await asyncio.sleep(_LOOK_S)


def tenths(values: Sequence[float]) -> list[float]:
    """Medians of each tenth, in order; of fewer than ten values each of them. Pure."""
    parts = min(10, len(values))
    cuts = [round(n * len(values) / parts) for n in range(parts + 1)] if parts else [0]
    return [round(statistics.median(values[since:until]), 1) for since, until in pairwise(cuts)]


def _report(
    info: ServerInfo, wanted: Wanted, cores: int, alerts: _Alerts, seen: Seen, seconds: float,
    memory: list[float], cpu: dict[str, float],
) -> Report:  # fmt: skip
    delays = [
        at - committed
        for episode, committed in alerts.opened.items()
        for at in seen.arrivals.get(episode, ())
    ]
    grown = tenths(memory)
    return Report(
        database={"edition": info.edition, "version": info.version},
        cores=cores,
        phones=wanted.phones,
        alerts=len(alerts.opened),
        alerts_per_minute=60.0 * len(alerts.opened) / seconds,
        closed=alerts.closed,
        seconds=seconds,
        phone=Delay.of(delays),
        unseen=wanted.phones * len(alerts.opened) - len(delays),
        broken_streams=seen.broken,
        memory_mb=grown,
        memory_grown_mb=round(grown[-1] - grown[0], 1) if grown else 0.0,
        cpu={name: round(value, 3) for name, value in cpu.items()},
    )
