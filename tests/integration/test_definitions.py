"""Definitions in the database and in the running service: stored, shared, tried again, kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from core.database import DEFINITION_CHANNEL, connect
from ingest.definitions import Definitions
from ingest.rejected import retry_rejected
from ingest.writer import NotOursError, Writer
from saimi.county_broker import Credentials, bridge_configuration
from saimi.embedded.broker import Broker
from saimi.embedded.ports import LOOPBACK, free_port
from tests.integration.ingest_homes import line, register
from tests.integration.ingest_serving import looking, sender, serving
from tests.support.county import Mosquitto, as_this_user
from tests.support.mqtt import publish
from tests.support.waiting import eventually

CONFIG = json.dumps(
    {
        "name": "Oxygen",
        "state_topic": "node/sensor/spo2/state",
        "unit_of_measurement": "%",
        "object_id": "spo2",
        "device": {"name": "oximeter"},
    }
).encode()
ANNOUNCE = "homeassistant/sensor/node/spo2/config"
STATE = "node/sensor/spo2/state"
HERE = "gw-north/homeassistant"
OCCUPANCY = {"type": "binary", "property": "occupancy", "name": "occupancy", "access": 1}
DEVICES = json.dumps(
    [
        {
            "friendly_name": "motion",
            "ieee_address": "0x01",
            "definition": {"exposes": [OCCUPANCY | {"value_on": "here", "value_off": "there"}]},
        }
    ]
).encode()


async def stored(database: asyncpg.Connection) -> dict[tuple[str, str], str]:
    rows = await database.fetch("SELECT gateway, source, key FROM telemetry.definition")
    return {(row["gateway"], row["source"]): row["key"] for row in rows}


async def values(database: asyncpg.Connection) -> list[float]:
    rows = await database.fetch("SELECT value FROM telemetry.reading ORDER BY time")
    return [row["value"] for row in rows]


async def test_one_in_a_batch_holds_for_what_follows_and_is_stored_with_it(
    database_url: str,
) -> None:
    async with line(database_url) as to:
        told = asyncio.Event()
        listener = await connect(database_url)
        await listener.add_listener(
            DEFINITION_CHANNEL, lambda *a: told.set() if a[-1] == "gw-north" else None
        )
        await to.write(
            to.message(b"95", f"{HERE}/{STATE}"),
            to.message(CONFIG, f"{HERE}/{ANNOUNCE}", retained=True),
            to.message(b"96", f"{HERE}/{STATE}"),
        )
        assert await values(to.connection) == [96]
        assert [row["reason"] for row in await to.rejected()] == ["unknown_definition"]
        assert await stored(to.connection) == {("gw-north", "homeassistant"): ANNOUNCE}
        await asyncio.wait_for(told.wait(), 10)
        await listener.close()
        # What came too early is understood once it is tried again.
        report = await retry_rejected(to.connection, to.clock)
        assert (report.tried, report.committed, report.rejected) == (1, 1, 0)
        assert await values(to.connection) == [95, 96]
        to.definitions = Definitions()  # after a restart
        await to.send(b"97", topic=f"{HERE}/{STATE}")
        await to.send(b"", topic=f"{HERE}/{ANNOUNCE}")
        assert await stored(to.connection) == {}
        await to.send(b"98", topic=f"{HERE}/{STATE}")
        assert await values(to.connection) == [95, 96, 97]


async def test_a_batch_that_is_not_stored_leaves_no_definition_and_may_come_again(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        messages = [
            to.message(CONFIG, f"{HERE}/{ANNOUNCE}"),
            to.message(b"96", f"{HERE}/{STATE}"),
        ]

        async def taken_over(*_: object) -> bool:
            return False

        batch = await to.batch(messages)
        with pytest.raises(NotOursError):
            await Writer(to.connection, hold=taken_over).write(batch, to.clock.now())
        assert await stored(to.connection) == {}
        assert await values(to.connection) == []
        to.definitions.forget()  # in flight, it is known all the same
        assert len((await to.batch(messages[1:])).rows) == 1
        await to.writer.write(batch, to.clock.now())
        assert await stored(to.connection) == {("gw-north", "homeassistant"): ANNOUNCE}
        assert await values(to.connection) == [96]


async def test_the_later_word_stands_whoever_writes_last(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        old, new = (
            to.message(CONFIG.replace(b'"%"', unit), f"{HERE}/{ANNOUNCE}")
            for unit in (b'"x"', b'"%"')
        )
        await to.write(new)
        to.definitions.forget()
        await to.write(old)  # of a worker that was slower
        to.definitions = Definitions()
        await to.send(b"96", topic=f"{HERE}/{STATE}")
        assert await values(to.connection) == [96]


async def test_nobodys_gateway_fills_no_table_and_is_understood_once_registered(
    plain_database_url: str,
) -> None:
    async with line(plain_database_url) as to:
        await to.send(b"96", topic=f"gw-new/homeassistant/{STATE}")
        await to.send(CONFIG, topic=f"gw-new/homeassistant/{ANNOUNCE}")
        assert await stored(to.connection) == {}
        reasons = [row["reason"] for row in await to.rejected()]
        assert reasons == ["unknown_definition", "unknown_gateway"]
        await to.connection.execute(
            "UPDATE registry.gateway SET name = 'gw-new' WHERE name = 'gw-north'"
        )
        report = await retry_rejected(to.connection, to.clock)
        assert (report.tried, report.committed, report.rejected) == (2, 1, 0)
        assert await stored(to.connection) == {("gw-new", "homeassistant"): ANNOUNCE}


async def test_beyond_the_bound_it_is_kept_with_the_rejected(plain_database_url: str) -> None:
    async with line(plain_database_url) as to:
        to.definitions = Definitions(most_keys=2)
        for number in range(4):
            await to.send(CONFIG, topic=f"{HERE}/homeassistant/sensor/node/s{number}/config")
        rows = await to.rejected()
        assert [row["reason"] for row in rows] == ["too_many_definitions"] * 2
        count = "SELECT count(*) FROM telemetry.definition"
        assert await to.connection.fetchval(count) == 2


@asynccontextmanager
async def home(tmp_path: Path, county: Broker) -> AsyncIterator[str]:
    """The address of a home's Mosquitto with the bridge that enrolment writes, without its TLS."""
    folder, port = tmp_path / "home", free_port()
    text = bridge_configuration(
        "gw-north", county.url.removeprefix("mqtt://"), Credentials("none"),
        data=str(folder), port=port,
    )  # fmt: skip
    lines = [one for one in text.splitlines() if not one.startswith(("bridge_cafile", "remote_us"))]
    lines = [one for one in lines if not one.startswith("remote_password")]
    with Mosquitto(folder, port, as_this_user("\n".join(lines) + "\n")):
        yield f"mqtt://{LOOPBACK}:{port}"


@pytest.mark.parametrize(
    ("announce", "definition", "state", "payload", "value"),
    [
        ("zigbee2mqtt/bridge/devices", DEVICES, "zigbee2mqtt/motion", b'{"occupancy":"here"}', 1),
        (ANNOUNCE, CONFIG, STATE, b"95", 95),
    ],
    ids=["zigbee2mqtt", "Home Assistant"],
)
async def test_from_the_home_through_its_bridge_and_after_a_restart(
    plain_database_url: str,
    broker_factory: Callable[..., Broker],
    tmp_path: Path,
    announce: str,
    definition: bytes,
    state: str,
    payload: bytes,
    value: float,
) -> None:
    await register(plain_database_url)
    county = broker_factory("mosquitto")
    async with looking(plain_database_url) as database, home(tmp_path, county) as url:

        async def arrived(count: int) -> bool:
            return bool(await values(database) == [value] * count)

        async with serving(plain_database_url, county.url):
            await asyncio.to_thread(publish, url, [(announce, definition), (state, payload)])
            await eventually(lambda: arrived(1), what="a reading from the home")
        async with serving(plain_database_url, county.url):  # told nothing again
            await asyncio.to_thread(publish, url, [(state, payload)])
            await eventually(lambda: arrived(2), what="one after the restart")


async def test_what_one_worker_has_learned_the_other_knows(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    county = broker_factory("mosquitto")
    async with (
        looking(plain_database_url) as database,
        serving(plain_database_url, county.url, shared=True),
        serving(plain_database_url, county.url, shared=True),
    ):
        with sender(county.url) as one:
            # Both have heard of the gateway, and know nothing.
            for _ in range(20):
                one.publish("homeassistant/node/sensor/spo2/state", b"90")
            count = "SELECT count(*) FROM telemetry.rejected WHERE reason = 'unknown_definition'"

            async def refused(number: int) -> bool:
                return bool(await database.fetchval(count) == number)

            await eventually(lambda: refused(20), what="what nobody understands yet")
            one.publish(f"homeassistant/{ANNOUNCE}", CONFIG)

            async def learned() -> bool:
                return bool(await stored(database))

            await eventually(learned, what="the definition")

            async def a_round(number: int) -> bool:
                """Whether all of 20 more, which come to both in turn, were understood."""
                total = 20 * (number + 2)
                for value in range(20):
                    payload = str(70 + value).encode()
                    one.publish("homeassistant/node/sensor/spo2/state", payload)

                async def settled() -> bool:
                    stored_now = len(await values(database))
                    return bool(stored_now + await database.fetchval(count) == total)

                before = await database.fetchval(count)
                await eventually(settled, what="all stored or refused")
                return bool(await database.fetchval(count) == before)

            # The word may be later with the other worker than the first messages.
            assert any([await a_round(number) for number in range(3)][1:])
