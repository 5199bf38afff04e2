"""Two homes with devices for the tests of ingest, and a short way from messages to the database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

from core.clock import ManualClock
from core.database import connect
from core.registry import Area, Client, Device, Document, Home
from core.registry_import import import_document
from ingest.admission import admit, gateway_names
from ingest.batch import Batch
from ingest.definitions import Definitions
from ingest.directory import Directory
from ingest.instants import micros, moment
from ingest.message import Message, learners, understand
from ingest.writer import Writer, Written

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
IN_USE = datetime(2025, 1, 1, tzinfo=UTC)
OLDEST = datetime(2016, 5, 1, tzinfo=UTC)


def document() -> Document:
    """Homes `north` and `south`, each with a client, gateway `gw-…` and three devices."""
    return Document(
        areas=[Area("a", "A")],
        homes=[
            Home(
                name=name,
                area="a",
                gateway=f"gw-{name}",
                clients=[Client(f"client-{name}", "Given", "Family", date(1940, 1, 1))],
                devices=[
                    Device("oximeter", "oximeter", subject=f"client-{name}", assigned_from=IN_USE),
                    Device("button", "button", subject=f"client-{name}", assigned_from=IN_USE),
                    Device("motion", "motion", assigned_from=IN_USE),
                ],
            )
            for name in ("north", "south")
        ],
    )


async def register(url: str) -> None:
    connection = await connect(url)
    try:
        await import_document(connection, document(), now=NOW)
    finally:
        await connection.close()


def pack(*records: dict[str, Any], boot: str | None = None, seq: int | None = None) -> bytes:
    """A SenML pack; `boot` and `seq` go on its first record."""
    first, *others = records
    if boot is not None:
        first = {"boot": boot, "seq": seq, **first}
    return json.dumps([first, *others]).encode()


def spo2(value: float, at: datetime = NOW, device: str = "oximeter") -> dict[str, Any]:
    return {"n": f"{device}/spo2", "u": "%", "v": value, "t": at.timestamp()}


class Line:
    """From messages straight into a database, without a broker."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.clock = ManualClock(NOW)
        self.writer = Writer(connection)
        self.directory = Directory()
        self.definitions = Definitions()
        self._arrival = micros(NOW)

    def message(self, payload: bytes, topic: str = "gw-north/senml", **more: Any) -> Message:
        self._arrival = max(self._arrival + 1, micros(self.clock.now()))
        return Message(f"saimi/v1/{topic}", payload, self._arrival, **more)

    async def batch(self, messages: Iterable[Message]) -> Batch:
        messages, now = list(messages), self.clock.now()
        names = learners(messages)
        await self.directory.load(self.connection, names, now)
        registered = [name for name in names if self.directory.find(name) is not None]
        await self.definitions.load(self.connection, registered)
        understood = [understand(message, self.definitions) for message in messages]
        await self.directory.load(self.connection, gateway_names(understood), now)
        return admit(understood, self.directory, micros(OLDEST))

    async def write(self, *messages: Message) -> Written:
        batch = await self.batch(messages)
        written = await self.writer.write(batch, self.clock.now())
        self.definitions.settle(one.learned for one in batch.told)
        return written

    async def send(self, *payloads: bytes, topic: str = "gw-north/senml") -> Written:
        return await self.write(*(self.message(payload, topic) for payload in payloads))

    async def readings(self) -> list[asyncpg.Record]:
        """With the names of device, metric and subject's home."""
        return await self.connection.fetch(
            """
            SELECT r.*, d.name AS device_name, m.name AS metric_name, s.kind, h.name AS home
              FROM telemetry.reading r
              JOIN registry.device d ON d.id = r.device
              JOIN telemetry.metric m ON m.id = r.metric
              JOIN registry.subject s ON s.id = r.subject
              LEFT JOIN registry.home h ON h.id = s.home
             ORDER BY r.time, r.device, r.metric
            """
        )

    async def rejected(self) -> list[asyncpg.Record]:
        return await self.connection.fetch("SELECT * FROM telemetry.rejected ORDER BY id")

    async def received(self) -> dict[str, asyncpg.Record]:
        """Ledgers by boot."""
        rows = await self.connection.fetch("SELECT * FROM telemetry.received")
        return {row["boot"]: row for row in rows}

    async def notes(self) -> list[asyncpg.Record]:
        return await self.connection.fetch("SELECT * FROM telemetry.note ORDER BY id")

    @staticmethod
    def at(row: asyncpg.Record, name: str = "time") -> int:
        return micros(row[name])


@asynccontextmanager
async def line(url: str) -> AsyncIterator[Line]:
    """A line into a database with the two homes."""
    await register(url)
    connection = await connect(url)
    try:
        made = Line(connection)
        await made.writer.prepare()
        yield made
    finally:
        await connection.close()


__all__ = ["IN_USE", "NOW", "Line", "document", "line", "moment", "pack", "register", "spo2"]
