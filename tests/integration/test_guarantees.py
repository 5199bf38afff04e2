"""What is lost, and what is stored twice, of each kind of source when something is away.

`docs/sources.md` has the table; each of its lines names one of these tests.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from core.clock import wall_time
from core.migrate import migrate
from saimi.county_broker import Credentials, bridge_configuration
from saimi.embedded.broker import Broker, keeping
from saimi.embedded.ports import LOOPBACK, free_port
from saimi.embedded.postgres import PostgresServer
from tests.integration.ingest_homes import pack, register, spo2
from tests.integration.ingest_serving import Child, looking, serving
from tests.support.county import Mosquitto, as_this_user
from tests.support.mqtt import publish
from tests.support.waiting import eventually

MESSAGES = 40
OWN = "saimi/v1/gw-north"
ANNOUNCED = json.dumps(
    {
        "state_topic": "n/sensor/o/state",
        "unit_of_measurement": "%",
        "object_id": "spo2",
        "device": {"name": "oximeter"},
    }
).encode()


class Sent(NamedTuple):
    """What a program in the home publishes: below its own topics, and as ingest gets it."""

    home: str
    county: str
    payload: bytes


def dated(number: int) -> Sent:
    """SenML with a time, not numbered."""
    at = wall_time() - timedelta(hours=1, seconds=number)
    return Sent("saimi/senml/x", "senml/x", pack(spo2(40 + number, at)))


def zigbee(number: int) -> Sent:
    """zigbee2mqtt with `last_seen` switched on."""
    at = (wall_time() - timedelta(hours=1, seconds=number)).isoformat(timespec="milliseconds")
    payload = json.dumps({"occupancy": True, "last_seen": at}).encode()
    return Sent("zigbee2mqtt/motion", "zigbee2mqtt/motion", payload)


def undated(number: int) -> Sent:
    """A state of Home Assistant discovery: no time, no number, and the same words again."""
    return Sent("n/sensor/o/state", "homeassistant/n/sensor/o/state", b"%d" % (60 + number % 2))


SOURCES = pytest.mark.parametrize("source", [dated, zigbee, undated], ids=lambda one: one.__name__)
QOS = pytest.mark.parametrize("qos", [0, 1])


async def say(url: str, source: Callable[[int], Sent], numbers: Sequence[int], qos: int) -> None:
    """Publish to the county's broker."""
    messages = [
        (f"{OWN}/{one.county}", one.payload) for one in (source(number) for number in numbers)
    ]
    await asyncio.to_thread(publish, url, messages, qos)


async def announce(url: str, database: asyncpg.Connection) -> None:
    topic = f"{OWN}/homeassistant/homeassistant/sensor/n/o/config"
    await asyncio.to_thread(publish, url, [(topic, ANNOUNCED)], 1)

    async def known() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM telemetry.definition"))

    await eventually(known, what="the announcement")


async def readings(database: asyncpg.Connection) -> int:
    return int(await database.fetchval("SELECT count(*) FROM telemetry.reading"))


async def stored(database: asyncpg.Connection, count: int) -> None:
    """All `count` come, and whatever comes behind them brings none a second time."""

    async def there() -> bool:
        return await readings(database) >= count

    await eventually(there, within=40, what=f"{count} readings")


async def nothing_behind(url: str, database: asyncpg.Connection) -> None:
    """Until a message sent now has been stored: the broker keeps the order."""
    at = wall_time() - timedelta(days=2)
    before = "SELECT count(*) FROM telemetry.reading WHERE time < now() - interval '1 day'"
    await asyncio.to_thread(publish, url, [(f"{OWN}/senml", pack(spo2(99, at)))], 1)

    async def there() -> bool:
        return bool(await database.fetchval(before))

    await eventually(there, within=40, what="the last message")


@asynccontextmanager
async def prepared(url: str, broker: str) -> AsyncIterator[asyncpg.Connection]:
    """A subscription that the broker keeps, and what the sources announce."""
    await register(url)
    async with looking(url) as database:
        async with serving(url, broker):
            await announce(broker, database)
        yield database


@SOURCES
@QOS
async def test_ingest_away(
    plain_database_url: str,
    broker_factory: Callable[..., Broker],
    source: Callable[[int], Sent],
    qos: int,
) -> None:
    broker = broker_factory("mosquitto")
    async with prepared(plain_database_url, broker.url) as database:
        await say(broker.url, source, range(MESSAGES), qos)
        async with serving(plain_database_url, broker.url):
            await nothing_behind(broker.url, database)
        assert await readings(database) == MESSAGES + 1


@SOURCES
@QOS
async def test_ingest_killed(
    plain_database_url: str,
    broker_factory: Callable[..., Broker],
    source: Callable[[int], Sent],
    qos: int,
) -> None:
    broker = broker_factory("mosquitto")
    async with prepared(plain_database_url, broker.url) as database:
        child = Child(plain_database_url, broker.url, "saimi-ingest")
        try:
            await asyncio.to_thread(child.wait_ready)
            async with database.transaction():
                # The first are taken from the broker and cannot be stored: then it is killed.
                await database.execute("LOCK TABLE telemetry.reading")
                await say(broker.url, source, range(MESSAGES // 2), qos)
                await eventually(lambda: waits_for_lock(database), what="a batch in hand")
                child.kill()
            await say(broker.url, source, range(MESSAGES // 2, MESSAGES), qos)
        finally:
            if child.alive:
                child.kill()
        async with serving(plain_database_url, broker.url):
            await nothing_behind(broker.url, database)
        assert await readings(database) == MESSAGES + 1


async def waits_for_lock(database: asyncpg.Connection) -> bool:
    return bool(await database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))


@SOURCES
@QOS
async def test_broker_restarted_in_order(
    plain_database_url: str,
    broker_factory: Callable[..., Broker],
    source: Callable[[int], Sent],
    qos: int,
) -> None:
    broker = broker_factory("mosquitto")
    async with prepared(plain_database_url, broker.url) as database:
        await say(broker.url, source, range(MESSAGES), qos)
        await asyncio.to_thread(broker.restart)
        async with serving(plain_database_url, broker.url):
            await nothing_behind(broker.url, database)
        assert await readings(database) == MESSAGES + 1


@QOS
async def test_database_away(
    postgres_factory: Callable[..., PostgresServer],
    broker_factory: Callable[..., Broker],
    qos: int,
) -> None:
    server, broker = postgres_factory(), broker_factory("mosquitto")
    await migrate(server.url)
    async with prepared(server.url, broker.url):
        pass
    async with serving(server.url, broker.url):
        await asyncio.to_thread(server.kill)
        await say(broker.url, undated, range(MESSAGES), qos)
        await asyncio.to_thread(server.restart)
        async with looking(server.url) as database:
            await nothing_behind(broker.url, database)
            assert await readings(database) == MESSAGES + 1


@SOURCES
@QOS
async def test_line_away(
    plain_database_url: str, tmp_path: Path, source: Callable[[int], Sent], qos: int
) -> None:
    county_port, port = free_port(), free_port()
    listener = (f"listener {county_port} {LOOPBACK}", "allow_anonymous true")
    kept = keeping(str(tmp_path / "county"))
    county = Mosquitto(tmp_path / "county", county_port, configuration(*listener, *kept))
    county_url, home_url = (f"mqtt://{LOOPBACK}:{one}" for one in (county_port, port))
    bridge = bridge_configuration(
        "gw-north", f"{LOOPBACK}:{county_port}", Credentials("-"),
        data=str(tmp_path / "home"), port=port,
    )  # fmt: skip
    left_out = ("bridge_cafile", "remote_username", "remote_password")
    lines = [one for one in bridge.splitlines() if not one.startswith(left_out)]
    said = [source(number) for number in range(MESSAGES)]
    with county:
        async with prepared(plain_database_url, county_url) as database:
            with Mosquitto(tmp_path / "home", port, configuration(*lines)):
                first = [(one.home, one.payload) for one in said[:1]]
                rest = [(one.home, one.payload) for one in said[1:]]
                async with serving(plain_database_url, county_url):
                    await asyncio.to_thread(publish, home_url, first, qos)
                    await stored(database, 1)
                await asyncio.to_thread(county.stop)
                await asyncio.to_thread(publish, home_url, rest, qos)
                await asyncio.to_thread(county.start)
                async with serving(plain_database_url, county_url):
                    await stored(database, MESSAGES)
                    await nothing_behind(county_url, database)
            assert await readings(database) == MESSAGES + 1


def configuration(*lines: str) -> str:
    return as_this_user("\n".join(lines) + "\n")
