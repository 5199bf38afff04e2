"""A call for help overtakes a backlog, and is stored once although it comes by two ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from core.clock import wall_time
from core.database import load_queries
from ingest.lookout import calls_of
from ingest.service import _Service
from ingest.writer import Writer
from saimi.embedded.broker import Broker
from tests.integration.ingest_homes import NOW, Line, line, pack, register
from tests.integration.ingest_serving import (
    Sender,
    all_receipted,
    assert_stored_once,
    looking,
    sender,
    serving,
)
from tests.support.waiting import eventually

UNDATED = b'[{"n":"button/help","vb":true}]'
BACKLOG = 30_000


async def calls(database: asyncpg.Connection) -> int:
    return int(
        await database.fetchval(
            "SELECT count(*) FROM telemetry.reading r JOIN telemetry.metric m ON m.id = r.metric"
            " WHERE m.name = 'help'"
        )
    )


async def backlog(database: asyncpg.Connection) -> int:
    stored = "SELECT coalesce(sum(committed), 0)::int FROM telemetry.received"
    return BACKLOG - int(await database.fetchval(stored))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service takes as long for a batch as with a database under load."""
    monkeypatch.setattr("ingest.service.MAX_BATCH", 500)
    insist = _Service._insist

    async def slowly(self: Any, *batch: Any) -> Any:
        await asyncio.sleep(0.25)
        return await insist(self, *batch)

    monkeypatch.setattr(_Service, "_insist", slowly)


@asynccontextmanager
async def behind(
    url: str, broker: Broker, *, workers: int, database: asyncpg.Connection
) -> AsyncIterator[Sender]:
    """Workers that have a backlog to work off, and see what arrives now."""
    shared = workers > 1
    async with serving(url, broker.url, shared=shared):
        pass  # from now on the broker keeps what comes
    with sender(broker.url) as one:
        one.send(BACKLOG, wall_time() - timedelta(days=1))
        await asyncio.to_thread(one.wait_published)
        others = [serving(url, broker.url, shared=shared) for _ in range(workers)]
        for other in others:
            await other.__aenter__()
        try:
            await eventually(lambda: seen(database), what="somebody who looks out")
            yield one
            await all_receipted(one, within=120)
        finally:
            for other in others:
                await other.__aexit__(None, None, None)


async def seen(database: asyncpg.Connection) -> bool:
    """Whether somebody looks out: the lock is had, and the connection a moment old."""
    locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1511281"
    if not await database.fetchval(locked):
        return False
    await asyncio.sleep(0.3)
    return True


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_call_is_stored_while_the_backlog_is_worked_off_and_only_once(
    plain_database_url: str,
    broker_factory: Callable[..., Broker],
    slow: None,
    workers: int,
) -> None:
    await register(plain_database_url)
    broker = broker_factory("mosquitto")
    async with (
        looking(plain_database_url) as database,
        behind(plain_database_url, broker, workers=workers, database=database) as one,
    ):

        async def called(count: int) -> bool:
            return await calls(database) >= count

        # No time of its own; twice the same words are two calls; an unknown device; a dated one.
        one.publish("senml", UNDATED)
        one.publish("senml", UNDATED)
        one.publish("senml", b'[{"n":"toaster/help","vb":true}]')
        at = wall_time().timestamp()
        one.publish("senml", b'[{"n":"button/help","vb":true,"t":%f}]' % at)
        await eventually(lambda: called(4), what="the calls")
        left = await backlog(database)
        assert left > BACKLOG // 4, "there was no backlog to overtake"
    async with looking(plain_database_url) as database:
        assert await calls(database) == 4
        await assert_stored_once(database, one)


class TwoWays:
    """The main subscription and the lookout, each with a writer of its own."""

    def __init__(self, main: Line) -> None:
        self.main = main
        self.early = Writer(main.connection, early=True)

    async def seen_early(self, payload: bytes) -> None:
        batch = calls_of(await self.main.batch([self.main.message(payload)]))
        await self.early.write(batch, NOW)

    async def calls(self) -> int:
        return await calls(self.main.connection)


async def test_whoever_is_first_stores_it(plain_database_url: str) -> None:
    async with line(plain_database_url) as main:
        ways = TwoWays(main)
        for _ in range(2):
            await ways.seen_early(UNDATED)
            await main.send(UNDATED)
        assert await ways.calls() == 2
        await main.send(UNDATED)
        await ways.seen_early(UNDATED)
        assert await ways.calls() == 3
        await ways.seen_early(UNDATED)
        await ways.seen_early(UNDATED)
        await main.send(UNDATED, UNDATED)
        assert await ways.calls() == 5
        assert await main.connection.fetchval("SELECT count(*) FROM ops.call_copy") == 0
        assert await main.rejected() == []


async def test_a_call_that_was_not_seen_twice_hides_no_later_one(plain_database_url: str) -> None:
    async with line(plain_database_url) as main:
        ways = TwoWays(main)
        await ways.seen_early(UNDATED)  # its main copy was lost
        queries = load_queries("ingest")
        async with looking(plain_database_url) as other:
            await queries.am_behind(other, service="s")
            assert await queries.forget_if_all_caught_up(main.connection, service="s") == 0
        await eventually(lambda: nobody_behind(main.connection), what="the lock given back")
        assert await queries.forget_if_all_caught_up(main.connection, service="s") == 1
        await main.send(UNDATED)
        assert await ways.calls() == 2


async def nobody_behind(database: asyncpg.Connection) -> bool:
    locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1511280"
    return not await database.fetchval(locked)


async def test_of_a_batch_only_the_calls_are_seen(plain_database_url: str) -> None:
    async with line(plain_database_url) as main:
        at = NOW.timestamp()
        some = pack(
            {"n": "oximeter/spo2", "u": "%", "v": 95, "t": at},
            {"n": "button/help", "vb": True},
            {"n": "toaster/spo2", "u": "%", "v": 95, "t": at},
            boot="b",
            seq=1,
        )
        ways = TwoWays(main)
        await ways.seen_early(some)
        assert [row["metric_name"] for row in await main.readings()] == ["help"]
        assert await main.received() == {}
        assert await main.rejected() == []
        await main.send(some)
        assert sorted(row["metric_name"] for row in await main.readings()) == ["help", "spo2"]
        counted = (await main.received())["b"]
        assert (counted["committed"], counted["duplicates"], counted["rejected"]) == (1, 1, 1)
