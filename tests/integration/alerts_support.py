"""A small county, readings and notes as ingest commits them, for tests of the alert worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from alerts.learned.store import LearnedStore
from alerts.rules.shipped import Rules, shipped_rules
from alerts.worker import service
from alerts.worker.batch import Batch
from core.catalogue import catalogue
from core.clock import Clock, ManualClock, wall_time
from core.database import NOTE_CHANNEL, connect
from tests.support.waiting import DEADLINE_S

NOW = datetime(2025, 3, 3, 12, tzinfo=UTC)
SICK = {
    "respiratory_rate": 26.0,
    "spo2": 90.0,
    "systolic": 120.0,
    "pulse": 135.0,
    "temperature": 39.2,
}
WELL = {
    "respiratory_rate": 16.0,
    "spo2": 97.0,
    "systolic": 120.0,
    "pulse": 70.0,
    "temperature": 36.8,
}
_PEOPLE = """
INSERT INTO registry.home (name, area) SELECT 'h' || i, 1 FROM generate_series(1, $1) i;
INSERT INTO registry.subject (id, pseudonym, kind, home)
SELECT i, 'c' || i, 'client', i FROM generate_series(1, $1) i;
INSERT INTO registry.subject (id, pseudonym, kind, home)
SELECT 1000000 + i, 'h' || i, 'home', i FROM generate_series(1, $1) i;
INSERT INTO registry.client (subject, reference, given_name, family_name, born)
SELECT i, 'r' || i, 'Given', 'Family', '1940-05-01' FROM generate_series(1, $1) i;
INSERT INTO registry.gateway (id, name, home)
SELECT i, 'g' || i, i FROM generate_series(1, $1) i
"""


@dataclass
class County:
    """Clients 1…n, each in a home of their own (subject 1000001…) with a pack (device 1…n)."""

    connection: asyncpg.Connection
    clients: int

    async def put(
        self,
        subject: int,
        values: Mapping[str, float],
        *,
        at: datetime = NOW,
        received: datetime | None = None,
        device: int | None = None,
        state: int = 0,
        notify: bool = True,
    ) -> None:
        """Commit readings and their note in one transaction, as ingest does."""
        await self.put_many(
            [(subject, values, at)], received=received, device=device, state=state, notify=notify
        )

    async def put_many(
        self,
        packs: Iterable[tuple[int, Mapping[str, float], datetime]],
        *,
        received: datetime | None = None,
        device: int | None = None,
        state: int = 0,
        notify: bool = True,
    ) -> None:
        """The same for many packs of (subject, values by metric, time)."""
        packs = list(packs)
        rows = [
            (
                at,
                received or at,
                value,
                subject if device is None else device,
                subject,
                catalogue()[metric].id,
                state,
            )
            for subject, values, at in packs
            for metric, value in values.items()
        ]
        async with self.connection.transaction():
            await self.connection.executemany(
                "INSERT INTO telemetry.reading "
                "(time, received_at, value, device, subject, metric, state) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                rows,
            )
            await self.connection.executemany(
                "INSERT INTO telemetry.note (subject, since, until, each_counts, noted_at) "
                "VALUES ($1, $2, $2, $3, $4)",
                [
                    (subject, at, any(catalogue()[one].each_counts for one in values), wall_time())
                    for subject, values, at in packs
                ],
            )
            if notify:
                await self.connection.execute(f"NOTIFY {NOTE_CHANNEL}")

    async def episodes(self, kind: str | None = None) -> list[asyncpg.Record]:
        """All episodes, oldest first."""
        return await self.connection.fetch(
            "SELECT * FROM alerts.episode WHERE $1::text IS NULL OR kind = $1 ORDER BY id", kind
        )

    async def happened(self, episode: int) -> list[str]:
        """What happened to an episode, in order; but for who was called (`called`)."""
        rows = await self.connection.fetch(
            "SELECT what FROM alerts.episode_event"
            " WHERE episode = $1 AND what <> 'called' ORDER BY id",
            episode,
        )
        return [row["what"] for row in rows]

    async def called(self, episode: int) -> list[list[str]]:
        """Who was called about an episode, step by step; "desk" where nobody in particular."""
        rows = await self.connection.fetch(
            "SELECT array_agg(coalesce(m.username, 'desk') ORDER BY v.id) AS names"
            " FROM alerts.episode_event v LEFT JOIN registry.member m ON m.id = v.member"
            " WHERE v.episode = $1 AND v.what = 'called'"
            " GROUP BY v.detail ->> 'message' ORDER BY min(v.id)",
            episode,
        )
        return [row["names"] for row in rows]

    async def messages(self, episode: int) -> list[tuple[str, str]]:
        """What the outbox holds about an episode: (what, to whom), in order."""
        rows = await self.connection.fetch(
            "SELECT o.what, CASE WHEN o.channel = 'home' THEN 'home'"
            " ELSE coalesce(m.username, 'desk') END AS whom"
            " FROM alerts.outbox o LEFT JOIN registry.member m ON m.id = o.member"
            " WHERE o.episode = $1 ORDER BY o.id",
            episode,
        )
        return [(row["what"], row["whom"]) for row in rows]

    async def left(self) -> int:
        """Notes that nobody has dealt with."""
        count: int = await self.connection.fetchval("SELECT count(*) FROM telemetry.note")
        return count

    async def ingest_beats(self) -> None:
        """Ingest's sign of life."""
        await self.connection.execute(
            "INSERT INTO ops.heartbeat (service, instance, wall_at) VALUES ('ingest', 'i', $1) "
            "ON CONFLICT (service, instance) DO UPDATE SET wall_at = excluded.wall_at",
            wall_time(),
        )


@asynccontextmanager
async def county(
    url: str, *, clients: int = 1, silent_after: timedelta | None = None
) -> AsyncIterator[County]:
    """Fill an empty database; members are 1 `anna` and 2 `bo`, coordinators."""
    async with county_again(url, clients=clients) as found:
        connection = found.connection
        await connection.execute(
            """
            INSERT INTO registry.area (code, name) VALUES ('a', 'A');
            INSERT INTO registry.member (username, display_name, role)
            VALUES ('anna', 'Anna', 'coordinator'), ('bo', 'Bo', 'coordinator');
            """
        )
        for statement in _PEOPLE.split(";"):
            await connection.execute(statement, clients)
        await connection.execute(
            "INSERT INTO registry.device (id, gateway, name, kind, silent_after) "
            "SELECT i, i, 'pack', 'wearable', $2 FROM generate_series(1, $1) i",
            clients,
            silent_after,
        )
        await connection.execute(
            "INSERT INTO registry.assignment (device, subject, during) "
            "SELECT i, i, '[2020-01-01,)' FROM generate_series(1, $1) i",
            clients,
        )
        yield found


@asynccontextmanager
async def county_again(url: str, *, clients: int = 1) -> AsyncIterator[County]:
    """A county that is in the database already."""
    connection = await connect(url)
    try:
        yield County(connection, clients)
    finally:
        await connection.close()


async def settle(
    connection: asyncpg.Connection,
    clock: Clock,
    learned: LearnedStore | None = None,
    *,
    rules: Rules | None = None,
) -> None:
    """Assess whatever is noted or due, here and now, until nothing is left."""
    batch = Batch(clock=clock, rules=rules or shipped_rules(), learned=learned)
    while (await batch.run(connection)).subjects:
        pass


@asynccontextmanager
async def worker(url: str, clock: Clock | None = None, **more: Any) -> AsyncIterator[None]:
    """A worker in this process, ready when entered."""
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(
        service.run(
            database_url=url,
            clock=clock or ManualClock(NOW),
            stop=stop,
            on_ready=ready.set,
            **more,
        )
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            await ready.wait()
        yield
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await task
