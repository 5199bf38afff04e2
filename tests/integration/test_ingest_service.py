"""The service between a real broker and a real database."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from datetime import date, timedelta

import asyncpg
import pytest

from core.clock import REAL_CLOCK, wall_time
from core.database import load_queries
from core.errors import BrokerError, DatabaseUnavailableError, SchemaError
from core.migrate import migrate
from core.registry import Area, Client, Device, Document, Home
from core.registry_import import import_document
from ingest import subscriber
from ingest.service import run
from saimi.embedded.broker import Broker
from saimi.embedded.postgres import PostgresServer
from tests.integration.ingest_homes import IN_USE, pack, register, spo2
from tests.integration.ingest_serving import (
    Child,
    all_receipted,
    assert_stored_once,
    looking,
    sender,
    serving,
)
from tests.support.waiting import eventually

LIFE_SAFETY = ("help", "smoke", "carbon_monoxide", "fall")


async def test_from_a_publish_to_a_receipt(
    database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(database_url)
    broker = broker_factory()
    async with serving(database_url, broker.url), looking(database_url) as database:
        with sender(broker.url) as one:
            one.send(3, wall_time())
            before = time.monotonic()
            await all_receipted(one)
            assert time.monotonic() - before < 5
            await assert_stored_once(database, one)
            beat = await database.fetchrow("SELECT * FROM ops.heartbeat WHERE service = 'ingest'")
            assert beat is not None
            assert beat["instance"] == "saimi-ingest"
            one.resend()
            assert one.resend() == 0


async def test_on_a_broker_without_mqtt_5(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory("iotcore")
    async with looking(plain_database_url) as database:
        async with serving(plain_database_url, broker.url):
            with sender(broker.url) as one:
                one.send(50, wall_time())
                await all_receipted(one)
        with sender(broker.url, boot="later") as two:
            two.send(2_000, wall_time() - timedelta(days=1))  # more than its window
            two.wait_published()
            async with serving(plain_database_url, broker.url):
                await eventually(lambda: _committed(database, "later", 2_000), within=60)


async def _committed(database: asyncpg.Connection, boot: str, count: int) -> bool:
    found = await database.fetchval(
        "SELECT sum(committed) FROM telemetry.received WHERE boot = $1", boot
    )
    return bool(found == count)


async def test_what_is_published_while_the_service_is_away_is_taken_later(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    async with serving(plain_database_url, broker.url):
        pass
    with sender(broker.url) as one:
        one.send(3_000, wall_time())
        one.wait_published()
        async with serving(plain_database_url, broker.url):
            await all_receipted(one)
        async with looking(plain_database_url) as database:
            await assert_stored_once(database, one)


@pytest.mark.parametrize("metric", LIFE_SAFETY)
async def test_a_call_reaches_the_database_whatever_is_wrong(
    plain_database_url: str, broker_factory: Callable[..., Broker], metric: str
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    name = f'"n":"{metric}"'
    bodies = {
        "plain": '[{"bn":"button/",%s,"v":1}]',
        "no json": "{{{ %s, \"v\": 1",
        "cut off": '[{"bn":"button/",%s,"v":1',
        "5 MB": "[" + " " * 5_000_000 + '{"bn":"button/",%s,"v":1}]',
        "unknown device": '[{"bn":"toaster/",%s,"v":1}]',
        "wrong unit": '[{"bn":"button/",%s,"v":1,"u":"Cel"}]',
        "impossible": '[{"bn":"button/",%s,"v":7}]',
        "text": '[{"bn":"button/",%s,"vs":"emergency"}]',
        "1970": '[{"bn":"button/",%s,"v":1,"t":86400}]',
        "next year": '[{"bn":"button/",%s,"v":1,"t":1900000000}]',
        "must-understand field": '[{"bn":"button/",%s,"v":1,"x_":1}]',
    }  # fmt: skip
    async with serving(plain_database_url, broker.url), looking(plain_database_url) as database:
        with sender(broker.url) as known, sender(broker.url, "nobodys") as unknown:
            stored = 0
            for flaw, body in bodies.items():
                for one in (known, unknown):
                    before = wall_time()
                    one.publish("senml", (body % name).encode())
                    stored += 1

                    async def there(count: int = stored) -> bool:
                        found = await database.fetchval(
                            "SELECT count(*) FROM telemetry.reading WHERE value = 1"
                        )
                        return bool(found == count)

                    await eventually(there, what=f"{metric}, {flaw}, {one.gateway}")
                    row = await database.fetchrow(
                        """
                        SELECT r.*, n.id IS NOT NULL AS noted
                          FROM telemetry.reading r LEFT JOIN telemetry.note n
                            ON n.subject = r.subject AND r.time BETWEEN n.since AND n.until
                         ORDER BY received_at DESC, n.id DESC LIMIT 1
                        """
                    )
                    assert row is not None
                    assert row["noted"]
                    assert abs(row["time"] - before) < timedelta(seconds=30)
                    if one is unknown:
                        assert (row["subject"], row["device"]) == (0, 0)
                    else:
                        assert row["subject"] != 0
            reasons = await database.fetch("SELECT reason FROM telemetry.rejected")
            assert {row["reason"] for row in reasons} >= {"unreadable", "too_large"}


async def test_the_stream_goes_on_after_bad_messages(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    async with serving(plain_database_url, broker.url), looking(plain_database_url) as database:
        with sender(broker.url) as one:
            for payload in (b"", b"no json", b"\xff", b"[" * 100_000, b"[{}]", b"[]", b"null"):
                one.publish("senml", payload)
                one.publish("senml", payload, qos=0)
            one.publish("", b"1")
            one.publish("down/receipt", b"1")
            one.publish("status", b"1")
            one.send(5, wall_time())
            await all_receipted(one)
            await assert_stored_once(database, one)


async def test_a_new_device_is_known_at_once(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    home = Home(
        name="east", area="a", gateway="gw-east",
        clients=[Client("client-east", "Given", "Family", date(1940, 1, 1))],
        devices=[Device("oximeter", "oximeter", subject="client-east", assigned_from=IN_USE)],
    )  # fmt: skip
    async with serving(plain_database_url, broker.url), looking(plain_database_url) as database:
        with sender(broker.url, "gw-east") as one:
            one.send(1, wall_time())
            await eventually(lambda: database.fetchval("SELECT count(*) FROM telemetry.rejected"))
            await import_document(
                database, Document(areas=[Area("a", "A")], homes=[home]), now=wall_time()
            )

            async def stored() -> bool:
                one.publish("senml", pack(spo2(97, wall_time())))
                return bool(await database.fetchval("SELECT count(*) FROM telemetry.reading"))

            await eventually(stored, what="a reading of the new device")


async def test_a_retained_status_and_retained_readings(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    with sender(broker.url) as one:
        one.publish("status", b'{"online":true,"boot":"b","seq":5}', retain=True)
        one.publish("senml/a", b'[{"n":"button/help","v":1}]', retain=True)
        one.publish("senml/b", pack(spo2(97, wall_time())), retain=True)
        async with looking(plain_database_url) as database:
            async with serving(plain_database_url, broker.url):
                await eventually(
                    lambda: database.fetchval("SELECT announced = 5 FROM telemetry.received")
                )
                await eventually(lambda: database.fetchval("SELECT 1 FROM telemetry.rejected"))
                await eventually(lambda: database.fetchval("SELECT 1 FROM telemetry.reading"))
            rows = await database.fetch("SELECT value FROM telemetry.reading")
            assert [row["value"] for row in rows] == [97]
            reasons = await database.fetch("SELECT reason FROM telemetry.rejected")
            assert [row["reason"] for row in reasons] == ["retained"]


# What goes away and comes back.


async def test_kill_9_of_the_service_at_any_moment_loses_nothing_and_doubles_nothing(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    chance = random.Random(7)
    child = Child(plain_database_url, broker.url, "killed")
    child.wait_ready()
    with sender(broker.url) as north, sender(broker.url, "gw-south") as south:
        start = wall_time()
        try:
            for _ in range(6):
                for one in (north, south):
                    one.send(400, start)
                await asyncio.sleep(chance.uniform(0.0, 0.25))
                child.kill()
                child = Child(plain_database_url, broker.url, "killed")
                if chance.random() < 0.7:
                    child.wait_ready()
            for one in (north, south):
                await all_receipted(one, within=60)
        finally:
            child.kill()
        async with looking(plain_database_url) as database:
            await assert_stored_once(database, north, south)


@pytest.mark.parametrize("edition", ["plain", "timescaledb"])
async def test_a_database_killed_in_the_middle_loses_nothing(
    edition: str,
    postgres_factory: Callable[..., PostgresServer],
    broker_factory: Callable[..., Broker],
) -> None:
    server = postgres_factory(edition)
    await migrate(server.url)
    await register(server.url)
    broker = broker_factory()
    async with serving(server.url, broker.url):
        with sender(broker.url) as one:
            for _ in range(2):
                one.send(1_000, wall_time() - timedelta(days=1))
                await asyncio.to_thread(server.kill)
                one.send(300, wall_time() - timedelta(days=1))
                await asyncio.to_thread(server.restart)
            await all_receipted(one, within=60)
            async with looking(server.url) as database:
                await assert_stored_once(database, one)


async def test_a_broker_that_comes_late_and_restarts(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory()
    await asyncio.to_thread(broker.kill)
    async with serving(plain_database_url, broker.url, wait=False) as task:
        await asyncio.sleep(0.3)
        assert not task.done()
        await asyncio.to_thread(broker.restart)
        with sender(broker.url) as one:
            one.send(500, wall_time())
            one.wait_published()
            await asyncio.to_thread(broker.restart)
            one.send(500, wall_time())
            # A receipt that is published before the sender is back is lost for it.
            await all_receipted(one, within=60, resend_after=1.0)
            async with looking(plain_database_url) as database:
                await assert_stored_once(database, one)


async def test_without_a_broker_the_service_does_not_call_itself_alive(
    plain_database_url: str,
    broker_factory: Callable[..., Broker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.service.BEAT_S", 0.05)
    await register(plain_database_url)
    broker = broker_factory()
    async with (
        serving(plain_database_url, broker.url),
        looking(plain_database_url) as database,
    ):

        async def silent_for(seconds: float) -> bool:
            beat = await load_queries("core").last_beat(database, service="ingest")
            return beat is not None and wall_time() - beat > timedelta(seconds=seconds)

        async def beats() -> bool:
            beat = await load_queries("core").last_beat(database, service="ingest")
            return beat is not None and wall_time() - beat < timedelta(seconds=1)

        await eventually(beats)
        await asyncio.to_thread(broker.kill)
        # Homes cannot be heard now: whoever goes by the beat must not think that they are silent.
        await eventually(lambda: silent_for(2))
        await asyncio.to_thread(broker.restart)
        await eventually(beats)


async def test_after_a_lost_connection_an_undated_message_is_stored_once(
    plain_database_url: str,
    broker_factory: Callable[..., Broker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Counted are the connections of the main subscription alone.
    monkeypatch.setattr("ingest.lookout.Lookout.run", lambda _: asyncio.Event().wait())
    await register(plain_database_url)
    broker = broker_factory()
    async with Cuttable(broker.port) as line, looking(plain_database_url) as database:
        async with serving(plain_database_url, line.url):
            with sender(broker.url) as one:
                async with database.transaction():
                    await database.execute("LOCK TABLE telemetry.reading")
                    for number in range(20):
                        one.publish("senml", b'[{"n":"oximeter/spo2","u":"%%","v":%d}]' % number)

                    async def delivered(connections: int) -> bool:
                        return line.made == connections and line.received > 20 * 30

                    await eventually(lambda: delivered(1), what="the messages delivered")
                    line.cut()
                    await eventually(lambda: delivered(2), what="the messages sent again")
                one.send(1, wall_time() - timedelta(hours=1))
                await all_receipted(one)
        values = await database.fetch("SELECT value FROM telemetry.reading WHERE value < 20")
        assert sorted(row["value"] for row in values) == list(range(20))


class Cuttable:
    """A line to the broker that can be cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []
        self.made = 0
        self.received = 0
        """Bytes from the broker on the newest connection."""
        self.url = ""

    async def __aenter__(self) -> Cuttable:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, far_writer]
        self.made += 1
        self.received = 0

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65_536):
                    if source is far_reader:
                        self.received += len(data)
                    sink.write(data)
                    await sink.drain()
            except OSError:
                pass
            finally:
                sink.close()

        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))


async def test_while_the_database_is_away_what_is_held_is_bounded(
    postgres_factory: Callable[..., PostgresServer],
    broker_factory: Callable[..., Broker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subscriber, "MAX_HELD_BYTES", 20_000)
    server = postgres_factory()
    await migrate(server.url)
    await register(server.url)
    broker = broker_factory()
    held: list[int] = []
    take = subscriber.Subscriber.take

    def watch(self: subscriber.Subscriber, most: int, most_bytes: int) -> object:
        held.append(self._held_bytes - self._released_bytes)
        return take(self, most, most_bytes)

    monkeypatch.setattr(subscriber.Subscriber, "take", watch)
    async with serving(server.url, broker.url):
        with sender(broker.url) as one:
            await asyncio.to_thread(server.kill)
            one.send(6_000, wall_time() - timedelta(days=1))
            one.wait_published()
            await asyncio.to_thread(server.restart)
            await all_receipted(one, within=60)
            async with looking(server.url) as database:
                await assert_stored_once(database, one)
    assert max(held) < 20_000 + 256 * 1024  # and what one read brings


# What cannot work is said.


async def test_a_database_that_is_down_or_of_another_version_is_said_to_be(
    empty_database_url: str, unused_tcp_port: int
) -> None:
    for url, error in (
        (f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/saimi", DatabaseUnavailableError),
        (empty_database_url, SchemaError),
    ):
        with pytest.raises(error):
            async with asyncio.timeout(20):
                await run(
                    database_url=url,
                    mqtt_url="mqtt://127.0.0.1:1",
                    clock=REAL_CLOCK,
                    stop=asyncio.Event(),
                    patience=timedelta(0),
                )


async def test_a_broker_that_refuses_us_is_said_to(plain_database_url: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(bytes([0x20, 3, 0, 0x86, 0]))  # CONNACK, bad user name or password
        await writer.drain()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(BrokerError, match="correct the user"):
        async with serving(plain_database_url, f"mqtt://u:secret@127.0.0.1:{port}"):
            pass
    server.close()
