"""One of two workers is killed for good, with the lease that operators have."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from core.clock import wall_time
from ingest.intake import LEASE_S
from saimi.embedded.broker import Broker
from tests.integration.ingest_homes import register
from tests.integration.ingest_serving import (
    Child,
    assert_stored_once,
    looking,
    sender,
)
from tests.support.waiting import eventually

WITHIN_S = 30.0
UNDATED = b'[{"n":"oximeter/spo2","u":"%%","v":%d}]'


async def test_its_queue_is_taken_over_within_thirty_seconds(
    plain_database_url: str,
    broker_factory: Callable[..., Broker],
    record_property: Callable[[str, object], None],
) -> None:
    await register(plain_database_url)
    broker = broker_factory("mosquitto")
    killed, other = (
        Child(plain_database_url, broker.url, "saimi-ingest", shared=True) for _ in range(2)
    )
    try:
        for one in (killed, other):
            await asyncio.to_thread(one.wait_ready)
        async with looking(plain_database_url) as database:
            with sender(broker.url) as north:
                killed.kill()
                at = time.monotonic()
                north.send(400, wall_time())  # half of them into the dead one's session
                for number in range(40):
                    north.publish_later("senml", UNDATED % number)
                await asyncio.to_thread(north.wait_published)

                async def all_stored() -> bool:
                    count = "SELECT count(*) FROM telemetry.reading"
                    return bool(await database.fetchval(count) == len(north.sent) + 40)

                await eventually(all_stored, within=2 * WITHIN_S, what="what both sessions had")
                took = time.monotonic() - at
                await assert_stored_once(database, north)
                rows = await database.fetch(
                    "SELECT value FROM telemetry.reading WHERE value < 80 ORDER BY value"
                )
                assert [int(row["value"]) for row in rows] == list(range(40))
    finally:
        for one in (killed, other):
            if one.alive:
                one.kill()
    record_property("a worker's death to the last of its queue stored, s", round(took, 1))
    # Not much sooner than a lease: nobody may be called dead who is only slow.
    assert LEASE_S / 2 <= took <= WITHIN_S
