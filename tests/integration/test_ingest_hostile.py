"""What lies, is too large or is not where it should be: refused or ignored with a reason, and what
comes next is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import asyncpg

from core.clock import wall_time
from saimi.embedded.broker import Broker
from tests.integration.ingest_homes import pack, register, spo2
from tests.integration.ingest_serving import (
    all_receipted,
    assert_stored_once,
    looking,
    sender,
    serving,
)
from tests.support.waiting import eventually

CONNACK = bytes([0x20, 3, 0, 0, 0])
OURS = b"saimi/v1/gw-north/senml"


def packet(kind: int, body: bytes) -> bytes:
    """An MQTT control packet with its true length."""
    length, left = b"", len(body)
    while True:
        left, low = left >> 7, left & 0x7F
        length += bytes([low | (0x80 if left else 0)])
        if not left:
            return bytes([kind]) + length + body


def publish(topic: bytes, payload: bytes, mid: int) -> bytes:
    """A sound PUBLISH of MQTT 5 at QoS 1, if `topic` is."""
    body = len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + b"\0" + payload
    return packet(0x32, body)


LIES = {
    "a topic longer than the packet": packet(0x32, b"\xff\xff" + OURS),
    "no topic's length": packet(0x30, b"\0"),
    "nothing at all": packet(0x32, b""),
    "no packet identifier": packet(0x32, len(OURS).to_bytes(2, "big") + OURS),
    "quality of service 3": packet(0x36, publish(OURS, b"x", 9)[2:]),
    "properties longer than the packet": packet(
        0x32, len(OURS).to_bytes(2, "big") + OURS + b"\0\x09\xff\xff\xff\x7f"
    ),
    "an unknown kind of packet": packet(0x00, b"xx"),
    "a length without end": b"\x32\xff\xff\xff\xff\xff",
    "a subscription from the broker": packet(0x82, b"\0\x07\0\0\x01#\0"),
}


class LyingBroker:
    """Takes every connection and sends it the next of `pieces`, once it has subscribed."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = list(pieces)
        self.connections = 0
        self.acknowledged: list[tuple[int, int]] = []
        """Number of the connection, from 1, and packet identifier."""
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        try:
            while True:
                kind, body = await _packet(reader)
                if kind >> 4 == 1:
                    writer.write(CONNACK)
                elif kind >> 4 == 8:  # SUBSCRIBE
                    writer.write(packet(0x90, body[:2] + b"\0\1"))
                    number = self.connections = self.connections + 1
                    writer.write(self._pieces.pop(0) if self._pieces else b"")
                elif kind >> 4 == 10:  # UNSUBSCRIBE
                    writer.write(packet(0xB0, body[:2] + b"\0\0"))
                elif kind >> 4 == 4:  # PUBACK
                    self.acknowledged.append((number, int.from_bytes(body[:2], "big")))
                    if self._pieces:
                        break  # on to the next one
                await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind, length, shift = (await reader.readexactly(1))[0], 0, 0
    while True:
        (byte,) = await reader.readexactly(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return kind, await reader.readexactly(length)


@asynccontextmanager
async def lying(*pieces: bytes) -> AsyncIterator[LyingBroker]:
    broker = LyingBroker(pieces)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield broker
    server.close()


async def test_a_packet_that_lies_ends_the_connection_and_nothing_else(
    plain_database_url: str,
) -> None:
    await register(plain_database_url)
    unread = publish(OURS, b"behind a lie", 1)
    good = publish(OURS, pack(spo2(97, wall_time())), 1)
    async with (
        lying(*(lie + unread for lie in LIES.values()), good) as broker,
        serving(plain_database_url, broker.url) as task,
        looking(plain_database_url) as database,
    ):
        await eventually(lambda: values(database, [97.0]), within=60, what="what came at last")
        assert not task.done()

        async def acknowledged() -> bool:
            return broker.acknowledged == [(len(LIES) + 1, 1)]

        await eventually(acknowledged)
        assert broker.connections == len(LIES) + 1


async def values(database: asyncpg.Connection, wanted: list[float]) -> bool:
    rows = await database.fetch("SELECT value FROM telemetry.reading ORDER BY value")
    return [row["value"] for row in rows] == wanted


async def test_a_topic_that_is_no_text_is_kept_with_a_reason(plain_database_url: str) -> None:
    await register(plain_database_url)
    told = [
        publish(b"saimi/v1/gw-north/\xff\xfe", b"x", 1),
        publish(b"saimi/v1/gw-\xc3north/senml", b"x", 2),
        publish(b"saimi/v1/gw-\0north/senml", pack(spo2(96, wall_time())), 3),
        publish(b"saimi/v1//senml", b"x", 4),
        publish(b"", b"x", 5),
        publish(OURS, pack(spo2(97, wall_time())), 6),
    ]
    async with (
        lying(b"".join(told)) as broker,
        serving(plain_database_url, broker.url),
        looking(plain_database_url) as database,
    ):

        async def all_dealt_with() -> bool:
            return broker.acknowledged == [(1, mid) for mid in range(1, 7)]

        await eventually(all_dealt_with, what="acknowledgements")
        assert await values(database, [97.0])
        rows = await database.fetch("SELECT reason, count(*) FROM telemetry.rejected GROUP BY 1")
        assert {row["reason"]: row["count"] for row in rows} == {
            "bad_topic": 4,
            "unknown_gateway": 1,
        }
        assert broker.connections == 1


async def test_ten_megabytes_are_kept_as_a_sentence_and_what_comes_behind_is_stored(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory("mosquitto")
    kinds = ("senml", "zigbee2mqtt/motion", "homeassistant/n/sensor/o/state", "fhir", "nonsense")
    huge = b"[" + b" " * 10_000_000 + b"]"
    async with serving(plain_database_url, broker.url), looking(plain_database_url) as database:
        with sender(broker.url) as one:
            for kind in kinds:
                one.publish(kind, huge)
            one.publish("status", huge)
            one.send(50, wall_time())
            await all_receipted(one)
            await assert_stored_once(database, one)
        rows = await database.fetch("SELECT reason, bytes FROM telemetry.rejected")
        reasons = sorted(row["reason"] for row in rows)
        assert reasons == ["bad_status", *["too_large"] * 4, "unknown_source"]
        kept = await database.fetchval("SELECT pg_total_relation_size('telemetry.rejected')")
        assert kept < 1024 * 1024


async def test_what_is_retained_is_no_news_however_often_ingest_comes_back(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    await register(plain_database_url)
    broker = broker_factory("mosquitto")
    with sender(broker.url) as one:
        one.publish("senml/dated", pack(spo2(61, wall_time())), retain=True)
        one.publish("senml/undated", b'[{"n":"oximeter/spo2","u":"%","v":62}]', retain=True)
        one.publish("senml/call", b'[{"n":"button/help","v":1}]', retain=True)
        one.publish("senml/numbered", pack(spo2(63, wall_time()), boot="r", seq=1), retain=True)
        async with looking(plain_database_url) as database:
            for time in range(3):
                async with serving(plain_database_url, broker.url):
                    one.send(5, wall_time())  # behind whatever is retained
                    await all_receipted(one)
                if time == 0:  # a new session, to which everything retained is sent again
                    await asyncio.to_thread(broker.kill)
                    await asyncio.to_thread(broker.restart)
            stored = await database.fetch("SELECT value FROM telemetry.reading WHERE value < 80")
            assert sorted(row["value"] for row in stored) == [61, 63]
            reasons = await database.fetch("SELECT DISTINCT reason FROM telemetry.rejected")
            assert [row["reason"] for row in reasons] == ["retained"]
            await assert_stored_once(database, one)
