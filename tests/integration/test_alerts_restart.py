"""The worker and a database that goes away, or is another version's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from alerts.worker import service
from core.clock import REAL_CLOCK, wall_time
from core.errors import SchemaError
from core.migrate import migrate
from saimi.embedded.postgres import PostgresServer
from tests.integration.alerts_support import SICK, county, county_again, worker
from tests.support.waiting import DEADLINE_S, eventually


async def test_the_worker_outlives_its_database(
    postgres_factory: Callable[[str], PostgresServer],
) -> None:
    server = postgres_factory("plain")
    await migrate(server.url)
    async with worker(server.url, REAL_CLOCK):
        async with county(server.url) as found:
            await found.put(1, SICK, at=wall_time())

            async def news() -> bool:
                return bool(await found.episodes("news2"))

            await eventually(news)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.restart)
        async with county_again(server.url) as found:
            await found.put(1, {"help": 1}, at=wall_time())

            async def called() -> bool:
                return bool(await found.episodes("help"))

            await eventually(called)
            assert len(await found.episodes()) == 2


async def test_another_versions_database_is_refused(empty_database_url: str) -> None:
    with pytest.raises(SchemaError, match="saimi db migrate"):
        await service.run(database_url=empty_database_url, clock=REAL_CLOCK, stop=asyncio.Event())


async def test_it_stops_while_it_waits_for_a_database() -> None:
    stop = asyncio.Event()
    waiting = asyncio.create_task(
        service.run(
            database_url="postgresql://nobody@127.0.0.1:1/none", clock=REAL_CLOCK, stop=stop
        )
    )
    await asyncio.sleep(0)
    stop.set()
    async with asyncio.timeout(DEADLINE_S):
        await waiting
