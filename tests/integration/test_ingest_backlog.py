"""While ingest is behind: memory is bounded, what one gateway sends too much of holds up no other,
and the rest waits at the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from core.clock import wall_time
from core.migrate import migrate
from ingest import subscriber
from ingest.quota import MIB, Quota
from ingest.rejected import count_rejected
from saimi.embedded.broker import Broker
from saimi.embedded.postgres import PostgresServer
from tests.integration.ingest_homes import register
from tests.integration.ingest_serving import (
    Sender,
    all_receipted,
    assert_stored_once,
    looking,
    sender,
    serving,
)
from tests.support.commands import saimi
from tests.support.waiting import eventually

MOST_BATCH, MOST_HELD = 100, 2_000
BEFORE = 1_500
"""Messages of the flood that come before those of the other gateway."""
ONE_READ = 256 * 1024 // 80
"""Messages that one read of the socket brings at most: a message of these tests is longer."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test can reach soon."""
    monkeypatch.setattr("ingest.service.MAX_BATCH", MOST_BATCH)
    monkeypatch.setattr(subscriber, "MAX_HELD", MOST_HELD)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages were held at each read from the broker."""
    seen: list[int] = []
    read = subscriber.Subscriber._read

    def watch(self: subscriber.Subscriber, connection: object) -> None:
        read(self, connection)  # type: ignore[arg-type]  # whatever `_read` takes
        seen.append(self.held[0])

    monkeypatch.setattr(subscriber.Subscriber, "_read", watch)
    return seen


async def notes(database: asyncpg.Connection, gateway: str) -> list[int]:
    """Numbers, in the order of their commits, of the transactions that stored readings of it."""
    rows = await database.fetch(
        """
        SELECT n.id FROM telemetry.note n
          JOIN registry.assignment a ON a.subject = n.subject
          JOIN registry.device d ON d.id = a.device AND d.name = 'oximeter'
          JOIN registry.gateway g ON g.id = d.gateway
         WHERE g.name = $1 ORDER BY n.id
        """,
        gateway,
    )
    return [row["id"] for row in rows]


async def assert_not_behind(database: asyncpg.Connection) -> None:
    """The other gateway was done before most of the flood that had come before it: in hand are two
    batches of that, and it needs a few itself, in which it has half."""
    flood, other = await notes(database, "gw-north"), await notes(database, "gw-south")
    before = [one for one in flood if one < other[-1]]
    assert len(before) <= BEFORE // MOST_BATCH * 2 // 3, (flood, other)


async def test_the_database_is_away_while_homes_go_on(
    postgres_factory: Callable[..., PostgresServer],
    broker_factory: Callable[..., Broker],
    held: list[int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = postgres_factory()
    await migrate(server.url)
    await register(server.url)
    broker = broker_factory("mosquitto")
    yesterday = wall_time() - timedelta(days=1)
    async with serving(server.url, broker.url):
        with sender(broker.url) as north, sender(broker.url, "gw-south") as south:
            await asyncio.to_thread(server.kill)
            north.send(BEFORE, yesterday)
            await asyncio.to_thread(north.wait_published)
            south.send(200, wall_time())  # behind the flood at the broker, and here
            await asyncio.to_thread(south.wait_published)
            north.send(4_500, yesterday)  # more than may be held: the broker keeps it
            await asyncio.to_thread(north.wait_published)
            await eventually(lambda: full(held), what="as much held as may be")
            assert not south.receipted
            await asyncio.to_thread(server.restart)
            for one in (north, south):
                await all_receipted(one, within=60, resend_after=5.0)
            async with looking(server.url) as database:
                await assert_not_behind(database)
                await assert_stored_once(database, north, south)
    assert max(held) <= MOST_HELD + ONE_READ
    log = capsys.readouterr().out
    assert 1 <= log.count("trying again") <= 16, log  # by reason, not by try


async def full(held: list[int]) -> bool:
    return bool(held) and held[-1] >= MOST_HELD


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Nothing can be stored meanwhile, as with a database that is slow for a while."""
    async with looking(url) as database, database.transaction():
        await database.execute("LOCK TABLE telemetry.reading IN SHARE ROW EXCLUSIVE MODE")
        yield


async def test_a_flood_good_and_bad_holds_up_no_other_gateway_and_fills_no_disk(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory("mosquitto")
    quota = Quota(gateway_rows=300, gateway_bytes=MIB)
    bad = b"{" + b"x" * 1_000
    async with (
        looking(plain_database_url) as database,
        serving(plain_database_url, broker.url, quota=quota),
    ):
        with sender(broker.url) as north, sender(broker.url, "gw-south") as south:
            async with locked(plain_database_url):
                await flood(north, BEFORE // 100, bad)
                south.send(100, wall_time())
                for number in range(20):
                    south.publish_later("senml", b"[%d" % number)
                await asyncio.to_thread(south.wait_published)
                await flood(north, 25, bad)
            senders = north, south
            for one in senders:
                await all_receipted(one, within=60, resend_after=5.0)
            await assert_not_behind(database)
            await assert_stored_once(database, *senders)
        expected = [(2_000, quota.gateway_rows), (20, 20)]

        async def all_refused() -> bool:  # no receipt says so, and the flood ends with such
            rows = [only(await count_rejected(database, gateway=one.gateway)) for one in senders]
            return [(row["count"], row["kept"]) for row in rows] == expected

        await eventually(all_refused, what=f"counted and kept: {expected}")
        size = await database.fetchval("SELECT pg_total_relation_size('telemetry.rejected')")
    assert size < 2 * MIB
    listed = await asyncio.to_thread(
        saimi, "rejected", "list", "--json", settings={"SAIMI_DATABASE_URL": plain_database_url}
    )
    assert listed.status == 0, listed.err
    assert "2000" in listed.out.replace(",", "")


async def flood(one: Sender, hundreds: int, bad: bytes) -> None:
    """So many hundred messages, every second one bad; until the broker has them."""
    for _ in range(hundreds):
        one.send(50, wall_time())
        for _ in range(50):
            one.publish_later("senml", bad)
    await asyncio.to_thread(one.wait_published)


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows
    return row
