"""What is lost, and what is stored twice, of each kind of source when something is away.

`docs/sources.md` has the tables: its kinds are `guarantee_kinds.KINDS`, and each line of what may
be away names one of these tests, in which every kind sends at QoS 0 and 1 at once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from core.clock import wall_time
from core.migrate import migrate
from core.registry_import import import_document
from core.wire import readings_topic
from ingest.decoders import SOURCES
from saimi.county_broker import Credentials, bridge_configuration
from saimi.embedded.broker import Broker, keeping
from saimi.embedded.ports import LOOPBACK, free_port
from saimi.embedded.postgres import PostgresServer
from tests.integration.guarantee_kinds import (
    BASE,
    KINDS,
    QOS,
    announcements,
    channel,
    document,
    messages,
)
from tests.integration.ingest_homes import NOW, pack
from tests.integration.ingest_serving import Child, looking, serving
from tests.support.county import Mosquitto, as_this_user
from tests.support.mqtt import publish
from tests.support.waiting import eventually

MESSAGES = 20
"""Of every kind at each QoS."""
SOURCES_PAGE = Path(__file__).parents[2] / "docs" / "sources.md"


async def say(url: str, numbers: range) -> None:
    """Publish these of every kind to the county's broker."""
    for qos in QOS:
        await asyncio.to_thread(publish, url, messages(qos, numbers), qos)


async def expect_each_once(database: asyncpg.Connection, count: int) -> None:
    """Of every kind and QoS there are `count` readings, and of each kind that has a time, each."""
    rows = await database.fetch(
        """
        SELECT g.name AS gateway, d.name AS device, m.name AS metric, count(*) AS count
          FROM telemetry.reading r
          JOIN registry.device d ON d.id = r.device JOIN registry.gateway g ON g.id = d.gateway
          JOIN telemetry.metric m ON m.id = r.metric
         WHERE r.time >= $1 GROUP BY 1, 2, 3
        """,
        BASE,
    )
    found = {(row["gateway"], row["device"], row["metric"]): row["count"] for row in rows}
    wanted = {(f"gw-{qos}", *channel(kind)): count for kind in KINDS for qos in QOS}
    assert {key: found.get(key, 0) for key in wanted} == wanted
    assert await database.fetchval("SELECT count(*) FROM telemetry.rejected") == 0


async def nothing_behind(url: str, database: asyncpg.Connection) -> None:
    """Until a message of each gateway sent now has been stored: the broker keeps the order."""
    at = wall_time().timestamp() - 2 * 86_400
    for qos in QOS:
        last = pack({"n": "counting/pulse", "u": "/min", "v": 60, "t": at})
        await asyncio.to_thread(publish, url, [(readings_topic(f"gw-{qos}"), last)], 1)

    async def there() -> bool:
        earlier = "SELECT count(*) FROM telemetry.reading WHERE time < now() - interval '1 day'"
        return bool(await database.fetchval(earlier) == len(QOS))

    await eventually(there, within=60, what="the last messages")


@asynccontextmanager
async def prepared(url: str, broker: str) -> AsyncIterator[asyncpg.Connection]:
    """A subscription that the broker keeps, and what the sources announce."""
    async with looking(url) as database:
        await import_document(database, document(), now=NOW)
        async with serving(url, broker):
            told = [one for qos in QOS for one in announcements(qos)]
            await asyncio.to_thread(publish, broker, told, 1)

            async def known() -> bool:
                count = "SELECT count(*) FROM telemetry.definition"
                return bool(await database.fetchval(count) == len(told))

            await eventually(known, what="the announcements")
        yield database


def test_the_page_and_the_test_have_the_same_kinds() -> None:
    page = SOURCES_PAGE.read_text()
    rows = re.findall(r"^\| (numbered|dated|undated) \| `(\w+)` \| (.+?) \|$", page, re.M)
    assert rows == [(kind.known, kind.source, kind.says) for kind in KINDS]
    assert {kind.source for kind in KINDS} == set(SOURCES)


def test_what_the_page_calls_tested_exists() -> None:
    named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", SOURCES_PAGE.read_text())
    assert named
    for file, test in named:
        text = (Path(__file__).parent / file).read_text()
        assert f"def {test}(" in text or not test, f"{file}::{test}"


async def test_ingest_away(plain_database_url: str, broker_factory: Callable[..., Broker]) -> None:
    broker = broker_factory("mosquitto")
    async with prepared(plain_database_url, broker.url) as database:
        await say(broker.url, range(MESSAGES))
        async with serving(plain_database_url, broker.url):
            await nothing_behind(broker.url, database)
        await expect_each_once(database, MESSAGES)


async def test_ingest_killed(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    broker = broker_factory("mosquitto")
    async with prepared(plain_database_url, broker.url) as database:
        child = Child(plain_database_url, broker.url, "saimi-ingest")
        try:
            await asyncio.to_thread(child.wait_ready)
            async with database.transaction():
                # The first are taken from the broker and cannot be stored: then it is killed.
                await database.execute("LOCK TABLE telemetry.reading")
                await say(broker.url, range(MESSAGES // 2))
                await eventually(lambda: waits_for_lock(database), what="a batch in hand")
                child.kill()
            await say(broker.url, range(MESSAGES // 2, MESSAGES))
        finally:
            if child.alive:
                child.kill()
        async with serving(plain_database_url, broker.url):
            await nothing_behind(broker.url, database)
        await expect_each_once(database, MESSAGES)


async def waits_for_lock(database: asyncpg.Connection) -> bool:
    return bool(await database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def test_broker_restarted_in_order(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    broker = broker_factory("mosquitto")
    async with prepared(plain_database_url, broker.url) as database:
        await say(broker.url, range(MESSAGES))
        await asyncio.to_thread(broker.restart)
        async with serving(plain_database_url, broker.url):
            await nothing_behind(broker.url, database)
        await expect_each_once(database, MESSAGES)


async def test_database_away(
    postgres_factory: Callable[..., PostgresServer], broker_factory: Callable[..., Broker]
) -> None:
    server, broker = postgres_factory(), broker_factory("mosquitto")
    await migrate(server.url)
    async with prepared(server.url, broker.url):
        pass
    async with serving(server.url, broker.url):
        await say(broker.url, range(MESSAGES // 4))
        await asyncio.to_thread(server.kill)
        await say(broker.url, range(MESSAGES // 4, MESSAGES))
        await asyncio.to_thread(server.restart)
        async with looking(server.url) as database:
            await nothing_behind(broker.url, database)
            await expect_each_once(database, MESSAGES)


async def test_line_away(plain_database_url: str, tmp_path: Path) -> None:
    port = free_port()
    county_url = f"mqtt://{LOOPBACK}:{port}"
    listener = (f"listener {port} {LOOPBACK}", "allow_anonymous true")
    kept = keeping(str(tmp_path / "county"))
    county = Mosquitto(tmp_path / "county", port, configuration(*listener, *kept))
    homes = {qos: home(tmp_path / f"home-{qos}", qos, port) for qos in QOS}
    with county:
        async with prepared(plain_database_url, county_url) as database:
            with homes[0], homes[1]:
                async with serving(plain_database_url, county_url):
                    await say_at_home(homes, range(1))
                    await eventually(lambda: came(database), within=40, what="the first of each")
                await asyncio.to_thread(county.stop)
                await say_at_home(homes, range(1, MESSAGES))
                await asyncio.to_thread(county.start)
                async with serving(plain_database_url, county_url):
                    # What comes last by each bridge comes behind all that waited in it.
                    await say_at_home(homes, range(MESSAGES, MESSAGES + 1))
                    await eventually(
                        lambda: came(database, MESSAGES + 1), within=60, what="the last of each"
                    )
                    await nothing_behind(county_url, database)
            await expect_each_once(database, MESSAGES + 1)


def home(folder: Path, qos: int, county: int) -> Mosquitto:
    """A home's broker, as `saimi gateway enrol` configures it but for its credentials."""
    port = free_port()
    bridge = bridge_configuration(
        f"gw-{qos}", f"{LOOPBACK}:{county}", Credentials("-"), data=str(folder), port=port
    )
    left_out = ("bridge_cafile", "remote_username", "remote_password")
    lines = [one for one in bridge.splitlines() if not one.startswith(left_out)]
    return Mosquitto(folder, port, configuration(*lines))


async def say_at_home(homes: dict[int, Mosquitto], numbers: range) -> None:
    for qos, broker in homes.items():
        url = f"mqtt://{LOOPBACK}:{broker.port}"
        said = messages(qos, numbers, at_home=True)
        await asyncio.to_thread(publish, url, said, qos)


async def came(database: asyncpg.Connection, number: int = 1) -> bool:
    """Whether of every kind and QoS there are as many."""
    try:
        await expect_each_once(database, number)
    except AssertionError:
        return False
    return True


def configuration(*lines: str) -> str:
    return as_this_user("\n".join(lines) + "\n")
