"""Silence on a real database: devices, gateways, and our own outages."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alerts.rules.shipped import shipped_rules
from alerts.worker import service
from alerts.worker.batch import Batch
from core.clock import ManualClock, ScaledClock, wall_time
from core.database import connect, load_queries
from tests.integration.alerts_support import NOW, WELL, County, county, settle, worker
from tests.support.waiting import eventually

MINUTE = timedelta(minutes=1)
EXPECTED = 15 * MINUTE


class Line:
    """A worker's care for heartbeats and registrations, called by hand on a clock by hand."""

    def __init__(self, found: County, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self._found = found
        self.clock = clock
        self._offset = timedelta(0)
        self._worker = service.Worker(clock=clock, rules=shipped_rules(), instance="t")
        for module in (
            "alerts.worker.service",
            "alerts.worker.keeping",
            "tests.integration.alerts_support",
        ):
            monkeypatch.setattr(f"{module}.wall_time", lambda: wall_time() + self._offset)

    async def live(self, duration: timedelta, *, ingest: bool = True, engine: bool = True) -> None:
        """Let time go by, with heartbeats where the parts are alive, then assess."""
        step = timedelta(seconds=10)
        while duration > timedelta(0):
            self.clock.advance(step)
            self._offset += step
            duration -= step
            if ingest:
                await self._found.ingest_beats()
            if engine:
                await self._worker._beat(self._found.connection)
        if engine:
            await self._worker.keeper.turn(self._found.connection)
            await settle(self._found.connection, self.clock)

    async def hear(self, subject: int = 1) -> None:
        await self._found.put(subject, WELL, at=self.clock.now())
        await settle(self._found.connection, self.clock)


async def silent(found: County) -> dict[tuple[int, str], bool]:
    """Silence episodes by subject and origin: whether they are cleared."""
    return {
        (one["subject"], one["origin"]): one["cleared_at"] is not None
        for one in await found.episodes("silence")
    }


async def test_silence_is_found_and_ends(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with county(database_url, clients=2, silent_after=EXPECTED) as found:
        line = Line(found, ManualClock(NOW), monkeypatch)
        await found.connection.execute(
            "INSERT INTO telemetry.gateway_status (gateway, online, boot, heard_at) "
            "VALUES (1, true, '', $1)",
            NOW + timedelta(days=1),
        )
        # Registered long ago, never heard: listened for from now on.
        await line.live(MINUTE)
        assert await silent(found) == {}
        await line.hear(1)
        await line.live(14 * MINUTE)
        await line.hear(2)
        assert await silent(found) == {}
        await line.live(2 * MINUTE)
        # Gateway 1 speaks, so it is its device; of home 2 something was heard.
        assert await silent(found) == {(1, "g1/pack"): False}
        await line.live(14 * MINUTE)
        assert await silent(found) == {(1, "g1/pack"): False, (1000002, "g2"): False}
        await line.hear(1)
        await line.hear(2)
        for _ in range(9):
            await line.live(MINUTE)
            await line.hear(1)
            await line.hear(2)
        assert await silent(found) == {(1, "g1/pack"): True, (1000002, "g2"): True}
        for episode in await found.episodes("silence"):
            assert await found.happened(episode["id"]) == ["opened", "cleared"]


async def test_a_registry_import_holds_up_nobody_who_is_due(plain_database_url: str) -> None:
    async with county(plain_database_url, silent_after=EXPECTED) as found:
        importing = await connect(plain_database_url)
        try:
            async with importing.transaction():
                await load_queries("core").lock_registry(importing)
                await found.connection.execute(
                    "INSERT INTO alerts.subject_state (subject, due_at) VALUES (1, $1)", NOW
                )
                batch = Batch(clock=ManualClock(NOW), rules=shipped_rules())
                assert (await batch.run(found.connection)).subjects == 1
        finally:
            await importing.close()


async def test_our_own_outage_makes_nobody_silent(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with county(plain_database_url, clients=3, silent_after=EXPECTED) as found:
        line = Line(found, ManualClock(NOW), monkeypatch)
        await line.live(MINUTE)
        for subject in (1, 2, 3):
            await line.hear(subject)
        await line.live(60 * MINUTE, ingest=False)
        assert await silent(found) == {}, "while ingest is down"
        await line.live(10 * MINUTE)
        assert await silent(found) == {}, "after ingest came back"
        await line.live(60 * MINUTE, ingest=True, engine=False)
        await line.live(2 * MINUTE)
        assert await silent(found) == {}, "after the engine came back"
        for subject in (1, 2):
            await line.hear(subject)
        await line.live(5 * MINUTE)
        assert await silent(found) == {(1000003, "g3"): False}, "who stayed silent is found"


async def test_an_engine_without_ingest_calls_nobody_silent(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with county(plain_database_url, silent_after=EXPECTED) as found:
        line = Line(found, ManualClock(NOW), monkeypatch)
        await line.live(120 * MINUTE, ingest=False)
        assert await silent(found) == {}


async def test_the_running_worker_watches_what_is_registered_while_it_runs(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The allowance for a reading's way here is wall time; the test need not wait for all of it.
    monkeypatch.setattr("alerts.worker.batch.JOURNEY", timedelta(milliseconds=100))
    clock = ScaledClock(wall_time(), NOW, factor=20.0)
    async with county(plain_database_url, clients=1) as found:
        stop = asyncio.Event()

        async def ingest() -> None:
            connection = await connect(plain_database_url)
            other = County(connection, 1)
            while not stop.is_set():
                await other.ingest_beats()
                await asyncio.sleep(0.2)
            await connection.close()

        beating = asyncio.create_task(ingest())
        async with worker(plain_database_url, clock):
            await found.connection.execute(
                "UPDATE registry.device SET silent_after = '10 s'; NOTIFY saimi_registry"
            )

            async def is_silent() -> bool:
                return bool(await silent(found))

            await eventually(is_silent)
        stop.set()
        await beating
        assert await silent(found) == {(1000001, "g1"): False}


async def test_the_heartbeat_comes_also_when_idle(plain_database_url: str) -> None:
    async with county(plain_database_url) as found, worker(plain_database_url):

        async def beats() -> int:
            count: int = await found.connection.fetchval(
                "SELECT count(*) FROM ops.heartbeat WHERE service = 'alerts' AND wall_at > $1",
                first,
            )
            return count

        first = await found.connection.fetchval(
            "SELECT wall_at FROM ops.heartbeat WHERE service = 'alerts'"
        )
        await eventually(beats)
