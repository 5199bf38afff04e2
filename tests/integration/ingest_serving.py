"""The ingest service as a task or as a process of its own, and a plain sender with a ledger."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from core.broker import BrokerAddress
from core.clock import REAL_CLOCK, Clock
from core.database import connect
from core.wire import decode_receipt, merge_ranges, readings_topic
from ingest.intake import LEASE_S
from ingest.quota import Quota
from ingest.service import run
from tests.integration.ingest_homes import pack, spo2
from tests.support.waiting import DEADLINE_S, eventually, wait_for

_CHILD = """
import asyncio, signal, sys
from core.clock import REAL_CLOCK
from core.log import configure_logging
from ingest.service import run
configure_logging("ERROR")
async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run(database_url=sys.argv[1], mqtt_url=sys.argv[2], clock=REAL_CLOCK,
              stop=stop, client_id=sys.argv[3], shared=sys.argv[4] == "shared",
              lease_s=float(sys.argv[5]), on_ready=lambda: print("ready", flush=True))
asyncio.run(main())
"""


@asynccontextmanager
async def serving(
    database_url: str,
    mqtt_url: str,
    *,
    clock: Clock = REAL_CLOCK,
    client_id: str = "saimi-ingest",
    shared: bool = False,
    lease_s: float = LEASE_S,
    quota: Quota | None = None,
    wait: bool = True,
) -> AsyncIterator[asyncio.Task[None]]:
    """The service as a task, subscribed when `wait`; stopped in order at the end."""
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(
        run(
            database_url=database_url,
            mqtt_url=mqtt_url,
            clock=clock,
            stop=stop,
            client_id=client_id,
            shared=shared,
            lease_s=lease_s,
            on_ready=ready.set,
            quota=quota,
        )
    )
    try:
        if wait:
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait({task, waiting}, timeout=DEADLINE_S, return_when="FIRST_COMPLETED")
            waiting.cancel()
            if task.done():
                task.result()
            assert ready.is_set()
        yield task
    finally:
        stop.set()
        await asyncio.wait_for(task, DEADLINE_S)


class Child:
    """The service as a process that can be killed; `shared`: one of several workers.

    `beforehand`: Python that it runs first.
    """

    def __init__(
        self,
        database_url: str,
        mqtt_url: str,
        client_id: str,
        *,
        shared: bool = False,
        lease_s: float = LEASE_S,
        beforehand: str = "",
    ) -> None:
        mode = "shared" if shared else "alone"
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                beforehand + _CHILD,
                database_url,
                mqtt_url,
                client_id,
                mode,
                str(lease_s),
            ],
            stdout=subprocess.PIPE,
        )

    def wait_ready(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """In order."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Sender:
    """A gateway that numbers its messages, keeps what has no receipt, and knows what it sent."""

    def __init__(self, url: str, gateway: str, boot: str) -> None:
        self.gateway, self.boot = gateway, boot
        self.sent: dict[int, tuple[datetime, float]] = {}
        """By seq: time and value of the one reading in each message."""
        self.receipted: list[tuple[int, int]] = []
        self._lock = threading.Lock()
        address = BrokerAddress.parse(url)
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"sender-{gateway}-{boot}"
        )
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(200)
        self._client.reconnect_delay_set(1, 1)
        self._connected = threading.Event()
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect(address.host, address.port)
        self._client.loop_start()
        assert self._connected.wait(DEADLINE_S)

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe(f"saimi/v1/{self.gateway}/down/receipt", qos=1)
        self._connected.set()

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        with contextlib.suppress(msgspec.MsgspecError):  # anybody may write there in a test
            receipt = decode_receipt(message.payload)
            if receipt.boot == self.boot:
                with self._lock:
                    self.receipted = merge_ranges([*self.receipted, *receipt.ranges])

    def send(self, count: int, start: datetime) -> None:
        """Number and publish `count` more readings, a second apart, before `start`."""
        for _ in range(count):
            seq = len(self.sent) + 1
            self.sent[seq] = (start - timedelta(seconds=seq), 80.0 + seq % 20)
            self._publish(seq)

    def resend(self) -> int:
        """Publish what has no receipt once more; how many that were."""
        missing = [seq for seq in self.sent if not self.has_receipt(seq)]
        for seq in missing:
            self._publish(seq)
        return len(missing)

    def has_receipt(self, seq: int) -> bool:
        with self._lock:
            return any(first <= seq <= last for first, last in self.receipted)

    def _publish(self, seq: int) -> None:
        at, value = self.sent[seq]
        payload = pack(spo2(value, at), boot=self.boot, seq=seq)
        self._client.publish(readings_topic(self.gateway), payload, qos=1)

    def publish(self, rest: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Anything, below the gateway's own prefix; returns when the broker has it."""
        topic = f"saimi/v1/{self.gateway}/{rest}"
        self._client.publish(topic, payload, qos=qos, retain=retain).wait_for_publish(20)

    def publish_later(self, rest: str, payload: bytes) -> None:
        """As `publish`, but returns at once; see `wait_published`."""
        self._client.publish(f"saimi/v1/{self.gateway}/{rest}", payload, qos=1)

    def wait_published(self) -> None:
        """Until the broker has everything."""
        wait_for(lambda: not self._client._out_messages, within=60, what="everything published")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def sender(url: str, gateway: str = "gw-north", boot: str = "b") -> Iterator[Sender]:
    made = Sender(url, gateway, boot)
    try:
        yield made
    finally:
        made.close()


@asynccontextmanager
async def looking(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def all_receipted(
    one: Sender, within: float = 60.0, *, resend_after: float | None = None
) -> None:
    """Until there are receipts for all; what has none is sent again every `resend_after` seconds,
    if that is given."""
    asked = time.monotonic()

    async def done() -> bool:
        nonlocal asked
        if resend_after is not None and time.monotonic() > asked + resend_after:
            one.resend()
            asked = time.monotonic()
        return bool(one.sent) and one.receipted == [(1, len(one.sent))]

    await eventually(done, within=within, what=f"receipts for all of {one.gateway}")


async def assert_stored_once(connection: asyncpg.Connection, *senders: Sender) -> None:
    """Message by message what was numbered is in the database, once, and counted once.

    Numbered readings have values of 80 and more; a test may send others below.
    """
    for one in senders:
        rows = await connection.fetch(
            """
            SELECT r.time, r.value FROM telemetry.reading r
              JOIN registry.device d ON d.id = r.device
              JOIN registry.gateway g ON g.id = d.gateway
             WHERE g.name = $1 AND d.name = 'oximeter' AND r.value >= 80
            """,
            one.gateway,
        )
        assert sorted((row["time"], row["value"]) for row in rows) == sorted(one.sent.values())
        ledger = await connection.fetchrow(
            """
            SELECT seqs, committed, duplicates, rejected FROM telemetry.received
             WHERE boot = $1 AND gateway = (SELECT id FROM registry.gateway WHERE name = $2)
            """,
            one.boot,
            one.gateway,
        )
        assert ledger is not None
        assert [(part.lower, part.upper - 1) for part in ledger["seqs"]] == [(1, len(one.sent))]
        counts = (ledger["committed"], ledger["duplicates"], ledger["rejected"])
        assert counts == (len(one.sent), 0, 0)
