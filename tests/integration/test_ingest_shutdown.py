"""SIGTERM to a loaded `saimi ingest`: what it took is stored and acknowledged, or still the
broker's; in neither case does anything come twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from core.clock import wall_time
from ingest.service import DRAIN_S
from saimi.embedded.broker import Broker
from tests.integration.ingest_homes import register
from tests.integration.ingest_serving import (
    Sender,
    all_receipted,
    assert_stored_once,
    looking,
    sender,
    serving,
)
from tests.support.mqtt import session
from tests.support.service_process import IngestProcess, ingest_process
from tests.support.waiting import eventually

NUMBERED, UNDATED = 4_000, 2_000
HELD = NUMBERED + UNDATED
IMPATIENT = "import ingest.service; ingest.service.DRAIN_S = 1.0\n"
GRACE_S = 8.0
"""For the end of a process on a machine with other work, besides what it allows itself."""


@asynccontextmanager
async def loaded(
    url: str, broker: Broker, folder: Path, beforehand: str = ""
) -> AsyncIterator[
    tuple[IngestProcess, Sender, asyncpg.Connection, asyncpg.transaction.Transaction]
]:
    """An ingest that holds `HELD` messages of one sender, since the database is locked."""
    await register(url)
    async with looking(url) as database, looking(url) as locking:
        with (
            ingest_process(folder, url, broker.url, beforehand=beforehand) as ingest,
            sender(broker.url) as one,
        ):
            await asyncio.to_thread(ingest.wait_ready)
            lock = locking.transaction()
            await lock.start()
            await locking.execute("LOCK TABLE telemetry.reading IN SHARE ROW EXCLUSIVE MODE")
            one.send(NUMBERED, wall_time())
            for number in range(UNDATED):
                one.publish_later(
                    "senml", b'[{"n":"oximeter/spo2","u":"%%","v":%d}]' % (number % 80)
                )

            await asyncio.to_thread(one.wait_published)

            async def held() -> bool:
                name = "saimi_ingest_held_messages"
                return await asyncio.to_thread(ingest.metric, name) == HELD

            await eventually(held, within=30, what=f"{HELD} messages held")
            yield ingest, one, database, lock


async def undated(database: asyncpg.Connection) -> int:
    count = "SELECT count(*) FROM telemetry.reading WHERE value < 80"
    return int(await database.fetchval(count))


async def test_what_was_taken_is_stored_and_acknowledged(
    plain_database_url: str, broker_factory: Callable[..., Broker], tmp_path: Path
) -> None:
    broker = broker_factory("mosquitto")
    async with loaded(plain_database_url, broker, tmp_path) as (ingest, one, database, lock):
        ingest.terminate()
        await lock.rollback()
        assert await asyncio.to_thread(ingest.ended, DRAIN_S + GRACE_S) == 0
        await assert_stored_once(database, one)
        assert await undated(database) == UNDATED
        # The broker has nothing more of it: the next one to have the session gets what is new.
        one.publish("new", b"")
        with session(broker.url, "saimi-ingest", "saimi/v1/+/new") as inbox:
            await asyncio.to_thread(inbox.wait, 1)
        assert [topic for topic, _ in inbox.messages] == ["saimi/v1/gw-north/new"]


async def test_what_cannot_be_stored_in_time_stays_with_the_broker(
    plain_database_url: str, broker_factory: Callable[..., Broker], tmp_path: Path
) -> None:
    broker = broker_factory("mosquitto")
    async with loaded(plain_database_url, broker, tmp_path, IMPATIENT) as (
        ingest,
        one,
        database,
        lock,
    ):
        ingest.terminate()
        assert await asyncio.to_thread(ingest.ended, 1.0 + GRACE_S) == 0
        await lock.rollback()
        assert await undated(database) == 0
        async with serving(plain_database_url, broker.url):
            await all_receipted(one)

            async def there() -> bool:
                return await undated(database) >= UNDATED

            await eventually(there, within=30, what="the undated")
        await assert_stored_once(database, one)
        assert await undated(database) == UNDATED
