"""Several workers between one broker and one database: killed, stopped, frozen, replaced."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import asyncpg
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from core.broker import BrokerAddress
from core.clock import wall_time
from core.errors import BrokerError
from saimi.embedded.broker import Broker
from tests.integration.ingest_homes import pack, register, spo2
from tests.integration.ingest_serving import (
    Child,
    Sender,
    all_receipted,
    assert_stored_once,
    looking,
    sender,
    serving,
)
from tests.support.waiting import eventually

LEASE_S = 2.0
SERVICE = "saimi-ingest"


@contextmanager
def workers(
    database_url: str, mqtt_url: str, count: int, *, shared: bool = True
) -> Iterator[list[Child]]:
    """Workers that have subscribed; those that still live are killed at the end."""
    children = [
        Child(database_url, mqtt_url, SERVICE, shared=shared, lease_s=LEASE_S) for _ in range(count)
    ]
    try:
        for child in children:
            child.wait_ready()
        yield children
    finally:
        for child in children:
            if child.alive:
                child.thaw()
                child.kill()


def undated(one: Sender, numbers: range) -> None:
    """Messages that say neither when they were measured nor which message they are."""
    for number in numbers:
        one.publish("senml", b'[{"n":"oximeter/spo2","u":"%%","v":%d}]' % number)


async def all_stored(database: asyncpg.Connection, one: Sender) -> None:
    """Until all that was sent is in the database, sent once. Receipts say so too, but one may be
    lost while a slot changes hands; its gateway would send again then."""

    async def stored() -> bool:
        seqs = await database.fetchval(
            "SELECT seqs FROM telemetry.received WHERE boot = $1"
            "   AND gateway = (SELECT id FROM registry.gateway WHERE name = $2)",
            one.boot,
            one.gateway,
        )
        return seqs is not None and [(part.lower, part.upper) for part in seqs] == [
            (1, len(one.sent) + 1)
        ]

    await eventually(stored, within=60, what=f"all of {one.gateway}")


async def values(database: asyncpg.Connection, below: int = 80) -> list[int]:
    rows = await database.fetch(
        "SELECT value FROM telemetry.reading WHERE value < $1 ORDER BY value", below
    )
    return [int(row["value"]) for row in rows]


async def slots(database: asyncpg.Connection) -> dict[str, bool]:
    """Names of the slots, and whether somebody has them."""
    rows = await database.fetch("SELECT name, holder FROM ops.ingest_slot ORDER BY name")
    return {row["name"]: row["holder"] is not None for row in rows}


def session_present(url: str, client_id: str) -> bool:
    """Whether the broker keeps a session under the name; looking ends it."""
    present: list[bool] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
    client.on_connect = lambda _c, _d, flags, *_: present.append(flags.session_present)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
    properties.SessionExpiryInterval = 0
    address = BrokerAddress.parse(url)
    client.connect(address.host, address.port, clean_start=False, properties=properties)
    deadline = time.monotonic() + 10
    while not present and time.monotonic() < deadline:
        client.loop(0.1)
    client.disconnect()
    return present[0]


async def test_a_worker_killed_for_good_is_taken_over(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    with (
        workers(plain_database_url, broker.url, 2) as (first, _),
        sender(broker.url) as north,
        sender(broker.url, "gw-south") as south,
    ):
        async with looking(plain_database_url) as database:
            assert await slots(database) == {SERVICE: True, f"{SERVICE}-1": True}
            for one in (north, south):
                one.send(1_000, wall_time())
            first.kill()
            for one in (north, south):
                one.send(1_000, wall_time())  # half of them into the dead one's session
                one.wait_published()
            for one in (north, south):
                await all_receipted(one, within=60)
            await assert_stored_once(database, north, south)
            await eventually(lambda: one_slot_left(database), what="the dead one's slot removed")
            (left,) = await slots(database)
            gone = f"{SERVICE}-1" if left == SERVICE else SERVICE
            assert not session_present(broker.url, gone)
            undated(north, range(10))  # nothing goes astray any more
            await eventually(lambda: has_values(database, 10))


async def one_slot_left(database: asyncpg.Connection) -> bool:
    return len(await slots(database)) == 1


async def has_values(database: asyncpg.Connection, count: int) -> bool:
    return await values(database) == list(range(count))


async def test_a_worker_stopped_in_order_leaves_its_session_to_the_others(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    with (
        workers(plain_database_url, broker.url, 2) as (first, second),
        sender(broker.url) as north,
    ):
        async with looking(plain_database_url) as database:
            north.send(500, wall_time())
            await asyncio.to_thread(first.stop)
            undated(north, range(50))
            north.send(500, wall_time())
            await all_stored(database, north)
            await eventually(lambda: has_values(database, 50))
            await eventually(lambda: one_slot_left(database))
            # The last one leaves its session to whoever comes.
            await asyncio.to_thread(second.stop)
            assert list((await slots(database)).values()) == [False]
            north.send(500, wall_time())
            north.wait_published()
            with workers(plain_database_url, broker.url, 1):
                await all_stored(database, north)
            await assert_stored_once(database, north)


async def test_a_frozen_worker_that_wakes_up_finds_its_slot_taken(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    with (
        workers(plain_database_url, broker.url, 2) as (first, second),
        sender(broker.url) as north,
    ):
        async with looking(plain_database_url) as database:
            async with database.transaction():
                # Both hold messages that they cannot store yet; one of them is frozen with them.
                await database.execute("LOCK TABLE telemetry.reading")
                undated(north, range(60))
                north.send(200, wall_time())
                north.wait_published()
                first.freeze()
            await all_stored(database, north)
            await eventually(lambda: has_values(database, 60))
            await eventually(lambda: one_slot_left(database))
            first.thaw()

            async def both() -> bool:
                return list((await slots(database)).values()) == [True, True]

            await eventually(both, what="a new slot for the one that woke up")
            await asyncio.to_thread(second.stop)
            north.send(200, wall_time())
            await all_stored(database, north)
            await assert_stored_once(database, north)
            assert await values(database) == list(range(60))


async def test_a_worker_frozen_in_the_middle_of_storing_holds_up_nobody(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    async with looking(plain_database_url) as database:
        with (
            workers(plain_database_url, broker.url, 1) as (first,),
            sender(broker.url) as north,
        ):

            async def preparing() -> bool:
                return bool(
                    await database.fetchval(
                        "SELECT count(*) FROM pg_locks WHERE NOT granted"
                        "   AND relation = 'telemetry.received_day'::regclass"
                    )
                )

            async with database.transaction():
                # Needed once it has begun the gateway's ledger, to prepare its next statement.
                await database.execute("LOCK TABLE telemetry.received_day")
                north.send(200, wall_time())
                await eventually(preparing)
                first.freeze()
            # The server waits without end for what the frozen one would say, which has the ledger.
            with workers(plain_database_url, broker.url, 1):
                await all_stored(database, north)
                first.thaw()
                north.send(200, wall_time())
                await all_stored(database, north)
                await assert_stored_once(database, north)


async def test_from_one_worker_to_several_and_back(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    async with looking(plain_database_url) as database:
        with sender(broker.url) as north:
            done = 0
            for shared in (False, True, False, True):
                with workers(plain_database_url, broker.url, 1 + shared, shared=shared) as children:
                    north.send(300, wall_time())
                    await all_stored(database, north)
                    for child in children:
                        await asyncio.to_thread(child.stop)
                undated(north, range(done, done + 10))  # while nobody is there
                done += 10
                north.send(300, wall_time())
                north.wait_published()
            with workers(plain_database_url, broker.url, 1, shared=False):
                await all_stored(database, north)
                await eventually(lambda: has_values(database, done))
                await eventually(lambda: one_slot_left(database))
                assert await slots(database) == {SERVICE: True}
            await assert_stored_once(database, north)


async def test_one_who_would_take_everything_waits_for_those_who_share(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    with workers(plain_database_url, broker.url, 1) as (first,), sender(broker.url) as north:
        async with (
            looking(plain_database_url) as database,
            serving(plain_database_url, broker.url, lease_s=LEASE_S, wait=False),
        ):
            undated(north, range(10))
            await eventually(lambda: has_values(database, 10))
            await asyncio.to_thread(first.kill)
            undated(north, range(10, 20))
            await eventually(lambda: has_values(database, 20), within=60)
            assert await slots(database) == {SERVICE: True}


async def test_a_second_ingest_stands_by(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    async with (
        looking(plain_database_url) as database,
        serving(plain_database_url, broker.url, lease_s=LEASE_S),
    ):
        holder = "SELECT holder FROM ops.ingest_slot"
        before = await database.fetchval(holder)
        with (
            workers(plain_database_url, broker.url, 1, shared=False) as (newest,),
            sender(broker.url) as north,
        ):
            taken = await database.fetchval(holder)
            assert taken != before
            undated(north, range(20))
            await eventually(lambda: has_values(database, 20))
            assert await database.fetchval(holder) == taken  # no fight for it
            newest.kill()
            undated(north, range(20, 40))
            await eventually(lambda: has_values(database, 40), within=60)
            assert await database.fetchval(holder) == before


async def test_what_is_retained_is_read_by_those_who_share(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    with sender(broker.url) as north:
        north.publish("status", b'{"online":true,"boot":"b","seq":5}', retain=True)
        north.publish("senml/b", pack(spo2(77, wall_time())), retain=True)
        async with looking(plain_database_url) as database:
            with workers(plain_database_url, broker.url, 2):
                await eventually(
                    lambda: database.fetchval("SELECT announced = 5 FROM telemetry.received")
                )

                async def read() -> bool:
                    return await values(database) == [77]

                await eventually(read)


async def test_workers_go_on_after_the_broker_and_the_database_come_back(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    with (
        workers(plain_database_url, broker.url, 2),
        sender(broker.url) as north,
    ):
        async with looking(plain_database_url) as database:
            north.send(500, wall_time() - timedelta(hours=1))
            await asyncio.to_thread(broker.restart)
            north.send(500, wall_time() - timedelta(hours=1))
            # Mosquitto keeps queues over a restart, but not the shared subscriptions.
            await all_receipted(north, within=60, resend_after=1.0)
            await database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
            north.send(500, wall_time() - timedelta(hours=1))
            await all_stored(database, north)
            await assert_stored_once(database, north)
            assert await slots(database) == {SERVICE: True, f"{SERVICE}-1": True}


async def test_a_broker_without_mqtt_5_is_said_to_be_unfit_for_sharing(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    broker = broker_factory("iotcore")
    with pytest.raises(BrokerError, match="without --workers"):
        async with serving(plain_database_url, broker.url, shared=True):
            pass
