"""What was committed and not acknowledged when ingest was killed is not stored a second time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from core.clock import wall_time
from saimi.embedded.broker import Broker
from tests.integration.ingest_homes import register
from tests.integration.ingest_serving import (
    Child,
    all_receipted,
    assert_stored_once,
    looking,
    sender,
    serving,
)
from tests.support.waiting import eventually

SERVICE = "saimi-ingest"
SILENT = """
from ingest.session import Session
Session.stored = lambda self, message, connection: setattr(message, "stored", True)
"""
"""The process commits, and is killed before it acknowledges anything."""


def undated(number: int) -> bytes:
    return b'[{"n":"oximeter/spo2","u":"%%","v":%d}]' % number


async def values(database: asyncpg.Connection) -> list[int]:
    rows = await database.fetch(
        "SELECT value FROM telemetry.reading WHERE value < 80 ORDER BY value"
    )
    return [int(row["value"]) for row in rows]


@pytest.mark.parametrize("shared", [False, True])
async def test_after_a_kill_it_is_known_by_session_and_identifier(
    plain_database_url: str, broker_factory: Callable[..., Broker], shared: bool
) -> None:
    await register(plain_database_url)
    broker = broker_factory("mosquitto")
    noted = "SELECT coalesce(sum(cardinality(mids)), 0) FROM ops.unacknowledged"
    async with looking(plain_database_url) as database:
        child = Child(plain_database_url, broker.url, SERVICE, shared=shared, beforehand=SILENT)
        try:
            await asyncio.to_thread(child.wait_ready)
            with sender(broker.url) as one:
                # The same words several times are several readings.
                for number in (50, 51, 51, 51, 52):
                    one.publish("senml", undated(number))

                async def stored(count: int) -> bool:
                    return len(await values(database)) == count

                await eventually(lambda: stored(5), what="what was committed")
                assert await database.fetchval(noted) == 5
                child.kill()
                for number in (51, 53):  # new ones, while nobody is there
                    one.publish("senml", undated(number))
                async with serving(plain_database_url, broker.url, shared=shared, lease_s=2.0):
                    await eventually(lambda: stored(7), what="what is new", within=30)
                    one.send(200, wall_time())  # comes behind whatever is sent again
                    await all_receipted(one)
                    one.publish("senml", undated(54))  # once more, so that it looks at its notes
                    await eventually(lambda: stored(8), what="the last one")
                assert await values(database) == [50, 51, 51, 51, 51, 52, 53, 54]
                await assert_stored_once(database, one)
                left = int(await database.fetchval(noted))
                assert left <= 3, "what was acknowledged is forgotten"
        finally:
            if child.alive:
                child.kill()


async def test_of_numbered_messages_nothing_is_noted(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory("mosquitto")
    async with looking(plain_database_url) as database, serving(plain_database_url, broker.url):
        with sender(broker.url) as one:
            one.send(500, wall_time())
            await all_receipted(one)
            assert await database.fetchval("SELECT count(*) FROM ops.unacknowledged") == 0
