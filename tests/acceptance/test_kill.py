"""The fault run: every part is killed at random moments of a replay, and the senders' ledgers say
what came of it: nothing lost, nothing twice, and completeness as they counted it themselves.

SAIMI_TEST_KILLS says how often in all (here 6, `make soak` 100); the replay is as long as that
needs, some 2,000 messages for every kill. SAIMI_TEST_SEED repeats a run's moments.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from core.clock import REAL_CLOCK, wall_time
from core.database import Connection, connect, load_queries
from core.migrate import migrate
from core.registry import Area, Device, Document, Home
from core.registry_import import import_document
from core.wire import readings_topic
from gateway_sim.ledger import Ledger
from gateway_sim.replay import replay
from gateway_sim.tihm import LONDON, Recording, document, gateway_name
from saimi.embedded.broker import Broker
from saimi.embedded.postgres import PostgresServer
from saimi.reckoning import reckon
from saimi.supervisor import Service, saimi_command
from tests.support.recordings import tihm_folder
from tests.support.waiting import eventually

KILLS = int(os.environ.get("SAIMI_TEST_KILLS", "6"))
SEED = os.environ.get("SAIMI_TEST_SEED") or secrets.token_hex(4)
END = datetime(2019, 6, 15, tzinfo=LONDON)
SLICE = timedelta(days=0.5) * KILLS
"""Some 7,000 rows for every kill; the recordings begin with few homes, so the last days."""
MOST_ROWS = 3
"""In a message: as many messages as that makes."""
LASTS_S = 2.0 * KILLS
SPEED = SLICE.total_seconds() / LASTS_S
"""As fast as receipts allow, all would be over in a second."""
REPEAT_AFTER_S = 5.0
"""What a broker has taken and forgotten goes out again, not a minute later."""
PARTS = ("ingest", "database", "broker")

pytestmark = pytest.mark.timeout(120 + 20 * KILLS)


@dataclass
class Line:
    """A database, a broker and an ingest of the test's own, each of which can be killed."""

    postgres: PostgresServer
    broker: Broker
    ingest: Service

    async def kill_ingest(self) -> None:
        """It is started again by its supervisor; once it runs, it can be killed again."""

        async def runs() -> bool:
            return self.ingest.pid is not None

        await eventually(runs)
        self.ingest.kill()

    async def kill_database(self) -> None:
        await asyncio.to_thread(self.postgres.kill)
        await asyncio.to_thread(self.postgres.restart)

    async def kill_broker(self) -> None:
        await asyncio.to_thread(self.broker.kill)
        await asyncio.to_thread(self.broker.restart)


@asynccontextmanager
async def running_line(
    postgres: PostgresServer, broker: Broker, homes: Document, folder: Path
) -> AsyncIterator[Line]:
    await migrate(postgres.url)
    connection = await connect(postgres.url)
    await import_document(connection, homes, now=wall_time())
    await connection.close()
    ingest = Service(
        "ingest",
        saimi_command("ingest"),
        environment={"SAIMI_DATABASE_URL": postgres.url, "SAIMI_MQTT_URL": broker.url},
        logs=folder / "logs",
    )
    try:
        await ingest.start()
        yield Line(postgres, broker, ingest)
    finally:
        await ingest.stop()


async def test_kill_9_loses_nothing_and_stores_nothing_twice(
    postgres_factory: Callable[[str], PostgresServer],
    broker_factory: Callable[[str], Broker],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    folder = tihm_folder()
    homes = await asyncio.to_thread(document, folder)
    chance = random.Random(SEED)
    parts = [PARTS[number % len(PARTS)] for number in range(KILLS)]
    chance.shuffle(parts)
    moments = sorted(chance.uniform(0.5, 0.9 * LASTS_S) for _ in parts)
    began = wall_time()
    async with running_line(
        postgres_factory("plain"), broker_factory("mosquitto"), homes, tmp_path
    ) as line:
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            sending = asyncio.create_task(
                replay(
                    Recording(folder, END - SLICE, END),
                    mqtt_url=line.broker.url,
                    clock=REAL_CLOCK,
                    stop=asyncio.Event(),
                    speed=SPEED,
                    ledger=ledger,
                    most_rows=MOST_ROWS,
                    repeat_after=REPEAT_AFTER_S,
                )
            )
            started = time.monotonic()
            for moment, part in zip(moments, parts, strict=True):
                await asyncio.sleep(max(0.0, moment - (time.monotonic() - started)))
                assert not sending.done(), f"over too early: {sending} (seed {SEED})"
                await getattr(line, f"kill_{part}")()
            report = await sending
            assert report.unreceipted == 0

            connection = await connect(line.postgres.url)
            try:
                found = await reckon(connection, ledger.readings(), since=began)
                gateways = [gateway_name(home.name.removeprefix("tihm-")) for home in homes.homes]
                counted = await load_queries("saimi").counters_of(connection, gateways=gateways)
                disagreeing = await disagreements(connection, ledger)
            finally:
                await connection.close()
    rows = counted["committed"] + counted["duplicates"] + counted["rejected"]
    record_property(
        "fault run",
        f"{KILLS} kills ({', '.join(f'{parts.count(part)} {part}' for part in PARTS)}), "
        f"{report.messages:,} messages, {report.rows:,} readings, {report.repeated:,} messages "
        f"sent again, {time.monotonic() - started:.0f} s: {found.lost} lost, "
        f"{counted['stored'] - found.stored} stored twice, {rows - report.rows} counted wrongly, "
        f"{len(disagreeing)} ledgers that disagree (seed {SEED})",
    )
    assert report.messages >= 2_000 * KILLS
    assert found.published == report.rows
    assert found.lost == 0, f"seed {SEED}"
    # Each row was counted once, however often its message came.
    assert counted["committed"] == counted["stored"] == found.stored
    assert rows == report.rows, f"seed {SEED}"
    assert disagreeing == {}, f"seed {SEED}"


async def disagreements(connection: Connection, ledger: Ledger) -> dict[tuple[str, str], object]:
    """By gateway and boot: messages that sender and database do not both know."""
    sent: dict[tuple[str, str], set[int]] = defaultdict(set)
    for message in ledger.messages():
        sent[message.gateway, message.boot].add(message.seq)
    received: dict[tuple[str, str], set[int]] = defaultdict(set)
    rows = await connection.fetch(
        "SELECT g.name, r.boot, unnest(r.seqs) AS seqs"
        "  FROM telemetry.received r JOIN registry.gateway g ON g.id = r.gateway"
    )
    for row in rows:
        received[row["name"], row["boot"]].update(range(row["seqs"].lower, row["seqs"].upper))
    return {
        key: sorted(sent[key] ^ received[key])[:5]
        for key in sent.keys() | received.keys()
        if sent[key] != received[key]
    }


async def test_a_graceful_restart_of_the_broker_loses_nothing_of_a_plain_publisher(
    postgres_factory: Callable[[str], PostgresServer],
    broker_factory: Callable[[str], Broker],
    tmp_path: Path,
) -> None:
    """QoS 1 and nothing more: no receipts, no seq, no disk."""
    since = wall_time() - timedelta(days=30)
    home = Home(
        "K1", "imatra", "plain", devices=[Device("monitor", "wearable", assigned_from=since)]
    )
    homes = Document(areas=[Area("imatra", "Imatra")], homes=[home])
    moments = random.Random(f"{SEED} plain")
    async with running_line(
        postgres_factory("plain"), broker_factory("mosquitto"), homes, tmp_path
    ) as line:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, "plain", clean_session=False)
        acknowledgements: set[int] = set()
        client.on_publish = lambda _client, _data, mid, _code, _properties: acknowledgements.add(
            mid
        )
        client.connect("127.0.0.1", line.broker.port)
        client.loop_start()
        try:
            sent: set[int] = set()
            for _ in range(min(KILLS, 10)):
                for _ in range(moments.randrange(300, 1_500)):
                    at = since.timestamp() + 60 * len(sent) + 60
                    payload = f'[{{"n":"monitor/pulse","u":"/min","t":{at},"v":60}}]'
                    # not connected just now: paho keeps it, and sends it then
                    sent.add(client.publish(readings_topic("plain"), payload, qos=1).mid)
                await asyncio.sleep(moments.uniform(0, 0.2))
                await asyncio.to_thread(line.broker.restart)

            async def acknowledged() -> bool:
                return acknowledgements == sent

            await eventually(acknowledged, within=60)
        finally:
            client.disconnect()
            client.loop_stop()
        connection = await connect(line.postgres.url)
        try:

            async def stored() -> bool:
                count = await connection.fetchval("SELECT count(*) FROM telemetry.reading")
                return bool(count == len(sent))

            await eventually(stored, within=60, what=f"{len(sent)} readings (seed {SEED})")
            assert await connection.fetchval("SELECT count(*) FROM telemetry.rejected") == 0
        finally:
            await connection.close()
